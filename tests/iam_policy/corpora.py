"""The published statements that lie beside the checkout, and the reviewed lists of where we part from them.

Reviewed rows are named by the start of their text's SHA-256, because the texts themselves are not ours to copy.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


def statements(name: str) -> list[str]:
    """The first column of a table of statements."""
    lines = _file(name).read_text(encoding="utf-8").split("\n")[1:]
    return [_unescape(line.split("\t")[0]) for line in lines if "\t" in line]


def fixtures() -> list[dict[str, Any]]:
    """The cases of another parser: id, text and the tree it made."""
    return [json.loads(line) for line in _file("policy_fixtures.jsonl").read_text(encoding="utf-8").splitlines()]


def templates() -> list[str]:
    """The published templates with every kind of placeholder written as ours, numbered."""
    return [_number_placeholders(text) for text in statements("policies_templated.tsv")]


def reviewed(name: str) -> dict[str, str]:
    """A reviewed list: what a row is called, and why we differ."""
    rows: dict[str, str] = json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text(encoding="utf-8"))
    return rows


def digest(text: str) -> str:
    """What a reviewed list calls a row."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _file(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"published statements are not beside this checkout: shared/data/{name}")
    return DATA / name


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t", "r": "\r"}.get(found[1], found[1]), text)


def _number_placeholders(text: str) -> str:
    """``${…}`` with whatever is in it, ``%s``, ``<…>`` and ``{x}`` become ``${h1}``, ``${h2}``, …"""
    marked, count = _mark_dollars(text)
    for pattern in (r"%%?[svd]", r"<[^<>]*>", r"\{[A-Za-z][\w.\[\]\"-]*\}(?!\s+in\b)"):
        while (found := re.search(pattern, marked)) is not None:
            count += 1
            marked = f"{marked[: found.start()]}\0{count}\0{marked[found.end() :]}"
    return re.sub("\0(\\d+)\0", r"${h\1}", marked)


def _mark_dollars(text: str) -> tuple[str, int]:
    pieces: list[str] = []
    count = at = 0
    while (start := text.find("${", at)) >= 0:
        depth = 0
        for end in range(start + 1, len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                break
        count += 1
        pieces += (text[at:start], f"\0{count}\0")
        at = end + 1
    return "".join((*pieces, text[at:])), count

"""Every byte of a saved plan and of an approval flipped, every leaf of their JSON rewritten with the hashes kept: none is taken.

The ordinary run does a slice; `-m matrix` does all and prints the counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rendered_plans import EVERYTHING

from genai_iac.cli.approval import Approved, read_approval
from genai_iac.core.errors import IacError
from genai_iac.render.common.json_text import write_json
from genai_iac.render.plan.json import _seal, document_digest, read_saved_plan, render_json, saved_plan

FILE = Path("plan.json")
INPUTS = {"files": {"stack.yaml": "sha256:00"}, "targets": [], "full_scan": False, "path": "."}
APPROVAL = render_json(EVERYTHING).encode()
SAVED = saved_plan(EVERYTHING, INPUTS)
APPROVED = read_approval(FILE, APPROVAL)

# told beside what is done: an edit of it shows (by the digest), but with the digest made anew it approves nothing more
BESIDE = {
    "format_version",
    "toolVersion",
    "unchanged",
    "owned",
    "notices",
    "after_unknown",
    "reason",
    "needs",
    "losses",
    "deliver",
    "sink_calls",
}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, (dict, list)) and value:
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def others(was: Any) -> list[Any]:
    """What a leaf may be rewritten to: another of its type, and of another type."""
    if isinstance(was, bool):
        return [not was, None]
    if isinstance(was, int):
        return [was + 1, -1, str(was), was + 0.5]
    if isinstance(was, str):
        return [f"{was}x", was[:-1] + ("0" if was[-1:] != "0" else "1"), "", None, [was]]
    return ["x", 0, {"x": "y"}, [None]]


def rewritten(data: bytes, path: tuple[Any, ...], other: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = other
    return document


def rewritings(
    data: bytes, keep: Callable[[tuple[Any, ...]], bool]
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Every leaf that is kept, rewritten in every way; and every key of an object taken out."""
    document = json.loads(data)
    for path in leaves(document):
        was = document
        for step in path:
            was = was[step]
        if keep(path):
            yield from ((path, rewritten(data, path, other)) for other in others(was) if other != was)


def approves(document: dict[str, Any] | bytes) -> Approved | None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        return read_approval(FILE, data)
    except IacError:
        return None


def is_read(data: bytes) -> bool:
    try:
        read_saved_plan(data)
    except IacError:
        return False
    return True


def sealed(document: dict[str, Any]) -> bytes:
    """A saved plan with a seal of its own."""
    document = {name: value for name, value in document.items() if name != "seal"}
    head = write_json(document, indent=2).removesuffix("\n}").encode() + b',\n  "seal": "sha256:'
    return head + _seal(head).encode() + b'"\n}\n'


def flip_approval(data: bytes, start: int, step: int) -> int:
    count = 0
    expected = json.loads(data)
    for position in range(start, len(data), step):
        changed = data[:position] + bytes((data[position] ^ 1 << position % 8,)) + data[position + 1 :]
        if approves(changed):  # \u00e9 and \u00E9 are one letter: nothing was rewritten
            assert json.loads(changed) == expected
        count += 1
    return count


def rewrite_all(keep: Callable[[tuple[Any, ...]], bool]) -> int:
    count = 0
    for path, document in rewritings(APPROVAL, keep):
        assert approves(document) is None, path
        count += 1
    for path, document in rewritings(SAVED, keep):
        # as it stands, and with the seal made anew: then what the plan says is still held to its own hashes
        assert not is_read(json.dumps(document, indent=2).encode() + b"\n"), path
        if path[0] not in ("inputs", "seal"):
            assert not is_read(sealed(document)), path
        count += 1
    return count


def remake_digests(keep: Callable[[tuple[Any, ...]], bool]) -> int:
    """The writer knows how the digest is made, and keeps the fingerprints: nothing but words beside them may differ."""
    count = 0
    for path, document in rewritings(APPROVAL, keep):
        approved = approves({**document, "digest": document_digest(document)}) if path[0] != "digest" else None
        if approved is not None:
            assert {str(step) for step in path} & BESIDE, path
            assert approved == APPROVED
        count += 1
    return count


def every(step: int) -> Callable[[tuple[Any, ...]], bool]:
    numbers = {path: number for data in (APPROVAL, SAVED) for number, path in enumerate(leaves(json.loads(data)))}
    return lambda path: numbers[path] % step == 0


@pytest.mark.parametrize("start", range(0, 600, 100))
def test_a_flipped_byte_of_an_approval_is_refused(start: int) -> None:
    assert flip_approval(APPROVAL, start, 599) > 20


def test_a_rewritten_leaf_is_refused() -> None:
    assert rewrite_all(every(11)) > 100


def test_a_rewritten_leaf_is_refused_although_the_digest_was_made_anew() -> None:
    assert remake_digests(every(7)) > 100


@pytest.mark.parametrize("name", sorted(json.loads(APPROVAL)))
def test_a_field_that_is_missing_is_refused(name: str) -> None:
    document = json.loads(APPROVAL)
    del document[name]
    assert approves(document) is None


@pytest.mark.parametrize("name", sorted(json.loads(APPROVAL)["changes"][0]))
def test_a_field_of_a_change_that_is_missing_is_refused(name: str) -> None:
    document = json.loads(APPROVAL)
    del document["changes"][0][name]
    assert approves(document) is None


@pytest.mark.parametrize("edit", ["one less", "one twice", "one more", "none"])
def test_changes_taken_out_or_put_in_are_refused(edit: str) -> None:
    document = json.loads(APPROVAL)
    rows = document["changes"]
    document["changes"] = {"one less": rows[1:], "one twice": [*rows, rows[0]], "one more": [*rows, {}], "none": []}[
        edit
    ]
    assert approves(document) is None
    assert approves({**document, "digest": document_digest(document)}) is None


@pytest.mark.matrix
def test_every_byte_and_every_leaf() -> None:
    flips = flip_approval(APPROVAL, 0, 1)
    leaf = rewrite_all(lambda path: True)
    remade = remake_digests(lambda path: True)
    print(f"approvals: {flips} bytes flipped; leaves rewritten: {leaf}; with the digest made anew: {remade}; taken: 0")

"""Whatever is done to a manifest, loading it gives resources or problems, never another exception."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load
from genai_iac.manifest.yaml_nodes import to_data
from genai_iac.manifest.yaml_reader import PythonParser, read_yaml

HERE = Path(__file__).parent
GOOD = (HERE / "good" / "chat.yaml").read_bytes()
BROKEN = [file.read_bytes() for file in sorted((HERE / "broken").glob("*.yaml")) if file.stat().st_size < 4000]
TEXTS = [
    *(
        "\n---\n",
        "\n  ",
        "- ",
        ": ",
        "? ",
        "#",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "!x ",
        "|\n",
        ">-\n",
        "%YAML 1.2\n",
        "...",
    ),
    *(
        "\t",
        "'",
        '"',
        "{",
        "}",
        "[",
        "]",
        ",",
        "${var.env}",
        "${",
        "$${",
        "${Compartment/chat.id}",
        "${ApiKey/chat-app.id}",
    ),
    *("${Stack.name}", "null", "true", "010", "1e999", ".nan", "2027-02-30", "\\x1b", "kind: Policy\n", "name: chat\n"),
    *("spec:\n", "\u202e", "\u2028", "\ufeff", "\r", "9" * 50, "[" * 40, "a" * 70_000),
]
PIECES = [*(text.encode() for text in TEXTS), b"\x00", b"\xff", b"\xc3", b"\x1b[2J"]


def mutate(seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(chance.choice([GOOD, GOOD, *BROKEN]))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randrange(1, 12)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                other = chance.randrange(len(data) + 1)
                data[at:at] = data[other : other + chance.randrange(1, 60)]
    return bytes(data)


def check(data: bytes) -> None:
    try:
        manifest = load("-", stdin=BytesIO(data))
    except ManifestError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.source.line >= 1
            assert problem.source.column >= 1
            assert str(problem).isprintable()
        return
    assert manifest.resources.keys() == manifest.documents.keys()


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**48))
def test_mutations(seed: int) -> None:
    check(mutate(seed))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_anything(data: bytes) -> None:
    check(data)


@pytest.mark.matrix
@pytest.mark.parametrize("start", range(0, 1_000_000, 20_000))
def test_a_million_mutations(start: int) -> None:
    for seed in range(start, start + 20_000):
        try:
            check(mutate(seed))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**48))
def test_the_python_parser_is_no_weaker(seed: int) -> None:
    text = mutate(seed).decode("utf-8", "replace").replace("\r", "").replace("\0", "")
    reading = read_yaml(text[:20_000], "a.yaml", PythonParser)
    assert reading.complete or reading.problems


def strings() -> list[tuple[int, int]]:
    """Where the strings of the good manifest's values stand, as spans of its text."""
    spans: list[tuple[int, int]] = []

    def visit(node: object) -> None:
        if hasattr(node, "entries"):
            for _, value in node.entries.values():
                visit(value)
        elif hasattr(node, "items"):
            for item in node.items:
                visit(item)
        elif isinstance(node.value, str):  # type: ignore[attr-defined]
            spans.append((node.start, node.end))  # type: ignore[attr-defined]

    for written in read_yaml(GOOD.decode(), "a.yaml").documents:
        visit(written.root)
        to_data(written.root)
    return spans


VALUES = [
    "${Compartment/chat.id}",
    "x ${ApiKey/chat-app.id}",
    "${var.life}",
    "${Policy/chat-access.id}",
    "",
    " ",
    "x\\ny",
    "é" * 50,
    "a/b",
    "tenancy",
    "-1",
    "@",
    "0",
]


@pytest.mark.parametrize("span", strings(), ids=lambda span: f"at{span[0]}")
def test_every_string_replaced(span: tuple[int, int]) -> None:
    """References in particular may stand in every string: kinds must cope, or say that they cannot."""
    text = GOOD.decode()
    for value in VALUES:
        check(f'{text[: span[0]]}"{value}"{text[span[1] :]}'.encode())

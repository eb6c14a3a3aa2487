"""The YAML reader: what plain scalars mean, what is refused, and that both parsers agree."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from genai_iac.manifest.yaml_nodes import ListNode, MapNode, Node, Written, to_data
from genai_iac.manifest.yaml_reader import PythonParser, Reading, read_yaml


def read_one(text: str) -> Any:
    reading = read_yaml(text, "a.yaml")
    assert not reading.problems
    (written,) = reading.documents
    return to_data(written.root)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("no", "yes", "on", "off", "y", "n", "No", "ON", "tRUE", "nil", "None")),
        *(
            (word, word)
            for word in (
                "010",
                "007",
                "1:30",
                "1_000",
                "0b11",
                "0o8",
                "0xg",
                "1.2.3",
                "1e",
                "e1",
                "-x",
                "+",
                ".",
                "-.",
                "1-2",
            )
        ),
        *(
            (word, word)
            for word in ("2026-01-01", "2026-13-45", "2027-06-30T00:00:00Z", "=", "<", "90d", "12h", "010.5")
        ),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".5", 0.5),
        ("1.", 1.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("'true'", "true"),
        ('"010"', "010"),
        ("!!str 10", "10"),
        ("!!int 10", 10),
        ("!!map {a: 1}", {"a": 1}),
        ("|\n true\n", "true\n"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    read = read_one(f"key: {text}\n")["key"]
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775808",
        "0x" + "f" * 17,
        "1" * 5000,
        "-" + "1" * 400,
        ".inf",
        "-.Inf",
        ".NaN",
        "1e400",
        "!!int x",
        "!!float 1",
    ],
)
def test_what_json_cannot_say_is_refused(text: str) -> None:
    assert [str(problem.source) for problem in read_yaml(f"key: {text}\n", "a.yaml").problems] == ["a.yaml:1:6"]


def test_documents_and_empty_ones() -> None:
    reading = read_yaml("---\n# nothing\n---\na: 1\n---\n---\n- b\n...\n", "a.yaml")
    assert [to_data(written.root) for written in reading.documents] == [{"a": 1}, ["b"]]
    assert not reading.problems


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "--- # nothing\n...\n"])
def test_empty_files(text: str) -> None:
    assert read_yaml(text, "a.yaml") == Reading((), (), True)


def test_places_after_a_mistake_are_those_of_the_file() -> None:
    reading = read_yaml("a: b: c\n---\n\nkey: [x]\nkey: y\n", "a.yaml")
    assert [str(problem.source) for problem in reading.problems] == ["a.yaml:1:5", "a.yaml:5:1"]
    assert not reading.complete


def test_line_ends_of_windows() -> None:
    assert read_one("a: |\r\n  x\r\n  y\r\nb: 'z'\r\n") == {"a": "x\ny\n", "b": "z"}


def test_tabs_in_text_and_comments_are_text() -> None:
    text = "a: \"x\ty\" #\tcomment\nb: |\n  x\ty\n#\t-\nc: '\t'\n"
    assert read_one(text) == {"a": "x\ty", "b": "x\ty\n", "c": "\t"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a:\tb\n", "1:3"),
        ("a: 'x' \t\n", "1:8"),
        ("a: [x,\ty]\n", "1:7"),
        ("a#\t: 1\n", "1:3"),
        ("b: 1\n\ta: 1\n", "2:1"),
    ],
)
def test_tabs_elsewhere_are_not(text: str, place: str) -> None:
    (problem,) = read_yaml(text, "a.yaml").problems
    assert str(problem) == f"a.yaml:{place}: a tab where YAML wants spaces; indent with spaces"


SEED_TEXT = """\
# comment
apiVersion: genai-iac/v1
metadata: {name: chat, empty: , "quoted": 'single'}
spec:
  list:
    - one
    - {two: [3, 4.5, null]}
  text: "a\\tb\\x41 \\
    folded"
  block: |-
    line one
      line two
  folded: >
    some
    text

  ? explicit
  : value
---
- second
"""


def view(reading: Reading) -> list[Any]:
    """Values and places; where a value ends in the file is not compared, and an empty entry of a list has no place worth comparing."""
    return [(flatten(written.root, ()), written.sound) for written in reading.documents]


def flatten(node: Node, path: tuple[Any, ...]) -> list[Any]:
    if isinstance(node, MapNode):
        inner = [
            part
            for name, (key, value) in node.entries.items()
            for part in (flatten(key, (*path, name, "~key")), flatten(value, (*path, name)))
        ]
        return [(path, "map", node.line, node.column), *inner]
    if isinstance(node, ListNode):
        return [
            (path, "list", node.line, node.column),
            *(flatten(item, (*path, index)) for index, item in enumerate(node.items)),
        ]
    return (
        [path, node.value]
        if node.start == node.end and path and isinstance(path[-1], int)
        else [path, node.value, node.line, node.column]
    )


def mutate(seed: int) -> str:
    chance = random.Random(seed)
    text = list(SEED_TEXT)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(text))
        match chance.randrange(3):
            case 0:
                text.insert(at, chance.choice(string.printable[:95] + "\n"))
            case 1:
                del text[at]
            case _:
                text[at] = chance.choice(string.printable[:95] + "\n")
    return "".join(text)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml, so there is one parser only")
@settings(max_examples=600, deadline=None)
@given(st.integers(0, 2**32))
def test_both_parsers_agree(seed: int) -> None:
    """Where both take a file they read the same from it; the Python parser may refuse more, and says so."""
    text = mutate(seed)
    fast, slow = read_yaml(text, "a.yaml"), read_yaml(text, "a.yaml", PythonParser)
    if fast.complete and slow.complete:
        assert fast.problems == slow.problems
        assert fast.problems or view(fast) == view(slow)
    for reading in (fast, slow):
        assert reading.complete or reading.problems


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml, so there is one parser only")
def test_parsers_agree_on_most_mutations() -> None:
    both = [(read_yaml(text, "a"), read_yaml(text, "a", PythonParser)) for text in map(mutate, range(2000))]
    assert sum(fast.complete == slow.complete for fast, slow in both) >= 1960


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for part in data:
            yield from _strings(part)
    elif isinstance(data, dict):
        for key, part in data.items():
            yield from (key, *_strings(part))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
        max_leaves=12,
    )
)
def test_what_is_dumped_is_read(data: Any) -> None:
    text = yaml.safe_dump({"key": data}, allow_unicode=True)
    # PyYAML writes YAML 1.1, in which 0E0 and 0o7 are plain strings; in 1.2 they are numbers
    assume(
        not re.search(
            r"(?:^|[\s\[{,:-])[-+]?\.?[0-9][0-9a-fA-Fox.+-]*(?:$|[\s\]},:])", " ".join(_strings(data)), re.MULTILINE
        )
    )
    reading = read_yaml(text, "a.yaml")
    if any(
        sign in text for sign in ("&", "*", "!!", "<<")
    ):  # PyYAML dumps equal lists as aliases, and tags what it finds odd
        return
    assert not reading.problems
    assert to_data(reading.documents[0].root)["key"] == data


def test_a_document_knows_its_text() -> None:
    (written,) = read_yaml("a: b\n", "a.yaml").documents
    assert isinstance(written, Written)
    assert written.text == "a: b\n"


class LimitedParser:
    """A parser that refuses deep nesting before it hands out any event of the document, as a library may that reads ahead."""

    LIMIT = 100

    def __init__(self, text: str) -> None:
        self._inner = PythonParser(text)
        self._depth = 0
        self._ready: list[Any] = []

    def get_event(self) -> Any:
        while not self._ready or not isinstance(self._ready[-1], yaml.DocumentEndEvent | yaml.YAMLError | None):
            self._ready.append(self._take())
        if isinstance(self._ready[0], yaml.YAMLError):
            raise self._ready[0]
        return self._ready.pop(0)

    def _take(self) -> Any:
        try:
            event = self._inner.get_event()
        except yaml.YAMLError as error:
            return error
        self._depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if self._depth <= self.LIMIT:
            return event
        mark = event.start_mark
        raise yaml.scanner.ScannerError("while reading", mark, "exceeded maximum nesting depth", mark)


class VeryLimitedParser(LimitedParser):
    LIMIT = 20


BEFORE = ["", "a: &x [1]\n---\nb: [2]\n---\n", "a: 1\n...\n---\n", "a: b: c\n---\nb: 1\n---\n# c\n"]
BEFORE_FLOW = ["k: [&a x]\nz: ", "- &x y\n--- "]
FLOW: list[tuple[str, str]] = [
    ("[", ""),
    ("[", "]" * 2000),
    ("{a: [", "1"),
    ("{? ", ""),
    ("[\n", ""),
    ("[x, {y: ", "z"),
]
BLOCK: list[tuple[str, str]] = [("- ", "x"), ("? ", "x"), ("- ? ", "x")]
DEEP = [*product(BEFORE, FLOW + BLOCK), *product(BEFORE_FLOW, FLOW)]


def nest(one: str, end: str, times: int) -> str:
    return one * times + end


@pytest.mark.parametrize("parser", [None, PythonParser, LimitedParser, VeryLimitedParser])
@pytest.mark.parametrize(("before", "level"), DEEP, ids=[f"{number}" for number in range(len(DEEP))])
def test_nesting_has_one_limit_and_one_message_whatever_the_parser_refuses_first(
    parser: Any, before: str, level: tuple[str, str]
) -> None:
    deep = nest(*level, 120 if parser else 1500)
    reading = read_yaml(before + deep + "\n---\nnever: read\n", "a.yaml", parser)
    expected = read_yaml(before + nest(*level, 120), "a.yaml", PythonParser)
    assert reading.problems[-1].message == "lists and mappings are nested more than 32 deep"
    assert [to_data(written.root) for written in reading.documents] == [
        to_data(written.root) for written in expected.documents
    ]
    assert not reading.complete
    if parser is VeryLimitedParser:  # it stops before the place is known
        assert set(expected.problems[:-1]) <= set(reading.problems)
    else:
        assert reading.problems == expected.problems

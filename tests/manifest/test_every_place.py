"""One mistake at every place of good manifests: an unknown key, a key twice, a wrong type. Each is found where it is (promise P20)."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genai_iac.core.errors import ManifestError, Problem
from genai_iac.manifest import load
from genai_iac.manifest.yaml_nodes import ListNode, MapNode, Node, Scalar, to_data
from genai_iac.manifest.yaml_reader import read_yaml

GOOD = (Path(__file__).parent / "good" / "chat.yaml").read_text()


class Mistake(NamedTuple):
    """What was done to the documents, and where a problem must point: a line and column of the text with the mistake."""

    name: str
    text: str
    line: int
    column: int


def emit(value: Any, path: tuple[Any, ...], mistakes: dict[tuple[Any, ...], str]) -> str:
    """The value in YAML's flow form, one key or entry a line, with the mistakes written in."""
    if path in mistakes and mistakes[path] not in ("twice", "unknown"):
        return mistakes[path]
    if isinstance(value, dict):
        lines = [f'"{key}": {emit(inner, (*path, key), mistakes)}' for key, inner in value.items()]
        for key in value:
            if mistakes.get((*path, key)) == "twice":
                lines.append(f'"{key}": MARK')
        if mistakes.get(path) == "unknown":
            lines.append('"unknwon": MARK')
        return "{\n" + ",\n".join(lines) + "\n}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(emit(inner, (*path, index), mistakes) for index, inner in enumerate(value)) + "\n]"
    if isinstance(value, str):
        return "'" + value.replace("'", "''").replace("\n", " ") + "'"
    return (
        {True: "true", False: "false", None: "null"}.get(value, str(value))
        if not isinstance(value, float)
        else str(value)
    )


def walk(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from walk(inner, (*path, key))


DOCUMENTS = [to_data(written.root) for written in read_yaml(GOOD, "chat.yaml").documents]


def write(number: int, mistakes: dict[tuple[Any, ...], str]) -> str:
    return (
        "\n---\n".join(
            emit(document, (), mistakes if index == number else {}) for index, document in enumerate(DOCUMENTS)
        )
        + "\n"
    )


def mistakes() -> Iterator[tuple[str, int, tuple[Any, ...], str]]:
    for number, document in enumerate(DOCUMENTS):
        for path, value in walk(document):
            name = f"{document['kind']}{number}.{'.'.join(map(str, path))}"
            free = path[1:2] == ("variables",) and len(path) == 2
            if isinstance(value, dict):
                if path[-1:] not in (("tags",), ("variables",)) and not free:
                    yield f"unknown-{name}", number, path, "unknown"
                yield f"list-{name}", number, path, "[]"
            if path and isinstance(path[-1], str):
                yield f"twice-{name}", number, path, "twice"
            if isinstance(value, str | list) and path:
                yield f"mapping-{name}", number, path, "{}"
            if isinstance(value, str) and path[-1] not in ("default", "enum"):
                yield f"boolean-{name}", number, path, "true"
            if value is not None and path:
                yield f"empty-{name}", number, path, "null"


CASES = list(mistakes())


def test_there_are_two_hundred() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize(("number", "path", "mistake"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_mistake_is_found_at_its_place(number: int, path: tuple[Any, ...], mistake: str) -> None:
    text = write(number, {path: mistake})
    with pytest.raises(ManifestError) as caught:
        load("-", stdin=BytesIO(text.encode()))
    found = [(problem.source.line, problem.source.column) for problem in caught.value.problems]
    assert _expected_place(text, number, path, mistake) in found, (text, caught.value)
    for problem in caught.value.problems:
        _check_words(problem)


def _expected_place(text: str, number: int, path: tuple[Any, ...], mistake: str) -> tuple[int, int]:
    if mistake in ("twice", "unknown"):
        lines = text.splitlines()
        line = next(index for index, content in enumerate(lines) if content.rstrip(",").endswith(": MARK"))
        return line + 1, 1
    root = read_yaml(text, "-").documents[number].root if path or mistake == "[]" else None
    assert root is not None
    node: Node = root
    for step in path:
        if isinstance(node, MapNode):
            node = node.entries[step][1]
        elif isinstance(node, ListNode):
            node = node.items[step]
    return node.line, node.column


def _check_words(problem: Problem) -> None:
    assert problem.message
    assert "Unset" not in problem.message
    assert not problem.message.startswith(("'", '"'))


def test_what_is_not_changed_is_still_good() -> None:
    assert len(load("-", stdin=BytesIO(write(0, {}).encode())).resources) == len(DOCUMENTS) - 1
    assert isinstance(read_yaml(write(0, {}), "-").documents[0].root, MapNode | Scalar)

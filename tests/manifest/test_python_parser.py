"""The parser in Python says where things are as PyYAML's own does, although it counts and keeps positions in ways of its own."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from genai_iac.manifest.yaml_reader import PythonParser

_SIGNS = [
    "\n",
    "\r\n",
    "\r",
    "\x85",
    "\u2028",
    "\ufeff",
    "\t",
    "- ",
    "? ",
    ": ",
    "#",
    " # x",
    "'",
    '"',
    "|\n",
    ">-\n ",
    "{",
    "}",
    "[",
    "]",
    ",",
]
_TEXTS = st.lists(
    st.sampled_from([*_SIGNS, "---\n", "a", "key: value\n", "  ", "é", "\u3000", "\N{GRINNING FACE}", "!!str "]),
    max_size=30,
)


class _Original(Reader, Scanner, Parser):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


def _read(parser: Any, text: str) -> list[Any]:
    """Every token with both of its positions, and the complaint at the end."""
    found: list[Any] = []
    try:
        reading = parser(text)
        while (token := reading.get_token()) is not None:
            marks = [(mark.index, mark.line, mark.column) for mark in (token.start_mark, token.end_mark)]
            found.append((type(token), getattr(token, "value", None), *marks))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        found.append((type(error), getattr(error, "problem", None), mark and (mark.index, mark.line, mark.column)))
    return found


@given(_TEXTS.map("".join))
def test_positions_are_those_of_the_library(text: str) -> None:
    assert _read(PythonParser, text) == _read(_Original, text)


@pytest.mark.parametrize("file", sorted(ROOT.glob("examples/**/*.yaml")), ids=lambda file: str(file.relative_to(ROOT)))
def test_positions_in_the_examples_are_those_of_the_library(file: Any) -> None:
    text = file.read_text(encoding="utf-8")
    assert _read(PythonParser, text) == _read(_Original, text) != []

"""Classes of values: every value falls into one that is decided as it is, and no class is without a value."""

from __future__ import annotations

from itertools import product

import pytest

from genai_iac.analysis.model_sets import describe_models
from genai_iac.iam_policy.condition_eval import match_pattern
from genai_iac.iam_policy.conditions import ValueClass, find_classes

SMALL = [("",), ("a*",), ("*b",), ("a*", "*b"), ("a*", "ab*"), ("*a*", "*b*"), ("*",), ("a*b", "*ab", "ba*"), ("ab",)]
EXACT = [(), ("a",), ("ab", "ba"), ("a*",)]


def of(value: str, exact: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str | None, frozenset[str]]:
    matched = frozenset(text for text in patterns if text.strip("*") and match_pattern(text, value))
    return (value if value in exact else None), matched


@pytest.mark.parametrize("patterns", SMALL, ids=" ".join)
@pytest.mark.parametrize("exact", EXACT, ids=" ".join)
def test_all_short_values_are_in_a_class(exact: tuple[str, ...], patterns: tuple[str, ...]) -> None:
    classes = find_classes(exact, patterns)
    known = {(one.exact, one.patterns) for one in classes}
    assert len(known) == len(classes)
    for one in classes:
        assert of(one.example, exact, patterns) == (one.exact, one.patterns)
    for size in range(1, 5):
        for letters in product("abc", repeat=size):
            assert of("".join(letters), exact, patterns) in known


@pytest.mark.parametrize("patterns", SMALL, ids=" ".join)
@pytest.mark.parametrize("exact", EXACT, ids=" ".join)
def test_every_union_of_classes_is_described_exactly(exact: tuple[str, ...], patterns: tuple[str, ...]) -> None:
    classes = find_classes(exact, patterns)
    written = {text: text for text in (*exact, *patterns)}
    for chosen in product((False, True), repeat=min(len(classes), 8)):
        wanted = [one for one, is_in in zip(classes, chosen, strict=False) if is_in]
        held: set[ValueClass] = set()
        for said, classes_held, _ in describe_models(wanted, classes, written):
            held.update(classes_held)
            if not any("*" in text for text in exact):
                assert {one for one in classes if said.holds(one.example)} == set(classes_held)
        assert held == set(wanted)


def test_a_hostile_number_of_patterns_ends() -> None:
    patterns = [f"*{letter}*{other}*" for letter in "abcdef" for other in "ghij"]
    assert find_classes((), patterns)

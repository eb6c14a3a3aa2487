"""Published statements: the good ones round-trip, the bad ones are refused where they go wrong, others' trees are ours."""

from __future__ import annotations

from typing import Any

import pytest

from genai_iac.iam_policy import (
    PolicySyntaxError,
    parse,
    parse_matching_rules,
    parse_statements,
    unparse,
    unparse_condition,
)

from .corpora import digest, fixtures, reviewed, statements
from .other_parser import as_json, rule_as_json


@pytest.mark.parametrize("name", ["policies.tsv", "policies_accept.tsv"])
def test_published_statements_round_trip(name: str) -> None:
    texts = statements(name)
    assert len(texts) >= 18
    for text in texts:
        tree = parse(text)
        assert parse(unparse(tree)) == tree, text


@pytest.mark.parametrize(("name", "share"), [("policies_reject.tsv", 0.95), ("policies_malformed.tsv", 0.95)])
def test_broken_statements_are_refused_with_a_column(name: str, share: float) -> None:
    explained = reviewed("accepted")
    texts = statements(name)
    accepted = [text for text in texts if not _is_refused(text)]
    assert {digest(text) for text in accepted} <= set(explained), accepted
    assert len(accepted) <= (1 - share) * len(texts)


def _is_refused(text: str) -> bool:
    try:
        parse(text)
    except PolicySyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.expected or error.hint
        return True
    return False


def test_trees_agree_with_the_other_parser() -> None:
    explained = reviewed("disagreements")
    for case in fixtures():
        if "diagnostics" in case["expected"]:
            with pytest.raises(PolicySyntaxError):
                _our_tree(case)
        elif case["id"] in explained:
            assert _our_tree_or_error(case) != case["expected"], f"{case['id']} agrees now: strike it off the list"
        else:
            assert _our_tree(case) == case["expected"], case["id"]


def _our_tree_or_error(case: dict[str, Any]) -> Any:
    try:
        return _our_tree(case)
    except PolicySyntaxError as error:
        return error


def _our_tree(case: dict[str, Any]) -> dict[str, Any]:
    if "rules" in case["expected"]:
        rules = parse_matching_rules(case["text"])
        for rule in rules:
            assert parse_matching_rules(unparse_condition(rule)) == (rule,)
        return {"schema_version": "1.0", "rules": [rule_as_json(rule) for rule in rules]}
    trees = parse_statements(case["text"])
    for tree in trees:
        assert parse(unparse(tree)) == tree
    return {"schema_version": "1.0", "statements": [as_json(tree) for tree in trees]}

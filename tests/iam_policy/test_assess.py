"""What a decision depends on: a yes or no is given only where the unknown parts of conditions cannot change it, and they are named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, combinations, product

import pytest

from genai_iac.iam_policy import (
    AccessRequest,
    Condition,
    Principal,
    StatementInForce,
    compile_rules,
    evaluate,
    parse,
    unparse_condition,
)
from genai_iac.iam_policy.evaluator import assess, assess_models
from genai_iac.iam_policy.residual import Assessment

from .directory import HERE

ANN = Principal("user", "ocid1.user.oc1..ann", tenancy=HERE)
NOW = datetime(2027, 3, 3, 12, 0, tzinfo=UTC)
KNOWN = {"target.size.is": "small"}
# by name: a statement; `unknown.NAME.is` is what nobody can tell beforehand
STATEMENTS = {
    "create": "allow any-user to {OBJECT_CREATE} in tenancy",
    "write": "allow any-user to {OBJECT_OVERWRITE} in tenancy where all {unknown.write.is = '1', target.size.is = 'small'}",
    "both": "allow any-user to {OBJECT_CREATE, OBJECT_OVERWRITE} in tenancy where any {unknown.both.is = '1', target.size.is = 'big'}",
    "never": "allow any-user to {OBJECT_CREATE} in tenancy where all {unknown.never.is = '1', target.size.is = 'big'}",
    "stop": "deny any-user to {OBJECT_CREATE} in tenancy where unknown.stop.is = '1'",
    "halt": "deny any-user to {OBJECT_CREATE} in tenancy where not unknown.halt.is",
    "end": "deny any-user to {OBJECT_OVERWRITE} in tenancy",
}
RULES = {name: StatementInForce(name, HERE, parse(text), text) for name, text in STATEMENTS.items()}


def is_unknown(part: Condition) -> bool:
    return "unknown." in unparse_condition(part)


def request(permissions: tuple[str, ...], **unknown: str) -> AccessRequest:
    variables = {f"unknown.{name}.is": value for name, value in unknown.items() if value}
    return AccessRequest(ANN, permissions, (HERE,), {**KNOWN, **variables}, NOW)


def ask(permissions: tuple[str, ...], names: tuple[str, ...]) -> Assessment:
    return assess(request(permissions), compile_rules([RULES[name] for name in names]), is_unknown)


CREATE, BOTH = ("OBJECT_CREATE",), ("OBJECT_CREATE", "OBJECT_OVERWRITE")


@pytest.mark.parametrize("permissions", [(), CREATE, BOTH], ids=len)
def test_it_is_known_exactly_where_nothing_unknown_can_change_it(permissions: tuple[str, ...]) -> None:
    every = list(STATEMENTS)
    for names in chain.from_iterable(combinations(every, size) for size in range(len(every) + 1)):
        rules = compile_rules([RULES[name] for name in names])
        asked = [name for name in names if "unknown" in STATEMENTS[name] and name != "never"]
        cases = (dict(zip(asked, values, strict=True)) for values in product(("", "1"), repeat=len(asked)))
        answers = {evaluate(request(permissions, **case), rules).allowed for case in cases}
        expected = answers.pop() if len(answers) == 1 else None
        assert ask(permissions, names).allowed is expected, names


def _written(found: Assessment) -> Iterator[object]:
    yield found.allowed
    yield " ".join(rule.source for rule in found.by)
    yield " ".join(rule.source for rule in found.denied_by)
    yield "; ".join(found.depends_on)


@pytest.mark.parametrize(
    ("permissions", "names", "expected"),
    [
        (CREATE, "", (False, "", "", "")),
        (CREATE, "create", (True, "create", "", "")),
        (CREATE, "never", (False, "", "", "")),
        (CREATE, "both", (None, "both", "", "unknown.both.is = '1'")),
        (CREATE, "create both", (True, "create", "", "")),  # what is sure is not shown beside what is not
        (CREATE, "create stop", (None, "create", "stop", "unless unknown.stop.is = '1'")),
        (CREATE, "stop", (False, "", "", "")),
        (
            CREATE,
            "both stop halt",
            (
                None,
                "both",
                "stop halt",
                "unknown.both.is = '1'; unless unknown.stop.is = '1'; unless not unknown.halt.is",
            ),
        ),
        (BOTH, "create write", (None, "create write", "", "unknown.write.is = '1'")),
        (BOTH, "both", (None, "both", "", "unknown.both.is = '1'")),  # one statement for both, said once
        (BOTH, "create", (False, "create", "", "")),
        (BOTH, "create both end", (False, "create", "end", "")),  # what only may allow is not shown in a refusal
        (BOTH, "create write end stop", (False, "create", "stop end", "unless unknown.stop.is = '1'")),
    ],
)
def test_what_allows_what_denies_and_what_it_depends_on(
    permissions: tuple[str, ...], names: str, expected: tuple[object, ...]
) -> None:
    assert tuple(_written(ask(permissions, tuple(names.split())))) == expected


def test_each_model_is_assessed_as_a_request_for_it_alone() -> None:
    texts = (
        "allow any-user to {OBJECT_CREATE} in tenancy where target.model.id = 'a'",
        "allow any-user to {OBJECT_CREATE} in tenancy where all {target.model.id = /b*/, unknown.x.is = '1'}",
        "deny any-user to {OBJECT_CREATE} in tenancy where target.model.id = 'bb'",
    )
    rules = compile_rules([StatementInForce(text[:4], HERE, parse(text), text) for text in texts])
    models = ("bb", "a", "b", "c")
    alone = [AccessRequest(ANN, CREATE, (HERE,), {"target.model.id": model}, NOW) for model in models]
    found = list(assess_models(alone[-1], models, rules, is_unknown))
    assert [one.allowed for one in found] == [False, True, None, False]
    assert found == [assess(one, rules, is_unknown) for one in alone]

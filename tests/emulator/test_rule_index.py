"""Sorting rules by principal changes how quickly they are found, never what they say."""

from datetime import UTC, datetime
from itertools import product

import pytest

from genai_iac.emulator.auth.authorizer import RuleIndex
from genai_iac.iam_policy import AccessRequest, Principal, StatementInForce, evaluate, parse

TENANCY, KEY, OTHER = (
    "ocid1.tenancy.oc1..t",
    "ocid1.generativeaiapikey.oc1.r.Key",
    "ocid1.generativeaiapikey.oc1.r.other",
)
TEMPLATES = [
    "{effect} any-user to {what} in tenancy",
    "{effect} any-user to {what} in tenancy where request.principal.id = '{who}'",
    "{effect} any-user to {what} in tenancy where all {{request.principal.type='generativeaiapikey', request.principal.id='{who}'}}",
    "{effect} any-user to {what} in tenancy where all {{any {{request.region='x'}}, all {{request.principal.id='{who}'}}}}",
    "{effect} any-user to {what} in tenancy where any {{request.principal.id='{who}', request.region='ord'}}",
    "{effect} any-user to {what} in tenancy where request.principal.id != '{who}'",
    "{effect} any-user to {what} in tenancy where request.principal.id = '*'",
    "{effect} any-user to {what} in tenancy where request.principal.id = /*{who}/",
    "{effect} any-user to {what} in tenancy where request.principal.id in ('{who}', 'x')",
]
STATEMENTS = [
    template.format(effect=effect, what=what, who=who)
    for template in TEMPLATES
    for effect in ("allow", "deny")
    for what in ("use generative-ai-chat", "manage generative-ai-response")
    for who in (KEY.upper(), OTHER)
]
PAIRS = list(product(range(0, len(STATEMENTS), 2), range(1, len(STATEMENTS), 3)))


def ask(permissions: tuple[str, ...]) -> AccessRequest:
    principal = Principal("generativeaiapikey", KEY, frozenset(), frozenset(), TENANCY)
    return AccessRequest(
        principal, permissions, (TENANCY,), {"request.region": "ord"}, datetime(2027, 1, 1, tzinfo=UTC)
    )


@pytest.mark.parametrize(
    "permissions", [("GENERATIVE_AI_CHAT",), ("GENERATIVE_AI_CHAT", "GENERATIVE_AI_RESPONSE_CREATE"), ()]
)
def test_sorted_rules_decide_as_unsorted_ones(permissions: tuple[str, ...]) -> None:
    rules = [StatementInForce(f"p{number}", TENANCY, parse(text), text) for number, text in enumerate(STATEMENTS)]
    request = ask(permissions)
    decided = {True: 0, False: 0}
    for left, right in PAIRS:
        some = [rules[left], rules[right], rules[(left * right) % len(rules)]]
        expected = bool(evaluate(request, some))
        assert RuleIndex(some).admits(request) is expected, [rule.text for rule in some]
        decided[expected] += 1
    assert decided[True] > 20
    assert decided[False] > 20 or not permissions

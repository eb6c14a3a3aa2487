"""The index of statements leaves out nothing that counts: it decides as a scan of every statement does."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from genai_iac.iam_policy import AccessRequest, Principal, StatementInForce, compile_rules, evaluate, parse
from genai_iac.iam_policy.rules import Compiled, StatementIndex

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
TENANCY, TEAM, CHAT, OTHER = (f"ocid1.{name}" for name in ("tenancy.oc1..t", *(f"compartment.oc1..{n}" for n in "abc")))
KEYS = ("ocid1.generativeaiapikey.oc1..one", "ocid1.generativeaiapikey.oc1..TWO")
CONDITIONS = (
    "",
    "where request.principal.type = 'generativeaiapikey'",
    f"where request.principal.id = '{KEYS[0]}'",
    f"where request.principal.id != '{KEYS[0]}'",
    f"where request.principal.id in ('{KEYS[0].upper()}', '{KEYS[1]}')",
    f"where all {{request.principal.id = '{KEYS[1].lower()}', target.model.id = 'm-1'}}",
    f"where any {{request.principal.id = '{KEYS[0]}', target.model.id = 'm-1'}}",
    f"where any {{request.principal.id = '{KEYS[0]}', request.principal.id = '{KEYS[1]}'}}",
    f"where all {{any {{target.model.id = 'm-1', target.model.id = 'M-2'}}, request.principal.id = '{KEYS[0]}'}}",
    "where target.model.id in ('m-1', 'm-2')",
    "where target.model.id not in ('m-1', 'm-2')",
    "where target.model.id != 'm-1'",
    "where target.model.id = /m-*/",
    "where target.model.id = '*'",
    "where request.principal.id = target.model.id",
    f"where all {{request.principal.id = '{KEYS[0]}', request.principal.id = '{KEYS[1]}'}}",
)
PLACES = ("tenancy", f"compartment id {TEAM}", f"compartment id {CHAT}", f"compartment id {OTHER}")
EFFECTS = ("allow", "deny")
MODELS = ("m-1", "M-2", "m-9", "x", "*", None)


def rules(effects: tuple[str, ...] = EFFECTS) -> list[StatementInForce]:
    found = []
    for number, (effect, place, condition) in enumerate(product(effects, PLACES, CONDITIONS)):
        if effect == "deny" and number % 5:  # few: they would hide what is allowed
            continue
        text = f"{effect} any-user to use generative-ai-chat in {place} {condition}".strip()
        attached = TENANCY if number % 3 or place == "tenancy" else place.rsplit(" ", 1)[-1]
        found.append(StatementInForce(f"ocid1.policy.oc1..{number}", attached, parse(text), text))
    return found


def requests() -> list[AccessRequest]:
    paths = ((CHAT, TEAM, TENANCY), (TEAM, TENANCY), (OTHER, TENANCY), (TENANCY,))
    found = []
    for key, path, model in product((*KEYS, "ocid1.generativeaiapikey.oc1..three"), paths, MODELS):
        principal = Principal("generativeaiapikey", key, tenancy=TENANCY)
        variables = {} if model is None else {"target.model.id": model}
        found.append(AccessRequest(principal, ("GENERATIVE_AI_CHAT",), path, variables, NOW))
    return found


def scan(index: StatementIndex, *_: object) -> list[Compiled]:
    every = {rule.position: rule for found in index._rules.values() for rule in found}
    return [every[position] for position in sorted(every)]


@pytest.mark.parametrize("effects", [("allow",), ("deny",), EFFECTS])
def test_an_indexed_decision_is_that_of_a_scan(effects: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_rules(rules(effects))
    indexed = [evaluate(request, compiled) for request in requests()]
    monkeypatch.setattr(StatementIndex, "find", scan)
    assert indexed == [evaluate(request, compiled) for request in requests()]
    if effects == ("allow",):
        assert any(indexed)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.text[:60])
def test_one_statement_alone_is_found_wherever_it_counts(
    rule: StatementInForce, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compile_rules([rule])
    indexed = [evaluate(request, compiled) for request in requests()]
    monkeypatch.setattr(StatementIndex, "find", scan)
    assert indexed == [evaluate(request, compiled) for request in requests()]


@pytest.mark.parametrize("rule", rules(("allow",)), ids=lambda rule: rule.text[:60])
def test_a_model_that_is_not_distinguished_is_answered_as_any_other(rule: StatementInForce) -> None:
    compiled = compile_rules([rule])
    for key in KEYS:
        for path in ((CHAT, TEAM, TENANCY), (OTHER, TENANCY)):
            names = compiled.models_of(key, path)
            principal = Principal("generativeaiapikey", key, tenancy=TENANCY)
            answers = {
                model: bool(
                    evaluate(
                        AccessRequest(principal, ("GENERATIVE_AI_CHAT",), path, {"target.model.id": model}, NOW),
                        compiled,
                    )
                )
                for model in ("m-1", "m-2", "m-9", "never named", KEYS[0])
            }
            if names is not None:
                others = {answer for model, answer in answers.items() if model.lower() not in names}
                assert len(others) <= 1, (rule.text, answers)

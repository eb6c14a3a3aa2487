"""Rules on keys and grants together: keys that nothing lets in, grants for keys that are not there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from genai_iac.policy.conditions import wanted_texts
from genai_iac.policy.decisions import evaluate
from genai_iac.policy.permissions import permissions_of
from genai_iac.policy.request import Principal, Request, Rule
from genai_iac.policy.rules import RuleSet, compile_rules
from genai_iac.policy.tree import Grant

_CALLS = ("ChatCompletions", "CreateResponse")


@dataclass(frozen=True)
class Key:
    """An API key: its OCID, a name for people, its path of compartments up to the tenancy in OCIDs, what else requests say."""

    id: str
    name: str
    path: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def keys_without_grant(keys: Sequence[Key], rules: Sequence[Rule], now: datetime) -> tuple[Key, ...]:
    """The keys that no statement in force lets call any model by any API."""
    compiled = compile_rules(rules)
    models = _models(rules)
    return tuple(key for key in keys if not _may_call(key, compiled, models, now))


def grants_without_key(keys: Sequence[Key], rules: Sequence[Rule]) -> tuple[tuple[Rule, str], ...]:
    """The statements that are for API keys by OCID, with each OCID that is no key's."""
    known = {key.id.lower() for key in keys}
    return tuple((rule, ocid) for rule in rules for ocid in _named_keys(rule) if ocid not in known)


def _named_keys(rule: Rule) -> Iterator[str]:
    if isinstance(rule.statement, Grant):
        for text in sorted(wanted_texts(rule.statement.condition, "request.principal.id")):
            if text.startswith("ocid1.generativeaiapikey."):
                yield text


def _models(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Every model that a condition names, and one that none does."""
    named = (
        wanted_texts(rule.statement.condition, "target.model.id") for rule in rules if isinstance(rule.statement, Grant)
    )
    return (*sorted(frozenset().union(*named)), "any.model")


def _may_call(key: Key, rules: RuleSet, models: Sequence[str], now: datetime) -> bool:
    principal = Principal("generativeaiapikey", key.id, tenancy=key.path[-1], variables=key.variables)
    return any(
        evaluate(Request(principal, permissions_of(call), key.path, {"target.model.id": model}, now), rules)
        for call in _CALLS
        for model in models
    )

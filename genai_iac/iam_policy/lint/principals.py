"""Rules on who is admitted: any-user without a condition, keys without limits, groups that keys are never in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from genai_iac.iam_policy.condition_variables import read_moment
from genai_iac.iam_policy.conditions import comparisons, is_for_keys, names_principal, narrows, wanted_texts
from genai_iac.iam_policy.evaluator import evaluate
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.permissions import permissions_of
from genai_iac.iam_policy.request import AccessRequest, Principal, StatementInForce
from genai_iac.iam_policy.rules import RuleSet, compile_rules
from genai_iac.iam_policy.syntax_tree import Comparison, ConditionGroup, Grant, Ocid, QuotedValue

_CALLS = ("ChatCompletions", "CreateResponse")  # the two operations by which consumers use a key


class Key(Struct, frozen=True):
    """An API key: its OCID, a name for people, its path of compartments up to the tenancy in OCIDs, what else requests say."""

    id: str  # OCID
    name: str
    path: tuple[str, ...]  # the key's compartment first, the tenancy last
    variables: Mapping[str, str] = field(default_factory=dict)  # request.principal.* beside type and id


def keys_without_grant(keys: Sequence[Key], rules: Sequence[StatementInForce], now: datetime) -> tuple[Key, ...]:
    """The keys that no statement in force lets call any model by any API.

    Args:
        keys: of one tenancy.
        rules: every statement in force that was read.
        now: decides conditions on time.
    """
    compiled = compile_rules(rules)
    models = _models(rules)
    return tuple(key for key in keys if not _may_call(key, compiled, models, now))


# Stands for all models that no condition names: they are decided alike.
_ANY_MODEL = "any.model"


def grants_without_key(
    keys: Sequence[Key], rules: Sequence[StatementInForce]
) -> tuple[tuple[StatementInForce, str], ...]:
    """The statements that are for API keys by OCID, with each OCID that is no key's.

    Usually a key that was deleted and created again: its OCID changed and the statement
    still has the old one.
    """
    known = {key.id.lower() for key in keys}
    return tuple((rule, ocid) for rule in rules for ocid in _named_keys(rule) if ocid not in known)


def _named_keys(rule: StatementInForce) -> Iterator[str]:
    if isinstance(rule.statement, Grant):
        for text in sorted(wanted_texts(rule.statement.condition, "request.principal.id")):
            if text.startswith("ocid1.generativeaiapikey."):
                yield text


def _models(rules: Sequence[StatementInForce]) -> tuple[str, ...]:
    """Every model that a condition names, and one that none does."""
    named = (
        wanted_texts(rule.statement.condition, "target.model.id") for rule in rules if isinstance(rule.statement, Grant)
    )
    return (*sorted(frozenset().union(*named)), _ANY_MODEL)


def _may_call(key: Key, rules: RuleSet, models: Sequence[str], now: datetime) -> bool:
    principal = Principal("generativeaiapikey", key.id, tenancy=key.path[-1], variables=key.variables)
    distinct = rules.models_of(key.id, key.path)
    if distinct is not None and _ANY_MODEL not in distinct:
        models = (*sorted(distinct), _ANY_MODEL)  # all others are answered as any model is
    return any(
        evaluate(AccessRequest(principal, permissions_of(call), key.path, {"target.model.id": model}, now), rules)
        for call in _CALLS
        for model in models
    )


_KEY_PREFIX = "ocid1.generativeaiapikey."


def _any_user(grant: Grant) -> Iterator[RuleNote]:
    """`any-user` includes every user, instance and API key of the tenancy, so a condition has to say who is meant."""
    if _lets_anybody(grant) and not narrows(grant.condition, names_principal):
        message = "any-user lets in every user, instance and key unless a condition says who"
        fix = "name a group, or add where all {request.principal.type = '…', request.principal.id = '…'}"
        yield RuleNote(grant.subject.column, message, fix)


def _lets_anybody(grant: Grant) -> bool:
    return grant.subject.kind == "any-user" and grant.effect in ("allow", "admit")


def _any_key(grant: Grant) -> Iterator[RuleNote]:
    """A statement for all API keys, present and future ones."""
    if not _lets_anybody(grant) or not is_for_keys(grant.condition):
        return
    if not narrows(grant.condition, _names_key_or_model):
        message = "this lets in every API key of the tenancy, also those made later"
        fix = "add request.principal.id = 'ocid1.generativeaiapikey…' or target.model.id in ('…')"
        yield RuleNote(grant.subject.column, message, fix)


def _names_key_or_model(variable: str) -> bool:
    return variable in ("request.principal.id", "request.principal.compartment.id", "target.model.id")


def _key_in_group(grant: Grant) -> Iterator[RuleNote]:
    """API keys in a group: Oracle's page shows it, and no test confirmed it."""
    if grant.subject.kind in ("group", "dynamic-group", "any-group") and is_for_keys(grant.condition):
        yield RuleNote(
            grant.subject.column,
            "an API key is in no group that we know of (Oracle's page shows this form; unconfirmed)",
            "write any-user",
        )


def _principal_id(grant: Grant) -> Iterator[RuleNote]:
    """`request.principal.id` compared with an OCID that no API key has."""
    for comparison in comparisons(grant.condition) if is_for_keys(grant.condition) else ():
        for operand in comparison.right if comparison.left.text.lower() == "request.principal.id" else ():
            text = operand.text.lower()
            if text.startswith("ocid1.") and not text.startswith(_KEY_PREFIX):
                message = f"{operand.text} is no API key's OCID: this never matches a key"
                yield RuleNote(operand.column, message, f"an API key's OCID starts with {_KEY_PREFIX}")


def _never_true(grant: Grant) -> Iterator[RuleNote]:
    """A condition that demands two values of one variable. The statement grants nothing."""
    pending = [grant.condition]
    while pending:
        condition = pending.pop()
        if isinstance(condition, ConditionGroup):
            pending.extend(condition.items)
            if condition.mode == "all":
                yield from _contradictions(condition)
        elif isinstance(condition, Comparison) and condition.operator == "between":
            yield from _backwards(condition)


def _contradictions(group: ConditionGroup) -> Iterator[RuleNote]:
    """Variables of an `all` group that are to have two different values, or one that another member excludes."""
    left: dict[str, frozenset[str]] = {}  # by variable, the values that the members so far leave
    barred: dict[str, frozenset[str]] = {}
    for item in group.items:
        if not isinstance(item, Comparison) or item.left.text.lower() not in _SINGLE:
            continue
        if not all(isinstance(one, QuotedValue) and one.text != "*" for one in item.right):
            continue
        variable, values = item.left.text.lower(), frozenset(one.text.lower() for one in item.right)
        if item.operator in ("=", "in"):
            left[variable] = left.get(variable, values) & values
        elif item.operator in ("!=", "not in"):
            barred[variable] = barred.get(variable, frozenset()) | values
        if variable in left and not left[variable] - barred.get(variable, frozenset()):
            message = f"{item.left.text} cannot have two values at once: this is never true"
            if left[variable]:
                message = f"{item.left.text} cannot have a value that is excluded beside it: this is never true"
            yield RuleNote(item.left.column, message, f"write {item.left.text} in ('…', '…')")
            return


def _backwards(comparison: Comparison) -> Iterator[RuleNote]:
    """A span between two dates that ends before it begins."""
    first, last = (read_moment(one.text) if isinstance(one, QuotedValue) else None for one in comparison.right)
    if first is not None and last is not None and last < first:
        message = f"{comparison.right[1].text} is before {comparison.right[0].text}: this is never true"
        yield RuleNote(comparison.left.column, message, "write the earlier one first")


# Variables that have one value per request; others may have several and equal two
# values at once.
_SINGLE = frozenset(
    {
        "request.principal.type",
        "request.principal.id",
        "request.user.id",
        "request.permission",
        "request.operation",
        "request.region",
        "target.compartment.id",
        "target.model.id",
    }
)


def _manage_everything(grant: Grant) -> Iterator[RuleNote]:
    """`manage all-resources in tenancy` without a condition."""
    if grant.effect != "allow" or grant.verb != "manage" or grant.condition is not None:
        return
    everything = any(resource.text == "all-resources" for resource in grant.resources)
    if everything and grant.location.scope == "tenancy":
        message = "this makes administrators of the whole tenancy"
        yield RuleNote(grant.action_column, message, "name the resource types and the compartment that are needed")


def _admit_subject(grant: Grant) -> Iterator[RuleNote]:
    """An admit with an OCID or a service: not documented, so it may stop working."""
    if grant.effect not in ("admit", "deny admit") or grant.source is None or grant.source.tenancy is None:
        return
    if grant.subject.kind == "service" or any(isinstance(member, Ocid) for member in grant.subject.members):
        message = "admit of a tenancy is documented for names that define declares, not for OCIDs and services"
        yield RuleNote(grant.subject.column, message, "add `define group NAME as OCID` and admit the name")


PRINCIPAL_RULES = (
    GrantRule("any-user", "error", "any-user needs a condition on the principal", _any_user),
    GrantRule("any-key", "warning", "a grant to API keys names keys or models", _any_key),
    GrantRule("key-in-group", "warning", "an API key may be in no group", _key_in_group),
    GrantRule("principal-id", "warning", "a grant to API keys names OCIDs of API keys", _principal_id),
    GrantRule("never-true", "error", "a condition asks one variable for two values", _never_true),
    GrantRule(
        "manage-everything", "warning", "manage all-resources in tenancy makes administrators", _manage_everything
    ),
    GrantRule("admit-subject", "warning", "admit of a tenancy names what define declares", _admit_subject),
)

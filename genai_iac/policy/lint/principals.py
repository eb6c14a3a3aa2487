"""Rules on who is let in: any-user without a condition, keys without limits, groups that keys are never in."""

from collections.abc import Iterator

from genai_iac.policy.conditions import comparisons, is_for_keys, names_principal, narrows
from genai_iac.policy.tree import Comparison, Grant, Group, Ocid, Text

from .finding import GrantRule, Note

_KEY_PREFIX = "ocid1.generativeaiapikey."


def _any_user(grant: Grant) -> Iterator[Note]:
    if _lets_anybody(grant) and not narrows(grant.condition, names_principal):
        message = "any-user lets in every user, instance and key unless a condition says who"
        fix = "name a group, or add where all {request.principal.type = '…', request.principal.id = '…'}"
        yield Note(grant.subject.column, message, fix)


def _lets_anybody(grant: Grant) -> bool:
    return grant.subject.kind == "any-user" and grant.effect in ("allow", "admit")


def _any_key(grant: Grant) -> Iterator[Note]:
    if not _lets_anybody(grant) or not is_for_keys(grant.condition):
        return
    if not narrows(grant.condition, _names_key_or_model):
        message = "this lets in every API key of the tenancy, also those made later"
        fix = "add request.principal.id = 'ocid1.generativeaiapikey…' or target.model.id in ('…')"
        yield Note(grant.subject.column, message, fix)


def _names_key_or_model(variable: str) -> bool:
    return variable in ("request.principal.id", "request.principal.compartment.id", "target.model.id")


def _key_in_group(grant: Grant) -> Iterator[Note]:
    if grant.subject.kind in ("group", "dynamic-group", "any-group") and is_for_keys(grant.condition):
        yield Note(grant.subject.column, "an API key is in no group: this never matches one", "write any-user")


def _principal_id(grant: Grant) -> Iterator[Note]:
    for comparison in comparisons(grant.condition) if is_for_keys(grant.condition) else ():
        for operand in comparison.right if comparison.left.text.lower() == "request.principal.id" else ():
            text = operand.text.lower()
            if text.startswith("ocid1.") and not text.startswith(_KEY_PREFIX):
                message = f"{operand.text} is no API key's OCID: this never matches a key"
                yield Note(operand.column, message, f"an API key's OCID starts with {_KEY_PREFIX}")


def _never_true(grant: Grant) -> Iterator[Note]:
    pending = [grant.condition]
    while pending:
        condition = pending.pop()
        if isinstance(condition, Group):
            pending.extend(condition.items)
            if condition.mode == "all":
                yield from _contradictions(condition)


def _contradictions(group: Group) -> Iterator[Note]:
    wanted: dict[str, str] = {}
    for item in group.items:
        if not isinstance(item, Comparison) or item.operator != "=" or not isinstance(item.right[0], Text):
            continue
        variable, value = item.left.text.lower(), item.right[0].text.lower()
        if variable in _SINGLE and wanted.setdefault(variable, value) != value:
            message = f"{item.left.text} cannot have two values at once: this is never true"
            yield Note(item.left.column, message, f"write {item.left.text} in ('…', '…')")


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


def _manage_everything(grant: Grant) -> Iterator[Note]:
    if grant.effect != "allow" or grant.verb != "manage" or grant.condition is not None:
        return
    everything = any(resource.text == "all-resources" for resource in grant.resources)
    if everything and grant.location.scope == "tenancy":
        message = "this makes administrators of the whole tenancy"
        yield Note(grant.action_column, message, "name the resource types and the compartment that are needed")


def _admit_subject(grant: Grant) -> Iterator[Note]:
    if grant.effect not in ("admit", "deny admit") or grant.source is None or grant.source.tenancy is None:
        return
    if grant.subject.kind == "service" or any(isinstance(member, Ocid) for member in grant.subject.members):
        message = "admit of a tenancy is documented for names that define declares, not for OCIDs and services"
        yield Note(grant.subject.column, message, "add `define group NAME as OCID` and admit the name")


PRINCIPAL_RULES = (
    GrantRule("any-user", "error", "any-user needs a condition on the principal", _any_user),
    GrantRule("any-key", "warning", "a grant to API keys names keys or models", _any_key),
    GrantRule("key-in-group", "error", "an API key is never in a group", _key_in_group),
    GrantRule("principal-id", "warning", "a grant to API keys names OCIDs of API keys", _principal_id),
    GrantRule("never-true", "error", "a condition asks one variable for two values", _never_true),
    GrantRule(
        "manage-everything", "warning", "manage all-resources in tenancy makes administrators", _manage_everything
    ),
    GrantRule("admit-subject", "warning", "admit of a tenancy names what define declares", _admit_subject),
)

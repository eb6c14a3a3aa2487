"""Rules on broad rights: whole groups of users, rights to grant oneself rights, other tenancies, deleting what is stored."""

from collections.abc import Iterator
from datetime import UTC, datetime

from genai_iac.iam_policy.condition_eval import match_pattern
from genai_iac.iam_policy.condition_variables import read_moment
from genai_iac.iam_policy.conditions import comparisons, names_principal, narrows, variables
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.lint.wording import replace_operand
from genai_iac.iam_policy.permissions import SERVICES
from genai_iac.iam_policy.syntax_tree import VERBS, Grant, Ocid, Operand, Pattern, QuotedValue


def _any_group(grant: Grant) -> Iterator[RuleNote]:
    """`any-group` without a condition that says who."""
    if grant.subject.kind != "any-group" or grant.effect not in ("allow", "admit"):
        return
    if not narrows(grant.condition, names_principal):
        message = "any-group lets in every user and instance that is in some group, unless a condition says who"
        yield RuleNote(grant.subject.column, message, "name the groups, or add where request.groups.name = '…'")


def _any_of_type(grant: Grant) -> Iterator[RuleNote]:
    """A condition that every user fulfils, by the type alone or by a pattern, says nothing about who."""
    if grant.subject.kind != "any-user" or grant.effect not in ("allow", "admit"):
        return
    wide = [
        (comparison.left, operand)
        for comparison in comparisons(grant.condition)
        if comparison.operator in ("=", "in")
        for operand in comparison.right
        if _is_wide(comparison.left.text.lower(), operand)
    ]
    names = {variable.text.lower() for variable, _ in wide}
    if narrows(grant.condition, lambda variable: names_principal(variable) and variable not in names):
        return
    first_of_each = {variable.text.lower(): (variable, operand) for variable, operand in reversed(wide)}
    for variable, operand in first_of_each.values():
        message = f"{variable.text} = {_shown(operand)} lets in every user of the tenancy"
        yield RuleNote(variable.column, message, "name a group in place of any-user")


# What every user has: the type, and an OCID of that form; of names nothing but that they are some text.
_OF_EVERY_USER = {
    "request.principal.type": "user",
    "request.principal.id": "ocid1.user.oc1..any",
    "request.user.id": "ocid1.user.oc1..any",
    "request.user.name": "any",
    "request.groups.name": "any",
    "request.groups.id": "ocid1.group.oc1..any",
}


def _is_wide(variable: str, operand: Operand) -> bool:
    """Whether every user has such a value."""
    value = _OF_EVERY_USER.get(variable)
    if value is None:
        return False
    if isinstance(operand, Pattern):
        return match_pattern(operand.text, value)
    return isinstance(operand, QuotedValue) and operand.text.lower() in (value, "*")


def _shown(operand: Operand) -> str:
    return f"/{operand.text}/" if isinstance(operand, Pattern) else f"'{operand.text}'"


def _escalation(grant: Grant) -> Iterator[RuleNote]:
    """CIS OCI Foundations 1.3: who manages policies or groups of the tenancy can make itself an administrator."""
    if grant.effect != "allow" or grant.location.scope != "tenancy":
        return
    named = {variable.text.lower() for variable in variables(grant.condition)}
    for word in grant.permissions:
        joins = word.text == "GROUP_UPDATE" and not named & {"target.group.name", "target.group.id"}
        if joins or (word.text in ("POLICY_CREATE", "POLICY_UPDATE") and grant.condition is None):
            message = f"{word.text} in tenancy lets its group make itself administrators (CIS OCI 1.3)"
            fix = "add where target.group.name != 'Administrators'" if joins else "attach policies to a compartment"
            yield RuleNote(word.column, message, fix)
    if grant.verb not in ("use", "manage"):
        return
    for resource in grant.resources:
        wide = resource.text == "policies" and grant.verb == "manage" and grant.condition is None
        joins = resource.text in ("groups", "users") and not named & {"target.group.name", "target.group.id"}
        if wide or (joins and (grant.verb == "manage" or resource.text == "groups")):
            message = f"{grant.verb} {resource.text} in tenancy lets its group make itself administrators (CIS OCI 1.3)"
            fix = "add where target.group.name != 'Administrators'" if joins else "attach policies to a compartment"
            yield RuleNote(grant.action_column, message, fix)


def _manage_compartment(grant: Grant) -> Iterator[RuleNote]:
    """`manage all-resources` of one compartment."""
    everything = any(resource.text == "all-resources" for resource in grant.resources)
    if everything and grant.effect == "allow" and grant.verb == "manage" and grant.location.scope == "compartment":
        message = "this makes administrators of the whole compartment, of its policies and keys too"
        yield RuleNote(grant.action_column, message, "name the resource types that are needed")


def _cross_tenancy(grant: Grant) -> Iterator[RuleNote]:
    """An endorse or admit that names no tenancy."""
    if grant.effect == "endorse" and grant.location.scope == "any-tenancy":
        message = "this reaches into every tenancy that admits it"
        yield RuleNote(grant.location.column, message, "name the tenancy with define, and endorse in that one")
    elif grant.effect == "admit" and (grant.source is None or grant.source.scope == "any-tenancy"):
        message = "this admits principals of any other tenancy"
        yield RuleNote(grant.subject.column, message, "name the tenancy with define, and admit of that one")


# Resource types that hold data, and the permission that deletes it.
_STORED = {
    "volumes": "VOLUME_DELETE",
    "volume-family": "VOLUME_DELETE",
    "volume-backups": "VOLUME_BACKUP_DELETE",
    "boot-volume-backups": "BOOT_VOLUME_BACKUP_DELETE",
    "file-systems": "FILE_SYSTEM_DELETE",
    "file-family": "FILE_SYSTEM_DELETE",
    "mount-targets": "MOUNT_TARGET_DELETE",
    "export-sets": "EXPORT_SET_DELETE",
    "buckets": "BUCKET_DELETE",
    "objects": "OBJECT_DELETE",
    "object-family": "OBJECT_DELETE",
}


def _storage_delete(grant: Grant) -> Iterator[RuleNote]:
    """CIS OCI Foundations 1.15: who administers storage does not delete it."""
    if grant.effect != "allow" or grant.verb != "manage" or narrows(grant.condition, _excludes):
        return
    if any(variable.text.lower() == "request.permission" for variable in variables(grant.condition)):
        return
    for resource in grant.resources:
        if resource.text in _STORED:
            message = f"manage {resource.text} lets its group delete what is stored (CIS OCI 1.15)"
            yield RuleNote(grant.action_column, message, f"add where request.permission != '{_STORED[resource.text]}'")


def _excludes(variable: str) -> bool:
    return variable == "request.operation"


# principal types that published policies and Oracle's pages name
_PRINCIPALS = """
apigateway apideployment autonomousdatabase certificateauthority datasciencejobrun datasciencemodeldeployment
datasciencenotebooksession datasciencepipelinerun dataflowrun dbmgmtmanageddatabase disworkspace fnfunc
generativeaiagent generativeaiapikey generativeaihostedapplication generativeaihosteddeployment
generativeaiproject goldengatedeployment instance integrationinstance networkfirewall ocidatasetdatalabeling
odainstance ormstack resourceschedule serviceconnector stream user vcn vault workload
"""
PRINCIPAL_TYPES = tuple(_PRINCIPALS.split())


def _principal_type(grant: Grant) -> Iterator[RuleNote]:
    """A value of request.principal.type that is nearly, and not exactly, one that we know."""
    for comparison in comparisons(grant.condition):
        if comparison.left.text.lower() != "request.principal.type":
            continue
        for operand in comparison.right:
            value = operand.text.lower()
            if not isinstance(operand, QuotedValue) or value in PRINCIPAL_TYPES:
                continue
            guess = close_match(value.replace("-", "").replace("_", ""), PRINCIPAL_TYPES, 0.85)
            if guess is not None:
                right = replace_operand(grant, operand, QuotedValue(guess))
                yield RuleNote(
                    operand.column, f"{operand.text} is no principal type we know", f"did you mean {guess}?", right
                )


def _past(grant: Grant) -> Iterator[RuleNote]:
    """A date that has passed. The time is this machine's: lint runs without a tenancy."""
    now = datetime.now(UTC)
    for comparison in comparisons(grant.condition):
        if comparison.left.text.lower() != "request.utc-timestamp" or comparison.operator not in ("before", "between"):
            continue
        last = comparison.right[-1]
        moment = read_moment(last.text) if isinstance(last, QuotedValue) else None
        if moment is not None and moment < now:
            yield RuleNote(last.column, f"{last.text} has passed: this is never true again", "delete the statement")


_PERMISSIONS = tuple(
    sorted(
        {
            permission
            for service in SERVICES
            for kind in service.types.values()
            for verb in VERBS
            for permission in kind.added_by(verb)
        }
    )
)
_FOLDED = {permission.lower(): permission for permission in _PERMISSIONS}


def _unknown_permission(grant: Grant) -> Iterator[RuleNote]:
    """A permission that is nearly, and not exactly, one that we know."""
    for word in grant.permissions:
        guess = None if word.text in _PERMISSIONS else _nearest(word.text)
        if guess is not None:
            yield RuleNote(word.column, f"{word.text} is no permission we know", f"did you mean {guess}?")
        elif word.text.startswith(_KNOWN_SERVICE) and word.text not in _PERMISSIONS:
            message = f"{word.text} is on no page of Generative AI's permissions, so it gives nothing that we know of"
            yield RuleNote(word.column, message, "write a verb and a resource type, such as use generative-ai-chat")
    for comparison in comparisons(grant.condition):
        for operand in comparison.right if comparison.left.text.lower() == "request.permission" else ():
            folded = operand.text.lower()
            near = None if folded in _FOLDED else _nearest(folded.upper())
            if near is not None and isinstance(operand, QuotedValue):
                right = replace_operand(grant, operand, QuotedValue(near))
                message = f"{operand.text} is no permission we know"
                yield RuleNote(operand.column, message, f"did you mean {near}?", right)


_KNOWN_SERVICE = "GENERATIVE_AI_"  # the tables of its permissions are dated, and meant to be complete


def _nearest(permission: str) -> str | None:
    """The permission that was meant: one of nearly that name, or one with a word of another behind it (…_CHAT_CREATE)."""
    found = close_match(permission, tuple(_FOLDED), 0.9)
    if found is not None:
        return _FOLDED[found]
    begun = [known for known in _PERMISSIONS if permission.startswith(f"{known}_")]
    return max(begun, key=len, default=None)


# By variable, the OCID types that it can have.
_KINDS: dict[str, tuple[str, ...]] = {
    "request.user.id": ("user", "saml2idp"),
    "request.groups.id": ("group", "dynamicgroup"),
    "request.principal.compartment.id": ("compartment", "tenancy"),
    "target.compartment.id": ("compartment", "tenancy"),
    "target.user.id": ("user",),
    "target.group.id": ("group",),
    "target.policy.id": ("policy",),
    "target.apikey.id": ("generativeaiapikey",),
    "target.secret.id": ("vaultsecret",),
    "target.vault.id": ("vault",),
}


def _ocid_kind(grant: Grant) -> Iterator[RuleNote]:
    """An OCID whose type does not fit where it stands: the comparison is never true."""
    kind = {"group": "group", "dynamic-group": "dynamicgroup"}.get(grant.subject.kind)
    for member in grant.subject.members if kind else ():
        if isinstance(member, Ocid) and kind and not _is_of(member.text, (kind,)):
            yield RuleNote(member.column, f"{member.text} is no OCID of a {grant.subject.kind}", f"give ocid1.{kind}.…")
    place = grant.location.id
    if place is not None and not _is_of(place, ("compartment", "tenancy")):
        yield RuleNote(grant.location.column, f"{place} is no compartment's OCID", "give ocid1.compartment.…")
    for comparison in comparisons(grant.condition):
        kinds = _KINDS.get(comparison.left.text.lower())
        for operand in comparison.right if kinds else ():
            if kinds and isinstance(operand, QuotedValue) and not _is_of(operand.text, kinds):
                message = f"{comparison.left.text} is never an OCID like {operand.text}"
                yield RuleNote(operand.column, message, f"give ocid1.{kinds[0]}.…")


def _is_of(ocid: str, kinds: tuple[str, ...]) -> bool:
    return not ocid.lower().startswith("ocid1.") or ocid.lower().split(".")[1] in kinds


RISK_RULES = (
    GrantRule("any-group", "warning", "any-group needs a condition on the principal", _any_group),
    GrantRule("any-of-type", "warning", "any-user by a type or a pattern that fits all users", _any_of_type),
    GrantRule("escalation", "warning", "rights on policies and groups of the tenancy (CIS OCI 1.3)", _escalation),
    GrantRule("manage-compartment", "info", "manage all-resources of a compartment", _manage_compartment),
    GrantRule("cross-tenancy", "info", "endorse and admit name the other tenancy", _cross_tenancy),
    GrantRule("storage-delete", "info", "who manages storage can delete it (CIS OCI 1.15)", _storage_delete),
    GrantRule("principal-type", "warning", "a principal type that looks misspelt", _principal_type),
    GrantRule("past-date", "warning", "a date that has passed", _past),
    GrantRule("unknown-permission", "warning", "a permission that looks misspelt", _unknown_permission),
    GrantRule("ocid-kind", "warning", "an OCID of another kind than its place takes", _ocid_kind),
)

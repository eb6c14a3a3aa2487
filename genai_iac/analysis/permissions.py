"""The least IAM policy that the tool's own identity needs for a stack: told from the operations that a verb makes. Pure, offline.

A place that the manifests declare may not be there yet, so it is granted at the nearest compartment around it that they
take for granted. Vaults and their keys are known by OCID alone: they are granted in the tenancy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from genai_iac import iam_policy as language
from genai_iac.core import Address, ExistingCompartment, Reference, Resource, Value
from genai_iac.delivery.sinks import entry_compartments
from genai_iac.iam_policy import VERBS, Grant, Location, Name, Subject, Word
from genai_iac.iam_policy.permissions import given_by, permissions_of
from genai_iac.planning.policy_staleness import name_kinds
from genai_iac.resource_types import RESOURCE_TYPES, Rotation

Verb = Literal["plan", "apply", "rotate"]
ROOT: Location = Location("tenancy")

# what the provider itself asks for at the start of every run, beside what the kinds list
_AT_THE_START = ("ListRegionSubscriptions",)
_GROUPS = {"group": "ListGroups", "dynamic-group": "ListDynamicGroups"}
# what the door to OCI Vault calls for one secret (genai_iac.oci_client.vault)
_READ_VAULT = ("ListSecrets", "GetSecretBundle", "ListSecretVersions")
_RENEW_IN_VAULT = (*_READ_VAULT, "GetSecret", "UpdateSecret", "ScheduleSecretVersionDeletion")
_VAULT: Mapping[Verb, tuple[str, ...]] = {
    "plan": _READ_VAULT,
    "rotate": _RENEW_IN_VAULT,
    "apply": (*_RENEW_IN_VAULT, "GetVault", "GetKey", "CreateSecret", "ScheduleSecretDeletion"),
}
_ELSEWHERE = ("VAULT_", "KEY_")  # permissions on what lies in a compartment that nobody names
_TURN = ("GetApiKey", "RenewApiKey", "SetApiKeyState")


@dataclass(frozen=True, slots=True)
class Need:
    """A permission and where it is needed."""

    permission: str
    place: Location


def least_policy(verb: Verb, resources: Mapping[Address, Resource], group: str) -> tuple[str, ...]:
    """The statements to attach to the tenancy for that group (`NAME`, or `DOMAIN/NAME`), narrowest verbs, none that another covers."""
    grants: dict[tuple[str, Location], int] = {}
    for need in find_needs(verb, resources):
        least, type = given_by(need.permission)
        grants[type, need.place] = max(VERBS.index(least), grants.get((type, need.place), 0))
    kept = [key for key in grants if not any(_covers(other, key, grants) for other in grants)]
    domain, _, name = group.rpartition("/")
    subject = Subject("group", (Name(name, domain or None),))
    return tuple(
        language.unparse(Grant("allow", subject, place, VERBS[grants[type, place]], (Word(type),)))
        for type, place in kept
    )


def find_needs(verb: Verb, resources: Mapping[Address, Resource]) -> Iterator[Need]:
    """Every permission that the verb needs for a stack that is not there yet (rotate: that is)."""
    yield from _of(_AT_THE_START, ROOT)
    for kind in RESOURCE_TYPES.values():
        declared = any(one.kind == kind.name for one in resources)
        if declared or not kind.listing.optional:
            yield from _of((kind.listing.operation,), ROOT)
        if declared and kind.listing.summary:
            yield from _of((kind.get_operation,), ROOT)
    for named in sorted(_named_kinds(resources.values())):
        yield from _of((_GROUPS[named],), ROOT)
    for resource in resources.values():
        if verb == "apply":
            yield from _of(_life(resource), _place(resource.attributes["compartmentId"], resources))
        turns = Rotation.of(resource) is not None if resource.address.kind == "ApiKey" else False
        if verb == "rotate" and turns:
            yield from _of(_TURN, _place(resource.attributes["compartmentId"], resources))
        if verb != "rotate" or turns:
            yield from _of_sinks(verb, resource, resources)


def _of(operations: Iterable[str], place: Location) -> Iterator[Need]:
    for operation in operations:
        for permission in permissions_of(operation):
            yield Need(permission, ROOT if permission.startswith(_ELSEWHERE) else place)


def _named_kinds(resources: Iterable[Resource]) -> set[str]:
    """Whether statements name groups or dynamic groups, which then are looked up."""
    found: set[str] = set()
    for resource in resources:
        statements = resource.attributes.get("statements", ())
        assert isinstance(statements, list | tuple)
        found |= name_kinds(statements) & _GROUPS.keys()
    return found


def _life(resource: Resource) -> Iterator[str]:
    """What it takes to make a resource and to let it go."""
    kind = RESOURCE_TYPES[resource.address.kind]
    yield from (call.operation for call in kind.create(resource).calls)
    yield kind.get_operation
    yield kind.delete_operation
    yield from kind.life_operations


def _of_sinks(verb: Verb, resource: Resource, resources: Mapping[Address, Resource]) -> Iterator[Need]:
    for entry in resource.settings.get("deliverTo", ()):
        for written in entry_compartments(entry) if "vault" in entry else ():
            yield from _of(_VAULT[verb], _place(written, resources))


def _place(compartment: Value, resources: Mapping[Address, Resource]) -> Location:
    match compartment:
        case Reference(address=address):
            return _place(resources[address].attributes["compartmentId"], resources)
        case ExistingCompartment(names=names) if names:
            return Location("compartment", names)
        case str() if not compartment.startswith("ocid1.tenancy."):
            return Location("compartment", (), compartment)
    return ROOT


def _covers(
    wide: tuple[str, Location], narrow: tuple[str, Location], levels: Mapping[tuple[str, Location], int]
) -> bool:
    if wide == narrow or wide[0] != narrow[0] or levels[wide] < levels[narrow]:
        return False
    around, inside = wide[1], narrow[1]
    return around == ROOT or (bool(around.path) and inside.path[: len(around.path)] == around.path)

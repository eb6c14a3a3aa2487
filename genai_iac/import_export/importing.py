"""Importing a live resource into a stack: whether it may be, and the one call that tags it. Pure."""

from __future__ import annotations

import re

from genai_iac.core import CONTENTS_TAG, OWNERSHIP_TAG, Address, Call, Live, LiveResource, Owner, Resource
from genai_iac.core.errors import GuardError, UsageError
from genai_iac.resource_types import RESOURCE_TYPES

# What an OCID can be: it becomes a part of a request's path, where `/` would name another resource.
_OCID = re.compile(r"ocid1\.(?P<type>[A-Za-z0-9]+)(\.[A-Za-z0-9_-]*){2,4}\.[A-Za-z0-9_-]+")
_MOST_TAGS = 10  # freeform tags of a resource (OCI: Resource tags, limits)


def type_of_ocid(ocid: str) -> str | None:
    """The kind whose resources have OCIDs like this one; None for what this tool does not declare."""
    found = _OCID.fullmatch(ocid)
    type = found["type"].lower() if found else ""
    return next((kind.name for kind in RESOURCE_TYPES.values() if kind.ocid_type == type), None)


def check_resource_type(address: Address, ocid: str) -> None:
    """Raises UsageError when that OCID cannot be a resource of that kind."""
    kind = type_of_ocid(ocid)
    if address.kind not in RESOURCE_TYPES:
        raise UsageError(f"there is no kind {address.kind}", hint=f"write one of {', '.join(RESOURCE_TYPES)}")
    if kind is None:
        raise UsageError(f"{ocid} is not the OCID of anything that manifests declare", hint="copy the OCID whole")
    if kind != address.kind:
        raise UsageError(
            f"{ocid} is of kind {kind}, not {address.kind}", hint=f"declare it as kind: {kind} and import into that"
        )


def check_free(address: Address, ocid: str, live: Live) -> None:
    """Raises UsageError when another live resource has the address already."""
    others = [one.id for one in live.owned.get(address, ()) if one.id != ocid]
    if others:
        raise UsageError(
            f"{address} is another live resource already: {', '.join(others)}; two would carry one mark",
            hint="declare the one to be adopted under another metadata.name",
        )


def is_adopted(desired: Resource, found: LiveResource, owner: Owner) -> bool:
    """Whether the resource carries its ownership tag already, under this address or one that previousNames tells.

    Args:
        desired: the declared resource.
        found: live, with its ownership tag.
        owner: the stack.
    """
    mark = found.mark
    return (
        mark is not None
        and owner.owns(mark)
        and mark.address in (desired.address, *desired.previous)
        and owner.fits(mark, found)
    )


def import_change(desired: Resource, found: LiveResource, owner: Owner) -> Call:
    """The one update that writes the mark beside the tags that are there.

    Raises GuardError for what belongs to somebody, UsageError for what cannot take the tag.

    Args:
        desired: the declared resource.
        found: live, with its ownership tag.
        owner: the stack.

    Returns:
        An update whose body has the tags only: everything else stays as it is.
    """
    address, mark = desired.address, found.mark
    if mark is not None and (not (owner.owns(mark) or owner.shares_name(mark)) or mark.address != address):
        raise GuardError(
            f"refused: {found.kind} {found.name} ({found.id}) belongs to {mark.owner} as {mark.address}",
            hint=f"let {mark.owner} give it up first: declare it there with deletion: retain, apply, then remove it and apply",
        )
    if mark is None and OWNERSHIP_TAG in found.tags:
        raise GuardError(
            f"refused: {found.kind} {found.name} ({found.id}) has a tag {OWNERSHIP_TAG} that is not an ownership tag of this tool",
            hint="remove that tag, then import again",
        )
    # OCI answers 409 to updates in any other state.
    if found.lifecycle != "ACTIVE":
        raise UsageError(
            f"{found.kind} {found.name} ({found.id}) is {found.lifecycle}", hint="only what is ACTIVE is adopted"
        )
    if len({**found.tags, OWNERSHIP_TAG: ""}) > _MOST_TAGS:
        raise UsageError(
            f"{found.kind} {found.name} has {len(found.tags)} tags; OCI allows ten, one of which is the ownership tag",
            hint="remove one of its tags",
        )
    # What an owner recorded of its contents says nothing of what was put there before this import.
    kept = {name: value for name, value in found.tags.items() if name != CONTENTS_TAG}
    tags = {**kept, OWNERSHIP_TAG: owner.seal(address, found.id, desired.deletion)}
    return Call(RESOURCE_TYPES[found.kind].update_operation, {"freeformTags": tags}, found.id, found.region)

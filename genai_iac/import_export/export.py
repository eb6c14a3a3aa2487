"""From live resources to the manifests that declare them, with names where live has OCIDs. Pure.

A resource with the stack's ownership tag keeps its address; one without a tag gets a name made of its own; what belongs to another stack
is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from genai_iac.core import OWNERSHIP_TAG, Address, CompartmentTree, Live, LiveResource
from genai_iac.core.errors import UsageError
from genai_iac.manifest.files import UNTRUSTED
from genai_iac.resource_types import RESOURCE_TYPES, ManifestContext
from genai_iac.schema import API_VERSION, STACK_KIND

# In statements OCIDs may be in any case.
_OCID = re.compile(r"ocid1\.[a-z0-9]+\.[a-z0-9-]*\.[a-z0-9-]*\.[a-z0-9]+", re.IGNORECASE)
# Paths that need no quoting and no escaping; a compartment with another name is
# exported by its OCID.
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._-]{1,100})+")
_NAME = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_OWNER = re.compile(f"{_NAME}(@{_NAME})?")
_LONGEST_NAME = 63  # characters of `metadata.name`
_MOST_TAGS = 9  # OCI takes ten; one is the ownership tag


class ExportedResource(Struct, frozen=True):
    """One live resource as a document of a manifest. `ours`: it has the stack's ownership tag already."""

    address: Address  # from the ownership tag, or made of the name
    live: LiveResource  # as read
    document: Mapping[str, Any]  # the manifest, as plain data
    ours: bool  # False: an import line is printed above the document
    remarks: tuple[str, ...] = ()


class Export(Struct, frozen=True):
    """What goes into the manifests, and what does not and why."""

    stack: Mapping[str, Any]  # the Stack document
    exported: tuple[ExportedResource, ...]
    left_out: tuple[tuple[LiveResource, str], ...]


def read_owner(stack: str | None, environment: str | None) -> str | None:
    """`stack` or `stack@environment`, whichever of the two names the environment; None for no stack. Raises UsageError."""
    if stack is None:
        return None
    owner = f"{stack}@{environment}" if environment and "@" not in stack else stack
    if not _OWNER.fullmatch(owner):
        raise UsageError(
            f"--stack {owner}: a name has small letters, digits and -",
            hint="for example --stack chat or --stack chat@dev",
        )
    return owner


def choose_owner(found: Iterable[LiveResource], environment: str | None) -> str | None:
    """The owner (`stack` or `stack@environment`) of all that has an ownership tag, if there is exactly one (in that environment)."""
    owners = {one.mark.owner for one in found if one.mark is not None}
    chosen = [one for one in owners if environment is None or one.endswith(f"@{environment}")]
    return chosen[0] if len(chosen) == 1 else None


def export_live(
    live: Live, top: str, owner: str, region: str, refused: Mapping[str, str], literal: frozenset[str]
) -> Export:
    """Everything that was read in and below the compartment `top`, as manifests of that owner.

    `refused` are OCIDs that no manifest can declare, with the reason; `literal` those whose statements keep their OCIDs.

    Args:
        live: a reading.
        top: OCID of a compartment or of the tenancy.
        owner: `stack` or `stack@environment`; its resources count as the stack's own.
        region: of the Stack; it is left out of resources that have the same.
        refused: OCID to reason.
        literal: OCIDs of policies.
    """
    # A resource that is being created or deleted cannot be adopted.
    inside = [
        one for one in live.found if _is_inside(one, live.tree, top) and one.lifecycle not in ("DELETING", "CREATING")
    ]
    reasons = {one.id: reason for one in inside if (reason := refused.get(one.id) or _why_not(one, owner))}
    chosen = sorted((one for one in inside if one.id not in reasons), key=lambda one: _order(one, live.tree))
    names = name_resources(chosen, owner)
    references = _references(names)
    exported = tuple(
        export_resource(one, names, live, region, owner, literal=one.id in literal, references=references)
        for one in chosen
    )
    left_out = tuple((one, reasons[one.id]) for one in inside if one.id in reasons)
    return Export(_stack(owner, region, live.tenancy), exported, left_out)


def export_resource(
    one: LiveResource,
    names: Mapping[str, Address],
    live: Live,
    region: str,
    owner: str,
    *,
    literal: bool = False,
    references: Mapping[str, Address] | None = None,
) -> ExportedResource:
    """One resource as a document; `names` are the addresses of those that may be referred to, by OCID, and `references` the
    same by OCID in lower case, made once for many resources."""
    known = _references(names) if references is None else references
    address = names[one.id]
    context = ManifestContext(
        name=address.name,
        region=region,
        place=lambda id: _place(id, names, live.tree),
        text=_escape,
        statement=_escape if literal else lambda text: _refer(text, known),
    )
    spec = dict(RESOURCE_TYPES[one.kind].declare(one, context))
    tags, remarks = _tags(one)
    deletion = one.mark.deletion if one.mark else "delete"
    document = {
        "apiVersion": API_VERSION,
        "kind": one.kind,
        "metadata": {"name": address.name},
        "spec": spec | ({"tags": tags} if tags else {}) | ({"deletion": deletion} if deletion != "delete" else {}),
    }
    return ExportedResource(address, one, document, one.mark is not None and one.mark.owner == owner, remarks)


def name_resources(chosen: Iterable[LiveResource], owner: str) -> dict[str, Address]:
    """An address for each OCID: that of its ownership tag, else one made of its name; equal names are numbered.

    Args:
        chosen: resources in the order in which they get names.
        owner: whose addresses are kept.
    """
    chosen = list(chosen)
    names = {one.id: one.mark.address for one in chosen if one.mark is not None and one.mark.owner == owner}
    # Addresses of the stack's own resources first: a stranger's name must not push one of
    # them aside.
    taken = set(names.values())
    for one in chosen:
        if one.id not in names:
            names[one.id] = address = next(free for free in _candidates(one) if free not in taken)
            taken.add(address)
    return names


def _candidates(one: LiveResource) -> Iterator[Address]:
    base = re.sub(r"[^a-z0-9]+", "-", one.name.lower()).strip("-")[:_LONGEST_NAME].strip("-") or one.kind.lower()
    yield Address(one.kind, base)
    number = 2
    while True:
        yield Address(one.kind, f"{base[: _LONGEST_NAME - 1 - len(str(number))].rstrip('-')}-{number}")
        number += 1


def _is_inside(one: LiveResource, tree: CompartmentTree, top: str) -> bool:
    return tree.contains(top, one.id if one.kind == "Compartment" else one.compartment)


def _why_not(one: LiveResource, owner: str) -> str | None:
    if one.mark is not None:
        return None if one.mark.owner == owner else f"it belongs to {one.mark.owner}"
    if OWNERSHIP_TAG in one.tags:
        return f"it has a tag {OWNERSHIP_TAG} that is not an ownership tag of this tool"
    return None


def _order(one: LiveResource, tree: CompartmentTree) -> tuple[object, ...]:
    place = one.id if one.kind == "Compartment" else one.compartment
    return (one.kind != "Compartment", one.kind, tree.names(place), one.region or "", one.name, one.id)


def _stack(owner: str, region: str, tenancy: str) -> Mapping[str, Any]:
    spec = {"region": region, "tenancy": tenancy}
    return {
        "apiVersion": API_VERSION,
        "kind": STACK_KIND,
        "metadata": {"name": owner.partition("@")[0]},
        "spec": spec,
    }


def _place(id: str, names: Mapping[str, Address], tree: CompartmentTree) -> str:
    """A compartment as manifests name it: what is declared with it, its path, or its OCID."""
    if id == tree.tenancy:
        return "tenancy"
    if id in names and names[id].name != "tenancy":
        return names[id].name
    path = tree.path(id)
    return path if _PLAIN_PATH.fullmatch(path) else id


def _escape(text: str) -> str:
    return text.replace("${", "$${")


def _references(names: Mapping[str, Address]) -> dict[str, Address]:
    return {id.casefold(): address for id, address in names.items()}


def _refer(statement: str, known: Mapping[str, Address]) -> str:
    """The statement with a reference for each OCID that is declared; one with a `${` of its own keeps them all."""
    if "${" in statement:
        return _escape(statement)
    return _OCID.sub(
        lambda match: f"${{{known[key]}.id}}" if (key := match[0].casefold()) in known else match[0], statement
    )


def _tags(one: LiveResource) -> tuple[dict[str, str], tuple[str, ...]]:
    """The tags to declare. Those that are left out stay on the resource and are never a difference."""
    tags = {key: _escape(value) for key, value in one.tags.items() if not key.startswith(OWNERSHIP_TAG)}
    fit = {key: value for key, value in tags.items() if not UNTRUSTED.search(key + value) and key != "<<"}
    # With ten tags of its own there is no room for the ownership tag. It could not be
    # adopted, so no tag is declared.
    if len(one.tags) > _MOST_TAGS and OWNERSHIP_TAG not in one.tags:
        return {}, (f"it has {len(one.tags)} tags: OCI allows ten, one of which would be the ownership tag",)
    return fit, ("tags with invisible characters are not declared",) if fit != tags else ()

"""Compartment: a folder of the tenancy. A changed name is an update, a changed parent is a move; it is never replaced.

A large stack records in a tag of each compartment that it creates which kinds it puts there, and in which regions. A reading then lists
only those: else a thousand empty compartments cost thousands of requests, and nothing less would find a key that the manifests no longer
mention. The record only grows, and is written before what it mentions is created (docs/ownership.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from msgspec.structs import replace

from genai_iac.core import (
    COMPARTMENT_SCHEMA,
    CONTENTS_TAG,
    OWNERSHIP_TAG,
    Address,
    Call,
    Document,
    Live,
    LiveResource,
    Owner,
    Resource,
    Stack,
    read_compartment,
    read_ownership_tag,
    references,
)
from genai_iac.core.errors import PlanError, Problem
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, changed_fields, changed_tags, declared_tags, why_changed
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types._base import DeclaredPlaces, Listing, ManifestContext, ResourceType, read_time

MANY = 100  # compartments of a stack from which on it records their contents; fewer are listed one by one
# Declared tags beside which there is room for this tool's own: OCI allows ten, of 5,000 bytes together.
_MOST_TAGS, _MOST_BYTES = 7, 4_000
_LONGEST = 256  # characters of a tag's value (OCI)
_RECORD = re.compile(r"1 (?P<key>[0-9a-f]{7}) (?P<items>-|[A-Za-z]+(?:@[a-z0-9-]+)?(?:,[A-Za-z]+(?:@[a-z0-9-]+)?)*)")

Contents = frozenset[tuple[str, str | None]]  # kinds, each with the region where it has one
_FIELDS = ("name", "description")  # that UpdateCompartment takes


class Compartment(ResourceType):
    """Identity 20160918: CreateCompartment, UpdateCompartment, MoveCompartment, DeleteCompartment.

    Names are unique below a parent, without case. Deletion is a work request and fails
    while something is inside.
    """

    name = "Compartment"
    plural = "compartments"
    summary = "A compartment of the tenancy, made in its home region."
    listing = Listing("ListCompartments", "tenancy", {"compartment_id_in_subtree": True, "access_level": "ANY"})
    get_operation = "GetCompartment"
    update_operation = "UpdateCompartment"
    delete_operation = "DeleteCompartment"
    name_field = "name"
    ocid_type = "compartment"
    terraform_type = "oci_identity_compartment"
    export_file = "compartments"
    name_scope = "compartment"
    reference_fields = ("id", "name", "path")
    life_operations = ("GetWorkRequest",)  # one goes, and moves, as a work request
    operations: ClassVar[Mapping[str, SdkOperation]] = {
        "ListCompartments": SdkOperation("identity", "list_compartments", ("id",), home=True),
        "GetCompartment": SdkOperation("identity", "get_compartment", ("id",), home=True),
        "CreateCompartment": SdkOperation("identity", "create_compartment", ("body",), home=True, token=True),
        "UpdateCompartment": SdkOperation("identity", "update_compartment", ("id", "body"), home=True, etag=True),
        "MoveCompartment": SdkOperation(
            "identity", "move_compartment", ("id", "body"), home=True, token=True, etag=True
        ),
        "DeleteCompartment": SdkOperation("identity", "delete_compartment", ("id",), home=True, etag=True),
        "GetWorkRequest": SdkOperation("identity", "get_work_request", ("id",), home=True),
    }
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {
                "type": "string",
                "description": "The compartment's name in OCI, unique within its parent. Default: metadata.name.",
                "pattern": "^[A-Za-z0-9._-]{1,100}$",
                "examples": ["chat-${var.env}"],
            },
            "parent": {**COMPARTMENT_SCHEMA, "title": "Parent", "default": "tenancy"},
            "description": {
                "type": "string",
                "description": "What it is for. OCI wants one: default 'Made by genai-iac'.",
                "minLength": 1,
                "maxLength": 400,
            },
        },
    }

    def check(self, document: Document) -> Iterable[Problem]:
        """A compartment below itself."""
        if document.spec.get("parent") == document.name:
            yield Problem(
                document.place("spec", "parent"),
                f"{document.address} cannot be its own parent",
                "name another compartment",
            )

    def desired(self, document: Document, stack: Stack) -> Resource:
        """The declared compartment. Identity resources are in the home region, so it has no region."""
        del stack
        spec = document.spec
        attributes = {
            "name": spec.get("name", document.name),
            "compartmentId": read_compartment(spec.get("parent", "tenancy")),
            "description": spec.get("description", "Made by genai-iac"),
            "freeformTags": spec.get("tags", {}),
        }
        places = DeclaredPlaces(document, ("name",), ("parent",))
        return Resource(document.address, attributes, document.source, spec.get("deletion", "delete"), places=places)

    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """The compartment of one item. The tenancy itself is listed without a parent."""
        del region
        tags = item.get("freeformTags") or {}
        return LiveResource(
            kind=self.name,
            id=item["id"],
            attributes={
                "name": item["name"],
                "compartmentId": item.get("compartmentId"),
                "description": item.get("description"),
                "freeformTags": tags,
            },
            compartment=item.get("compartmentId") or "",
            name=item["name"],
            region=None,
            lifecycle=item["lifecycleState"],
            tags=tags,
            created=read_time(item.get("timeCreated")),
        )

    def declare(self, live: LiveResource, context: ManifestContext) -> Mapping[str, Any]:
        """The `spec` of an export."""
        parent = context.place(live.compartment)
        return {
            **({"name": live.name} if live.name != context.name else {}),
            **({"parent": parent} if parent != "tenancy" else {}),
            **({"description": context.text(live.attributes["description"])} if live.attributes["description"] else {}),
        }

    def create(self, desired: Resource) -> Step:
        """CreateCompartment."""
        return Step(("create",), (Call("CreateCompartment", dict(desired.attributes)),), ("not in the tenancy",))

    def change(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """UpdateCompartment for name, description and tags; MoveCompartment for the parent."""
        calls: list[Call] = []
        reasons: tuple[str, ...] = ()
        fields, tags = changed_fields(_FIELDS, desired, live, facts), changed_tags(desired, live)
        if fields or tags is not None:
            body = {**fields, **({} if tags is None else {"freeformTags": tags})}
            calls.append(Call("UpdateCompartment", body, live.id))
            reasons = (*why_changed(fields, _without_record(desired, live), live), *_why_recorded(desired, live))
        parent = desired.attributes["compartmentId"]
        if not facts.same(parent, live.compartment):
            calls.append(Call("MoveCompartment", {"targetCompartmentId": parent}, live.id))
            reasons = (*reasons, "it is below another parent")
        return Step(("update",), tuple(calls), reasons) if calls else Step()


def read_contents(live: LiveResource, owner: Owner) -> Contents | None:
    """What the owner has put into that compartment at any time since it created it; None when that is not known.

    It is known only of a compartment whose ownership tag certainly was made for it, and by a record of this very owner.

    Args:
        live: a compartment as it is listed.
    """
    match = _RECORD.fullmatch(live.tags.get(CONTENTS_TAG, ""))
    mark = live.mark or read_ownership_tag(live.tags.get(OWNERSHIP_TAG))
    if match is None or match["key"] != owner.contents_key or mark is None:
        return None
    if not (owner.owns(mark) and owner.fits(mark, live)):
        return None
    items = [] if match["items"] == "-" else match["items"].split(",")
    return frozenset((kind, region or None) for kind, _, region in (item.partition("@") for item in items))


def write_contents(owner: Owner, contents: Contents) -> str:
    """The value of the tag; `*` where the record would be too long, which means that anything may be there."""
    items = sorted(f"{kind}@{region}" if region else kind for kind, region in contents)
    text = f"1 {owner.contents_key} {','.join(items) or '-'}"
    return text if len(text) <= _LONGEST else f"1 {owner.contents_key} *"


def record_contents(resources: Mapping[Address, Resource], live: Live, owner: Owner) -> Mapping[Address, Resource]:
    """The resources, with the record among the declared tags of each compartment that has one or is to get one.

    Compartments that a large stack is about to create get one; an existing record is widened by what the manifests put there.

    Args:
        resources: declared.
        live: what is there.
    """
    declared = [address for address in resources if address.kind == KIND.name]
    known = {address: _known(address, live, owner, many=len(declared) >= MANY) for address in declared}
    if all(contents is None for contents in known.values()):
        return resources
    inside = _declared_contents(resources, live)
    changed: dict[Address, Resource] = {}
    for address, before in known.items():
        attributes = resources[address].attributes
        tags = declared_tags(resources[address])
        if before is None or (live.one(address) is None and not _has_room(tags)):
            continue
        record = write_contents(owner, before | frozenset(inside.get(address, ())))
        changed[address] = replace(
            resources[address], attributes={**attributes, "freeformTags": {**tags, CONTENTS_TAG: record}}
        )
    return {**resources, **changed}


def _without_record(desired: Resource, live: LiveResource) -> Resource:
    """The resource with the record as it is, for the reasons of what else changes."""
    tags = declared_tags(desired)
    if CONTENTS_TAG not in tags:
        return desired
    tags[CONTENTS_TAG] = live.tags.get(CONTENTS_TAG, "")
    return replace(desired, attributes={**desired.attributes, "freeformTags": tags})


def _why_recorded(desired: Resource, live: LiveResource) -> tuple[str, ...]:
    record = declared_tags(desired).get(CONTENTS_TAG)
    return () if record in (None, live.tags.get(CONTENTS_TAG)) else ("its record of what the stack puts there grows",)


def _has_room(tags: Mapping[str, str]) -> bool:
    return (
        len(tags) <= _MOST_TAGS and sum(len(f"{name}{text}".encode()) + 6 for name, text in tags.items()) <= _MOST_BYTES
    )


def _known(address: Address, live: Live, owner: Owner, *, many: bool) -> Contents | None:
    one = live.one(address)
    if one is not None:
        return read_contents(one, owner)
    return frozenset() if many else None


def _declared_contents(
    resources: Mapping[Address, Resource], live: Live
) -> Mapping[Address, set[tuple[str, str | None]]]:
    """By address of a compartment of the stack what the manifests put into it."""
    resolver = Resolver(resources, live.tree, live.ids)
    addresses = {id: address for address, id in live.ids.items() if address.kind == KIND.name}
    inside: dict[Address, set[tuple[str, str | None]]] = {}
    for address, resource in resources.items():
        if address.kind == KIND.name:
            continue
        try:
            place = resolver.value(resource.attributes.get("compartmentId"))
        except PlanError:
            continue  # the plan reports it, and nothing is made
        where = [addresses.get(place)] if isinstance(place, str) else [one.address for one in references(place)]
        for compartment in where:
            if compartment is not None:
                inside.setdefault(compartment, set()).add((address.kind, resource.region))
    return inside


KIND = Compartment()

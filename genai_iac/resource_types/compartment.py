"""Compartment: a folder of the tenancy. A changed name is an update, a changed parent is a move; it is never replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from genai_iac.core import COMPARTMENT_SCHEMA, Call, Document, LiveResource, Resource, Stack, read_compartment
from genai_iac.core.errors import Problem
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, changed_fields, changed_tags, why_changed
from genai_iac.resource_types._base import Listing, ManifestContext, ResourceType, declared_places, read_time

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
        places = declared_places(document, ("name",), ("parent",))
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

    def declare(self, live: LiveResource, telling: ManifestContext) -> Mapping[str, Any]:
        """The `spec` of an export."""
        parent = telling.place(live.compartment)
        return {
            **({"name": live.name} if live.name != telling.name else {}),
            **({"parent": parent} if parent != "tenancy" else {}),
            **({"description": telling.text(live.attributes["description"])} if live.attributes["description"] else {}),
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
            reasons = why_changed(fields, desired, live)
        parent = desired.attributes["compartmentId"]
        if not facts.same(parent, live.compartment):
            calls.append(Call("MoveCompartment", {"targetCompartmentId": parent}, live.id))
            reasons = (*reasons, "it is below another parent")
        return Step(("update",), tuple(calls), reasons) if calls else Step()


KIND = Compartment()

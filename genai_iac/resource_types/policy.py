"""Policy: IAM statements, written out or as grants. OCI cannot change name and compartment: changing one replaces the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from genai_iac.core import (
    COMPARTMENT_SCHEMA,
    REPLACES,
    Address,
    Call,
    Document,
    LiveResource,
    Reference,
    Resource,
    Stack,
    StatementText,
    Value,
    read_compartment,
)
from genai_iac.core.errors import Problem
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, changed_fields, changed_tags, declared_tags, why_changed
from genai_iac.resource_types._base import DeclaredPlaces, Listing, ManifestContext, ResourceType, read_time
from genai_iac.resource_types._policy_statements import (
    GRANT_SCHEMA,
    check_statements,
    grant_statements,
    granted_keys,
    named_steps,
)


class Policy(ResourceType):
    """Identity 20160918: CreatePolicy, UpdatePolicy, DeletePolicy.

    The service compiles names in statements to OCIDs when a policy is written.
    """

    name = "Policy"
    plural = "policies"
    summary = "An IAM policy: statements, or grants that become the narrowest statements."
    statement_fields = ("statements",)
    listing = Listing("ListPolicies", "compartment")
    get_operation = "GetPolicy"
    update_operation = "UpdatePolicy"
    delete_operation = "DeletePolicy"
    name_field = "name"
    ocid_type = "policy"
    terraform_type = "oci_identity_policy"
    export_file = "policies"
    name_scope = "tenancy"
    operations: ClassVar[Mapping[str, SdkOperation]] = {
        "ListPolicies": SdkOperation("identity", "list_policies", ("id",), home=True),
        "GetPolicy": SdkOperation("identity", "get_policy", ("id",), home=True),
        "CreatePolicy": SdkOperation("identity", "create_policy", ("body",), home=True, token=True),
        "UpdatePolicy": SdkOperation("identity", "update_policy", ("id", "body"), home=True, etag=True),
        "DeletePolicy": SdkOperation("identity", "delete_policy", ("id",), home=True, etag=True),
    }
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {
                "type": "string",
                "description": "Its name in OCI, unique in the tenancy and immutable: a change replaces the policy. "
                "Default: metadata.name.",
                "pattern": "^[A-Za-z0-9._-]{1,100}$",
            },
            "compartment": {**COMPARTMENT_SCHEMA, "default": "tenancy", "title": "Where the policy is attached"},
            "description": {
                "type": "string",
                "description": "What it is for. OCI wants one: default 'Made by genai-iac'.",
                "minLength": 1,
                "maxLength": 400,
            },
            "statements": {
                "type": "array",
                "description": "Policy statements as OCI reads them; ${…} is a token and cannot change a statement's shape.",
                "items": {"type": "string", "minLength": 1},
                "minItems": 1,
                "maxItems": 50,
                "examples": [
                    ["allow group ml-engineers to read generative-ai-family in compartment ${Compartment/chat.name}"]
                ],
            },
            "grants": {
                "type": "array",
                "description": "Who may call what; becomes the narrowest statements, shown in the plan.",
                "items": GRANT_SCHEMA,
                "minItems": 1,
                "maxItems": 50,
            },
        },
        "anyOf": [{"required": ["statements"]}, {"required": ["grants"]}],
    }

    def check(self, document: Document) -> Iterable[Problem]:
        """Problems of the statements that can be seen offline."""
        return check_statements(document)

    def desired(self, document: Document, stack: Stack) -> Resource:
        """The declared policy, with its grants still unwritten: they need the compartments of the keys (`complete`)."""
        del stack
        spec = document.spec
        attached = read_compartment(spec.get("compartment", "tenancy"))
        statements = [_attach(statement, attached) for statement in spec.get("statements", ())]
        attributes: dict[str, Value] = {
            "name": spec.get("name", document.name),
            "compartmentId": attached,
            "description": spec.get("description", "Made by genai-iac"),
            "statements": statements,
            "freeformTags": spec.get("tags", {}),
        }
        grants = spec.get("grants", ())
        lists = (("statements", statements), ("grants", grants))
        members = [(name, index) for name, items in lists for index in range(len(items))]
        places = DeclaredPlaces(document, ("name",), ("compartment",), *members)
        settings = {"grants": grants}
        return Resource(
            document.address, attributes, document.source, spec.get("deletion", "delete"), None, settings, places
        )

    def complete(self, desired: Resource, resources: Mapping[Address, Resource]) -> Resource:
        """The resource with its grants written out, now that it is known in which compartment each key is."""
        grants: Sequence[Mapping[str, Any]] = desired.settings.get("grants", ())
        if not grants:
            return desired
        homes = {key.address.name: resources[key.address].attributes["compartmentId"] for key in granted_keys(grants)}
        statements, places = _as_list(desired.attributes["statements"]), dict(desired.places)
        for index, grant in enumerate(grants):
            for statement in grant_statements(grant, homes):
                # A problem of a generated statement is reported at the grant that it was made from.
                places[f"statements.{len(statements)}"] = places.get(f"grants.{index}", desired.source)
                statements.append(statement)
        return replace(desired, attributes={**desired.attributes, "statements": statements}, places=places)

    def uses(self, desired: Resource) -> Iterable[Reference]:
        """References to the keys of its grants."""
        return granted_keys(desired.settings.get("grants", ()))

    def names_compartments(self, attributes: Mapping[str, Value]) -> Iterable[str]:
        """Names in the statements, for the order of changes."""
        for statement in _as_list(attributes["statements"]):
            yield from named_steps(statement)

    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """The policy of one item of ListPolicies or GetPolicy."""
        del region
        tags = item.get("freeformTags") or {}
        return LiveResource(
            kind=self.name,
            id=item["id"],
            attributes={
                "name": item["name"],
                "compartmentId": item["compartmentId"],
                "description": item.get("description"),
                "statements": list(item.get("statements") or ()),
                "freeformTags": tags,
            },
            compartment=item["compartmentId"],
            name=item["name"],
            region=None,
            lifecycle=item["lifecycleState"],
            tags=tags,
            created=read_time(item.get("timeCreated")),
        )

    def declare(self, live: LiveResource, context: ManifestContext) -> Mapping[str, Any]:
        """The `spec` of an export; OCIDs in statements become references where the resource is exported too."""
        place = context.place(live.compartment)
        return {
            **({"name": live.name} if live.name != context.name else {}),
            **({"compartment": place} if place != "tenancy" else {}),
            **({"description": context.text(live.attributes["description"])} if live.attributes["description"] else {}),
            "statements": [context.statement(statement) for statement in live.attributes["statements"]],
        }

    def create(self, desired: Resource) -> Step:
        """CreatePolicy, with grants written out."""
        return Step(("create",), (Call("CreatePolicy", dict(desired.attributes)),), ("not in the tenancy",))

    def change(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """UpdatePolicy, or a replacement when name or compartment differ."""
        replaced = [
            field
            for field, is_now in (("name", live.name), ("compartmentId", live.compartment))
            if not facts.same(desired.attributes[field], is_now)
        ]
        if replaced:
            return _replace(desired, live, replaced)
        fields, tags = changed_fields(("description",), desired, live, facts), changed_tags(desired, live)
        statements = _as_list(desired.attributes["statements"])
        same = facts.same_statements(statements, live.attributes["statements"], live.compartment)
        # Statements that read the same can still be compiled to OCIDs of things that are gone.
        outdated = facts.outdated(statements, live) if same else ""
        if not same:
            fields["statements"] = statements
        if not fields and tags is None and not outdated:
            return Step()
        reasons = why_changed(fields, desired, live)
        body = {**fields, **({"statements": statements} if outdated else {})}
        body |= {} if tags is None else {"freeformTags": tags}
        return Step(("update",), (Call("UpdatePolicy", body, live.id),), (*reasons, *filter(None, [outdated])))


def _replace(desired: Resource, live: LiveResource, fields: list[str]) -> Step:
    """Create first, so that whom it admits is never without it. The new one's tag names the old one: a run that is killed in
    between leaves two, and the next one deletes that very OCID. With the same name that cannot be: names are unique in the tenancy."""
    reason = f"OCI cannot change the {' and '.join(fields)} of a policy: replaced"
    if "name" not in fields:
        calls = (Call("DeletePolicy", {}, live.id), Call("CreatePolicy", dict(desired.attributes)))
        return Step(("delete", "create"), calls, (f"{reason}, the old one first, because the name stays",))
    body = {**desired.attributes, "freeformTags": {**declared_tags(desired), REPLACES: live.id}}
    calls = (Call("CreatePolicy", body), Call("DeletePolicy", {}, live.id))
    return Step(("create", "delete"), calls, (f"{reason}, the new one first",))


def _attach(statement: Value, attached: Value) -> Value:
    """The statement with the compartment from which its paths start."""
    if isinstance(statement, StatementText):
        return StatementText(statement.template, statement.placeholders, attached)
    return statement


def _as_list(value: Value) -> list[Value]:
    assert isinstance(value, Sequence)
    return list(value)


KIND = Policy()

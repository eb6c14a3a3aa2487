"""ApiKey: a Generative AI API key with its one or two named secrets, in one region."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from msgspec.structs import replace

from genai_iac.core import (
    COMPARTMENT_SCHEMA,
    Call,
    DeliveryPlan,
    Document,
    Invalidation,
    LiveResource,
    Path,
    Reference,
    Resource,
    Stack,
    Value,
    read_compartment,
)
from genai_iac.core.errors import Problem
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, changed_fields, changed_tags, why_changed
from genai_iac.delivery import sinks
from genai_iac.resource_types._api_key_secrets import (
    DELIVERIES_SCHEMA,
    ENDPOINT_SCHEMA,
    NAME_SCHEMA,
    PROJECT_SCHEMA,
    SECRETS_SCHEMA,
    STATES,
    check_callers,
    check_deliveries,
    check_expiries,
    check_secret_names,
    declare_secret,
    read_endpoint,
    read_live_secret,
    read_project,
    read_secrets,
    secrets_after,
    show_secrets,
)
from genai_iac.resource_types._base import (
    DeclaredPlaces,
    Listing,
    ManifestContext,
    ResourceType,
    read_time,
    replace_in_region,
)
from genai_iac.rotation.block import ROTATION_SCHEMA, Rotation, check_rotation
from genai_iac.rotation.declared_states import (
    ask_for_another,
    check_names,
    declared_roles,
    declared_secrets,
    reconcile_secrets,
    set_state,
)
from genai_iac.rotation.delivery_gaps import describe_sinks, find_delivery_gaps
from genai_iac.rotation.next_step import rotate
from genai_iac.rotation.requests import find_leak, handle_leak
from genai_iac.rotation.state import derive_state


class ApiKey(ResourceType):
    """Generative AI 20231130: CreateApiKey, UpdateApiKey, RenewApiKey, SetApiKeyState, ChangeApiKeyCompartment, DeleteApiKey.

    Sinks, rotation, project and endpoint are settings: they are never sent to OCI.
    """

    name = "ApiKey"
    plural = "API keys"
    summary = "An OCI Generative AI API key and where the values of its secrets are delivered."
    listing = Listing("ListApiKeys", "compartment and region")
    get_operation = "GetApiKey"
    update_operation = "UpdateApiKey"
    delete_operation = "DeleteApiKey"
    name_field = "displayName"
    ocid_type = "generativeaiapikey"
    terraform_type = "oci_generative_ai_api_key"
    export_file = "keys"
    creates_secrets = True
    operations: ClassVar[Mapping[str, SdkOperation]] = {
        "ListApiKeys": SdkOperation("generative_ai", "list_api_keys", ("id",)),
        "GetApiKey": SdkOperation("generative_ai", "get_api_key", ("id",)),
        "CreateApiKey": SdkOperation("generative_ai", "create_api_key", ("body",), token=True),
        "UpdateApiKey": SdkOperation("generative_ai", "update_api_key", ("id", "body"), etag=True),
        "RenewApiKey": SdkOperation("generative_ai", "renew_api_key", ("id", "body"), token=True, etag=True),
        "SetApiKeyState": SdkOperation("generative_ai", "set_api_key_state", ("id", "body"), token=True, etag=True),
        "ChangeApiKeyCompartment": SdkOperation(
            "generative_ai", "change_api_key_compartment", ("id", "body"), token=True, etag=True
        ),
        "DeleteApiKey": SdkOperation("generative_ai", "delete_api_key", ("id",), etag=True),
    }
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["compartment", "secrets"],
        "properties": {
            "displayName": {
                **NAME_SCHEMA,
                "description": "The key's name in OCI; need not be unique there. Default: metadata.name.",
            },
            "compartment": COMPARTMENT_SCHEMA,
            "region": {
                "type": "string",
                "description": "The region of the key; a key calls models of its own region only. Default: the Stack's.",
                "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$",
                "examples": ["us-chicago-1"],
            },
            "description": {"type": "string", "maxLength": 400},
            "secrets": SECRETS_SCHEMA,
            "project": PROJECT_SCHEMA,
            "endpoint": ENDPOINT_SCHEMA,
            "deliverTo": DELIVERIES_SCHEMA,
            "rotation": ROTATION_SCHEMA,
        },
    }

    def spec_schema(self) -> Mapping[str, Any]:
        """As of every kind, with the settings of all sinks."""
        properties = self.schema["properties"]
        deliveries = {**properties["deliverTo"], "items": sinks.entry_schema()}
        return {**self.schema, "properties": {**properties, "deliverTo": deliveries}}

    def check(self, document: Document) -> Iterable[Problem]:
        """All checks, one after the other."""
        for found in self.checks(document):
            yield from found

    def checks(self, document: Document) -> Iterable[Iterable[Problem]]:
        """Independent parts: a mistake in one field does not hide mistakes in the others."""
        return (
            check_secret_names(document),
            check_expiries(document),
            check_deliveries(document),
            check_callers(document),
            check_rotation(document),
        )

    def claims(self, document: Document) -> Iterable[tuple[Path, str, bool]]:
        """What the key's sinks name: files, variables in a shared file, Vault secrets."""
        named: set[str] = set()  # by this key: what two keys may share, no key has twice
        for index, entry in enumerate(document.spec.get("deliverTo", ())):
            for claim in sinks.entry_claims(entry):
                yield ("spec", "deliverTo", index), claim.what, claim.shared and claim.what not in named
                named.add(claim.what)

    def desired(self, document: Document, stack: Stack) -> Resource:
        """The declared key. Absent fields get their defaults here, so that later stages never ask for one."""
        spec = document.spec
        attributes: dict[str, Value] = {
            "displayName": spec.get("displayName", document.name),
            "compartmentId": read_compartment(spec["compartment"]),
            **({"description": spec["description"]} if "description" in spec else {}),
            "secrets": read_secrets(spec),
            "freeformTags": spec.get("tags", {}),
        }
        return Resource(
            document.address,
            attributes,
            document.source,
            spec.get("deletion", "delete"),
            spec.get("region", stack.region),
            settings={
                "deliverTo": tuple(spec.get("deliverTo", ())),
                "rotation": spec.get("rotation"),
                "project": read_project(spec),
                "endpoint": read_endpoint(spec),
            },
            places=DeclaredPlaces(
                document,
                ("displayName",),
                ("compartment",),
                ("region",),
                ("secrets",),
                ("project",),
                ("endpoint",),
                ("rotation", "verify", "model"),
                *(("deliverTo", index) for index in range(len(spec.get("deliverTo", ())))),
            ),
        )

    def uses(self, desired: Resource) -> Iterable[Reference]:
        """References to compartments of Vault sinks."""
        named = (value for entry in desired.settings.get("deliverTo", ()) for value in sinks.entry_compartments(entry))
        return (value for value in named if isinstance(value, Reference))

    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """The key of one item of ListApiKeys or GetApiKey. The answer of a create has the values removed already."""
        secrets = tuple(read_live_secret(secret) for secret in item.get("keys") or ())
        tags = item.get("freeformTags") or {}
        return LiveResource(
            kind=self.name,
            id=item["id"],
            attributes={
                "displayName": item["displayName"],
                "compartmentId": item["compartmentId"],
                "description": item.get("description"),
                "secrets": show_secrets(secrets),
                "freeformTags": tags,
            },
            compartment=item["compartmentId"],
            name=item["displayName"],
            region=region,
            lifecycle=item["lifecycleState"],
            tags=tags,
            created=read_time(item.get("timeCreated")),
            secrets=secrets,
        )

    def declare(self, live: LiveResource, context: ManifestContext) -> Mapping[str, Any]:
        """The `spec` of an export. Sinks and rotation cannot be read from OCI."""
        description = live.attributes["description"]
        return {
            **({"displayName": live.name} if live.name != context.name else {}),
            "compartment": context.place(live.compartment),
            **({"region": live.region} if live.region != context.region else {}),
            **({"description": context.text(description)} if description else {}),
            "secrets": [declare_secret(secret) for secret in live.secrets],
        }

    def create(self, desired: Resource) -> Step:
        """CreateApiKey makes every secret ACTIVE; those that are declared otherwise get a SetApiKeyState of their own."""
        secrets = declared_secrets(desired)
        body = {name: value for name, value in desired.attributes.items() if name != "secrets"}
        body["keyDetails"] = [{"keyName": name, "timeExpiry": secret["expires"]} for name, secret in secrets.items()]
        states = [
            set_state(None, name, STATES[secret["state"]], desired.region)
            for name, secret in secrets.items()
            if secret["state"] != "active"
        ]
        calls = (Call("CreateApiKey", body, None, desired.region), *states)
        handover = DeliveryPlan(declared_roles(desired))
        return Step(("create",), calls, ("not in the tenancy",), deliver=tuple(secrets), handover=handover)

    def change(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """Replace, or change the key itself, its compartment and its secrets in one change."""
        if desired.region != live.region:
            return replace_in_region(self, desired, live)
        check_names(desired, live)
        # The key first: an update in the same change as a revocation must not fail after the
        # value has stopped working.
        outside, inside = self._change_key(desired, live, facts), self._change_secrets(desired, live, facts)
        return replace(
            inside,
            actions=tuple(dict.fromkeys((*outside.actions, *inside.actions))),
            calls=_as_one_update((*outside.calls, *inside.calls)),
            reasons=(*outside.reasons, *inside.reasons),
        )

    def _change_key(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """Update and move. OCI changes name, description and tags in one call, the compartment in another."""
        calls: list[Call] = []
        reasons: list[str] = []
        fields, tags = changed_fields(("displayName", "description"), desired, live, facts), changed_tags(desired, live)
        if fields or tags is not None:
            body = {**fields, **({} if tags is None else {"freeformTags": tags})}
            calls.append(Call("UpdateApiKey", body, live.id, live.region))
            reasons.extend(why_changed(fields, desired, live))
        home = desired.attributes["compartmentId"]
        if not facts.same(home, live.compartment):
            calls.append(Call("ChangeApiKeyCompartment", {"compartmentId": home}, live.id, live.region))
            reasons.append("it is in another compartment")
        return Step(("update",) if calls else (), tuple(calls), tuple(reasons))

    def _change_secrets(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """The step of the secrets, with notes about sinks."""
        rotation = Rotation.of(desired)
        step = self._next_step(desired, live, rotation, facts)
        return replace(step, notes=(*step.notes, *self._notes_of_sinks(desired, live, facts)))

    @staticmethod
    def _next_step(desired: Resource, live: LiveResource, rotation: Rotation | None, facts: DiffContext) -> Step:
        """By rotation, by leak or by declared states. A leak is answered for keys without a rotation too."""
        if rotation is not None:
            return rotate(desired, live, rotation, facts)
        leaked = find_leak(live, facts) if len(live.secrets) == 2 else None
        if leaked is not None:
            return handle_leak(desired, live, derive_state(desired, live, facts.held), leaked, facts)
        return reconcile_secrets(desired, live, facts)

    @staticmethod
    def _notes_of_sinks(desired: Resource, live: LiveResource, facts: DiffContext) -> Iterable[str]:
        """What is to be known of places on other machines, and of places that are not declared any more."""
        if not facts.held or facts.request is not None:
            return ()
        if Rotation.of(desired) is not None:
            roles = derive_state(desired, live, facts.held).roles
            ask = f"for a new one all the same: genai-iac rotate {desired.address}"
        else:
            roles = {name: role for name, role in declared_roles(desired).items() if live.secret(name)}
            first = next(iter(find_delivery_gaps(roles, facts.held, live).elsewhere), next(iter(roles), None))
            ask = ask_for_another(desired, first, facts.now) if first else ""
        return describe_sinks(roles, facts.held, live, ask)

    def after(
        self, desired: Resource, live: LiveResource, step: Step, resolve: Callable[[Value], Value]
    ) -> Mapping[str, Value]:
        """The attributes after the step, with the states and expiries of the secrets."""
        if "create" in step.actions:
            return {**{name: resolve(value) for name, value in desired.attributes.items()}, "region": desired.region}
        after = dict(super().after(desired, live, step, resolve))
        return {**after, "secrets": secrets_after(live.attributes["secrets"], step.calls)}

    def remove(self, live: LiveResource) -> Step:
        """DeleteApiKey; every active secret stops working."""
        step = super().remove(live)
        losses = tuple(
            Invalidation(secret.name, secret.last_used, "delete") for secret in live.secrets if secret.state == "ACTIVE"
        )
        return Step(step.actions, step.calls, step.reasons, losses)


def _as_one_update(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The calls with all that updates the key itself in the first of them.

    The leak tag and changed fields are in one UpdateApiKey: one changed resource is one
    update.
    """
    updates = [call for call in calls if call.operation == ApiKey.update_operation]
    if len(updates) < 2:
        return calls
    body = {name: value for call in updates for name, value in call.body.items()}
    rest = [call for call in calls if call.operation != ApiKey.update_operation]
    return (replace(updates[0], body=body), *rest)


KIND = ApiKey()

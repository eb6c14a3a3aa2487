"""ApiKey: a Generative AI API key with its one or two named secrets, in one region."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from genai_iac import sinks
from genai_iac.errors import Problem
from genai_iac.kinds._expiry import DEFAULT, EXPIRES_SCHEMA, read_expiry, write_moment
from genai_iac.kinds._kind import (
    Facts,
    Kind,
    Listing,
    Step,
    Telling,
    changed_fields,
    changed_tags,
    declared_places,
    read_time,
    why_changed,
)
from genai_iac.kinds._rotation import ROTATION_SCHEMA, Rotation, check_rotation
from genai_iac.kinds._secrets import check_names, declared_roles, declared_secrets, set_state, turn_secrets
from genai_iac.kinds._turn import rotate
from genai_iac.model import (
    COMPARTMENT_SCHEMA,
    Call,
    Document,
    Handover,
    LiveResource,
    LiveSecret,
    Loss,
    Reference,
    Resource,
    Stack,
    Value,
    leaves,
    read_compartment,
)

_NAME = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,254}$"}
_STATES = {"active": "ACTIVE", "inactive": "INACTIVE", "revoked": "REVOKED"}


class ApiKey(Kind):
    """Generative AI 20231130: CreateApiKey, UpdateApiKey, RenewApiKey, SetApiKeyState, ChangeApiKeyCompartment, DeleteApiKey."""

    name = "ApiKey"
    plural = "API keys"
    summary = "An OCI Generative AI API key and where the values of its secrets are delivered."
    listing = Listing("ListApiKeys", "compartment and region")
    get_operation = "GetApiKey"
    update_operation = "UpdateApiKey"
    delete_operation = "DeleteApiKey"
    name_field = "displayName"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["compartment", "secrets"],
        "properties": {
            "displayName": {
                **_NAME,
                "description": "The key's name in OCI; need not be unique there. Default: metadata.name.",
            },
            "compartment": COMPARTMENT_SCHEMA,
            "region": {
                "type": "string",
                "description": "Where the key lives and works; a key calls models of its own region only. Default: the Stack's.",
                "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$",
                "examples": ["us-chicago-1"],
            },
            "description": {"type": "string", "maxLength": 400},
            "secrets": {
                "type": "array",
                "description": "The key's one or two secrets; OCI fixes their number and names when it makes the key.",
                "minItems": 1,
                "maxItems": 2,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["name"],
                    "properties": {
                        "name": {**_NAME, "examples": ["key-one", "key-two"]},
                        "state": {"enum": list(_STATES), "default": "active", "description": "revoked is for ever."},
                        "expires": EXPIRES_SCHEMA,
                    },
                },
            },
            "deliverTo": {
                "type": "array",
                "description": "Where plaintext goes when a secret is minted. Without a sink the values are shown to nobody and lost.",
                "items": sinks.entry_schema(),
                "maxItems": 20,
            },
            "rotation": ROTATION_SCHEMA,
        },
    }

    def check(self, document: Document) -> Iterable[Problem]:
        names: set[str] = set()
        for index, secret in enumerate(document.spec.get("secrets", ())):
            if secret["name"] in names:
                yield Problem(
                    document.place("spec", "secrets", index, "name"),
                    f"two secrets are called {secret['name']}",
                    "name them apart",
                )
            names.add(secret["name"])
            try:
                read_expiry(str(secret.get("expires", DEFAULT)))
            except ValueError:
                yield Problem(
                    document.place("spec", "secrets", index, "expires"),
                    f"{secret['expires']} is not a moment of the calendar",
                    "write a date-time such as 2027-06-30T00:00:00Z, or a duration such as 90d",
                )
        for index, entry in enumerate(document.spec.get("deliverTo", ())):
            for leaf in leaves(entry):
                yield Problem(
                    document.place("spec", "deliverTo", index),
                    f"{leaf} is a reference, and where a secret goes must be known beforehand",
                    "write it out, or use ${var.NAME}",
                )
        if "rotation" in document.spec:
            yield from check_rotation(document)

    def desired(self, document: Document, stack: Stack) -> Resource:
        spec = document.spec
        attributes: dict[str, Value] = {
            "displayName": spec.get("displayName", document.name),
            "compartmentId": read_compartment(spec["compartment"]),
            **({"description": spec["description"]} if "description" in spec else {}),
            "secrets": {
                secret["name"]: {
                    "state": secret.get("state", default),
                    "expires": read_expiry(secret.get("expires", DEFAULT)),
                }
                for secret, default in zip(spec["secrets"], _default_states(spec), strict=False)
            },
            "freeformTags": spec.get("tags", {}),
        }
        return Resource(
            document.address,
            attributes,
            document.source,
            spec.get("deletion", "delete"),
            spec.get("region", stack.region),
            settings={"deliverTo": tuple(spec.get("deliverTo", ())), "rotation": spec.get("rotation")},
            places=declared_places(
                document,
                ("displayName",),
                ("compartment",),
                ("region",),
                ("secrets",),
                *(("deliverTo", index) for index in range(len(spec.get("deliverTo", ())))),
            ),
        )

    def uses(self, desired: Resource) -> Iterable[Reference]:
        named = (value for entry in desired.settings.get("deliverTo", ()) for value in sinks.entry_compartments(entry))
        return (value for value in named if isinstance(value, Reference))

    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        secrets = tuple(_read_secret(secret) for secret in item.get("keys") or ())
        tags = item.get("freeformTags") or {}
        return LiveResource(
            kind=self.name,
            id=item["id"],
            attributes={
                "displayName": item["displayName"],
                "compartmentId": item["compartmentId"],
                "description": item.get("description"),
                "secrets": {
                    secret.name: {
                        "state": secret.state.lower(),
                        "expires": write_moment(secret.expires) if secret.expires else None,
                    }
                    for secret in secrets
                },
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

    def declare(self, live: LiveResource, telling: Telling) -> Mapping[str, Any]:
        description = live.attributes["description"]
        return {
            **({"displayName": live.name} if live.name != telling.name else {}),
            "compartment": telling.place(live.compartment),
            **({"region": live.region} if live.region != telling.region else {}),
            **({"description": telling.text(description)} if description else {}),
            "secrets": [_declare_secret(secret) for secret in live.secrets],
        }

    def create(self, desired: Resource) -> Step:
        secrets = declared_secrets(desired)
        body = {name: value for name, value in desired.attributes.items() if name != "secrets"}
        body["keyDetails"] = [{"keyName": name, "timeExpiry": secret["expires"]} for name, secret in secrets.items()]
        states = [
            set_state(None, name, _STATES[secret["state"]], desired.region)
            for name, secret in secrets.items()
            if secret["state"] != "active"
        ]
        calls = (Call("CreateApiKey", body, None, desired.region), *states)
        handover = Handover(declared_roles(desired))
        return Step(("create",), calls, ("not in the tenancy",), deliver=tuple(secrets), handover=handover)

    def change(self, desired: Resource, live: LiveResource, facts: Facts) -> Step:
        if desired.region != live.region:
            made, gone = self.create(desired), self.remove(live)
            reason = f"a key cannot leave its region: replaced from {live.region} to {desired.region}"
            return replace(
                made,
                actions=("delete", "create"),
                calls=(*gone.calls, *made.calls),
                reasons=(reason,),
                losses=gone.losses,
            )
        check_names(desired, live)
        outside, inside = self._change_key(desired, live, facts), self._change_secrets(desired, live, facts)
        return replace(
            inside,
            actions=tuple(dict.fromkeys((*outside.actions, *inside.actions))),
            calls=_as_one_update((*outside.calls, *inside.calls)),
            reasons=(*outside.reasons, *inside.reasons),
        )

    def _change_key(self, desired: Resource, live: LiveResource, facts: Facts) -> Step:
        calls: list[Call] = []
        reasons: list[str] = []
        fields, tags = changed_fields(("displayName", "description"), desired, live, facts), changed_tags(desired, live)
        if fields or tags is not None:
            body = {**fields, **({} if tags is None else {"freeformTags": tags})}
            calls.append(Call("UpdateApiKey", body, live.id, live.region))
            reasons.extend(why_changed(fields, tags is not None))
        home = desired.attributes["compartmentId"]
        if not facts.same(home, live.compartment):
            calls.append(Call("ChangeApiKeyCompartment", {"compartmentId": home}, live.id, live.region))
            reasons.append("it lives in another compartment")
        return Step(("update",) if calls else (), tuple(calls), tuple(reasons))

    def _change_secrets(self, desired: Resource, live: LiveResource, facts: Facts) -> Step:
        rotation = Rotation.of(desired)
        if rotation is not None:
            return rotate(desired, live, rotation, facts)
        return turn_secrets(desired, live, facts)

    def after(
        self, desired: Resource, live: LiveResource, step: Step, resolve: Callable[[Value], Value]
    ) -> Mapping[str, Value]:
        if "create" in step.actions:
            return {**{name: resolve(value) for name, value in desired.attributes.items()}, "region": desired.region}
        after = dict(super().after(desired, live, step, resolve))
        return {**after, "secrets": _secrets_after(live.attributes["secrets"], step.calls)}

    def remove(self, live: LiveResource) -> Step:
        step = super().remove(live)
        losses = tuple(
            Loss(secret.name, secret.last_used, "delete") for secret in live.secrets if secret.state == "ACTIVE"
        )
        return Step(step.actions, step.calls, step.reasons, losses)


def _default_states(spec: Mapping[str, Any]) -> tuple[str, str]:
    """With a rotation one secret works and the other stands by; without one both work unless told otherwise."""
    return ("active", "inactive") if "rotation" in spec else ("active", "active")


def _as_one_update(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    """The calls with all that updates the key itself in the first of them."""
    updates = [call for call in calls if call.operation == ApiKey.update_operation]
    if len(updates) < 2:
        return calls
    body = {name: value for call in updates for name, value in call.body.items()}
    rest = [call for call in calls if call.operation != ApiKey.update_operation]
    return (replace(updates[0], body=body), *rest)


def _secrets_after(secrets: Mapping[str, Any], calls: Iterable[Call]) -> dict[str, dict[str, Any]]:
    """The secrets as those calls leave them, one after the other."""
    after = {name: dict(secret) for name, secret in secrets.items()}
    for call in calls:
        if call.secret is not None and call.operation == "RenewApiKey":
            details = call.body["details"]
            assert isinstance(details, Mapping)
            after[call.secret] = {"state": "active", "expires": details["timeExpiry"]}
        elif call.secret is not None and call.operation == "SetApiKeyState":
            after[call.secret]["state"] = str(call.body["state"]).lower()
    return after


def _declare_secret(secret: LiveSecret) -> dict[str, str]:
    """A secret as a manifest declares it so that nothing is to be done: what has died of age is not wanted back."""
    state = {"ACTIVE": "active", "INACTIVE": "inactive", "EXPIRED": "inactive"}.get(secret.state, "revoked")
    return {
        "name": secret.name,
        **({"state": state} if state != "active" else {}),
        **({"expires": write_moment(secret.expires)} if secret.expires else {}),
    }


def _read_secret(item: Mapping[str, Any]) -> LiveSecret:
    return LiveSecret(
        name=item["keyName"],
        state=item["state"],
        mask=item["keyMask"],
        created=read_time(item.get("timeCreated")),
        expires=read_time(item.get("timeExpiry")),
        last_used=read_time(item.get("timeLastUsed")),
    )


KIND = ApiKey()

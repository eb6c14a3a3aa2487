"""The secrets of a live key: read from the wire, shown as attributes and as a manifest, and as calls will leave them.

What callers of a key need beside its value is here too: the project that they name and the base URL that they call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from genai_iac.core import Address, Call, Document, LiveSecret, Reference, Value, leaves
from genai_iac.core.errors import Problem, SinkError
from genai_iac.core.resource import check_each
from genai_iac.delivery import sinks
from genai_iac.resource_types._base import read_time
from genai_iac.rotation.block import DEFAULT, EXPIRES_SCHEMA, read_expiry, write_moment

# keyName as CreateApiKey takes it
NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,254}$"}
STATES: Mapping[str, str] = {"active": "ACTIVE", "inactive": "INACTIVE", "revoked": "REVOKED"}  # OCI's words
SECRETS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "The key's one or two secrets; OCI fixes their number and names when it makes the key.",
    "minItems": 1,
    "maxItems": 2,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {**NAME_SCHEMA, "examples": ["key-one", "key-two"]},
            "state": {"enum": list(STATES), "default": "active", "description": "revoked is permanent."},
            "expires": EXPIRES_SCHEMA,
        },
    },
}
# And `items`, when somebody asks for the schema (`ApiKey.spec_schema`): for them all sinks are imported.
DELIVERIES_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "Where plaintext goes when a secret is created or renewed. Without a sink the values are lost.",
    "maxItems": 20,
}


def check_secret_names(document: Document) -> Iterator[Problem]:
    """Names that are not distinguished.

    Yields:
        At the second secret of a name.
    """
    names: set[str] = set()

    def check(index: int, secret: Mapping[str, Any]) -> Iterator[Problem]:
        if secret["name"] in names:
            yield Problem(
                document.place("spec", "secrets", index, "name"),
                f"two secrets are called {secret['name']}",
                "give them different names",
            )
        names.add(secret["name"])

    yield from check_each(document.spec.get("secrets", ()), check)


def check_expiries(document: Document) -> Iterator[Problem]:
    """Moments that no calendar has."""

    def check(index: int, secret: Mapping[str, Any]) -> Iterator[Problem]:
        try:
            read_expiry(str(secret.get("expires", DEFAULT)))
        except ValueError:
            yield Problem(
                document.place("spec", "secrets", index, "expires"),
                f"{secret['expires']} is not a moment of the calendar",
                "write a date-time such as 2027-06-30T00:00:00Z, or a duration such as 90d",
            )

    yield from check_each(document.spec.get("secrets", ()), check)


def check_deliveries(document: Document) -> Iterator[Problem]:
    """Sinks that are not known beforehand.

    Yields:
        At the entry: references, and entries whose sink cannot be opened.
    """

    def check(index: int, entry: Value) -> Iterator[Problem]:
        # A sink must be part of the approved plan, so it cannot depend on an OCID that is only
        # known after apply.
        for leaf in leaves(entry):
            yield Problem(
                document.place("spec", "deliverTo", index),
                f"{leaf} is a reference, and where a secret goes must be known beforehand",
                "write it out, or use ${var.NAME}",
            )
        if not isinstance(entry, Mapping):
            return
        try:
            sinks.entry_claims(entry)
        except SinkError as error:
            yield Problem(document.place("spec", "deliverTo", index), error.message, error.hint or "")

    yield from check_each(document.spec.get("deliverTo", ()), check)


def read_secrets(spec: Mapping[str, Any]) -> dict[str, Value]:
    """The declared secrets by name: `{"state": "active", "expires": Lifetime or moment}`.

    Args:
        spec: of a checked document; `strict=False`, because there are one or two secrets
            and always two defaults.
    """
    return {
        secret["name"]: {"state": secret.get("state", default), "expires": read_expiry(secret.get("expires", DEFAULT))}
        for secret, default in zip(spec["secrets"], _default_states(spec), strict=False)
    }


def _default_states(spec: Mapping[str, Any]) -> tuple[str, str]:
    """With a rotation one secret works and the other is the standby; without one both work unless declared otherwise."""
    return ("active", "inactive") if "rotation" in spec else ("active", "active")


def read_live_secret(item: Mapping[str, Any]) -> LiveSecret:
    """One of the `keys` of an API key, as a list or a Get shows it.

    Args:
        item: an `ApiKeyItem` of the API.
    """
    return LiveSecret(
        name=item["keyName"],
        state=item["state"],
        mask=item["keyMask"],
        created=read_time(item.get("timeCreated")),
        expires=read_time(item.get("timeExpiry")),
        last_used=read_time(item.get("timeLastUsed")),
    )


def show_secrets(secrets: Iterable[LiveSecret]) -> dict[str, dict[str, str | None]]:
    """The secrets as attributes of their key, by name, in the words of manifests.

    The mask is not among them: it changes with every renewal and would always be a
    difference.
    """
    return {
        secret.name: {
            "state": secret.state.lower(),
            "expires": write_moment(secret.expires) if secret.expires else None,
        }
        for secret in secrets
    }


def declare_secret(secret: LiveSecret) -> dict[str, str]:
    """A secret as a manifest declares it so that nothing is to be done: one that has expired is not renewed.

    Used by export. A date-time is written, so the next plan is empty.
    """
    state = {"ACTIVE": "active", "INACTIVE": "inactive", "EXPIRED": "inactive"}.get(secret.state, "revoked")
    return {
        "name": secret.name,
        **({"state": state} if state != "active" else {}),
        **({"expires": write_moment(secret.expires)} if secret.expires else {}),
    }


def secrets_after(secrets: Mapping[str, Any], calls: Iterable[Call]) -> dict[str, dict[str, Any]]:
    """The secrets as those calls leave them, one after the other.

    Args:
        secrets: attributes of the live key.
        calls: of one step.
    """
    after = {name: dict(secret) for name, secret in secrets.items()}
    for call in calls:
        if call.secret is not None and call.operation == "RenewApiKey":
            details = call.body["details"]
            assert isinstance(details, Mapping)
            after[call.secret] = {"state": "active", "expires": details["timeExpiry"]}
        elif call.secret is not None and call.operation == "SetApiKeyState":
            after[call.secret]["state"] = str(call.body["state"]).lower()
    return after


PROJECT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Project",
    "description": "The Generative AI project that calls name: a declared Project by its metadata.name, or an OCID.",
    "pattern": r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|ocid1\.generativeaiproject\..+)$",
    "examples": ["chat"],
}
ENDPOINT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Endpoint",
    "description": "The base URL that callers get: openai/v1 or actions/v1 of the key's region, or the whole https URL of a "
    "dedicated or private endpoint. Default: openai/v1 with a project, else actions/v1.",
    "pattern": r"^(openai/v1|actions/v1|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)$",
    "examples": ["openai/v1"],
}
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}")  # a label of a host name that is a region


def read_project(spec: Mapping[str, Any]) -> Value:
    """A Reference to a declared Project, an OCID as it is, or None.

    Args:
        spec: of a checked ApiKey document.
    """
    written = spec.get("project")
    if isinstance(written, str) and not written.startswith("ocid1."):
        return Reference(Address("Project", written))
    return written


def read_endpoint(spec: Mapping[str, Any]) -> str:
    """`openai/v1`, `actions/v1`, or a URL without a slash at its end.

    Args:
        spec: of a checked ApiKey document.
    """
    default = "openai/v1" if "project" in spec else "actions/v1"
    return str(spec.get("endpoint", default)).rstrip("/")


def check_callers(document: Document) -> Iterator[Problem]:
    """What the schema cannot say of `endpoint`.

    Whether the host may be used is decided later, by the command line
    (`oci_client/inference_hosts.py`).
    """
    url = str(document.spec.get("endpoint", ""))
    if not url.startswith("https://"):
        return
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        host, port = None, None
    if not host or "." not in host.strip(".") or re.fullmatch(r"[0-9.]+", host) or port == 0:
        message = f"{url} is not the URL of an endpoint"
        yield Problem(document.place("spec", "endpoint"), message, "write https://HOST/openai/v1, with a host name")


def region_of_endpoint(endpoint: str) -> str | None:
    """The region that the host of a URL names; None when it names none.

    Args:
        endpoint: `spec.endpoint` or its default.
    """
    host = (urlsplit(endpoint).hostname or "") if endpoint.startswith("https://") else ""
    return next((label for label in host.split(".") if _REGION.fullmatch(label)), None)

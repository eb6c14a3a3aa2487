"""What comes back: answers as plain data with the wire's own names, and how each request ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genai_iac.core import Address, Secret
from genai_iac.core.errors import ServiceFailure
from genai_iac.network import read_headers
from genai_iac.network.limits import cut_deep
from genai_iac.oci_client.secrets import extract_secrets

_NOT_OCI = "try again; if it stays so, ask whether the endpoint is OCI's"


@dataclass(frozen=True, slots=True)
class OciResponse:
    """One answer as plain data with the wire's own names. Plaintext is in `secrets` and nowhere else: by the name of the
    key's secret, or under `content` for a Vault secret's."""

    data: Any  # body, without values and cut at a depth that JSON encoders take
    etag: str | None = None  # for if-match
    work_request: str | None = None  # OCID from opc-work-request-id; None when the operation is done
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    doubted: bool = False  # an earlier attempt of the same call, whose response was lost, may have taken effect too


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """How a work request ended."""

    status: str  # SUCCEEDED, FAILED or CANCELED
    errors: tuple[str, ...]  # messages of the service

    def __bool__(self) -> bool:
        return self.status == "SUCCEEDED"


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request as it ended, for people who want to see each. Nothing that was sent or answered is in it."""

    operation: str  # OCI's name
    region: str  # that was called
    status: int | None  # None: no answer
    seconds: float  # of this attempt alone
    id: str | None = None  # OCID that it is about: the one in the request, or of what a create made
    request_id: str | None = None  # opc-request-id of the answer
    address: Address | None = None  # whose change it belongs to

    @property
    def writes(self) -> bool:
        """Whether it is a write; OCI's own names tell."""
        return not self.operation.startswith(("List", "Get"))

    def __bool__(self) -> bool:
        return self.status is not None and self.status < 400


RequestListener = Callable[[SentRequest], None]


def read_response(response: Any, *, doubted: bool = False) -> OciResponse:
    """The SDK's response as a OciResponse; every value leaves its data, before anything else of the answer is looked at.

    Args:
        response: of the SDK, with `skip_deserialization`: data is parsed JSON.
    """
    secrets = extract_secrets(response.data)
    headers = read_headers(response.headers)
    return OciResponse(cut_deep(response.data), headers.etag, headers.work_request, secrets, doubted)


def read_rows(data: Any, operation: str) -> list[dict[str, Any]]:
    """The items of one page: a list, or the member `items` of an object. Raises ServiceFailure when it is something else.

    Args:
        data: one page.
    """
    items = data.get("items") if isinstance(data, Mapping) else data
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceFailure(
            f"{operation}: the service answered with something else than a list",
            operation=operation,
            hint=_NOT_OCI,
        )
    return items


# members that are read further without a look, and what they are
_FORMS: Mapping[str, type | tuple[type, ...]] = {
    "versionNumber": int,
    "stages": (list, type(None)),
    "secretBundleContent": Mapping,
    **dict.fromkeys(
        ("id", "keyId", "vaultId", "secretName", "lifecycleState", "managementEndpoint", "regionName", "status"), str
    ),
}


def expect(data: Any, operation: str, *names: str) -> Mapping[str, Any]:
    """The answer, or one row of it, when it has those members. Raises ServiceFailure when it is something else.

    Args:
        names: members that the caller relies on.
    """
    if isinstance(data, Mapping) and all(
        name in data and isinstance(data[name], _FORMS.get(name, object)) for name in names
    ):
        return data
    raise ServiceFailure(
        f"{operation}: the service answered with something without {' and '.join(names)}",
        operation=operation,
        hint=_NOT_OCI,
    )

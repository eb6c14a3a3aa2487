"""Answers as plain data with the wire's own names, and failures: what was asked, what the service said, the opc-request-id, and what to do.

Every failure becomes one ServiceFailure with `uncertain`, `unreached` and `final` set, since `retry.py` and the executor decide by those
three and never by text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from socket import gaierror
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core import Address, Secret
from genai_iac.core.errors import ServiceFailure
from genai_iac.core.redactor import quote_foreign
from genai_iac.iam_policy.permissions import rights_of
from genai_iac.network import Headers, explain, read_headers
from genai_iac.network.connections import cut_deep
from genai_iac.network.failures import causes
from genai_iac.oci_client.regions import is_known, similar_regions
from genai_iac.oci_client.secrets import extract_secrets

_NOT_OCI = "try again; if it stays so, ask whether the endpoint is OCI's"


class OciResponse(Struct, frozen=True):
    """One answer as plain data with the wire's own names. Plaintext is in `secrets` and nowhere else: by the name of the
    key's secret, or under `content` for a Vault secret's."""

    data: Any  # body, without values and cut at a depth that JSON encoders take
    etag: str | None = None  # for if-match
    work_request: str | None = None  # OCID from opc-work-request-id; None when the operation is done
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    doubted: bool = False  # an earlier attempt of the same call, whose response was lost, may have taken effect too


class TenancyClock:
    """The tenancy's time, as the `Date` headers of its answers give it. Expiries are judged by it, not by this machine's time.

    Args:
        local: whether the tenancy is an emulator, whose clock can be set to any year.
    """

    def __init__(self, *, local: bool) -> None:
        # OCI refuses signatures that are five minutes off, so no answer of its own is farther from our clock.
        self._farthest = timedelta(days=3660) if local else timedelta(hours=1)
        self._ahead = timedelta(0)  # of our clock
        self._last: timedelta | None = None  # by the last answer; None before the first

    def now(self) -> datetime:
        """The tenancy's time; ours until the first answer."""
        return datetime.now(UTC) + self._ahead

    def note(self, date: datetime | None) -> None:
        """Take the time from an answer's `Date` header. One that cannot be is forgotten.

        One that differs from the answer before is believed when the next one agrees: a single date of last year made every
        expiry lie in the past (tests/crash/test_fault_matrix.py, a date without a zone).
        """
        if date is None:
            return
        ahead = date - datetime.now(UTC)
        if abs(ahead) > self._farthest:
            return
        before, self._last = self._last, ahead
        if before is None or abs(ahead - before) < timedelta(seconds=30):
            # the header has whole seconds only; closer than that is this machine's clock being right
            self._ahead = ahead if abs(ahead) > timedelta(seconds=2) else timedelta(0)


class WorkRequest(Struct, frozen=True):
    """How a work request ended."""

    status: str  # SUCCEEDED, FAILED or CANCELED
    errors: tuple[str, ...]  # messages of the service

    def __bool__(self) -> bool:
        return self.status == "SUCCEEDED"


class SentRequest(Struct, frozen=True):
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
        """Whether it is a write; OCI's own names say so."""
        return not self.operation.startswith(("List", "Get"))

    def __bool__(self) -> bool:
        return self.status is not None and self.status < 400


RequestListener = Callable[[SentRequest], None]


class RawResponse(NamedTuple):
    """One answer of the SDK before anybody looked at its body. The headers are read once for all who need one."""

    data: Any  # parsed JSON (`skip_deserialization`), with any value still in it
    headers: Headers


def read_response(response: RawResponse, *, doubted: bool = False) -> OciResponse:
    """The answer as an OciResponse; every value leaves its data, before anything else of it is looked at."""
    secrets = extract_secrets(response.data)
    headers = response.headers
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


def endless_list(operation: str, pages: int) -> ServiceFailure:
    """The failure of a list whose pages come round again, or never end."""
    return ServiceFailure(
        f"{operation}: the list does not end: after {pages} pages the service names one that was read already, or still another",
        operation=operation,
        hint=_NOT_OCI,
    )


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


# preflight checks names, so this conflict is rare
_TAKEN = "a plan that can see what has the name refuses this, so it came since, or this identity may not see it"
_HINTS: Mapping[tuple[int, str], str] = {
    (401, "NotAuthenticated"): "check the profile's key and fingerprint, and this machine's clock",
    (
        403,
        "NotAllowed",
    ): "the tenancy's home region takes IAM writes; report this: the tool should have called it",
    (404, "NotAuthorizedOrNotFound"): "it is not there, or not in this region, or this identity may not do that",
    (
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
    ): "something that the request names is not there, or this identity may not see it",
    (412, "NoEtagMatch"): "it was changed since it was read: run the command again, which reads it anew",
    (429, "TooManyRequests"): "the tenancy is throttled; try again later or lower --parallelism",
    (400, "LimitExceeded"): "ask for a higher service limit in the Console, or remove what is not needed",
}
_DENIALS = (
    "this tenancy takes no deny statements until an administrator turns them on for the whole tenancy: ask for that, or leave "
    "the deny statements out; then run the command again"
)
_CONFLICTS: Mapping[str, str] = {
    "CompartmentAlreadyExists": f"{_TAKEN}: give it another spec.name, or adopt what is there: genai-iac import Compartment/NAME OCID",
    "PolicyAlreadyExists": f"{_TAKEN}: give it another spec.name, or adopt what is there: genai-iac import Policy/NAME OCID",
    "NotAuthorizedOrResourceAlreadyExists": (
        "either the name is taken, perhaps by something that this identity may not see: give it another name or adopt what is "
        "there with genai-iac import; or this identity may not do that"
    ),
    "IncorrectState": "something else is being done to it: wait until that is over, then apply again",
    "LockConflict": "it is locked: wait until that is over or remove the lock in the Console, then apply again",
    "InvalidatedRetryToken": "what an earlier attempt made was changed or deleted since: plan and apply again",
}
_CONFLICT = "it is not in a state that allows this: look at it in the Console, then plan and apply again"


def translate(
    error: Exception, operation: str, *, region: str = "", url: str = "", proxy: str | None = None
) -> ServiceFailure:
    """The ServiceFailure that an exception of the SDK means; the original is left to be chained.

    `url` is where the service is, `proxy` what the request went through.

    Args:
        error: whatever a method of an SDK client raised.
        operation: the OCI operation.
        region: that was called; empty when it does not matter for the message.

    Returns:
        For an exception that is no answer of the service: `status` is None.
    """
    from oci.exceptions import ServiceError

    if isinstance(error, ServiceError):
        return (
            _of_redirect(error, operation) if 300 <= int(error.status) < 400 else _of_answer(error, operation, region)
        )
    name = type(error).__name__
    # By name: the class is in a library that the SDK may or may not have installed.
    if name == "CircuitBreakerError":
        failure = ServiceFailure(
            f"{operation}: too many failures in a row, calls to this service are paused", operation=operation
        )
        failure.retry_after = 5.0
        return failure
    if isinstance(error, RecursionError | UnicodeError):
        return _unreadable(operation)
    return _of_exception(error, operation, region, url, proxy)


def not_subscribed(failure: ServiceFailure, region: str, subscribed: Sequence[str]) -> ServiceFailure | None:
    """The failure that a 401 in a region means to which the tenancy is not subscribed; None when it is.

    Args:
        failure: a 401.
        region: that was called.
        subscribed: the regions of the tenancy, long names.
    """
    if region in subscribed:
        return None
    near = [name for name in similar_regions(region) if name in subscribed]
    return ServiceFailure(
        f"{failure.operation}: the tenancy is not subscribed to region {region}, but to {', '.join(sorted(subscribed))}",
        operation=failure.operation,
        status=failure.status,
        code=failure.code,
        request_id=failure.request_id,
        hint=f"did you mean {near[0]}?" if near else "name another region, or subscribe to this one in the Console",
    )


def _of_exception(error: Exception, operation: str, region: str, url: str, proxy: str | None) -> ServiceFailure:
    """The failure of a request without an answer: the network's reason, and whether the request can have arrived."""
    if any(_is_of_the_network(cause) for cause in causes(error)):
        reason = explain(error, url, proxy)
        if any(isinstance(cause, gaierror) for cause in causes(error)) and not is_known(region):
            near = similar_regions(region)
            hint = f"did you mean {' or '.join(near)}?" if near else reason.hint
            reason = replace(reason, text=f"{reason.text}; the OCI SDK knows no region {region}", hint=hint)
        failure = ServiceFailure(f"{operation}: {reason.text}", operation=operation, hint=reason.hint)
        failure.unreached, failure.final = reason.unsent, reason.final
        failure.uncertain = not reason.unsent
        return failure
    # raised before anything was sent: an endpoint, a region or a parameter that the SDK does not take
    said = _plain(str(error)) or type(error).__name__
    failure = ServiceFailure(
        f"{operation} could not be asked: {said}", operation=operation, hint="see the region and --endpoint"
    )
    failure.unreached = failure.final = True
    return failure


def _is_of_the_network(error: BaseException) -> bool:
    """Whether an exception is the system's or an HTTP library's (the SDK has its own copy of requests)."""
    modules = ("urllib3.", "oci._vendor.requests.", "http.client", "ssl")
    return isinstance(error, OSError) or type(error).__module__.startswith(modules)


def _unreadable(operation: str) -> ServiceFailure:
    failure = ServiceFailure(
        f"{operation}: the service answered with something that cannot be read (it is nested too deeply)",
        operation=operation,
        hint="try again; if it stays so, ask whether the endpoint is OCI's",
    )
    failure.uncertain = failure.final = True
    return failure


def _of_redirect(error: Any, operation: str) -> ServiceFailure:
    """Redirects are not followed: OCI sends none, and the request may carry a value."""
    status, headers = int(error.status), read_headers(error.headers)
    target = f" and points to {headers.location}" if headers.location else ""
    failure = ServiceFailure(
        f"{operation}: the answer is {status}{target}; redirects are not followed, and nothing was sent there",
        operation=operation,
        status=status,
        request_id=headers.request_id,
        hint="see what answers in the place of OCI: --endpoint, the region, a proxy or a sign-in page; then try again",
    )
    failure.uncertain = True
    return failure


def _of_answer(error: Any, operation: str, region: str) -> ServiceFailure:
    """The failure that the service answered with.

    A status of 500 and above leaves open whether the call had its effect.
    """
    status, code, headers = int(error.status), _plain(str(error.code or ""))[:100], read_headers(error.headers)
    request_id = headers.request_id
    said = _plain(str(error.message or "the service gave no reason"))
    failure = ServiceFailure(
        f"{operation}: {status} {code}: {said}" + (f" (opc-request-id {request_id})" if request_id else ""),
        operation=operation,
        status=status,
        code=code,
        request_id=request_id,
        hint=_DENIALS if _refuses_denials(said) else _next(status, code, operation, region),
    )
    failure.uncertain = status >= 500
    failure.retry_after = headers.retry_after
    return failure


def _next(status: int, code: str, operation: str, region: str) -> str:
    """What to do about it; of what may be a lack of rights, which right that is."""
    hint = _CONFLICTS.get(code, _CONFLICT) if status == 409 else _HINTS.get((status, code))
    if status == 401 and region:
        # OCI answers so too in a region that the tenancy is not subscribed to
        hint = (
            f"check the profile's key and fingerprint, this machine's clock, and that the tenancy has region {region}"
        )
    needed = " and ".join(rights_of(operation)) if status in (403, 404) and code.startswith("NotAuthorized") else ""
    if needed:
        return f"{hint or 'this identity may not do that'}: it needs the right to {needed}"
    if hint is None and 400 <= status < 500 and status not in (408, 409):
        return "correct what the service names, then run the command again"
    return hint or "run the command again; if it stays so, give the opc-request-id to Oracle's support"


def _refuses_denials(message: str) -> bool:
    """Whether a policy was refused for its deny statements: the text names no setting, and the code is that of any bad input."""
    return message.startswith("Deny statement passed into")


def _plain(text: str) -> str:
    """One line, without values that this run never got either: an error may quote the answer that it stands for."""
    return quote_foreign(text, 500)

"""A connected tenancy: calls by operation name, sent to the right region and retried. Values of secrets become `Secret`s at once.

Operations are named as in OCI's API reference; `sdk_clients.py` maps them to SDK methods. Results are plain data with the wire's camelCase
names, so nothing above this package depends on the SDK's models.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from genai_iac.core.address import current_address
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError, ServiceFailure, UsageError, WaitingCall, WaitListener
from genai_iac.core.plan import SdkOperation
from genai_iac.network import HttpClient, read_headers
from genai_iac.network.connections import PAGES, cut_deep
from genai_iac.oci_client.auth import Connection, read_identity
from genai_iac.oci_client.regions import INFERENCE_PATHS, check_inference_host, normalize_region
from genai_iac.oci_client.responses import (
    OciResponse,
    RawResponse,
    RequestListener,
    SentRequest,
    TenancyClock,
    WorkRequest,
    endless_list,
    expect,
    not_subscribed,
    read_response,
    read_rows,
    translate,
)
from genai_iac.oci_client.retry import ConsistencyWindow, RateLimiter, call_with_retry
from genai_iac.oci_client.sdk_clients import OPERATIONS, SdkClients, local_endpoint
from genai_iac.oci_client.secrets import forget_frames, reveal_for_request

_PAGE = 1000  # rows asked for in one list call; the service may give fewer
_LONGEST_WORK = 4 * 3600.0  # seconds; a compartment takes 30 minutes to go, at worst three hours


def connect(connection: Connection, stop: CancelToken | None = None, watch: RequestListener | None = None) -> OciClient:
    """A provider for that connection; `stop` cuts its waits short, `watch` is called with each request, in whatever thread it is
    made. Nothing is called yet. Raises UsageError without an identity."""
    connection.check_endpoint()
    config, signer = read_identity(connection)
    return OciClient(connection, config, signer, stop or CancelToken(), watch)


class OciClient:
    """Every call of the tool goes through one of these. Safe to share between threads.

    Methods raise ServiceFailure when OCI refuses or does not answer, after retries. `region` arguments: None is
    the home region for operations that must go there, else the region to call.
    """

    def __init__(
        self,
        connection: Connection,
        config: dict[str, Any],
        signer: Any,
        stop: CancelToken,
        watch: RequestListener | None = None,
    ) -> None:
        self.connection = connection
        self.stop = stop
        self.waiting: WaitListener | None = None  # called once for each call that is retried until it is consistent
        self._watch = watch
        self.tenancy: str = config["tenancy"]
        self.region: str = config["region"]
        self._profile_region: str | None = config.get("profile_region")
        self.window = ConsistencyWindow()  # opened by every Identity write of this client
        self.limiter = RateLimiter()
        self._clients = SdkClients(config, signer, connection.endpoint)
        self.http = HttpClient()  # for what the SDK has no client for, such as a call with a delivered secret
        self._clock = TenancyClock(local=bool(connection.endpoint))

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The regions the tenancy is subscribed to and that are ready."""
        return tuple(item["regionName"] for item in self._subscriptions if item.get("status", "READY") == "READY")

    @cached_property
    def home_region(self) -> str:
        """Where IAM is written. Found once."""
        for item in self._subscriptions:
            if item.get("isHomeRegion"):
                return str(item["regionName"])
        raise IacError(f"the tenancy {self.tenancy} names no home region among its subscriptions")

    @cached_property
    def _subscriptions(self) -> list[Mapping[str, Any]]:
        try:
            return self._read_subscriptions(self.region)
        except ServiceFailure as failure:
            raise self._unsubscribed(failure) or failure from failure

    def _read_subscriptions(self, region: str) -> list[Mapping[str, Any]]:
        rows = self.read_all("ListRegionSubscriptions", self.tenancy, region)
        return [expect(row, "ListRegionSubscriptions", "regionName") for row in rows]

    def _unsubscribed(self, failure: ServiceFailure) -> ServiceFailure | None:
        """Whether the region that does not know this identity is only one that the tenancy has not: other regions that are
        written somewhere can tell. OCI itself answers 401 to both."""
        if failure.status != 401:
            return None
        for region in self._other_regions:
            with suppress(IacError):
                return not_subscribed(
                    failure, self.region, [one["regionName"] for one in self._read_subscriptions(region)]
                )
        return None

    @property
    def _other_regions(self) -> list[str]:
        """Those of the profile and the Stack, where they are not the one that is called."""
        found: list[str] = []
        for text in (self._profile_region, self.connection.stack_region):
            with suppress(UsageError):
                region = normalize_region(text or "", "")
                found += [region] if region not in (self.region, *found) else []
        return found

    def now(self) -> datetime:
        """The tenancy's clock, as its last answer gave it: expiries are judged by the service's time, not by this machine's."""
        return self._clock.now()

    def read_all(
        self, operation: str, id: str, region: str | None = None, *, retry_404: bool = False, **parameters: Any
    ) -> list[dict[str, Any]]:
        """All pages of a list call on that compartment (or tenancy, or Vault secret), as plain data; `retry_404` waits for one that
        was made a moment ago."""
        rows: list[dict[str, Any]] = []
        pages: set[str] = set()
        if operation != "ListRegionSubscriptions":
            parameters.setdefault("limit", _PAGE)
        while True:
            response = self._call(operation, [id], region, parameters, self.window if retry_404 else None)[0]
            rows.extend(read_rows(cut_deep(response.data), operation))
            page = response.headers.next_page
            if not page:
                return rows
            # A proxy or a broken emulator may repeat a page token for as long as it is asked.
            if page in pages or len(pages) >= PAGES:
                raise endless_list(operation, len(pages) + 1)
            pages.add(page)
            parameters["page"] = page

    def get(
        self,
        operation: str,
        id: str,
        region: str | None = None,
        *,
        retry_404: bool = False,
        endpoint: str | None = None,
        **parameters: Any,
    ) -> OciResponse:
        """One resource with its etag; `retry_404` waits for one that was made a moment ago. Of the services that this tool calls
        only a vault's keys are at an `endpoint` of their own."""
        response, _ = self._call(operation, [id], region, parameters, self.window if retry_404 else None, endpoint)
        return read_response(response)

    def write(
        self,
        operation: str,
        *,
        id: str | None = None,
        version: int | None = None,
        body: Mapping[str, Any] | None = None,
        region: str | None = None,
        etag: str | None = None,
        retry_token: str | None = None,
    ) -> OciResponse:
        """One write, with `if-match` when an etag is given. Waits out what passes by itself; raises ServiceFailure for the rest.

        A `Secret` in the body is opened as the request is made, and not before.

        Args:
            version: versionNumber of a Vault secret.
            body: plain data in the API's spelling.
            etag: sent as if-match; 412 means that somebody changed the object.
            retry_token: None makes a new one, where the operation takes one.

        Returns:
            With `doubted` when an earlier attempt may have had its effect too.
        """
        known = OPERATIONS[operation]
        arguments = [{"id": id, "version": version, "body": body}[name] for name in known.takes]
        parameters: dict[str, Any] = {}
        if etag and known.etag:
            parameters["if_match"] = etag
        if known.token:
            parameters["opc_retry_token"] = retry_token or _new_token()
        response, doubt = self._call(operation, arguments, region, parameters, self.window)
        if known.service == "identity":
            self.window.open()
        return read_response(response, doubted=doubt is not None)

    def create(
        self, operation: str, body: Callable[[], Mapping[str, Any]], *, region: str | None = None
    ) -> OciResponse:
        """One create. `body` is made anew for every attempt, until one may have had its effect: from then on it, and the retry
        token, stay as they are."""
        known = OPERATIONS[operation]

        def request() -> tuple[list[Any], Mapping[str, Any]]:
            return [body()], {"opc_retry_token": _new_token()} if known.token else {}

        response, doubt = self._call_again(operation, request, region)
        if known.service == "identity":
            self.window.open()
        return read_response(response, doubted=doubt is not None)

    def follow(self, work_request: str) -> WorkRequest:
        """Wait for the end of an Identity work request. Raises IacError when that takes longer than it ever did, or the run is to end."""
        pauses = self.stop.pauses(_LONGEST_WORK, first=0.05, longest=15.0)
        while True:
            data = expect(self.get("GetWorkRequest", work_request).data, "GetWorkRequest", "status")
            if data["status"] in ("SUCCEEDED", "FAILED", "CANCELED"):
                return WorkRequest(
                    data["status"], tuple(str(error.get("message")) for error in data.get("errors") or ())
                )
            if not next(pauses, False):
                break
        raise IacError(
            f"work request {work_request} has not ended", hint="run the command again; it goes on from there"
        )

    def base_url(self, region: str, endpoint: str = "actions/v1") -> str:
        """Where the OpenAI SDK calls the models of that region with a delivered secret; `endpoint` is an ApiKey's.

        Raises GuardError for the URL of a host that nobody allowed.
        """
        if endpoint.startswith("https://"):
            check_inference_host(endpoint, self.connection.allowed_hosts)
            return endpoint
        path, local = INFERENCE_PATHS[endpoint], self.connection.base_url or self.connection.endpoint
        if local is None:
            import oci

            realm = oci.regions.REGION_REALMS.get(region, "oc1")
            domain = oci.regions.REALMS.get(realm, "oraclecloud.com")
            return f"https://inference.generativeai.{region}.oci.{domain}{path}"
        prefix = "" if region == self.home_region else f"/r/{region}"
        return f"{local.rstrip('/')}{prefix}{path}"

    def inference_url(self, region: str, endpoint: str = "actions/v1") -> str:
        """Where this process itself calls the models of that region: the endpoint, also when delivered keys are used elsewhere."""
        called, local = self.base_url(region, endpoint), self.connection.endpoint
        if not local:
            return called
        # a secret of an emulator is no business of the host that the manifest names
        return local_endpoint(local, region) + INFERENCE_PATHS.get(endpoint, INFERENCE_PATHS["openai/v1"])

    def close(self) -> None:
        """Let the connections go."""
        self._clients.close()
        self.http.close()

    def _call(
        self,
        operation: str,
        arguments: list[Any],
        region: str | None,
        parameters: Mapping[str, Any],
        window: ConsistencyWindow | None,
        endpoint: str | None = None,
    ) -> tuple[RawResponse, ServiceFailure | None]:
        def attempt() -> RawResponse:
            return self._attempt(operation, arguments, region, parameters, endpoint)

        return call_with_retry(attempt, window, self.stop.rest, self.limiter, self._notify_wait)

    def _call_again(
        self, operation: str, request: Callable[[], tuple[list[Any], Mapping[str, Any]]], region: str | None
    ) -> tuple[RawResponse, ServiceFailure | None]:
        """A write whose arguments are made anew after each refusal, and kept once an answer was lost."""
        kept: tuple[list[Any], Mapping[str, Any]] | None = None

        def attempt() -> RawResponse:
            nonlocal kept
            made = kept or request()
            try:
                return self._attempt(operation, made[0], region, made[1])
            except ServiceFailure as failure:
                if failure.uncertain:
                    kept = made
                raise

        return call_with_retry(attempt, self.window, self.stop.rest, self.limiter, self._notify_wait)

    def _attempt(
        self,
        operation: str,
        arguments: list[Any],
        region: str | None,
        parameters: Mapping[str, Any],
        endpoint: str | None = None,
    ) -> RawResponse:
        """One request.

        Values in arguments are opened here and nowhere else; frames of the SDK that hold them are dropped from
        errors.
        """
        known = OPERATIONS[operation]
        where = self._where(known, region)
        client = self._clients.get(known.service, where, endpoint)
        began = time.monotonic()
        try:
            response = getattr(client, known.method)(*map(reveal_for_request, arguments), **parameters)
        # From our own code inside, such as a SinkError: not to be translated.
        except IacError:
            raise
        except Exception as error:
            failure = self._explain(error, operation, where, client)
            self._notify(operation, where, failure.status, began, _id_in(known, arguments), failure.request_id)
            raise failure from forget_frames(error)
        id = _id_in(known, arguments) or _id_made(operation, response.data)
        headers = read_headers(response.headers)
        self._notify(operation, where, response.status, began, id, headers.request_id)
        self._clock.note(headers.date)
        return RawResponse(response.data, headers)

    def _explain(self, error: Exception, operation: str, region: str, client: Any) -> ServiceFailure:
        """The failure in our words; a 401 in a region that the tenancy is not subscribed to is named as that."""
        url, proxy = client.base_client.get_endpoint(), self._clients.proxy_of(client)
        failure = translate(error, operation, region=region, url=url, proxy=proxy)
        subscriptions = self.__dict__.get("_subscriptions")  # only when they were read already
        if failure.status == 401 and subscriptions:
            failure = not_subscribed(failure, region, [one["regionName"] for one in subscriptions]) or failure
        return failure

    def _notify(
        self, operation: str, region: str, status: int | None, began: float, id: str | None, request_id: str | None
    ) -> None:
        if self._watch:
            seconds, address = time.monotonic() - began, current_address()
            with suppress(Exception):  # whoever watches cannot undo a call
                self._watch(SentRequest(operation, region, status, seconds, id, request_id, address))

    def _notify_wait(self, failure: ServiceFailure, seconds: float) -> None:
        if self.waiting:
            with suppress(Exception):  # a notice that cannot be printed ends no call
                self.waiting(WaitingCall.of(failure, seconds, current_address()))

    def _where(self, known: SdkOperation, region: str | None) -> str:
        if known.home:
            return region or self.home_region
        return region or self.region


def _id_in(known: SdkOperation, arguments: list[Any]) -> str | None:
    """The OCID that a request names."""
    first = arguments[0] if arguments and known.takes[:1] == ("id",) else None
    return first if isinstance(first, str) else None


def _id_made(operation: str, data: Any) -> str | None:
    """The OCID of what a create made."""
    id = data.get("id") if operation.startswith("Create") and isinstance(data, Mapping) else None
    return id if isinstance(id, str) else None


def _new_token() -> str:
    """A retry token: 32 hex digits. With it OCI answers a repeated create with the first one's result."""
    import secrets

    return secrets.token_hex(16)

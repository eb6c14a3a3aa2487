"""A connected tenancy: calls by operation name, sent to the right region, retried with patience.

Values of secrets leave the answer at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from genai_iac.errors import IacError, ServiceFailure
from genai_iac.model import Secret
from genai_iac.provider.connection import Connection, read_identity
from genai_iac.provider.failures import expect, translate
from genai_iac.provider.operations import CLIENTS, OPERATIONS, Operation, Service
from genai_iac.provider.plaintext import forget_frames, open_secrets, take_secrets
from genai_iac.provider.retry import Window, call_patiently
from genai_iac.stop import Stop

_PAGE = 1000  # rows asked for in one list call; the service may give fewer
_LONGEST_WORK = 4 * 3600.0  # seconds; a compartment takes 30 minutes to go, at worst three hours


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as plain data with the wire's own names. Plaintext is in `secrets` and nowhere else: by the name of the
    key's secret, or under `content` for a Vault secret's."""

    data: Any
    etag: str | None = None
    work_request: str | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    doubted: bool = False  # an earlier attempt of the same call may have had its effect too


@dataclass(frozen=True, slots=True)
class WorkRequest:
    """How a work request ended."""

    status: str
    errors: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.status == "SUCCEEDED"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it ended, for people who want to see each. Nothing that was sent or answered is in it."""

    operation: str
    region: str
    status: int | None  # None: no answer
    seconds: float

    def __bool__(self) -> bool:
        return self.status is not None and self.status < 400


Watch = Callable[[Request], None]


def connect(connection: Connection, stop: Stop | None = None, watch: Watch | None = None) -> Provider:
    """A provider for that connection; `stop` cuts its waits short, `watch` is told of each request, in whatever thread it is
    made. Nothing is called yet. Raises UsageError without an identity."""
    connection.check_endpoint()
    config, signer = read_identity(connection)
    return Provider(connection, config, signer, stop or Stop(), watch)


class Provider:
    """Every call of the tool goes through one of these. Safe to share between threads."""

    def __init__(
        self, connection: Connection, config: dict[str, Any], signer: Any, stop: Stop, watch: Watch | None = None
    ) -> None:
        self.connection = connection
        self.stop = stop
        self._watch = watch
        self.tenancy: str = config["tenancy"]
        self.region: str = config["region"]
        self.window = Window()
        self._config, self._signer = config, signer
        self._clients: dict[tuple[Service, str, str | None], Any] = {}
        self._lock = threading.Lock()
        self._ahead = timedelta(0)  # how far the tenancy's clock is ahead of ours

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
        rows = self.read_all("ListRegionSubscriptions", self.tenancy)
        return [expect(row, "ListRegionSubscriptions", "regionName") for row in rows]

    def now(self) -> datetime:
        """The tenancy's clock, as its last answer told it: expiries are judged by the service's time, not by this machine's."""
        return datetime.now(UTC) + self._ahead

    def read_all(
        self, operation: str, id: str, region: str | None = None, *, patient: bool = False, **parameters: Any
    ) -> list[dict[str, Any]]:
        """All pages of a list call on that compartment (or tenancy, or Vault secret), as plain data; `patient` waits for one that
        was made a moment ago."""
        rows: list[dict[str, Any]] = []
        if operation != "ListRegionSubscriptions":
            parameters.setdefault("limit", _PAGE)
        while True:
            response = self._call(operation, [id], region, parameters, self.window if patient else None)[0]
            rows.extend(_rows(response.data, operation))
            page = response.headers.get("opc-next-page")
            if not page:
                return rows
            parameters["page"] = page

    def get(
        self,
        operation: str,
        id: str,
        region: str | None = None,
        *,
        patient: bool = False,
        endpoint: str | None = None,
        **parameters: Any,
    ) -> Reply:
        """One resource with its etag; `patient` waits for one that was made a moment ago. Of the services that this tool calls
        only a vault's keys are at an `endpoint` of their own."""
        response, _ = self._call(operation, [id], region, parameters, self.window if patient else None, endpoint)
        return _reply(response)

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
    ) -> Reply:
        """One write, with `if-match` when an etag is given. Waits out what passes by itself; raises ServiceFailure for the rest.

        A `Secret` in the body is opened as the request is made, and not before.
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
        return _reply(response, doubted=doubt is not None)

    def follow(self, work_request: str) -> WorkRequest:
        """Wait for the end of an Identity work request. Raises IacError when that takes longer than it ever did, or the run is to end."""
        began, pause = time.monotonic(), 0.05
        while time.monotonic() - began < _LONGEST_WORK:
            data = expect(self.get("GetWorkRequest", work_request).data, "GetWorkRequest", "status")
            if data["status"] in ("SUCCEEDED", "FAILED", "CANCELED"):
                return WorkRequest(
                    data["status"], tuple(str(error.get("message")) for error in data.get("errors") or ())
                )
            if not self.stop.rest(pause):
                break
            pause = min(pause * 1.6, 15.0)
        raise IacError(
            f"work request {work_request} has not ended", hint="run the command again; it goes on from there"
        )

    def base_url(self, region: str) -> str:
        """Where the OpenAI SDK calls the models of that region with a delivered secret."""
        local = self.connection.base_url or self.connection.endpoint
        if local is None:
            import oci

            realm = oci.regions.REGION_REALMS.get(region, "oc1")
            domain = oci.regions.REALMS.get(realm, "oraclecloud.com")
            return f"https://inference.generativeai.{region}.oci.{domain}/20231130/actions/v1"
        prefix = "" if region == self.home_region else f"/r/{region}"
        return f"{local.rstrip('/')}{prefix}/20231130/actions/v1"

    def inference_url(self, region: str) -> str:
        """Where this process itself calls the models of that region: the endpoint, also when delivered keys are used elsewhere."""
        endpoint = self.connection.endpoint
        return f"{_local_endpoint(endpoint, region)}/20231130/actions/v1" if endpoint else self.base_url(region)

    def close(self) -> None:
        """Let the connections go."""
        for client in self._clients.values():
            client.base_client.session.close()

    def _call(
        self,
        operation: str,
        arguments: list[Any],
        region: str | None,
        parameters: Mapping[str, Any],
        window: Window | None,
        endpoint: str | None = None,
    ) -> tuple[Any, ServiceFailure | None]:
        known = OPERATIONS[operation]
        where = self._where(known, region)
        method = getattr(self._client(known.service, where, endpoint), known.method)

        def attempt() -> Any:
            began = time.monotonic()
            try:
                response = method(*map(open_secrets, arguments), **parameters)
            except IacError:
                raise
            except Exception as error:
                failure = translate(error, operation)
                self._tell(operation, where, failure.status, began)
                raise failure from forget_frames(error)
            self._tell(operation, where, response.status, began)
            self._note_clock(response.headers.get("date"))
            return response

        return call_patiently(attempt, window, self.stop.rest)

    def _tell(self, operation: str, region: str, status: int | None, began: float) -> None:
        if self._watch:
            self._watch(Request(operation, region, status, time.monotonic() - began))

    def _where(self, known: Operation, region: str | None) -> str:
        if known.home:
            return region or self.home_region
        return region or self.region

    def _client(self, service: Service, region: str, endpoint: str | None) -> Any:
        with self._lock:
            client = self._clients.get((service, region, endpoint))
            if client is None:
                client = self._clients[service, region, endpoint] = self._make_client(service, region, endpoint)
            return client

    def _make_client(self, service: Service, region: str, endpoint: str | None) -> Any:
        import oci
        from oci.circuit_breaker import CircuitBreakerStrategy

        module, name = CLIENTS[service]
        options: dict[str, Any] = {
            "signer": self._signer,
            "skip_deserialization": True,
            "retry_strategy": oci.retry.NoneRetryStrategy(),
            # the SDK's default breaker is one object for every client of the process: one failing service would close them all
            "circuit_breaker_strategy": CircuitBreakerStrategy(),
        }
        if self.connection.endpoint:
            endpoint = _local_endpoint(self.connection.endpoint, region)
        if endpoint:
            options["service_endpoint"] = endpoint
        client = getattr(import_module(module), name)({**self._config, "region": region}, **options)
        _settle_session(client.base_client.session, client.base_client.get_endpoint())
        return client

    def _note_clock(self, date: str | None) -> None:
        if date:
            told = parsedate_to_datetime(date)
            ahead = told - datetime.now(UTC)
            # whole seconds are all the header tells; closer than that is this machine's clock being right
            self._ahead = ahead if abs(ahead) > timedelta(seconds=2) else timedelta(0)


def _settle_session(session: Any, url: str) -> None:
    """Keep as many connections as `--parallelism` may use, and look for proxies and certificates once, not before every request."""
    for adapter in session.adapters.values():
        adapter.init_poolmanager(64, 64)
    found = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies, session.verify, session.cert = found["proxies"], found["verify"], found["cert"]
    session.trust_env = False


def _local_endpoint(endpoint: str, region: str) -> str:
    return f"{endpoint.rstrip('/')}/r/{region}" if urlsplit(endpoint).scheme == "http" else endpoint


def _rows(data: Any, operation: str) -> list[dict[str, Any]]:
    """The items of one page: a list, or the member `items` of an object."""
    items = data.get("items") if isinstance(data, Mapping) else data
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ServiceFailure(
            f"{operation}: the service answered with something else than a list",
            operation=operation,
            hint="try again; if it stays so, ask whether the endpoint is OCI's",
        )
    return items


def _reply(response: Any, *, doubted: bool = False) -> Reply:
    secrets, headers = take_secrets(response.data), response.headers
    return Reply(response.data, headers.get("etag"), headers.get("opc-work-request-id"), secrets, doubted)


def _new_token() -> str:
    import secrets

    return secrets.token_hex(16)

"""The HTTP client for everything that is not asked through the OCI SDK, and the reading of an answer's headers.

It is the SDK's own library, with the same settings and limits.

Headers are read so that none of them can make a call fail: one that is not well-formed is left out. A `Date` that was no date once undid a
committed CreateApiKey, and both values were lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from genai_iac.core.errors import UsageError
from genai_iac.network import connections
from genai_iac.network.connections import AnswerLimit, bound_pools, read_body
from genai_iac.network.failures import Reason, explain, hide_password
from genai_iac.network.settings import NetworkSettings

if TYPE_CHECKING:
    import ssl


class HttpAnswer(Struct, frozen=True):
    """What came back: the status and the unpacked body, or (status 0) the reason why nothing did. Redirects are answers."""

    status: int  # HTTP status; 0: no answer
    body: bytes = b""  # without content encoding
    location: str = ""  # of a redirect, which is never followed
    headers: Mapping[str, str] = field(default_factory=dict)  # by name, in any case
    reason: Reason | None = None


class HttpClient:
    """Asks once, follows no redirect, and ends in time. Safe to share between threads.

    `tls`: the certificates of the one service that it asks, instead of those that the settings name.
    """

    def __init__(self, settings: NetworkSettings | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._settings = settings or NetworkSettings()
        self._tls = tls
        self._managers: dict[str | None, Any] = {}  # by proxy URL; None: without one
        self._lock = Lock()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], limit: int = 1024 * 1024) -> HttpAnswer:
        """One POST; an answer of more than `limit` bytes is an answer of none.

        Args:
            url: absolute, http or https.
            body: sent as it is.
            headers: of the request; `accept-encoding` is added.
            limit: bytes of the answer, unpacked.
        """
        return self.send("POST", url, headers, body, limit)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, limit: int = 1024 * 1024
    ) -> HttpAnswer:
        """One request. Raises UsageError when a variable names no certificates; every other failure is in the answer.

        Args:
            method: HTTP method, in capitals.
            url: absolute, http or https.
            headers: of the request; `accept-encoding` is added.
            body: None sends none.
            limit: bytes of the answer, unpacked.

        Returns:
            Status 0 with a `reason` for everything that is no HTTP answer: refused connections,
                certificates, limits.
        """
        import urllib3

        proxy = self._settings.proxy_for(url)
        try:
            raw = self._manager(proxy).request(
                method,
                url,
                body=body,
                headers={"accept-encoding": "gzip", **headers},
                redirect=False,
                # A lost answer of a write must not be asked for again here: the caller knows whether
                # repeating is safe.
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=connections.CONNECT, read=connections.SILENCE),
            )
            try:
                content = read_body(raw, raw.headers.get("content-encoding", ""), limit)
            finally:
                # Reading the rest of a large answer to reuse the connection would be what the limit
                # forbids.
                raw.close() if raw.length_remaining else raw.release_conn()
            return HttpAnswer(raw.status, content, str(raw.headers.get("location", "")), raw.headers)
        except (urllib3.exceptions.HTTPError, AnswerLimit, OSError, ValueError) as error:
            return HttpAnswer(0, reason=explain(error, url, proxy))

    def close(self) -> None:
        """Let the connections go."""
        for manager in self._managers.values():
            manager.clear()

    def _trust(self) -> dict[str, Any]:
        """urllib3's settings: whom to trust, and which certificate to show."""
        from pathlib import Path

        if self._tls is not None:
            return {"ssl_context": self._tls}
        bundle = self._settings.ca_bundle()
        return {"ca_cert_dir" if bundle and Path(bundle).is_dir() else "ca_certs": bundle or _known_authorities()}

    def _manager(self, proxy: str | None) -> Any:
        # One manager a proxy: two would open twice the connections.
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = _make_manager(proxy, self._trust())
            return self._managers[proxy]


def _make_manager(proxy: str | None, trust: dict[str, Any]) -> Any:
    import urllib3

    options: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "maxsize": 16, **trust}
    if proxy is None:
        manager: Any = urllib3.PoolManager(**options)
    elif proxy.lower().startswith("socks"):
        try:
            from urllib3.contrib.socks import SOCKSProxyManager
        except ImportError as error:
            reason = f"the proxy {hide_password(proxy)} cannot be used: {error}"
            raise UsageError(reason, hint="install the package pysocks (docs/network.md)") from error

        manager = SOCKSProxyManager(proxy, **options)
    else:
        parts = urllib3.util.parse_url(proxy)
        login = urllib3.make_headers(proxy_basic_auth=parts.auth) if parts.auth else None
        manager = urllib3.ProxyManager(proxy, proxy_headers=login, **options)
    bound_pools(manager)
    return manager


def _known_authorities() -> str:
    """Those that the OCI SDK brings along and trusts by default."""
    import certifi

    return str(certifi.where())


_USED = {"etag", "opc-request-id", "opc-work-request-id", "opc-next-page", "location", "retry-after", "date"}
_LONGEST = 2048  # characters of a value; page tokens are the longest that OCI sends
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_OCID = re.compile(r"ocid1\.[a-z0-9]+\.[A-Za-z0-9_.-]{1,240}")  # of a work request
_SECONDS = re.compile(r"[0-9]{1,4}")  # `retry-after`; its other form, a date, is not read


class Headers(Struct, frozen=True):
    """Those headers that this tool uses. None: not sent, or nothing that can be used."""

    etag: str | None = None  # for `if-match`
    request_id: str | None = None  # `opc-request-id`, for support requests
    work_request: str | None = None  # OCID of the work request that a write began
    next_page: str | None = None  # token of the next page; None: the last one
    location: str | None = None  # of a resource or a redirect
    retry_after: float | None = None  # seconds
    date: datetime | None = None  # with a time zone


def read_headers(sent: Any) -> Headers:
    """What can be used of a mapping of headers. Never raises.

    Args:
        sent: headers of requests, urllib3 or a dictionary; names in any case.
    """
    found = dict(_pairs(sent)) if isinstance(sent, Mapping) else {}
    work_request = found.get("opc-work-request-id", "")
    return Headers(
        etag=_text(found.get("etag")),
        request_id=_text(found.get("opc-request-id"), 200),
        work_request=work_request if _OCID.fullmatch(work_request) else None,
        next_page=_text(found.get("opc-next-page")),
        location=_text(found.get("location"), 500),
        retry_after=_seconds(found.get("retry-after")),
        date=_date(found.get("date")),
    )


def _pairs(sent: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sent.items():
        if isinstance(name, str) and isinstance(value, str) and (lower := name.lower()) in _USED:
            yield lower, value.strip()


def _text(value: str | None, longest: int = _LONGEST) -> str | None:
    return value if value and len(value) <= longest and _PRINTABLE.fullmatch(value) else None


def _seconds(value: str | None) -> float | None:
    return float(value) if value and _SECONDS.fullmatch(value) else None


def _date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value or "")
        # "-0000" gives a moment without a zone; the year 1 or 9999 leaves the calendar in the conversion
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None

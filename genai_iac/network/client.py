"""The HTTP client for everything that is not asked through the OCI SDK: the SDK's own library, settings and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from genai_iac.core.errors import UsageError
from genai_iac.network import limits
from genai_iac.network.connections import bound_pools
from genai_iac.network.failures import Reason, explain, hide_password
from genai_iac.network.limits import AnswerLimit, read_body
from genai_iac.network.settings import NetworkSettings

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class HttpAnswer:
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
                timeout=urllib3.Timeout(connect=limits.CONNECT, read=limits.SILENCE),
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
        """How urllib3 is told whom to trust, and what to show."""
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

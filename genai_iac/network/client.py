"""The HTTP client for everything that is not asked through the OCI SDK: the SDK's own library, settings and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.network import limits
from genai_iac.network.connections import bound_pools
from genai_iac.network.failures import Reason, explain, hide_password
from genai_iac.network.limits import AnswerLimit, read_body
from genai_iac.network.settings import NetworkSettings


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: the status and the unpacked body, or (status 0) the reason why nothing did. Redirects are answers."""

    status: int
    body: bytes = b""
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)  # by name, in any case
    reason: Reason | None = None


class HttpClient:
    """Asks once, follows no redirect, and ends in time. Safe to share between threads."""

    def __init__(self, settings: NetworkSettings | None = None) -> None:
        self._settings = settings or NetworkSettings()
        self._managers: dict[str | None, Any] = {}
        self._lock = Lock()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], limit: int = 1024 * 1024) -> HttpAnswer:
        """One POST; an answer of more than `limit` bytes is an answer of none."""
        return self.send("POST", url, headers, body, limit)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, limit: int = 1024 * 1024
    ) -> HttpAnswer:
        """One request. Raises UsageError when a variable names no certificates; every other failure is in the answer."""
        import urllib3

        proxy = self._settings.proxy_for(url)
        try:
            raw = self._manager(proxy).request(
                method,
                url,
                body=body,
                headers={"accept-encoding": "gzip", **headers},
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=limits.CONNECT, read=limits.SILENCE),
            )
            try:
                content = read_body(raw, raw.headers.get("content-encoding", ""), limit)
            finally:
                raw.close() if raw.length_remaining else raw.release_conn()
            return HttpAnswer(raw.status, content, str(raw.headers.get("location", "")), raw.headers)
        except (urllib3.exceptions.HTTPError, AnswerLimit, OSError, ValueError) as error:
            return HttpAnswer(0, reason=explain(error, url, proxy))

    def close(self) -> None:
        """Let the connections go."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, proxy: str | None) -> Any:
        with self._lock:
            if proxy not in self._managers:
                self._managers[proxy] = _make_manager(proxy, self._settings.ca_bundle())
            return self._managers[proxy]


def _make_manager(proxy: str | None, bundle: str | None) -> Any:
    from pathlib import Path

    import urllib3

    authorities = {"ca_cert_dir" if bundle and Path(bundle).is_dir() else "ca_certs": bundle or _known_authorities()}
    options: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "maxsize": 16, **authorities}
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

"""The SDK's HTTP session made to keep this tool's promises: no redirect, no cookie, no proxy for this machine, every answer bounded."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

from genai_iac.network import NetworkSettings
from genai_iac.network.connections import bound_pools
from genai_iac.network.limits import read_body

_CONNECTIONS = 64  # as many as `--parallelism` may use


def settle_session(session: Any, url: str, settings: NetworkSettings) -> str | None:
    """Settle a session of the SDK for requests to `url`; returns the proxy that they go through.

    Proxies and certificates are looked for once, not before every request. Raises UsageError when a variable names no certificates.

    Args:
        session: of an SDK client.
        url: the service's endpoint; decides about the proxy.
        settings: the network settings of this run.
    """
    proxy = settings.proxy_for(url)
    # `requests` would read proxies and .netrc from the environment before every request.
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.verify = settings.ca_bundle() or True
    # a redirect would carry the body, and with it a value, to an address that nobody chose
    session.get_redirect_target = _no_target
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    # The only encoding whose size `read_body` bounds while it decompresses.
    session.headers["accept-encoding"] = "gzip"
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, _bounded(type(adapter)))
    return proxy


def _no_target(response: Any) -> None:
    del response


def refuse_redirects() -> None:
    """From now on a redirect is an error for every session of the SDK that `settle_session` has not settled: its signers make
    their own, which ask for tokens, and no caller gets hold of them."""
    from oci._vendor import requests

    requests.Session.get_redirect_target = _refuse_target


def _refuse_target(session: Any, response: Any) -> None:
    del session
    if response.is_redirect:
        from oci._vendor.requests.exceptions import RequestException

        response.close()
        address = response.url.partition("?")[0]
        raise RequestException(f"{address} answered {response.status_code}, a redirect, which is not followed")


def _bounded(adapter: type[Any]) -> Any:
    """An adapter like that, whose connections and answers are bounded."""

    class BoundedAdapter(adapter):  # type: ignore[misc]  # whatever class the SDK uses
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            bound_pools(self.poolmanager)

        def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
            manager = super().proxy_manager_for(*args, **options)
            bound_pools(manager)
            return manager

        def send(self, request: Any, stream: bool = False, **options: Any) -> Any:
            response = super().send(request, stream=stream, **options)
            if not stream:
                _read(response)
            return response

    return BoundedAdapter(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS)


def _read(response: Any) -> None:
    """Take the body before anything else looks at the answer: `requests` would take it without a limit."""
    try:
        content = read_body(response.raw, response.headers.get("content-encoding", ""))
    except BaseException:
        response.close()
        raise
    # the SDK fails at a body that is not UTF-8, although the call may be committed
    response._content = content.decode("utf-8", "replace").encode()
    response._content_consumed = True

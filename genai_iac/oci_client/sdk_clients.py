"""The SDK's clients, one for each service, region and endpoint, created when first asked for; and the operations that the tool uses.

- The HTTP session of each client keeps this tool's promises: no redirect, no cookie, no proxy for this machine, every answer bounded.
- An operation has OCI's own name, and says which SDK client and method it is, and what it takes.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from genai_iac.core.plan import SdkOperation, Service
from genai_iac.network import NetworkSettings
from genai_iac.network.connections import bound_pools, read_body
from genai_iac.oci_client.sdk_models import import_models_later
from genai_iac.resource_types import RESOURCE_TYPES

_CONNECTIONS = 64  # as many as `--parallelism` may use

# Parts of the SDK that no call of this tool needs, and what its other modules take from them: the first imports two whole
# services, the second a library of its own. Together they were a fifth of the SDK's import.
_PAGINATION, _PKCS11 = "oci.pagination", "oci.auth.signers.pkcs11_signer"
_PKCS11_NAMES = ("PKCS11RequestSigner", "PKCS11Signer")
_IMPORTING = threading.Lock()
_OPTIONS = {"auth", "params", "headers", "data", "stream", "timeout"}  # of a request, as the SDK makes it


class _LaterModule(ModuleType):
    """Stands for a module while the SDK is imported: whatever is taken from it is taken out again behind that."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def import_sdk() -> None:
    """Import the SDK, without the parts that no call of this tool needs.

    They are imported when anybody asks for them, as the SDK itself does with its services, so that other users of the SDK in
    this process miss nothing. Does nothing where the SDK has been imported already; an SDK that needs them is imported whole.
    """
    with _IMPORTING:
        if "oci" in sys.modules:
            return
        before = set(sys.modules)
        later = [sys.modules.setdefault(name, _LaterModule(name)) for name in (_PAGINATION, _PKCS11)]
        try:
            import oci
        except Exception:  # a later release may derive a class from what a stand-in answers with nothing
            for name in set(sys.modules) - before:
                if name.partition(".")[0] == "oci":
                    del sys.modules[name]
            import_module("oci")
            return
        finally:
            for module in later:
                if sys.modules.get(module.__name__) is module:
                    del sys.modules[module.__name__]
        _forget(oci, "pagination")
        _forget(oci.auth.signers, "pkcs11_signer", *_PKCS11_NAMES)
        vars(oci.auth.signers).setdefault("__getattr__", _find_pkcs11)
        import_models_later()
        if "__getattr__" not in vars(oci):  # where its settings say that services are not imported on demand
            import_module(_PAGINATION)


def _forget(package: ModuleType, *names: str) -> None:
    """Take out what the package took from a stand-in."""
    for name in names:
        if vars(package).get(name) is None or isinstance(vars(package)[name], _LaterModule):
            vars(package).pop(name, None)


def _find_pkcs11(name: str) -> Any:
    if name in ("pkcs11_signer", *_PKCS11_NAMES):
        with suppress(ImportError):
            module = import_module(_PKCS11)
            return getattr(module, name, module)
    raise AttributeError(f"module 'oci.auth.signers' has no attribute {name!r}")


def configure_session(session: Any, url: str, settings: NetworkSettings) -> str | None:
    """Configure a session of the SDK for requests to `url`; returns the proxy that they go through.

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
    # An emulator on this machine shows no certificate: the bundle takes longer to read than it takes to answer.
    needs_authorities = not (url.startswith("http:") and (proxy or "http:").startswith("http:"))
    session.verify = (needs_authorities and settings.ca_bundle()) or True
    # a redirect would carry the body, and with it a value, to an address that nobody chose
    session.get_redirect_target = _no_target
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    # The only encoding whose size `read_body` bounds while it decompresses.
    session.headers["accept-encoding"] = "gzip"
    for prefix, adapter in list(session.adapters.items()):
        session.mount(prefix, _bounded(type(adapter)))
    session.request = partial(_send_request, session)
    return proxy


def _send_request(session: Any, method: str, url: str, **options: Any) -> Any:
    """One request of the SDK. `requests` would merge settings with it, and look for cookies, hooks and redirects, of which a
    configured session has none: a tenth of the CPU of a call.

    Args:
        session: as `configure_session` left it.
        options: as the SDK gives them; with others the whole of `requests` decides.
    """
    if not options.keys() <= _OPTIONS:
        return type(session).request(session, method, url, **options)
    from oci._vendor.requests import PreparedRequest

    request = PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(url, options.get("params"))
    given = {name: value for name, value in (options.get("headers") or {}).items() if value is not None}
    request.prepare_headers({**session.headers, **given})
    request.prepare_body(options.get("data") or {}, None)
    request.prepare_auth(options.get("auth"), url)
    how = {"verify": session.verify, "cert": session.cert, "proxies": session.proxies}
    return session.get_adapter(url=request.url).send(
        request, stream=options.get("stream", False), timeout=options.get("timeout"), **how
    )


def _no_target(response: Any) -> None:
    del response


def refuse_redirects() -> None:
    """From now on a redirect is an error for every session of the SDK that `configure_session` has not configured: its signers make
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


# Modules are imported when a client is first needed: the SDK takes a second to load
# whole.
CLIENTS: Mapping[Service, tuple[str, str]] = {
    "identity": ("oci.identity", "IdentityClient"),
    "generative_ai": ("oci.generative_ai", "GenerativeAiClient"),
    "vault": ("oci.vault", "VaultsClient"),
    "secrets": ("oci.secrets", "SecretsClient"),
    "kms": ("oci.key_management", "KmsVaultClient"),
    "kms_management": ("oci.key_management", "KmsManagementClient"),
}


# Operations of resource types come from the types themselves, so a new type needs no
# entry here.
OPERATIONS: Mapping[str, SdkOperation] = {
    "ListRegionSubscriptions": SdkOperation("identity", "list_region_subscriptions", ("id",)),
    "GetTenancy": SdkOperation("identity", "get_tenancy", ("id",)),
    "ListGroups": SdkOperation("identity", "list_groups", ("id",), home=True),
    "ListDynamicGroups": SdkOperation("identity", "list_dynamic_groups", ("id",), home=True),
    "GetVault": SdkOperation("kms", "get_vault", ("id",)),
    "GetKey": SdkOperation("kms_management", "get_key", ("id",)),
    "ListSecrets": SdkOperation("vault", "list_secrets", ("id",)),
    "GetSecret": SdkOperation("vault", "get_secret", ("id",)),
    "CreateSecret": SdkOperation("vault", "create_secret", ("body",), token=True),
    "UpdateSecret": SdkOperation("vault", "update_secret", ("id", "body"), etag=True),
    "ListSecretVersions": SdkOperation("vault", "list_secret_versions", ("id",)),
    "ScheduleSecretVersionDeletion": SdkOperation(
        "vault", "schedule_secret_version_deletion", ("id", "version", "body"), etag=True
    ),
    "ScheduleSecretDeletion": SdkOperation("vault", "schedule_secret_deletion", ("id", "body"), etag=True),
    "CancelSecretDeletion": SdkOperation("vault", "cancel_secret_deletion", ("id",), etag=True),
    "GetSecretBundle": SdkOperation("secrets", "get_secret_bundle", ("id",)),
    **{name: operation for kind in RESOURCE_TYPES.values() for name, operation in kind.operations.items()},
}


class SdkClients:
    """Hands out clients; safe to share between threads.

    Args:
        config: the SDK's configuration.
        signer: the SDK's signer.
        endpoint: of a local emulator; None calls OCI.
    """

    def __init__(self, config: dict[str, Any], signer: Any, endpoint: str | None) -> None:
        self._config, self._signer, self._endpoint = config, signer, endpoint
        self._made: dict[tuple[Service, str, str | None], Any] = {}
        self._network = NetworkSettings()
        self._proxies: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def proxy_of(self, client: Any) -> str | None:
        """The proxy that requests of that client go through, if any."""
        return self._proxies.get(client.base_client.get_endpoint())

    def get(self, service: Service, region: str, endpoint: str | None = None) -> Any:
        """The client of that service there; `endpoint` is the service's own, where it has one a resource.

        Args:
            service: key of `CLIENTS`.
            region: long name.
            endpoint: a service address of the resource itself, such as a vault's
                managementEndpoint.
        """
        with self._lock:
            client = self._made.get((service, region, endpoint))
            if client is None:
                client = self._made[service, region, endpoint] = self._make(service, region, endpoint)
            return client

    def close(self) -> None:
        """Let the connections go."""
        for client in self._made.values():
            client.base_client.session.close()

    def _make(self, service: Service, region: str, endpoint: str | None) -> Any:
        import oci
        from oci.circuit_breaker import CircuitBreakerStrategy

        module, name = CLIENTS[service]
        options: dict[str, Any] = {
            "signer": self._signer,
            "skip_deserialization": True,  # plain data: the SDK's models print their secrets
            # Retries are decided in retry.py, by what a failure means.
            "retry_strategy": oci.retry.NoneRetryStrategy(),
            # the SDK's default breaker is one object for every client of the process: one failing service would close them all
            "circuit_breaker_strategy": CircuitBreakerStrategy(),
        }
        if self._endpoint:
            endpoint = local_endpoint(self._endpoint, region)
        if endpoint:
            options["service_endpoint"] = endpoint
        client = getattr(import_module(module), name)({**self._config, "region": region}, **options)
        base = client.base_client
        self._proxies[base.get_endpoint()] = configure_session(base.session, base.get_endpoint(), self._network)
        return client


def local_endpoint(endpoint: str, region: str) -> str:
    """Where a local emulator answers for that region; any other endpoint answers for one region only.

    Args:
        endpoint: as given by --endpoint; plain HTTP marks an emulator.
    """
    return f"{endpoint.rstrip('/')}/r/{region}" if urlsplit(endpoint).scheme == "http" else endpoint

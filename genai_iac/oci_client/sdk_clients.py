"""The SDK's clients, one a service, region and endpoint: made when first asked for, and settled so that each request costs little."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from genai_iac.core.sdk_operation import Service
from genai_iac.network import NetworkSettings
from genai_iac.oci_client.operations import CLIENTS
from genai_iac.oci_client.transport import settle_session


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
        self._proxies[base.get_endpoint()] = settle_session(base.session, base.get_endpoint(), self._network)
        return client


def local_endpoint(endpoint: str, region: str) -> str:
    """Where a local emulator answers for that region; any other endpoint answers for one region only.

    Args:
        endpoint: as given by --endpoint; plain HTTP marks an emulator.
    """
    return f"{endpoint.rstrip('/')}/r/{region}" if urlsplit(endpoint).scheme == "http" else endpoint

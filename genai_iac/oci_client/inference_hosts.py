"""Which hosts a manifest may have a bearer secret sent to: OCI's own, and those that the command line allows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from genai_iac.core.errors import GuardError

# by the `endpoint` of an ApiKey
INFERENCE_PATHS: Mapping[str, str] = {"actions/v1": "/20231130/actions/v1", "openai/v1": "/openai/v1"}
_SERVICE = "generativeai"  # a label of every host of the service: inference.generativeai.REGION.oci.oraclecloud.com


def check_inference_host(url: str, allowed: Collection[str]) -> None:
    """Raises GuardError unless the URL is https and its host is the Generative AI service's or one of `allowed`.

    A manifest may come from a pull request: it must not be able to send a key's secret to a host of its own choice.
    Requests that are signed never go to such a URL.

    Args:
        url: of `spec.endpoint`.
        allowed: hosts of --allow-endpoint-host; case does not matter.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme == "https" and (host in {name.lower() for name in allowed} or _is_service(host)):
        return
    raise GuardError(
        f"refused: {url} is no endpoint of OCI Generative AI, and keys would be called with there",
        hint=f"if it is yours, allow it outside the manifests: --allow-endpoint-host {host or 'HOST'}",
    )


def _is_service(host: str) -> bool:
    import oci

    domains = set(oci.regions.REALMS.values())
    return _SERVICE in host.split(".") and any(host.endswith(f".{domain}") for domain in domains)

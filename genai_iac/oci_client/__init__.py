"""Calls to OCI. The only package that imports the OCI SDK.

For: authentication, endpoints, retries, errors, paging, work requests, Vault.
In: operation names with plain bodies. Out: plain data; secret values as `Secret`; failures as errors of `core.errors`.
Must not know: manifests, plans, resource types.
"""

from genai_iac.oci_client.auth import Connection
from genai_iac.oci_client.client import OciClient, connect
from genai_iac.oci_client.responses import OciResponse, RequestListener, SentRequest, WorkRequest
from genai_iac.oci_client.vault import TenancyVault

__all__ = [
    "Connection",
    "OciClient",
    "OciResponse",
    "RequestListener",
    "SentRequest",
    "TenancyVault",
    "WorkRequest",
    "connect",
]

"""The one door to the OCI SDK: calls go in by operation name, plain data and `Secret`s come out, failures are translated."""

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

"""The one door to the OCI SDK: calls go in by operation name, plain data and `Secret`s come out, failures are translated."""

from genai_iac.provider.answers import Reply, Request, Watch, WorkRequest
from genai_iac.provider.connection import Connection
from genai_iac.provider.provider import Provider, connect
from genai_iac.provider.vault import TenancyVault

__all__ = ["Connection", "Provider", "Reply", "Request", "TenancyVault", "Watch", "WorkRequest", "connect"]

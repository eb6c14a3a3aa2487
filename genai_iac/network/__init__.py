"""Network settings and HTTP for every client of this tool: proxies, certificate authorities, limits, and why a call failed."""

from genai_iac.network.client import Headers, HttpAnswer, HttpClient, read_headers
from genai_iac.network.failures import Reason, explain
from genai_iac.network.settings import NetworkSettings, is_loopback

__all__ = ["Headers", "HttpAnswer", "HttpClient", "NetworkSettings", "Reason", "explain", "is_loopback", "read_headers"]

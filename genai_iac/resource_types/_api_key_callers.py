"""What callers of a key need beside its value: the project that they name and the base URL that they call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from genai_iac.core import Address, Document, Reference, Value
from genai_iac.core.errors import Problem

PROJECT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Project",
    "description": "The Generative AI project that calls name: a declared Project by its metadata.name, or an OCID.",
    "pattern": r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|ocid1\.generativeaiproject\..+)$",
    "examples": ["chat"],
}
ENDPOINT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Endpoint",
    "description": "The base URL that callers get: openai/v1 or actions/v1 of the key's region, or the whole https URL of a "
    "dedicated or private endpoint. Default: openai/v1 with a project, else actions/v1.",
    "pattern": r"^(openai/v1|actions/v1|https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?)$",
    "examples": ["openai/v1"],
}
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]{1,2}")  # a label of a host name that is a region


def read_project(spec: Mapping[str, Any]) -> Value:
    """A Reference to a declared Project, an OCID as it is, or None.

    Args:
        spec: of a checked ApiKey document.
    """
    written = spec.get("project")
    if isinstance(written, str) and not written.startswith("ocid1."):
        return Reference(Address("Project", written))
    return written


def read_endpoint(spec: Mapping[str, Any]) -> str:
    """`openai/v1`, `actions/v1`, or a URL without a slash at its end.

    Args:
        spec: of a checked ApiKey document.
    """
    default = "openai/v1" if "project" in spec else "actions/v1"
    return str(spec.get("endpoint", default)).rstrip("/")


def check_callers(document: Document) -> Iterator[Problem]:
    """What the schema cannot say of `endpoint`.

    Whether the host may be used is decided later, by the command line
    (`oci_client/inference_hosts.py`).
    """
    url = str(document.spec.get("endpoint", ""))
    if not url.startswith("https://"):
        return
    try:
        host, port = urlsplit(url).hostname, urlsplit(url).port
    except ValueError:
        host, port = None, None
    if not host or "." not in host.strip(".") or re.fullmatch(r"[0-9.]+", host) or port == 0:
        message = f"{url} is not the URL of an endpoint"
        yield Problem(document.place("spec", "endpoint"), message, "write https://HOST/openai/v1, with a host name")


def region_of_endpoint(endpoint: str) -> str | None:
    """The region that the host of a URL names; None when it names none.

    Args:
        endpoint: `spec.endpoint` or its default.
    """
    host = (urlsplit(endpoint).hostname or "") if endpoint.startswith("https://") else ""
    return next((label for label in host.split(".") if _REGION.fullmatch(label)), None)

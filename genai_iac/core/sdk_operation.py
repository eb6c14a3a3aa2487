"""One operation of the OCI API as data: which SDK client and method it is, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Service = Literal["identity", "generative_ai", "vault", "secrets", "kms", "kms_management"]


@dataclass(frozen=True, slots=True)
class SdkOperation:
    """One API operation. `home` ones must go to the tenancy's home region; `token` ones take an opc-retry-token.

    Resource types declare their operations with it; `oci_client` makes the call. So no
    resource type imports the SDK.
    """

    service: Service  # key of `CLIENTS` in `oci_client/operations.py`
    method: str  # of the SDK client class, such as create_api_key
    takes: tuple[Literal["id", "version", "body"], ...] = ()  # positional arguments, in this order
    home: bool = False
    token: bool = False
    etag: bool = False  # sends if-match when an etag is known

"""One operation of the OCI API as data: which SDK client and method it is, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Service = Literal["identity", "generative_ai", "vault", "secrets", "kms", "kms_management"]


@dataclass(frozen=True, slots=True)
class SdkOperation:
    """One API operation. `home` ones must go to the tenancy's home region; `token` ones take an opc-retry-token."""

    service: Service
    method: str
    takes: tuple[Literal["id", "version", "body"], ...] = ()
    home: bool = False
    token: bool = False
    etag: bool = False

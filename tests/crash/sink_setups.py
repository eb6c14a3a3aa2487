"""Where an application finds its API key: a file, or the CURRENT version of a secret in OCI Vault."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """One declared sink, as its reader sees it."""

    @property
    def name(self) -> str: ...

    def text(self) -> str | None:
        """All that is there; None when there is nothing."""
        ...


@dataclass(frozen=True)
class File:
    """A dotenv or JSON file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def text(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class Fetched:
    """The values that a service of another vendor has, as its reader gets them."""

    name: str
    read: Callable[[], Mapping[str, Any] | None]

    def text(self) -> str | None:
        data = self.read()
        return None if data is None else json.dumps(data)


@dataclass(frozen=True)
class VaultSecret:
    """A secret in OCI Vault, read by its name through the unchanged SDK."""

    bundles: Any
    vault: str
    secret: str

    @property
    def name(self) -> str:
        return f"vault secret {self.secret}"

    def text(self) -> str | None:
        import oci

        try:
            bundle = self.bundles.get_secret_bundle_by_name(self.secret, self.vault).data
        except oci.exceptions.ServiceError as error:
            if error.status != 404:
                raise
            return None
        return base64.b64decode(bundle.secret_bundle_content.content).decode()


def read_key(place: Place) -> tuple[str, str] | None:
    """The base URL and the current value; None when there are none to read."""
    text = place.text()
    if text is None:
        return None
    if text.startswith("{"):
        data = json.loads(text)
        return (data["OPENAI_BASE_URL"], data["OPENAI_API_KEY"]) if "OPENAI_API_KEY" in data else None
    found = dict(re.findall(r"^(OPENAI_BASE_URL|OPENAI_API_KEY)='?([^'\n]*)'?$", text, re.MULTILINE))
    return (found["OPENAI_BASE_URL"], found["OPENAI_API_KEY"]) if len(found) == 2 else None

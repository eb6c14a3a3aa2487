"""What every sink promises; one file beside this one a sink."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from genai_iac.model import Delivery, Holding, Secret


@dataclass(frozen=True, slots=True)
class Context:
    """Where relative paths start (the manifests' directory) and where this machine's notes are kept (`.genai-iac`)."""

    root: Path
    notes: Path


class Sink(ABC):
    """A place where plaintext goes. Made from one entry of `deliverTo`; opening one touches nothing.

    Promises: nothing outside the declared place ever holds a value; a write is whole or has not happened; the address, OCID, secret name, mask and
    expiry are kept beside each value; no error text quotes a value.
    """

    word: ClassVar[str]  # the key under deliverTo
    schema: ClassVar[Mapping[str, Any]]  # JSON Schema of the value under that key
    readable: ClassVar[bool]  # whether values can be taken out again (to heal another sink)

    @abstractmethod
    def __init__(self, settings: Mapping[str, Any], context: Context) -> None: ...

    @property
    @abstractmethod
    def place(self) -> str:
        """How people call it: `file secrets/chat-app.env`."""

    @abstractmethod
    def prove(self) -> None:
        """Show that a write would work, before anything is minted; leaves no trace. Raises SinkError with the way out."""

    @abstractmethod
    def read(self) -> Holding | None:
        """What it holds, without values; None when it holds nothing. Raises SinkError when it cannot be told."""

    @abstractmethod
    def take(self, secret: str, mask: str) -> Secret | None:
        """The value it holds for that secret under that mask, or None."""

    @abstractmethod
    def write(self, delivery: Delivery) -> None:
        """Make it hold exactly the delivery, at once or not at all, and read back that it does. Raises SinkError."""

    @abstractmethod
    def clean(self) -> tuple[str, ...]:
        """Remove what an interrupted write left behind (a stray temporary file); the names of what was removed."""

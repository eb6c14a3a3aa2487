"""How a sink is tried: where its place is, what a consumer reads there, how a write is made to fail."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from genai_iac.core import Delivery, Record
from genai_iac.delivery.sinks import Context, Sink, open_sink
from genai_iac.testing.sink_samples import ADDRESS, OWNER


class SinkHarness(ABC):
    """One place to try one sink in. `root` is an empty directory: the manifests' own.

    `entry` is the entry of `deliverTo`. Of a sink that is not installed give the class as `sink`; of one that is, the entry
    point is found. `certain = False`: the place cannot be looked into.
    """

    entry: ClassVar[Mapping[str, Any]]
    sink: ClassVar[type[Sink] | None] = None
    certain: ClassVar[bool] = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.context = Context(root, root / ".genai-iac", ADDRESS, OWNER)

    def open(self, **changes: Any) -> Sink:
        """A sink that has never seen the place before; `changes` to its `Context`."""
        return self.open_entry(self.entry, **changes)

    def open_entry(self, entry: Mapping[str, Any], **changes: Any) -> Sink:
        """The same for another entry."""
        context = replace(self.context, **changes)
        if self.sink is None:
            return open_sink(entry, context)
        ((_, settings),) = entry.items()
        return self.sink(settings, context)

    def kept(self, delivery: Delivery) -> list[Record]:
        """What this sink keeps of a delivery."""
        return ordered(item.record for item in delivery.items if item.record.role in self.open().roles)

    def outside(self) -> object:
        """Everything that can be seen of the place and around it, to be compared. Extend it by what lies elsewhere."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in sorted(self.root.rglob("*"))
        }

    def seen(self) -> list[str]:
        """Texts that the sink left beside the place: logs, arguments of programs. No value may be in them."""
        return []

    @abstractmethod
    def consumer(self) -> str | None:
        """The value that a consumer reads, by other means than the sink; None when there is none."""

    @abstractmethod
    def broken(self) -> AbstractContextManager[object]:
        """A context in which every write to the place fails, as it would in earnest."""


def ordered(records: Iterable[Record]) -> list[Record]:
    """Records by name, to be compared: a sink may keep them in another order than it was given them."""
    return sorted(records, key=lambda record: record.secret)

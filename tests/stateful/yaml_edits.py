"""What people do to the files that values are delivered to, and what only they know of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from conftest import Tenancy

from .manifest_edits import ManifestEdits
from .tenancy_snapshot import TenancySnapshot, kept_in

TYPED = "TypeOver"  # how a value ends that somebody typed into


@dataclass
class Traces:
    """What only those know who did it."""

    stripped: dict[str, tuple[str, str]] = field(default_factory=dict)  # address: OCID and the mark that it had
    garbled: dict[str, tuple[str, set[str]]] = field(
        default_factory=dict
    )  # path: its text, and the masks of values typed over
    by_hand: set[str] = field(default_factory=set)  # masks of values that somebody made in the Console: theirs alone
    regrouped: set[str] = field(default_factory=set)  # policies whose group was made again since they were written


@dataclass
class Editing:
    """Somebody with an editor, in front of one snapshot."""

    tenancy: Tenancy
    project: Path
    manifests: ManifestEdits
    snapshot: TenancySnapshot
    traces: Traces
    random: Random
    foreign: set[str]  # what others have made

    def _sink(self) -> tuple[str, Path] | None:
        paths = [path for path in sorted(self.manifests.sinks) if (self.project / path).exists()]
        path = self.random.choice(paths) if paths else None
        return (path, self.project / path) if path else None

    def lose_sink(self) -> bool:
        found = self._sink()
        if found:
            found[1].unlink()
        return found is not None

    def garble_sink(self) -> bool:
        """Somebody typed into a value."""
        found = self._sink()
        if not found or is_spoiled(found[1]):
            return False
        path, file = found
        text = file.read_text()
        value = self.random.choice(sorted(set(re.findall(r"sk-[A-Za-z0-9]{20,}", text))))
        file.write_text(text.replace(value, value[: -len(TYPED)] + TYPED))
        masks = (
            self.traces.garbled.get(path, ("", set()))[1] if self.traces.garbled.get(path, ("",))[0] == text else set()
        )
        over = {one.mask for one in kept_in(file) if one.mask[-4:] == value[-4:]}
        self.traces.garbled[path] = (file.read_text(), masks | over)
        return True

    def write_into_sink(self) -> bool:
        """Somebody added a line that JSON does not allow: the file is not touched until it is moved away."""
        found = self._sink()
        if found and not found[0].endswith(".json"):
            return False  # a dotenv file keeps lines of another hand
        if found:
            with found[1].open("a") as file:
                file.write("MORE=1\n")
        return found is not None

    def move_spoiled_away(self) -> bool:
        """What the error of the file above says."""
        spoiled = [path for path in sorted(self.manifests.sinks) if is_spoiled(self.project / path)]
        for path in spoiled:
            (self.project / path).unlink()
        return bool(spoiled)


def is_spoiled(path: Path) -> bool:
    """Whether `write_into_sink` has been there."""
    return path.exists() and path.read_text().endswith("MORE=1\n")

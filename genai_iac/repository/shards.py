"""Which part of a repository's stacks a job takes. The same on every machine: it goes by a hash of each stack's path, and nothing else.

Neither Python's own `hash` (another in each process) nor the position in a list (another once a stack is added) would do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# Six digits are far more shards than any CI system starts.
_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `index` of `count`, counted from 0."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `I/N` with 0 <= I < N. Raises ValueError.

        Raises:
            ValueError: another form, or an index outside 0 to N-1.
        """
        found = _FORM.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 0 <= shard.index < shard.count:
            raise ValueError(f"{text!r} is not I/N with 0 <= I < N, for example 0/16")
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def takes(self, path: str) -> bool:
        """Whether a stack is in this part. `path`: from the root of the repository, with `/`, the same on every machine."""
        return stable_hash(path) % self.count == self.index


def stable_hash(path: str) -> int:
    """64 bits of SHA-256 over the path's UTF-8 bytes. Part of the format: other tools may compute it."""
    return int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()[:8], "big")

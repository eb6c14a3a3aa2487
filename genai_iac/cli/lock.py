"""One apply at a time in a directory of manifests: the second one waits, and plans on what the first has left.

The lock is on the directory itself: it leaves no file, and goes with the process that holds it, however that ends. Applies
from two machines are not kept apart by it; what they may do to each other is bounded where they do it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genai_iac.cli.console import Console


@contextmanager
def apply_lock(directory: Path, output: Console | None = None) -> Iterator[None]:
    """Hold the directory while this is open. Where it cannot be locked (some network file systems), nothing is held.

    `output` prints a line when another apply has to end first.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(descriptor, output)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, output: Console | None) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if output is not None:
            output.note("Another apply is at work on these manifests; waiting for its end.\n")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    # Some network file systems have no locks. Refusing to apply there would help nobody;
    # the writes carry etags.
    except OSError:
        return

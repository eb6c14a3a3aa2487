"""strace attached to one thread of a run: its system calls written down, or the run killed at one of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

CALLS = (
    "openat", "mkdirat", "fchmod", "flock", "write", "fsync", "renameat", "renameat2", "linkat", "unlinkat", "getdents64", "readv",
)  # fmt: skip


@lru_cache(maxsize=1)
def why_not() -> str:
    """Why strace cannot be used here; empty when it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    tried = subprocess.Popen(
        ["strace", "-e", "inject=fsync:error=EIO", "-p", str(sleeper.pid)], stderr=subprocess.PIPE, text=True
    )
    assert tried.stderr
    said = tried.stderr.readline()
    sleeper.communicate("\n")
    tried.communicate()
    return "" if "attached" in said else f"strace may not trace here: {said.strip()}"


@contextmanager
def traced(thread: int, log: Path, *expressions: str) -> Iterator[None]:
    """While the block runs, the calls of that thread go to the log, with the paths of their descriptors."""
    command = ["strace", "-y", "-o", str(log)]
    for expression in (f"trace={','.join(CALLS)}", *expressions):
        command += ["-e", expression]
    strace = subprocess.Popen([*command, "-p", str(thread)], stderr=subprocess.PIPE, text=True)
    assert strace.stderr and "attached" in strace.stderr.readline()
    yield
    strace.communicate(timeout=60)


def kill_at(call: str, nth: int) -> str:
    """The expression that kills the whole process before the nth call of that name has any effect."""
    return f"inject={call}:signal=SIGKILL:when={nth}"


def calls_on(log: Path, name: str) -> Iterator[tuple[str, int]]:
    """The calls in a log that touch a directory of that name or what is below it: each by its name, and which one of that name it is."""
    counts: Counter[str] = Counter()
    for line in log.read_text("utf-8", "replace").splitlines():
        if call := re.match(r"\w+(?=\()", line):
            counts[call[0]] += 1
            if re.search(rf'["/]{name}[">/]', line):
                yield call[0], counts[call[0]]

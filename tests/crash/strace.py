"""strace attached to a run: its system calls written down, all of those that let something out, or the run killed at one of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CALLS = (
    "openat", "mkdirat", "fchmod", "flock", "write", "fsync", "renameat", "renameat2", "linkat", "unlinkat", "getdents64", "readv",
)  # fmt: skip
LEAVING = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg", "execve", "execveat", "dup2", "dup3",
)  # fmt: skip
_CALL = re.compile(r"(\d+) +(\w+)\((?:(?:AT_FDCWD|\d+)<((?:->|[^<>])*)>)?")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')


@dataclass(frozen=True)
class Call:
    """A system call of a process (or thread): the strings that it was given, and where its first descriptor leads."""

    process: int
    name: str
    descriptor: str
    text: str
    strings: list[bytes]


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
    chosen = [word for expression in (f"trace={','.join(CALLS)}", *expressions) for word in ("-e", expression)]
    with _attached(thread, "-y", "-o", str(log), *chosen):
        yield


@contextmanager
def tapped(process: int, log: Path) -> Iterator[None]:
    """While the block runs, whatever that process, its threads and its children write, send or execute goes to the log, whole."""
    with _attached(process, "-f", "-yy", "-v", "-s", "1000000", "-o", str(log), "-e", f"trace={','.join(LEAVING)}"):
        yield


@contextmanager
def _attached(process: int, *options: str) -> Iterator[None]:
    strace = subprocess.Popen(["strace", *options, "-p", str(process)], stderr=subprocess.PIPE, text=True)
    assert strace.stderr and "attached" in strace.stderr.readline()
    yield
    strace.communicate(timeout=300)


def read_calls(log: Path) -> Iterator[Call]:
    """The calls of a log that `tapped` wrote, in their order; ValueError when a string is cut."""
    for line in log.read_text("latin-1").splitlines():
        if call := _CALL.match(line):
            found = _STRING.findall(line)
            if any(cut for _, cut in found):
                raise ValueError(f"strace cut a string of {line[:200]}")
            strings = [text.encode("latin-1").decode("unicode_escape").encode("latin-1") for text, _ in found]
            yield Call(int(call[1]), call[2], call[3] or "", line, strings)


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

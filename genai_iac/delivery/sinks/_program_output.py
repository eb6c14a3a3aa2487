"""What a program prints, read until it ends and kept up to a limit; a program that takes too long is killed with its children.

Of the standard library, `Popen.communicate` keeps everything until the end: a program that prints much, or without end, would take
this process's memory.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import subprocess

_CHUNK = 64 * 1024  # bytes of one read: what a pipe holds on Linux
_REST = 1.0  # seconds for what a killed program left in its pipes; a child that left its group may hold them open
_REAPED = 10.0  # seconds for a killed program to be gone; one of another user cannot be killed

Stopped = Literal["", "late", "long"]  # why a program was killed; empty: it ended by itself


class Output(Struct, frozen=True):
    """The end of what a program printed on each stream, at most as many bytes as were asked for, and why it was killed."""

    printed: bytes
    complained: bytes
    stopped: Stopped


def read_output(process: subprocess.Popen[bytes], seconds: float, limit: int, *, whole: bool = False) -> Output:
    """Read both streams of a program until they and it have ended. It is killed with its children after that time, and on any exception.

    Args:
        process: started in a session of its own, with pipes as standard output and standard error.
        seconds: how long it may take.
        limit: bytes that are kept of each stream, from its end.
        whole: what it prints is of use only as a whole: kill it as soon as it has printed more than the limit.

    Returns:
        Also when it was killed; the exit status is `process.returncode`. Both pipes are closed.
    """
    ends = time.monotonic() + seconds
    streams = _Streams(process, limit)
    try:
        stopped = streams.read_until(ends, whole=whole)
        if not stopped and not _has_ended(process, ends):
            stopped = "late"
        if stopped:
            _kill_group(process)
            if stopped == "late":
                streams.read_until(time.monotonic() + _REST)
    except BaseException:
        _kill_group(process)
        raise
    finally:
        streams.close()
        _has_ended(process, time.monotonic() + _REAPED)
    return Output(*streams.kept, stopped)


class _Streams:
    """Both streams of a program. Of each the last bytes are kept, never more than the limit and one read."""

    def __init__(self, process: subprocess.Popen[bytes], limit: int) -> None:
        import selectors

        assert process.stdout and process.stderr
        self._limit = limit
        self._ends: dict[IO[bytes], bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
        self._is_longer = False  # whether one had more than is kept
        self._ready = selectors.DefaultSelector()
        for stream in self._ends:
            self._ready.register(stream, selectors.EVENT_READ)

    @property
    def kept(self) -> tuple[bytes, bytes]:
        printed, complained = map(bytes, self._ends.values())
        return printed, complained

    def read_until(self, ends: float, *, whole: bool = False) -> Stopped:
        """Read until both have ended, or that moment of the monotonic clock; `whole`: or one is longer than the limit."""
        while self._ready.get_map():
            for selected, _ in self._ready.select(max(0.0, ends - time.monotonic())):
                self._read(selected.fileobj)
            if whole and self._is_longer:
                return "long"
            if time.monotonic() >= ends and self._ready.get_map():
                return "late"
        return ""

    def _read(self, stream: Any) -> None:
        part, kept = os.read(stream.fileno(), _CHUNK), self._ends[stream]
        if not part:
            self._ready.unregister(stream)
            return
        kept += part
        if len(kept) > self._limit:
            self._is_longer = True
            del kept[: -self._limit]

    def close(self) -> None:
        self._ready.close()
        for stream in self._ends:
            stream.close()


def _has_ended(process: subprocess.Popen[bytes], ends: float) -> bool:
    """Wait for it until that moment; a program that closed its streams is given a tenth of a second at least."""
    import subprocess

    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.1, ends - time.monotonic()))
    return process.returncode is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the program with its children; one that left the group goes on, and delays nothing."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

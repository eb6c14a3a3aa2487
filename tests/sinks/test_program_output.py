"""What programs print is kept up to a limit, however much it is; one that does not end is killed and what it left is read."""

from __future__ import annotations

import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _program_output
from genai_iac.delivery.sinks._program_output import Output, _Streams, read_output

from .samples import delivery, item
from .test_exec import shell, sink

MB = 10**6
MUCH = [2, pytest.param(200, marks=pytest.mark.matrix)]  # MB
PEAK = 4 * MB  # bytes of Python objects: the tails of both streams, as bytes and as text, and what redacting them takes


@contextmanager
def allocated(most: int) -> Iterator[None]:
    """Fail when the block holds more bytes at once."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


def read(script: str, *, seconds: float = 60, limit: int = 1000, whole: bool = False) -> tuple[Output, int | None]:
    """What is kept of a shell script's output, and its exit status."""
    process = subprocess.Popen(shell(script), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    output = read_output(process, seconds, limit, whole=whole)
    assert process.stdout and process.stderr and process.stdout.closed and process.stderr.closed
    return output, process.returncode


@pytest.mark.parametrize("megabytes", MUCH)
def test_of_much_output_the_end_is_kept(megabytes: int) -> None:
    printing = f"head -c {megabytes * MB} /dev/zero | tr '\\0' x"
    with allocated(MB):
        output, status = read(f"{printing}; {printing} >&2; echo end; echo reason >&2; exit 3")
    assert (status, output.stopped) == (3, "")
    assert output.printed == b"x" * 996 + b"end\n" and output.complained == b"x" * 993 + b"reason\n"


@pytest.mark.parametrize("megabytes", MUCH)
def test_a_program_that_prints_much_fails_with_its_last_words(manifests_root: Path, megabytes: int) -> None:
    printing = f"head -c {megabytes * MB} /dev/zero | tr '\\0' x"
    failing = sink(manifests_root, *shell(f"{printing}; {printing} >&2; echo; echo the reason >&2; exit 3"))
    with allocated(PEAK), pytest.raises(SinkError, match=r"ended with status 3: …x+the reason; correct that"):
        failing.write(delivery(item("key-one", "a", "current")))


def test_output_within_the_limit_is_whole() -> None:
    output, _ = read("head -c 1000 /dev/zero; head -c 1000 /dev/zero >&2", whole=True)
    assert output == Output(bytes(1000), bytes(1000), "")


@pytest.mark.parametrize("stream", [1, 2])
def test_a_program_whose_output_has_to_be_whole_is_killed_once_it_is_too_long(stream: int) -> None:
    with allocated(MB):
        output, status = read(f"yes >&{stream}", whole=True)
    assert output.stopped == "long" and status == -9
    assert len(output.printed) + len(output.complained) == 1000


@pytest.fixture
def late_once_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is up as soon as something was read of each stream that the test names, however long that takes here."""
    gone, read_part = [0.0], _Streams._read

    def read_and_let_time_pass(self: _Streams, stream: Any) -> None:
        read_part(self, stream)
        gone[0] = 1e6 if b"begun" in self.kept[0] and all(self.kept) else gone[0]

    monkeypatch.setattr(_Streams, "_read", read_and_let_time_pass)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + gone[0])
    monkeypatch.setattr(_program_output, "time", clock)


@pytest.mark.usefixtures("late_once_read")
def test_what_a_program_printed_before_it_was_killed_is_read() -> None:
    output, status = read("echo begun; echo reason >&2; sleep 3000")
    assert (output, status) == (Output(b"begun\n", b"reason\n", "late"), -9)


def test_a_program_that_closed_its_streams_has_to_end_in_time_too() -> None:
    output, status = read("exec > /dev/null 2>&1; sleep 3000", seconds=0.2)
    assert (output, status) == (Output(b"", b"", "late"), -9)
    assert read("exec > /dev/null 2>&1; sleep 0.05; exit 4") == (Output(b"", b"", ""), 4)


@pytest.mark.matrix
@pytest.mark.usefixtures("late_once_read")
def test_a_child_that_left_the_group_and_prints_without_end_takes_no_memory() -> None:
    with allocated(MB):
        output, _ = read("echo reason >&2; setsid timeout 60 yes begun & sleep 3000")
    assert output.stopped == "late" and output.printed.endswith(b"begun\nbegun\n") and len(output.printed) == 1000


def test_an_interrupt_kills_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: object, ends: float, *, whole: bool = False) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_Streams, "read_until", interrupted)
    process = subprocess.Popen(
        ["sleep", "3000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    with pytest.raises(KeyboardInterrupt):
        read_output(process, 60, 1000)
    assert process.returncode == -9

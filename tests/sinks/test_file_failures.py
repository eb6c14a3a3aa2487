"""The file sink with every system call failing in turn: the old content or the new one is there, whole, and the error says where.

No sampling: the calls of an untouched run are counted first, then each is made to fail.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, Sink, open_sink

from .link_attacks import Trap
from .samples import ADDRESS, OWNER, VALUES, delivery, item, mask, traces

OLD = delivery(item("key-one", "a", "current"))
NEW = delivery(item("key-one", "b", "current"), item("key-two", "c", "standby"))
ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EXDEV]


def sink(root: Path) -> Sink:
    return open_sink({"file": {"path": "secrets/deep/chat.env"}}, Context(root, root / ".genai-iac", ADDRESS, OWNER))


@pytest.mark.parametrize("start", [None, OLD], ids=["nothing", "old"])
def test_every_call_that_fails_leaves_the_old_value_or_the_new(tmp_path: Path, start: Any) -> None:
    errors = itertools.cycle(ERRORS)
    for name, nth in _points(tmp_path, start, lambda root: sink(root).write(NEW)):
        for after in (False, True):
            _check_failed_write(tmp_path, start, name, nth, next(errors), after)


@pytest.mark.matrix
@pytest.mark.parametrize("code", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("start", [None, OLD], ids=["nothing", "old"])
def test_every_call_that_fails_in_any_way_leaves_the_old_value_or_the_new(
    tmp_path: Path, start: Any, code: int
) -> None:
    points = _points(tmp_path, start, lambda root: sink(root).write(NEW))
    assert len(points) > 25
    for name, nth in points:
        for after in (False, True):
            _check_failed_write(tmp_path, start, name, nth, code, after)


def _check_failed_write(tmp_path: Path, start: Any, name: str, nth: int, code: int, after: bool) -> None:
    where = f"{name} {nth} {errno.errorcode[code]} {'after' if after else 'before'}"
    root, message = _start(tmp_path, start), ""
    trap = Trap(name, nth, OSError(code, os.strerror(code)), after=after)
    descriptors = _open_descriptors(root)
    with trap.set():
        try:
            sink(root).write(NEW)
        except SinkError as error:
            message = str(error)
    assert _open_descriptors(root) == descriptors or (name, after) == ("open", True), where
    assert trap.sprung, where
    holding = sink(root).read()
    held = holding.records if holding else ()
    old, new = (OLD.items[0].record,) if start else (), tuple(one.record for one in NEW.items)
    assert held in (old, new), where
    if message:
        assert message.startswith("file secrets/deep/chat.env: could not ") and os.strerror(code) in message, where
        assert not traces(message)
    else:
        assert name == "close" and held == new, f"{where}: what fails is told"
    assert _temporary_files(root) == [], where
    sink(root).write(NEW)
    assert sink(root).take("key-two", mask("c"))


def test_every_call_of_a_proof_that_fails_is_reported_and_leaves_no_trace(tmp_path: Path) -> None:
    for start in (None, OLD):
        for name, nth in _points(tmp_path, start, lambda root: sink(root).prove()):
            root = _start(tmp_path, start)
            before = sorted(root.rglob("*"))
            trap = Trap(name, nth, OSError(errno.EIO, os.strerror(errno.EIO)))
            with trap.set():
                try:
                    sink(root).prove()
                except SinkError as error:
                    assert str(error).startswith("file secrets/deep/chat.env: could not ")
                else:
                    assert name in ("close", "rmdir"), f"{name} {nth}: what fails is told"
            assert trap.sprung
            if name != "rmdir":
                assert [path for path in sorted(root.rglob("*")) if "genai-iac" not in path.name] == before, (
                    f"{name} {nth}"
                )


@pytest.mark.parametrize("start", [None, OLD])
def test_an_interrupt_at_any_call_leaves_the_old_value_or_the_new(tmp_path: Path, start: Any) -> None:
    for name, nth in _points(tmp_path, start, lambda root: sink(root).write(NEW)):
        root = _start(tmp_path, start)
        trap = Trap(name, nth, KeyboardInterrupt())
        with trap.set(), pytest.raises(KeyboardInterrupt):
            sink(root).write(NEW)
        holding = sink(root).read()
        assert len(holding.records if holding else ()) in ((1, 2) if start else (0, 2)), f"{name} {nth}"
        sink(root).clean()
        assert _temporary_files(root) == []


def test_a_temporary_file_that_cannot_be_removed_is_removed_by_the_next_apply(tmp_path: Path) -> None:
    root = _start(tmp_path, OLD)
    with mock.patch.object(os, "unlink", side_effect=OSError(errno.EIO, "I/O")):
        with mock.patch.object(os, "fsync", side_effect=OSError(errno.ENOSPC, "full")), pytest.raises(SinkError):
            sink(root).write(NEW)
        with pytest.raises(SinkError, match="could not remove the temporary file"):
            sink(root).clean()
    assert len(_temporary_files(root)) == 1
    assert len(sink(root).clean()) == 1
    assert _temporary_files(root) == [] and sink(root).take("key-one", mask("a"))


def test_short_writes_are_continued(tmp_path: Path) -> None:
    root, real = _start(tmp_path, OLD), os.write
    with mock.patch.object(os, "write", lambda descriptor, content: real(descriptor, content[:7])):
        sink(root).write(NEW)
    taken = sink(root).take("key-two", mask("c"))
    assert taken and taken.reveal() == VALUES["c"]


def test_content_reaches_the_disk_before_its_name_and_its_name_before_success(tmp_path: Path) -> None:
    root, order = _start(tmp_path, OLD), []

    class Ordered(Trap):
        def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **options: Any) -> Any:
                order.append(name)
                return real(*arguments, **options)

            return call

    with Ordered().set():
        sink(root).write(NEW)
    steps = [name for name in order if name in ("fchmod", "write", "fsync", "rename")]
    assert steps == ["fchmod", "write", "fsync", "rename", "fsync"]


def test_a_new_directory_is_on_the_disk_before_anything_in_it(tmp_path: Path) -> None:
    root, made, flushed = _start(tmp_path, None), [], []
    real_mkdir, real_fsync = os.mkdir, os.fsync

    def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
        real_mkdir(name, mode, dir_fd=dir_fd)
        made.append(os.fstat(dir_fd).st_ino)

    def fsync(descriptor: int) -> None:
        real_fsync(descriptor)
        flushed.append(os.fstat(descriptor).st_ino)

    with mock.patch.object(os, "mkdir", mkdir), mock.patch.object(os, "fsync", fsync):
        sink(root).write(NEW)
    assert len(made) == 2 and flushed[:2] == made


def test_what_does_not_read_back_is_an_error(tmp_path: Path) -> None:
    root, real = _start(tmp_path, OLD), os.rename

    def overtaken(*arguments: Any, **options: Any) -> None:
        real(*arguments, **options)
        (root / "secrets/deep/chat.env").write_text("another hand was faster")

    with (
        mock.patch.object(os, "rename", overtaken),
        pytest.raises(SinkError, match="does not read back as it was written"),
    ):
        sink(root).write(NEW)


def test_a_temporary_file_that_another_process_took_for_a_leftover_is_created_anew(tmp_path: Path) -> None:
    root, real = _start(tmp_path, OLD), fcntl.flock
    taken: list[Path] = []

    def flock(descriptor: int, operation: int) -> None:
        if not taken:
            (leftover,) = _temporary_files(root)
            leftover.unlink()
            taken.append(leftover)
        real(descriptor, operation)

    descriptors = _open_descriptors(root)
    with mock.patch.object(fcntl, "flock", flock):
        sink(root).write(NEW)
    assert taken and sink(root).take("key-two", mask("c"))
    assert _temporary_files(root) == [] and _open_descriptors(root) == descriptors


def _open_descriptors(root: Path) -> list[str]:
    """What the process has open below that directory; sockets of earlier tests may be collected at any time."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is closed by now
            found.append(str(one.readlink()))
    return sorted(name for name in found if name.startswith(str(root)))


def _points(tmp_path: Path, start: Any, act: Callable[[Path], None]) -> list[tuple[str, int]]:
    """Every system call of an untouched run: name, and which one of that name."""
    sink(tmp_path)  # the first one looks for the classes of sinks, whose calls are not to be counted
    root, trap = _start(tmp_path, start), Trap()
    with trap.set():
        act(root)
    return [(name, nth) for name, count in trap.counts.items() for nth in range(1, count + 1)]


def _start(tmp_path: Path, start: Any) -> Path:
    root = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
    root.mkdir()
    if start:
        sink(root).write(start)
    return root


def _temporary_files(root: Path) -> list[Path]:
    return list(root.rglob(".genai-iac-*"))

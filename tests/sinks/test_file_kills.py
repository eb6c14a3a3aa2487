"""The file sink killed at every system call of a write, and with the kernel itself refusing each: strace does it to a real process.

A slice runs always; every call, kill and error with `-m matrix`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genai_iac.delivery.sinks import Context, Sink, open_sink

from .samples import ADDRESS, OWNER, delivery, item, mask, traces

OLD = delivery(item("key-one", "a", "current"))
NEW = delivery(item("key-one", "b", "current"))
ERRORS = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES", "EXDEV"]
TRACED = "openat,mkdirat,fchmod,flock,write,fsync,renameat,renameat2,rename,newfstatat,fstat,readv,unlinkat,close"
SLICE = [
    ("mkdirat", 2),
    ("openat", 4),
    ("fchmod", 1),
    ("write", 1),
    ("fsync", 1),
    ("renameat", 1),
    ("fsync", 2),
    ("readv", 1),
]

WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, open_sink
from samples import ADDRESS, OWNER, delivery, item
root = Path(sys.argv[2])
sink = open_sink({"file": {"path": "secrets/deep/chat.env"}}, Context(root, root / ".genai-iac", ADDRESS, OWNER))
new = delivery(item("key-one", "b", "current"))
print("ready", flush=True)
sys.stdin.readline()
try:
    sink.write(new)
except SinkError as error:
    os.write(2, str(error).encode())
    os._exit(1)
os._exit(0)
"""


def _why_not() -> str:
    """Why strace cannot be used here; empty when it can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-qq", "-e", "trace=none", "-e", "inject=fsync:error=EIO", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()}"


_WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(bool(_WHY_NOT), reason=_WHY_NOT)


@pytest.mark.parametrize("had_old", [True, False])
def test_a_write_killed_at_a_call_leaves_the_old_value_or_the_new(tmp_path: Path, had_old: bool) -> None:
    _check_kills(tmp_path, had_old, SLICE)


@pytest.mark.matrix
@pytest.mark.parametrize("had_old", [True, False])
def test_a_write_killed_at_any_call_leaves_the_old_value_or_the_new(tmp_path: Path, had_old: bool) -> None:
    points = _points(tmp_path, had_old)
    assert len(points) > 25
    _check_kills(tmp_path, had_old, points)


@pytest.mark.parametrize("point", [("write", 1), ("fsync", 1), ("renameat", 1)])
def test_a_write_that_the_kernel_refuses_leaves_the_old_value(tmp_path: Path, point: tuple[str, int]) -> None:
    _check_refusals(tmp_path, [point], ["ENOSPC"])


@pytest.mark.matrix
@pytest.mark.parametrize("error", ERRORS)
def test_a_write_that_the_kernel_refuses_anywhere_leaves_the_old_value_or_the_new(tmp_path: Path, error: str) -> None:
    _check_refusals(tmp_path, _points(tmp_path, had_old=True), [error])


def _check_kills(tmp_path: Path, had_old: bool, points: list[tuple[str, int]]) -> None:
    for call, nth in points:
        root = _start(tmp_path, had_old)
        ended = _write_under_strace(root, f"inject={call}:signal=SIGKILL:when={nth}")
        assert ended.returncode == -signal.SIGKILL, f"{call} {nth}: there is no such call"
        _check_aftermath(root, had_old, f"{call} {nth}")


def _check_refusals(tmp_path: Path, points: list[tuple[str, int]], errors: list[str]) -> None:
    for call, nth in points:
        for name in errors:
            root = _start(tmp_path, had_old=True)
            ended = _write_under_strace(root, f"inject={call}:error={name}:when={nth}")
            where = f"{call} {nth} {name}: {ended.stderr}"
            assert "Traceback" not in ended.stderr and not traces(ended.stderr), where
            if ended.returncode:
                assert ended.stderr.startswith("file secrets/deep/chat.env: could not "), where
                assert os.strerror(getattr(errno, name)) in ended.stderr, where
            else:
                assert call == "close" and sink(root).take("key-one", mask("b")), where
            assert list(root.rglob(".genai-iac-*")) == [], where
            _check_aftermath(root, True, where)


def _check_aftermath(root: Path, had_old: bool, where: str) -> None:
    """The old value or the new one is held, whole; the next apply removes what is left over and writes."""
    holding = sink(root).read()
    masks = [record.mask for record in holding.records] if holding else []
    assert masks in ([mask("b")], [mask("a")] if had_old else []), where
    sink(root).clean()
    assert list(root.rglob(".genai-iac-*")) == [], where
    sink(root).prove()
    sink(root).write(NEW)
    assert sink(root).take("key-one", mask("b")), where


def sink(root: Path) -> Sink:
    return open_sink({"file": {"path": "secrets/deep/chat.env"}}, Context(root, root / ".genai-iac", ADDRESS, OWNER))


def _points(tmp_path: Path, had_old: bool) -> list[tuple[str, int]]:
    """Every system call of an untouched write: its name, and which one of that name."""
    root = _start(tmp_path, had_old)
    log = root.with_suffix(".trace")
    ended = _write_under_strace(root, f"trace={TRACED}", "-o", str(log))
    assert ended.returncode == 0, ended.stderr
    counts: dict[str, int] = {}
    for line in log.read_text().splitlines():
        found = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if found and "exit_group" not in line:
            counts[found[1]] = counts.get(found[1], 0) + 1
    return [(name, nth) for name, count in counts.items() for nth in range(1, count + 1)]


def _start(tmp_path: Path, had_old: bool) -> Path:
    root = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
    root.mkdir()
    if had_old:
        sink(root).write(OLD)
    return root


def _write_under_strace(root: Path, expression: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the writer; strace is attached when everything is imported, so that only calls of the write count."""
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(root)]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert writer.stdout and writer.stdout.readline() == "ready\n"
        traced = ["-e", f"trace={TRACED}"] if expression.startswith("inject") else []
        tracing = ["strace", *options, *traced, "-e", expression, "-p", str(writer.pid)]
        strace = subprocess.Popen(tracing, stderr=subprocess.PIPE, text=True)
        assert strace.stderr and "attached" in strace.stderr.readline()
        out, err = writer.communicate("go\n", timeout=300)
        strace.communicate(timeout=300)
    finally:
        writer.kill()
        writer.wait()
    return subprocess.CompletedProcess(command, writer.returncode, out, err)

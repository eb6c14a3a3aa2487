"""The file sink against people who share the machine or the repository: modes, links, strangers' files, paths that climb out."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, Sink, open_sink

from .samples import ADDRESS, OWNER, VALUES, delivery, item, mask, traces

FIRST = delivery(item("key-one", "a", "current"))
SECOND = delivery(item("key-one", "b", "current"))
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def victim_directory(tmp_path: Path) -> Path:
    """A directory that no write may reach, with a file that no write may change."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("precious")
    return outside


def sink(root: Path, path: str = "secrets/chat.env") -> Sink:
    return open_sink({"file": {"path": path}}, Context(root, root / ".genai-iac", ADDRESS, OWNER))


def refused(root: Path, why: str, path: str = "secrets/chat.env") -> None:
    """Proving, reading, taking and writing are all refused for that reason, and soon."""
    opened = sink(root, path)
    for attempt in (opened.prove, opened.read, lambda: opened.take("key-one", mask("a")), lambda: opened.write(FIRST)):
        with pytest.raises(SinkError, match=why) as caught, in_time():
            attempt()
        assert opened.place in str(caught.value) and caught.value.hint


@contextmanager
def in_time(seconds: float = 2) -> Iterator[None]:
    """Fail what hangs."""

    def ring(number: int, frame: object) -> None:
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def umask(mode: int) -> Iterator[None]:
    before = os.umask(mode)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("masked", [0o000, 0o022, 0o077, 0o277])
def test_a_file_is_private_from_its_first_byte_whatever_the_umask(manifests_root: Path, masked: int) -> None:
    seen = []
    real = os.write

    def watched(descriptor: int, content: bytes) -> int:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return real(descriptor, content)

    (manifests_root / "secrets").mkdir(0o700)
    with umask(masked), mock.patch.object(os, "write", watched):
        sink(manifests_root).write(FIRST)
    assert seen == [0o600] and mode(manifests_root / "secrets/chat.env") == 0o600


@pytest.mark.parametrize("masked", [0o000, 0o022, 0o077])
def test_directories_are_made_private_and_existing_ones_stay(manifests_root: Path, masked: int) -> None:
    (manifests_root / "old").mkdir(0o755)
    (manifests_root / "old").chmod(0o755)
    with umask(masked):
        sink(manifests_root, "old/new/newer/chat.env").write(FIRST)
    assert (mode(manifests_root / "old"), mode(manifests_root / "old/new"), mode(manifests_root / "old/new/newer")) == (
        0o755,
        0o700,
        0o700,
    )


def test_a_file_that_was_opened_up_is_private_after_the_next_write(manifests_root: Path) -> None:
    sink(manifests_root).write(FIRST)
    (manifests_root / "secrets/chat.env").chmod(0o644)
    sink(manifests_root).write(SECOND)
    assert mode(manifests_root / "secrets/chat.env") == 0o600


@pytest.mark.parametrize("to", ["victim", "not-there"])
def test_a_link_in_the_place_of_the_file_is_refused(manifests_root: Path, victim_directory: Path, to: str) -> None:
    (manifests_root / "secrets").mkdir(0o700)
    (manifests_root / "secrets/chat.env").symlink_to(victim_directory / to)
    refused(manifests_root, "is a symbolic link")
    assert {path.name: path.read_text() for path in victim_directory.iterdir()} == {"victim": "precious"}


@pytest.mark.parametrize("link", ["secrets", "secrets/deep", "secrets/deep/er"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_link_on_the_way_is_refused(manifests_root: Path, victim_directory: Path, link: str, inside: bool) -> None:
    target = manifests_root / "real" if inside else victim_directory
    target.mkdir(exist_ok=True)
    (manifests_root / link).parent.mkdir(0o700, parents=True, exist_ok=True)
    (manifests_root / link).symlink_to(target)
    refused(manifests_root, f"{link} is a symbolic link or not a directory", "secrets/deep/er/chat.env")
    assert [path.name for path in victim_directory.iterdir()] == ["victim"]


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server, pytest.MonkeyPatch.context() as patch:
        patch.chdir(path.parent)  # the name of a socket has to be short
        server.bind(path.name)


@pytest.mark.parametrize("make", [make_fifo, make_socket, Path.mkdir])
def test_what_is_not_a_regular_file_is_refused_at_once(manifests_root: Path, make: Callable[[Path], None]) -> None:
    (manifests_root / "secrets").mkdir(0o700)
    make(manifests_root / "secrets/chat.env")
    refused(manifests_root, "is not a regular file")


@as_root
def test_a_device_is_not_opened(manifests_root: Path) -> None:
    (manifests_root / "secrets").mkdir(0o700)
    try:
        os.mknod(manifests_root / "secrets/chat.env", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this machine lets nobody make devices")
    refused(manifests_root, "is not a regular file")


def test_a_file_on_the_way_is_refused(manifests_root: Path) -> None:
    (manifests_root / "secrets").touch()
    refused(manifests_root, "secrets is a symbolic link or not a directory")


@pytest.mark.parametrize(
    "text", ["FOO=bar\n", "x", "OPENAI_API_KEY=sk-mine\n", "# genai-iac\n", "{}", "\0\xff", "a" * 70_000]
)
def test_a_file_of_another_hand_is_refused_and_not_quoted(manifests_root: Path, text: str) -> None:
    (manifests_root / "secrets").mkdir(0o700)
    file = manifests_root / "secrets/chat.env"
    file.write_text(text, encoding="latin-1")
    refused(manifests_root, "was not written by genai-iac.*move it away, or deliver to another place")
    assert file.read_text(encoding="latin-1") == text


def test_an_empty_file_holds_nothing_and_may_be_filled(manifests_root: Path) -> None:
    (manifests_root / "secrets").mkdir(0o700)
    (manifests_root / "secrets/chat.env").touch()
    assert sink(manifests_root).read() is None
    sink(manifests_root).write(FIRST)
    assert sink(manifests_root).read()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_may_write_to_is_refused_unless_it_is_sticky(manifests_root: Path, mode: int) -> None:
    (manifests_root / "secrets/deep").mkdir(0o700, parents=True)
    (manifests_root / "secrets").chmod(mode)
    refused(manifests_root, "other users may write to secrets; chmod go-w secrets", "secrets/deep/chat.env")
    (manifests_root / "secrets").chmod(mode | stat.S_ISVTX)
    sink(manifests_root, "secrets/deep/chat.env").write(FIRST)


@as_root
@pytest.mark.parametrize(
    ("path", "why"), [("secrets", "secrets belongs to another user"), ("secrets/chat.env", "belongs to another user")]
)
def test_what_another_user_owns_is_refused(manifests_root: Path, path: str, why: str) -> None:
    sink(manifests_root).write(FIRST)
    os.chown(manifests_root / path, 12345, 12345)
    refused(manifests_root, why)


def test_another_name_of_the_same_file_keeps_what_it_had(manifests_root: Path) -> None:
    sink(manifests_root).write(FIRST)
    (manifests_root / "copy").hardlink_to(manifests_root / "secrets/chat.env")
    before = (manifests_root / "copy").read_text()
    sink(manifests_root).write(SECOND)
    assert (manifests_root / "copy").read_text() == before != (manifests_root / "secrets/chat.env").read_text()


def test_a_directory_that_cannot_be_written_is_found_before_a_value_is_created() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "secrets").mkdir()
        sink(root).prove()
        (root / "secrets").chmod(0o555)
        with bound_by_modes(root / "secrets"), pytest.raises(SinkError) as caught:
            sink(root).prove()
    assert str(caught.value) == (
        "file secrets/chat.env: could not create a temporary file: Permission denied; let this user write there, then apply again"
    )


@contextmanager
def bound_by_modes(directory: Path) -> Iterator[None]:
    """As a user who owns the directory and is not root, who may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.chown(directory, 65534, 65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


CLIMBERS = [
    "../chat.env", "secrets/../../chat.env", "..", ".", "./chat.env", "secrets/./chat.env", "secrets/..", "a/../b.env",
    "/chat.env", "//chat.env", "/etc/passwd", "/proc/self/environ", "/dev/zero", "/dev/stdout", "/",
    "~/chat.env", "~root/chat.env", "~", "", "secrets/", "secrets//chat.env", "chat.env/",
    "secrets/\0.env", "\0", "chat.env\n", "a\nb.env", "\x1b[31m.env", "a\u202eb.env", "\ud800.env", "a\x7f.env", "a\u2028",
]  # fmt: skip
DWELLERS = [
    "...", "..\\chat.env", "..%2fchat.env", "%2e%2e/chat.env", "．．/chat.env", "‥/chat.env", "․․/chat.env", "C:\\chat.env",
    "\\\\host\\share", "file:x.env", "$HOME/chat.env", "${HOME}/chat.env", "chat.env ", " chat.env", "chat.env.", "secrets /chat.env",
    ".hidden", "secrets/~/chat.env", "secrets/~root", "-rf", "--help", "*", "?", "a;b", "a|b", "CHAT.ENV", "ｃhat.env", "a" * 255,
    "/".join(["d"] * 40),
]  # fmt: skip


@pytest.mark.parametrize("path", CLIMBERS)
def test_a_path_that_could_leave_the_manifests_is_not_opened(manifests_root: Path, path: str) -> None:
    with pytest.raises(SinkError, match="does not stay below the manifests' directory") as caught:
        sink(manifests_root, path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("path", DWELLERS)
def test_an_odd_path_is_a_name_and_stays_inside(manifests_root: Path, victim_directory: Path, path: str) -> None:
    around = {file for file in manifests_root.parent.rglob("*") if not file.is_relative_to(manifests_root)}
    with in_time():
        sink(manifests_root, path).prove()
        sink(manifests_root, path).write(FIRST)
    assert (manifests_root / path).is_file() and sink(manifests_root, path).read()
    assert {file for file in manifests_root.parent.rglob("*") if not file.is_relative_to(manifests_root)} == around


def test_a_name_that_is_too_long_is_an_error_with_its_place(manifests_root: Path) -> None:
    with pytest.raises(SinkError, match="File name too long"):
        sink(manifests_root, "a" * 256).prove()


FLIPPER = """
import os, shutil, sys
kind, victim, place = sys.argv[1:]
real, link, done = f"{place}.real", f"{place}.link", 0
while True:
    try:
        if kind == "file":
            os.symlink(victim, link)
            os.rename(link, place)
            os.unlink(place)
        else:
            os.rename(place, real)
            os.symlink(victim, place)
            os.unlink(place)
            os.rename(real, place)
    except OSError:  # the sink was faster: begin anew
        try:
            if os.path.lexists(link):
                os.unlink(link)
            if os.path.lexists(real):
                shutil.rmtree(place, ignore_errors=True)
                os.rename(real, place)
        except OSError:
            pass
        continue
    done += 1
    if done % 10 == 0:
        print(done, flush=True)
"""


@pytest.mark.parametrize("kind", ["file", "directory"])
@pytest.mark.parametrize(("writes", "flips"), [(40, 100), pytest.param(1_000, 100_000, marks=pytest.mark.matrix)])
def test_links_swapped_in_while_writing_lead_nothing_outside(
    manifests_root: Path, victim_directory: Path, kind: str, writes: int, flips: int
) -> None:
    sink(manifests_root).write(FIRST)
    place = manifests_root / ("secrets/chat.env" if kind == "file" else "secrets")
    victim = victim_directory / "victim" if kind == "file" else victim_directory
    counter = manifests_root.parent / "flips"
    written, round, deadline = 0, 0, time.monotonic() + 600 + flips / 10
    with counter.open("w") as output:
        flipper = subprocess.Popen([sys.executable, "-c", FLIPPER, kind, str(victim), str(place)], stdout=output)
        try:  # until the race was won as well as lost
            while round < writes or _counted(counter) < flips or not 0 < written < round:
                assert flipper.poll() is None and time.monotonic() < deadline
                round += 1
                try:
                    sink(manifests_root).write((FIRST, SECOND)[round % 2])
                    written += 1
                except SinkError as error:
                    assert not traces(str(error))
        finally:
            flipper.kill()
            flipper.wait()
    assert {path.name: path.read_text() for path in victim_directory.iterdir()} == {"victim": "precious"}
    _heal(manifests_root, place)
    sink(manifests_root).clean()
    assert [path.name for path in (manifests_root / "secrets").iterdir()] == ["chat.env"]


def _counted(counter: Path) -> int:
    lines = counter.read_text().splitlines()
    return int(lines[-1]) if lines else 0


def _heal(root: Path, place: Path) -> None:
    """Put back what the flipper was killed in the middle of; then a write must work."""
    for leftover in (place, place.with_name(f"{place.name}.link")):
        if leftover.is_symlink():
            leftover.unlink()
    real = place.with_name(f"{place.name}.real")
    if real.exists():
        shutil.rmtree(place, ignore_errors=True)
        real.rename(place)
    sink(root).write(FIRST)
    assert VALUES["a"] in (root / "secrets/chat.env").read_text()


def leftover(root: Path, path: str = "secrets/chat.env") -> Path:
    """A temporary file such as a killed write leaves."""
    sink(root, path).write(FIRST)
    with (
        mock.patch.object(os, "rename", side_effect=OSError(5, "I/O")),
        mock.patch.object(os, "unlink", side_effect=OSError(5, "I/O")),
        pytest.raises(SinkError),
    ):
        sink(root, path).write(SECOND)
    (left,) = (root / path).parent.glob(".genai-iac-*")
    return left


def test_what_a_killed_write_left_is_removed_and_named(manifests_root: Path) -> None:
    left = leftover(manifests_root)
    assert VALUES["b"] in left.read_text()
    assert sink(manifests_root).clean() == (f"secrets/{left.name}",)
    assert not left.exists() and sink(manifests_root).read()
    assert sink(manifests_root).clean() == ()


def test_temporary_files_of_others_stay(manifests_root: Path, victim_directory: Path) -> None:
    left = leftover(manifests_root)
    kept = [
        left.with_name(left.name + "0"),
        left.with_name(".genai-iac-00000000-0123456789abcdef"),
        left.with_name(left.name[:-1] + "g"),
    ]
    for path in kept:
        path.touch()
    link = left.with_name(left.name[:-1] + ("0" if left.name[-1] != "0" else "1"))
    link.symlink_to(victim_directory / "victim")
    assert sink(manifests_root).clean() == (f"secrets/{left.name}",)
    assert all(map(os.path.lexists, [*kept, link])) and (victim_directory / "victim").exists()


def test_the_temporary_file_of_a_write_under_way_stays(manifests_root: Path) -> None:
    cleaned = []
    real = os.rename

    def slow(*arguments: object, **options: object) -> None:
        cleaned.append(sink(manifests_root).clean())
        real(*arguments, **options)  # type: ignore[arg-type]

    with mock.patch.object(os, "rename", slow):
        sink(manifests_root).write(FIRST)
    assert cleaned == [()] and sink(manifests_root).read()


def test_a_check_of_writability_removes_no_directory_that_a_write_uses(manifests_root: Path) -> None:
    """Two keys of one apply share a directory that is not there yet."""
    made, entered, gone = threading.Event(), threading.Event(), threading.Event()
    remove, create = os.rmdir, os.open

    def slow_rmdir(*arguments: object, **options: object) -> None:
        made.set()
        entered.wait(0.2)
        remove(*arguments, **options)  # type: ignore[arg-type]
        gone.set()

    def slow_open(path: object, flags: int, *arguments: object, **options: object) -> int:
        if flags & os.O_CREAT and threading.current_thread().name == "writer":
            entered.set()
            gone.wait(0.2)
        return create(path, flags, *arguments, **options)  # type: ignore[arg-type]

    def write() -> None:
        made.wait()
        sink(manifests_root, "secrets/other.env").write(FIRST)

    with (
        mock.patch.object(os, "rmdir", slow_rmdir),
        mock.patch.object(os, "open", slow_open),
        ThreadPoolExecutor(1) as prover,
        ThreadPoolExecutor(1, initializer=_be_the_writer) as writer,
    ):
        for run in [prover.submit(sink(manifests_root).prove), writer.submit(write)]:
            run.result()
    assert (manifests_root / "secrets/other.env").exists()


def _be_the_writer() -> None:
    threading.current_thread().name = "writer"

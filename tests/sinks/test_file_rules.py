"""What the file sink promises of one file, rule by rule: who shares it, what a look leaves alone, what is refused, what is removed."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import jsonschema
import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, Sink, entry_schema, open_sink
from genai_iac.delivery.sinks._atomic_file import translating_os_errors
from genai_iac.delivery.sinks.file import FileSink

from .samples import ADDRESS, OWNER, VALUES, delivery, item, mask
from .test_file_attacks import as_root, in_time, refused

PATH = "secrets/chat.env"
CURRENT = delivery(item("key-one", "a", "current"))
STANDBY = delivery(item("key-two", "b", "standby"))
NOTHING = delivery()
LARGEST = 64 * 1024  # bytes: contents are about a thousand, so a larger file is another program's


def sink(root: Path, form: str = "dotenv") -> Sink:
    return open_sink({"file": {"path": PATH, "format": form}}, Context(root, root / ".genai-iac", ADDRESS, OWNER))


def put(root: Path, content: str) -> Path:
    """A file that somebody else wrote in the sink's place."""
    path = root / PATH
    path.parent.mkdir(0o700, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return path


NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_PROJECT_ID", "OPENAI_API_KEY_STANDBY", "OPENAI_API_KEY_PENDING")


@pytest.mark.parametrize(
    ("form", "whole", "also"),
    [
        ({}, True, {f"{name} in file a.env" for name in (*NAMES, "OPENAI_API_KEY_INACTIVE")}),
        ({"format": "dotenv", "env": {"key": "K"}}, True, {f"{name} in file a.env" for name in ("K", "K_STANDBY")}),
        ({"format": "json"}, False, set()),
        ({"format": "raw"}, False, {"file a.env.genai-iac.json"}),
    ],
)
def test_only_keys_with_other_names_share_a_file_and_only_a_dotenv_file(
    form: dict[str, Any], whole: bool, also: set[str]
) -> None:
    (file, *others) = FileSink.claims({"path": "a.env", **form})
    assert (file.what, file.shared) == ("file a.env", whole)
    assert also <= {claim.what for claim in others} and bool(also) is bool(others)
    assert not any(claim.shared for claim in others)


def test_what_a_manifest_may_say_of_a_file() -> None:
    schema = dict(entry_schema())
    for settings in ({"path": "a.env"}, {"path": "a/b.json", "format": "json", "env": {"key": "K"}}):
        jsonschema.validate({"file": settings}, schema)
    for wrong in ({}, {"path": "a.yml"}, {"path": "a", "mode": "0644"}, {"path": "a", "format": "yaml"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"file": wrong}, schema)
    assert FileSink.readable and FileSink.local  # what it holds can be compared, and is written on this machine


@pytest.mark.parametrize(
    "look",
    [lambda one: one.read(), lambda one: one.take("key-one", mask("a")), lambda one: one.clean() or None],
    ids=["read", "take", "clean"],
)
def test_a_look_at_a_missing_place_finds_nothing_and_makes_nothing(
    manifests_root: Path, look: Callable[[Sink], object]
) -> None:
    assert look(sink(manifests_root)) is None
    assert list(manifests_root.iterdir()) == []
    (manifests_root / "secrets").mkdir(0o700)
    assert look(sink(manifests_root)) is None
    assert list(manifests_root.rglob("*")) == [manifests_root / "secrets"]


@pytest.mark.parametrize("form", ["dotenv", "json", "raw"])
def test_an_empty_delivery_removes_what_is_held_and_touches_nothing_else(manifests_root: Path, form: str) -> None:
    opened = sink(manifests_root, form)
    opened.write(NOTHING)
    assert list(manifests_root.iterdir()) == []
    empty = put(manifests_root, "")
    opened.write(NOTHING)
    assert empty.exists()  # nothing of this key was in it
    opened.write(CURRENT)
    assert opened.take("key-one", mask("a"))
    opened.write(NOTHING)
    assert list(manifests_root.rglob("*")) == [manifests_root / "secrets"]


def test_a_delivery_of_roles_that_a_form_does_not_keep_leaves_the_value(manifests_root: Path) -> None:
    opened = sink(manifests_root, "raw")
    opened.write(CURRENT)
    opened.write(STANDBY)
    assert (manifests_root / PATH).read_text() == VALUES["a"]


@pytest.mark.parametrize("form", ["dotenv", "json", "raw"])
def test_a_file_of_64_kib_is_read_and_a_larger_one_was_written_by_another_program(
    manifests_root: Path, form: str
) -> None:
    put(manifests_root, "\n" * LARGEST)
    assert sink(manifests_root, form).read() is None
    put(manifests_root, "\n" * (LARGEST + 1))
    refused(manifests_root, "was not written by genai-iac")


@contextmanager
def swapped(path: Path, make: Callable[[Path], object]) -> Iterator[None]:
    """What somebody puts in the file's place after it was looked at and before it is opened."""
    real = os.open

    def late(name: Any, flags: int, *others: Any, **options: Any) -> int:
        if name == path.name and not flags & os.O_CREAT:
            path.unlink()
            make(path)
        return real(name, flags, *others, **options)

    with mock.patch.object(os, "open", late):
        yield


def test_a_link_or_pipe_put_in_place_between_the_look_and_the_opening_is_refused(manifests_root: Path) -> None:
    path, victim = put(manifests_root, ""), manifests_root / "victim"
    victim.write_text("")
    with swapped(path, lambda one: one.symlink_to(victim)), pytest.raises(SinkError, match="could not look at"):
        sink(manifests_root).read()
    path.unlink()
    put(manifests_root, "")
    with swapped(path, os.mkfifo), in_time(), pytest.raises(SinkError, match="is not a regular file"):
        sink(manifests_root).read()


def test_a_temporary_file_is_private_before_its_mode_is_set(manifests_root: Path) -> None:
    seen, real = [], os.fchmod

    def watched(descriptor: int, mode: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor, mode)

    with mock.patch.object(os, "fchmod", watched):
        sink(manifests_root).write(CURRENT)
        sink(manifests_root).prove()
    assert len(seen) == 2 and not any(mode & 0o177 for mode in seen)


def test_what_an_earlier_release_left_is_removed(manifests_root: Path) -> None:
    left = put(manifests_root, "").with_name(".genai-iac-b73026d0-0123456789abcdef")
    left.touch(0o600)
    assert sink(manifests_root).clean() == (f"secrets/{left.name}",)
    assert [path.name for path in left.parent.iterdir()] == ["chat.env"]


@pytest.mark.parametrize("moment", ["stat", "open", "unlink"])
def test_a_temporary_file_that_is_gone_by_then_is_not_named_as_removed(manifests_root: Path, moment: str) -> None:
    left = put(manifests_root, "").with_name(".genai-iac-b73026d0-0123456789abcdef")
    left.touch(0o600)
    real = getattr(os, moment)

    def late(name: Any, *others: Any, **options: Any) -> Any:
        if name == left.name:
            left.unlink(missing_ok=True)
        return real(name, *others, **options)

    with mock.patch.object(os, moment, late):
        assert sink(manifests_root).clean() == ()


@as_root
@pytest.mark.parametrize(("owner", "user", "is_safe"), [(0, 12345, True), (1, 0, False), (12345, 12345, True)])
def test_a_directory_is_this_user_s_or_root_s(manifests_root: Path, owner: int, user: int, is_safe: bool) -> None:
    directory = manifests_root / "secrets"
    directory.mkdir(0o700)
    os.chown(directory, owner, owner)
    with mock.patch.object(os, "geteuid", lambda: user):
        if is_safe:
            sink(manifests_root).prove()
        else:
            refused(manifests_root, "belongs to another user")


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some of your quota"),
        (errno.EROFS, "deliver to a place that can be written"),
        (errno.EACCES, "let this user write there"),
        (errno.EPERM, "let this user write there"),
        (errno.EIO, "correct that"),
    ],
    ids=str,
)
def test_an_error_of_the_system_says_the_step_and_the_way_out(code: int, way_out: str) -> None:
    with pytest.raises(SinkError) as caught, translating_os_errors("file a.env", "write it"):
        raise OSError(code, os.strerror(code))
    assert str(caught.value).startswith(f"file a.env: could not write it: {os.strerror(code)}")
    assert caught.value.hint == f"{way_out}, then apply again"


@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(("dotenv", "json", "raw"), 2)])
def test_a_file_of_the_same_key_in_another_format_is_said_to_be_one(
    manifests_root: Path, before: str, after: str
) -> None:
    sink(manifests_root, before).write(CURRENT)
    content = (manifests_root / PATH).read_bytes()
    changed = sink(manifests_root, after)
    why = f"has the values of this key in the format {before}, and the manifest says {after}; write format: {before}; or give"
    for use in (changed.prove, changed.read, lambda: changed.write(CURRENT)):
        with pytest.raises(SinkError, match=why):
            use()
    assert (manifests_root / PATH).read_bytes() == content

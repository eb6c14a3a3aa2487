"""Which files a PATH means, their bytes, and the text of those bytes.

- Only regular files below the root are read, whatever links the tree holds.
- The text is UTF-8 without its byte order mark. Characters that a reader cannot see or trust are refused.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from genai_iac.core import Source
from genai_iac.core.errors import Problem, UsageError

MAX_BYTES = 1024 * 1024  # of one file
MAX_TOTAL = 32 * MAX_BYTES  # of all files together, or of standard input, which cannot be split: 40,000 resources or so
STDIN = "-"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_MARKS = ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"))
_BREAKS = r"\x85\u2028\u2029"  # line breaks for YAML 1.1, none for YAML 1.2 and editors
_BIDI = r"\u202a-\u202e\u2066-\u2069"  # make a line read otherwise than it is
# A character that changes how a line looks, or where it ends, would let a reviewer
# approve another text than the one that is read.
UNTRUSTED = re.compile(
    rf"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{_BREAKS}{_BIDI}\ud800-\udfff\ufeff\ufffe\uffff]|\r(?!\n)"
)


def decode(data: bytes, file: str) -> str | Problem:
    """The text, or what is wrong with it and where.

    Args:
        data: whole content of a file.
        file: as messages call it.

    Returns:
        The text, or the first problem: nothing after it can be trusted to have a position.
    """
    if file == STDIN and len(data) > MAX_TOTAL:
        hint = "give fewer manifests: every Stack is planned by itself"
        return Problem(Source(file, 1, 1), "standard input is larger than 32 MiB", hint)
    if file != STDIN and len(data) > MAX_BYTES:
        return Problem(
            Source(file, 1, 1), "the file is larger than 1 MiB", "split it; every file of the directory is read"
        )
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Problem(Source(file, 1, 1), f"the file is {name}", "save it as UTF-8 without a byte order mark")
    try:
        text = data.removeprefix(BYTE_ORDER_MARK).decode()  # Windows editors write it; it says nothing
    except UnicodeDecodeError as error:
        return Problem(_place(file, data[: error.start].decode()), "this is not UTF-8", "save the file as UTF-8")
    if found := UNTRUSTED.search(text):
        return Problem(
            _place(file, text[: found.start()]),
            f"the invisible character {name_character(found[0])} may not stand here",
            "remove it; inside a description write what it is meant to say",
        )
    return text


def name_character(character: str) -> str:
    """`U+001B`: how an invisible character is called in a message.

    Args:
        character: printed by its code point, because the character itself may be invisible.
    """
    return f"U+{ord(character[0]):04X}"


def _place(file: str, before: str) -> Source:
    """The position behind the text that was read so far."""
    return Source(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


ENVIRONMENTS = "environments"
MAX_FILES = 10_000  # a stack is far smaller; a home directory by mistake is not
_ENDINGS = (".yaml", ".yml")  # of manifests
_TESTS = (".test.yaml", ".test.yml")  # of `genai-iac test`: no manifests
_LEAVES = "this is a link to a place outside the manifests' directory"


class File(Struct, frozen=True):
    """One file: as people call it, as it is called from the root (the same on every machine), and its bytes."""

    name: str  # as messages call it
    key: str  # path from the root, with slashes
    data: bytes


class ManifestPath(Struct, frozen=True):
    """What a PATH means: the directory everything is relative to, and how names in messages begin."""

    root: Path  # absolute, without links
    given: str  # as people wrote it
    prefix: str  # empty for the working directory
    only: str | None  # the one file, when PATH is a file; "-" for standard input


def find_manifest_path(path: str) -> ManifestPath:
    """Where that path is. Raises UsageError when nothing is there.

    Args:
        path: as typed.
    """
    if path == "-":
        return ManifestPath(Path.cwd(), "-", "", "-")
    given = Path(path)
    try:
        real = given.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        hint = "give a directory, a file, or - for standard input"
        if isinstance(error, FileNotFoundError):
            raise UsageError(f"{path} cannot be found", hint=hint) from error
        raise UsageError(f"{path} cannot be opened: {_reason(error)}", hint=hint) from error
    if real.is_dir():
        return ManifestPath(real, path, "" if given == Path() else f"{given}{os.sep}", None)
    parent = str(given.parent)
    return ManifestPath(real.parent, path, "" if parent == "." else f"{parent}{os.sep}", real.name)


def read_files(place: ManifestPath, stdin: BinaryIO | None) -> Iterator[File | Problem]:
    """Every manifest of the place, in the order of their names; for what cannot be read, why.

    Args:
        place: from `find_manifest_path`.
        stdin: read when the path is `-`.

    Yields:
        In sorted order, so that results never depend on the file system.
    """
    if place.only == "-":
        assert stdin is not None
        yield File(STDIN, STDIN, stdin.read(MAX_TOTAL + 1))
        return
    found = iter([place.only]) if place.only else _walk(place, Path(), set())
    total = 0
    for key in islice(found, MAX_FILES):
        file = key if isinstance(key, Problem) else read_file(place, key)
        total += len(file.data) if isinstance(file, File) else 0
        if total > MAX_TOTAL:
            message = "the manifests below this directory are larger than 32 MiB together"
            yield _problem(place, "", message, "give the stack's own directory, or make several stacks of it")
            return
        yield file
    if next(found, None) is not None:
        yield _problem(
            place, "", "more than 10,000 manifests are below this directory", "give the stack's own directory"
        )


def read_file(place: ManifestPath, key: str) -> File | Problem:
    """One file by its name from the root, not through a link that leaves the root.

    Args:
        key: path from the root, as committed; links inside the root are followed.
    """
    try:
        inside = (place.root / key).resolve(strict=True).relative_to(place.root)
        return File(place.prefix + key, key, _read_below(place.root, inside))
    except ValueError:
        return _problem(place, key, _LEAVES, "put the file itself here")
    except _NotAFile:
        hint = "save it as a file first, or give - for standard input" if place.only else _NO_MANIFEST
        return _problem(place, key, "this is not a regular file", hint)
    except (OSError, RuntimeError) as error:
        link = (place.root / key).is_symlink() and not isinstance(error, PermissionError)
        hint = "correct or remove the link" if link else "check its permissions"
        return _problem(place, key, f"this cannot be read: {_reason(error)}", hint)


_NO_MANIFEST = "remove it, or call it otherwise than .yaml"


class _NotAFile(Exception):
    pass


def _read_below(root: Path, inside: Path) -> bytes:
    """The bytes, opened step by step without following links: what was checked is what is read."""
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in inside.parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            os.close(directory)
            directory = below
        if not stat.S_ISREG(os.stat(inside.name, dir_fd=directory, follow_symlinks=False).st_mode):
            raise _NotAFile
        # looked at first, because opening a device may do something; not blocking, because a FIFO may have come since
        file = os.open(inside.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    finally:
        os.close(directory)
    with os.fdopen(file, "rb") as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _NotAFile
        # One byte more than allowed, so that `decode` notices the size.
        return opened.read(MAX_BYTES + 1)


def _problem(place: ManifestPath, key: str, message: str, hint: str) -> Problem:
    """A problem of a whole file, at its first character."""
    return Problem(Source(place.prefix + key or ".", 1, 1), message, hint)


def _reason(error: Exception) -> str:
    """The system's words for an error; a loop of links is an OSError without a number."""
    if isinstance(error, ValueError):  # a zero byte in the name
        return str(error)
    return os.strerror(getattr(error, "errno", None) or errno.ELOOP).lower()


def _walk(place: ManifestPath, below: Path, seen: set[Path]) -> Iterator[str | Problem]:
    """Names from the root of all manifests below a directory; a directory that several links lead to is read once."""
    try:
        here = (place.root / below).resolve(strict=True)
        here.relative_to(place.root)
        entries = [] if here in seen else sorted(os.scandir(here), key=lambda entry: entry.name)
    except ValueError:
        yield _problem(place, str(below), _LEAVES, "move it out of the manifests' directory")
        return
    except (OSError, RuntimeError) as error:
        yield _problem(place, str(below), f"this cannot be read: {_reason(error)}", "check its permissions")
        return
    seen.add(here)
    for entry in entries:
        # `environments/` is read by name only; hidden files belong to other tools.
        if entry.name.startswith(".") or (below == Path() and entry.name == ENVIRONMENTS):
            continue
        try:
            is_directory = Path(entry).is_dir()  # an entry of os.scandir raises for a link to itself
        except OSError as error:
            yield _problem(place, str(below / entry.name), f"this cannot be read: {_reason(error)}", "repair the disk")
            continue
        if is_directory:
            yield from _walk(place, below / entry.name, seen)
        elif entry.name.endswith(_ENDINGS) and not entry.name.endswith(_TESTS):
            yield str(below / entry.name)

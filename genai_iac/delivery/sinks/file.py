"""The file sink: a private dotenv, JSON or raw file below the manifests' directory, replaced at once, never through a link.

Each directory of the path is opened relative to its parent with O_NOFOLLOW. `open(path)` resolves links at the moment of the call, so
a check before it can be outrun by whoever exchanges a directory for a link (tests/sinks/test_file_attacks.py,
test_links_swapped_in_while_writing_lead_nothing_outside).
"""

from __future__ import annotations

import errno
import os
import re
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import EditedSinkError, SinkError
from genai_iac.delivery.sinks._atomic_file import FileTarget, remove_temporary_files, translating_os_errors
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import Contents, fill_delivery
from genai_iac.delivery.sinks._file_forms import FORMS, SIDECAR, exposure

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC  # O_DIRECTORY: a file in a directory's place is an error at once
_MAKING = threading.Lock()  # a check takes away the directories it made, under the hands of nobody who writes there


class Opened(Struct, frozen=True):
    """The last directory of a walk, as a descriptor, and what the walk had to make on the way: (parent, name), outermost first."""

    directory: int  # open descriptor, valid inside the `with` block only
    made: list[tuple[int, str]] = field(default_factory=list)

    def undo(self) -> None:
        """Remove the directories that were made, as far as they are empty.

        Used after a check, and when a write fails.
        """
        for parent, name in reversed(self.made):
            with suppress(OSError):
                os.rmdir(name, dir_fd=parent)


@contextmanager
def open_directory(root: Path, parts: Sequence[str], place: str, *, make: bool) -> Iterator[Opened | None]:
    """Walk from the root (whatever it is) through real directories of ours only; None when one is missing and none is to be made.

    Made directories are 0700, and go again when the walk or what follows fails; existing ones are never changed. Raises SinkError for a
    link, another user's directory, or one that others may write to (unless it is sticky). Threads that may create one wait for each other.

    Args:
        root: the manifests' directory, which may itself be reached through links.
        parts: names below it, outermost first.
        place: the sink's name, for messages.
        make: create what is missing.
    """
    with ExitStack() as descriptors:
        if make:
            descriptors.enter_context(_MAKING)
        with translating_os_errors(place, f"open {root}"):
            opened = Opened(os.open(root, _OPEN))
        descriptors.callback(_close, opened.directory)
        try:
            for depth, name in enumerate(parts, start=1):
                shown = "/".join(parts[:depth])
                if make:
                    _make(opened, name, shown, place)
                child = _enter(opened.directory, name, shown, place)
                if child is None:
                    yield None
                    return
                descriptors.callback(_close, child)
                _check_directory(child, shown, place)
                opened = replace(opened, directory=child)
            yield opened
        except BaseException:
            opened.undo()
            raise


def _make(opened: Opened, name: str, shown: str, place: str) -> None:
    """Create the directory if it is missing, remember that, and make it last through a power cut."""
    with translating_os_errors(place, f"make the directory {shown}"), suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=opened.directory)
        opened.made.append((opened.directory, name))
        os.fsync(opened.directory)


def _enter(directory: int, name: str, shown: str, place: str) -> int | None:
    """Open a child directory; None when it is missing. Raises SinkError for a link."""
    with translating_os_errors(place, f"open the directory {shown}"):
        try:
            return os.open(name, _OPEN | os.O_NOFOLLOW, dir_fd=directory)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return None
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
    raise SinkError(f"{place}: {shown} is a symbolic link or not a directory", hint="deliver below real directories")


def _check_directory(directory: int, shown: str, place: str) -> None:
    """Raises SinkError for a directory in which another user could replace the file."""
    with translating_os_errors(place, f"look at the directory {shown}"):
        status = os.fstat(directory)
    if status.st_uid not in (os.geteuid(), 0):
        raise SinkError(f"{place}: {shown} belongs to another user", hint=f"run as its owner, or chown {shown}")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
        raise SinkError(f"{place}: other users may write to {shown}", hint=f"chmod go-w {shown}")


def _close(descriptor: int) -> None:
    with suppress(OSError):  # nothing was written through it
        os.close(descriptor)


# No absolute path, no `~`, no `..`, no empty part, no control characters; no .yaml,
# which would be read as a manifest.
_PATH = r"^(?![/~])(?!.*\.[Yy][Aa]?[Mm][Ll]$)(?!(.*/)?\.{1,2}(/|$))(?!.*//)[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f/]$"
_WRITING = threading.RLock()  # two keys may share a file, and each is written by a thread of its own


class FileSink(Sink):
    """`file: {path, format, env}`. The path is relative to the manifests' directory and stays below it.

    Missing directories are made, with mode 0700.

    Several keys may share a dotenv file when their variables have different names.
    """

    word = "file"
    readable = True
    local = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A private file (0600) below the manifests' directory.",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": {
                "type": "string",
                "pattern": _PATH,
                "description": "Where, relative to the manifests' directory; it cannot climb out of it, nor end in .yaml or .yml.",
                "examples": ["secrets/chat-app.env"],
            },
            "format": {
                "enum": sorted(FORMS),
                "default": "dotenv",
                "description": "dotenv: OPENAI_API_KEY=… lines; json: one object with the same names; raw: the current value alone.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._path = str(settings["path"])
        if not (re.fullmatch(_PATH, self._path) and self._path.isprintable()):
            raise SinkError(
                f"deliverTo.file.path {self._path!r} does not stay below the manifests' directory",
                hint="write it relative to that directory, without .. and links, or use an exec sink for a place elsewhere",
            )
        *self._parents, self._name = self._path.split("/")
        self._context = context
        self._names = read_names("file", settings)
        self._format = settings.get("format", "dotenv")
        self._form = FORMS[self._format](context, self._names)
        self.roles = self._form.roles

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        path, form = settings["path"], settings.get("format", "dotenv")
        yield Claim(f"file {path}", shared=FORMS[form].shared)
        if form == "raw":
            yield Claim(f"file {path}{SIDECAR}")
        if FORMS[form].shared:
            for name in read_names("file", settings).all:
                yield Claim(f"{name} in file {path}")

    @property
    def place(self) -> str:
        return f"file {self._path}"

    def prove(self) -> None:
        directory = (str(self._context.root), *self._parents)
        tried = directory in self._context.writable
        with open_directory(self._context.root, self._parents, self.place, make=not tried) as opened:
            # None where a try made the directory, and took it away again.
            if opened is None:
                return
            target = FileTarget(opened.directory, self._name, self.place)
            self._read_form(target)
            if not tried:
                self._form.check_writable(target)
                self._context.writable.add(directory)
            opened.undo()

    def read(self) -> SinkContents | None:
        with self._target(make=False) as target:
            contents = self._read_form(target) if target else None
            if target is None or contents is None:
                return None
            exposed = next(filter(None, map(exposure, self._form.targets(target))), "")
        return contents.holding_as(self._names, exposed)

    def take(self, secret: str, mask: str) -> Secret | None:
        with self._target(make=False) as target:
            contents = self._read_form(target) if target else None
        return contents.value(secret, mask) if contents else None

    def write(self, delivery: Delivery) -> None:
        # The whole read-change-write, because another key's lines are in the same file.
        with _WRITING, self._target(make=bool(delivery.items)) as target:
            if target is None:
                return
            held, wanted = self._read_form(target), self._kept(delivery)
            if wanted.items:
                self._form.write(target, fill_delivery(wanted, held, self._context, self.place, self._names))
            elif held and not delivery.items:
                self._form.remove(target)

    def _read_form(self, target: FileTarget) -> Contents | None:
        """What the file holds. Raises SinkError; for a file that an earlier manifest gave another format, with that as the reason."""
        try:
            return self._form.read(target)
        except EditedSinkError:
            other = self._other_form(target)
            if other is None:
                raise
        raise EditedSinkError(
            f"{self.place} was written with format {other}, and the manifest says {self._format}: the values in it are intact",
            hint=f"give format {self._format} a path of its own: the values are copied there; or set format: {other} again",
        )

    def _other_form(self, target: FileTarget) -> str | None:
        """The format in which the file is this key's, where it is not the one that the manifest names."""
        for name, form in FORMS.items():
            with suppress(SinkError):
                if form(self._context, self._names).read(target):
                    return name
        return None

    def _kept(self, delivery: Delivery) -> Delivery:
        """The delivery without items whose role this form does not keep."""
        return replace(delivery, items=tuple(item for item in delivery.items if item.record.role in self.roles))

    def clean(self) -> tuple[str, ...]:
        with self._target(make=False) as target:
            removed = (
                [name for one in self._form.targets(target) for name in remove_temporary_files(one)] if target else ()
            )
            return tuple("/".join((*self._parents, name)) for name in removed)

    @contextmanager
    def _target(self, *, make: bool) -> Iterator[FileTarget | None]:
        """The file's name in its open directory; None when there is no such directory and none is to be made."""
        with open_directory(self._context.root, self._parents, self.place, make=make) as opened:
            yield FileTarget(opened.directory, self._name, self.place) if opened else None

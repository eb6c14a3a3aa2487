"""The forms of a file sink: how contents lie in files of one directory, and how they are found there again."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from genai_iac.core import Role, Secret
from genai_iac.core.errors import EditedSinkError, SinkError
from genai_iac.delivery.sinks import _dotenv, _json_format
from genai_iac.delivery.sinks._atomic_file import (
    FileTarget,
    check_replaceable,
    read_file,
    remove_file,
    replace_file,
    translating_os_errors,
)
from genai_iac.delivery.sinks._base import Context, Names
from genai_iac.delivery.sinks._contents import Contents, Unreadable, check_contents, check_tenant, same_value
from genai_iac.delivery.sinks._dotenv import read_dotenv
from genai_iac.delivery.sinks._json_format import read_json

_EVERY_ROLE: frozenset[Role] = frozenset({"current", "standby", "pending", "inactive"})


@dataclass(frozen=True)
class FileForm(ABC):
    """One form, for one key.

    A form knows how text is laid out; `FileSink` knows where the file is. `target` arguments
    are the file's name in an open directory.
    """

    context: Context  # of the key
    names: Names  # variables or fields of the entry's `env`
    roles = _EVERY_ROLE  # the parts that it can keep
    shared = False  # whether several keys may lie in one file

    @abstractmethod
    def read(self, target: FileTarget) -> Contents | None:
        """The key's contents in that file. Raises SinkError for what is somebody else's, EditedSinkError for what was changed.

        Returns:
            None when the file is missing or empty.
        """

    @abstractmethod
    def write(self, target: FileTarget, contents: Contents) -> None:
        """Make the file hold these contents, at once. Raises SinkError.

        Args:
            contents: with all values.
        """

    def check_writable(self, target: FileTarget) -> None:
        """Go through what `write` does, and leave nothing behind. Raises SinkError.

        Done before a value is created.
        """
        check_replaceable(target)

    def remove(self, target: FileTarget) -> None:
        """Take the key's contents away. Raises SinkError."""
        remove_file(target)

    def targets(self, target: FileTarget) -> tuple[FileTarget, ...]:
        """Every file that it writes.

        More than one for a form whose records are in a file of their own.
        """
        return (target,)


class DotenvForm(FileForm):
    """Lines for shells. Lines of other keys and of other programs stay as they are."""

    shared = True

    def read(self, target: FileTarget) -> Contents | None:
        return self._split(target)[0]

    def write(self, target: FileTarget, contents: Contents) -> None:
        text = _dotenv.render(contents, self._split(target)[1])
        if text is None:
            raise SinkError(
                f"{target.place}: a value has characters that readers of dotenv files disagree on",
                hint="set format: json for this file",
            )
        _put(target, text)

    def remove(self, target: FileTarget) -> None:
        kept = self._split(target)[1]
        if kept.reveal():
            _put(target, kept)
        else:
            remove_file(target)

    def _split(self, target: FileTarget) -> tuple[Contents | None, Secret]:
        """The key's own section, and the text of all other lines."""
        text = _read_text(target)
        found = read_dotenv(text) if text else None
        if isinstance(found, Unreadable):
            check_contents(found, self.context, target.place)
        if found is None or isinstance(found, Unreadable):
            return None, Secret("")
        # First by OCID, so that a renamed key finds its section; then by owner and address.
        mine = next((one for one in found.sections if one.id == self.context.id), None) or next(
            (one for one in found.sections if (one.owner, one.address) == (self.context.owner, self.context.address)),
            None,
        )
        if mine:
            check_tenant(mine.owner, mine.address, mine.id, self.context, target.place)
        replaced = [mine] if mine else []
        for one in found.sections:
            if one is not mine and set(one.names.all) & set(self.names.all):
                check_tenant(one.owner, one.address, one.id, self.context, target.place)
                # Of this key under an earlier name: behind the new section its old value would win, because readers take
                # the last assignment (tests/stateful/cases/renamed-after-its-deletion.txt).
                replaced.append(one)
        return mine, found.others(replaced)


class JsonForm(FileForm):
    """One JSON object."""

    def read(self, target: FileTarget) -> Contents | None:
        text = _read_text(target)
        return check_contents(read_json(text) if text else None, self.context, target.place)

    def write(self, target: FileTarget, contents: Contents) -> None:
        _put(target, _json_format.render(contents))


class RawForm(FileForm):
    """The current value and nothing else; its record lies in a second file beside it, `NAME.genai-iac.json`.

    For programs that read a file as the bare value, such as Docker and Kubernetes secrets
    mounts.
    """

    roles: frozenset[Role] = frozenset({"current"})

    def read(self, target: FileTarget) -> Contents | None:
        value, records = _read_text(target), _read_text(_beside(target))
        if records is None and value is not None and value.reveal().strip():
            raise EditedSinkError(
                f"{target.place} has no record beside it ({_beside(target).name})",
                hint="put that file back; or, if genai-iac never wrote the value, move it away or deliver to another place",
            )
        return check_contents(
            _json_format.read_records(records, value) if records else None, self.context, target.place
        )

    def write(self, target: FileTarget, contents: Contents) -> None:
        item = next((item for item in contents.items if item.record.role == "current"), None)
        if item is None or item.value is None:
            self.remove(target)
            return
        held = self.read(target)
        # the records go first and name both values: whichever the file shows when a run ends here is recognised
        _put(_beside(target), _json_format.render_records(contents, held))
        _put(target, item.value)

    def check_writable(self, target: FileTarget) -> None:
        for one in self.targets(target):
            check_replaceable(one)

    def remove(self, target: FileTarget) -> None:
        for one in self.targets(target):
            remove_file(one)

    def targets(self, target: FileTarget) -> tuple[FileTarget, ...]:
        return (target, _beside(target))


FORMS: Mapping[str, type[FileForm]] = {"dotenv": DotenvForm, "json": JsonForm, "raw": RawForm}
SIDECAR = ".genai-iac.json"  # appended to the name of a raw file


def exposure(target: FileTarget) -> str:
    """What others than the owner may do with the file; empty when nothing. Raises SinkError.

    Args:
        target: a missing file exposes nothing.
    """
    with translating_os_errors(target.place, "look at the file"):
        try:
            mode = os.stat(target.name, dir_fd=target.directory, follow_symlinks=False).st_mode & 0o7777
        except FileNotFoundError:
            return ""
    return f"others may use {target.name} (mode {mode:04o} instead of 0600)" if mode & 0o077 else ""


def _beside(target: FileTarget) -> FileTarget:
    """The file with the records of a raw value."""
    return replace(target, name=target.name + SIDECAR)


def _put(target: FileTarget, text: Secret) -> None:
    """Write the text and read it back. A file system that reports success and loses data is found here."""
    replace_file(target, memoryview(text.reveal().encode()))
    if not same_value(_read_text(target), text):
        raise SinkError(
            f"{target.place} does not read back as it was written", hint="see what else writes to it, then apply again"
        )


def _read_text(target: FileTarget) -> Secret | None:
    content = read_file(target)
    return None if content is None else Secret.document(str(content, "utf-8", "replace"))

"""The dotenv format: a shell, python-dotenv and container runtimes read the values; the records of genai-iac are comments.

Writing: readers of dotenv files differ in quoting, so only values that all of them read alike are written. docs/formats.md shows an
example.

Reading: a file that genai-iac wrote, now or in an earlier version, is read by its records alone. Line ends, a byte order mark, blank
lines, trailing spaces and the wording of comments are not content. A value counts as held when the digest of its record says that it
is the one that was written; every other line is kept for whoever wrote it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Item, Secret
from genai_iac.delivery.sinks._contents import (
    Contents,
    Unreadable,
    check,
    contents_from_head,
    head_as_data,
    is_plain_address,
    is_whole,
    item_as_data,
    newer_format,
    record_from_data,
    text_of,
)

# begins every record; readers find ours by it
MARK = "# genai-iac: "
_NOTE = "# Written by genai-iac at every delivery. Lines that begin with '# genai-iac:' are its records: keep them."
_BARE = re.compile(r"[A-Za-z0-9_.,:/@%+=^-]+", re.ASCII)  # every reader takes these as they stand
_QUOTED = re.compile(r"'[ -&(-\[\]-~]*'", re.ASCII)  # a shell and python-dotenv agree on these between single quotes


def render(contents: Contents, kept: Secret | None = None) -> Secret | None:
    """The whole text, the same for the same contents; None when a value has characters that the readers of such files disagree on.

    `kept`: lines of the file that belong to other keys or to other programs; they follow as they are.

    Args:
        contents: with all values filled in.

    Returns:
        The text as one `Secret`, so that it cannot be printed by accident.
    """
    lines = list(_lines(contents))
    if None in lines:
        return None
    return Secret.document("".join(f"{line}\n" for line in lines) + (kept.reveal() if kept else ""))


def _lines(contents: Contents) -> Iterator[str | None]:
    names = contents.names
    yield _comment(head_as_data(contents))
    yield _NOTE
    yield _assignment(names.base_url, contents.base_url)
    if contents.project:
        yield _assignment(names.project, contents.project)
    whose = {"address": str(contents.address), "id": contents.id, "owner": contents.owner}
    for name, item in zip(names.of_records(contents.records), contents.items, strict=True):
        assert item.value is not None
        yield _comment({**item_as_data(item), **whose})  # a record tells whose it is even when the first line is lost
        line = _assignment(name, item.value.reveal())
        # A comment: an inactive value must not reach a process that loads the file.
        yield f"# {line}" if line and item.record.role == "inactive" else line


def _comment(data: dict[str, Any]) -> str:
    return MARK + json.dumps(data)


def _assignment(name: str, value: str) -> str | None:
    """`NAME=value` or `NAME='value'`; None when readers would disagree on it."""
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    return f"{name}='{value}'" if _QUOTED.fullmatch(f"'{value}'") else None


# Spaces around the mark are free: formatters of dotenv files change them.
_MARK = re.compile(r"#\s*genai-iac:\s*(?P<data>\{.*)")
_ASSIGNMENT = re.compile(r"(?P<comment>#\s*)?(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)")
# At least 16 characters with a letter and a digit: what a credential of another program
# looks like.
_CREDENTIAL = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_+/=.-]{16,}")
_LONG_WORD = re.compile(r"[A-Za-z0-9_-]{20,}")  # also within an address
_LOST_HEAD = "its first line is missing"
_LOST_RECORD = "a record or the line below it is missing or was changed"
_Whose = tuple[str, str, str]  # owner, address, OCID


class DotenvFile(Struct, frozen=True):
    """The file as sections, one a key, and the lines of nobody's: each line is a `Secret`, for it may be another program's value.

    Several keys may share one file when their variables differ.
    """

    sections: tuple[Contents, ...]  # one per key with a record in the file
    # every line in order, with the section it belongs to; None: nobody's
    lines: tuple[tuple[_Whose | None, Secret], ...]

    def others(self, mine: Iterable[Contents]) -> Secret:
        """The text without the lines of those sections.

        Args:
            mine: the sections that the key which is written takes the place of.
        """
        replaced = {_whose(one) for one in mine}
        kept = (line.reveal() for owner, line in self.lines if owner is None or owner not in replaced)
        return Secret.document("".join(f"{line}\n" for line in kept))


def read_dotenv(text: Secret) -> DotenvFile | Unreadable | None:
    """What the text holds; None for an empty one.

    Args:
        text: the whole file.

    Returns:
        `Unreadable` for a text without any record of ours, or one whose records were
            damaged.
    """
    lines = [line.rstrip() for line in re.split(r"\r\n|\n|\r", text.reveal().removeprefix("\ufeff"))]
    lines = [line for line in lines if line]
    if not lines:
        return None
    # an exception raised in here has the text in its frames, so it must end here
    try:
        return _DotenvReader().read(lines)
    except ValueError:
        return Unreadable("cannot be read", ours=False)


class _DotenvReader:
    """Goes through the lines once."""

    def __init__(self) -> None:
        self._sections: dict[_Whose, Contents] = {}
        self._lines: list[tuple[_Whose | None, Secret]] = []
        self._now: _Whose | None = None  # the section that a line belongs to
        self._record: dict[str, Any] | None = None  # the record whose value comes next
        self._after_head = False
        self._broken = False

    def read(self, lines: Iterable[str]) -> DotenvFile | Unreadable:
        for line in lines:
            marked = _MARK.fullmatch(line)
            if marked is None:
                self._take_line(line)
            elif newer := self._take_data(line, marked["data"]):
                return newer
        self._drop_record()
        if self._sections:
            return DotenvFile(tuple(self._sections.values()), tuple(self._lines))
        if self._broken:
            return Unreadable(
                "was written by genai-iac and its records were changed by another hand",
                ours=True,
                hint="put the lines that begin with '# genai-iac:' back as they were: the values below them may be intact",
            )
        return Unreadable("was not written by genai-iac", ours=False)

    def _take_data(self, line: str, data: str) -> Unreadable | None:
        """A record line: it begins a section or a record. A newer format ends the reading."""
        self._drop_record()
        self._after_head = False
        try:
            found = json.loads(data)
            check(isinstance(found, dict))
            if newer := newer_format(found):
                return newer
            if "secret" in found:
                self._begin_record(found)
            else:
                self._begin_section(found)
        except (ValueError, RecursionError):
            self._broken = True
            self._harm(_LOST_RECORD if self._now else "")
        self._lines.append((self._now, Secret.document(line)))
        return None

    def _begin_section(self, data: dict[str, Any]) -> None:
        """The first line of a key's section. A section that comes twice keeps its items."""
        contents = contents_from_head(data)
        self._now, self._after_head = _whose(contents), True
        before = self._sections.get(self._now)
        self._sections[self._now] = replace(contents, items=before.items if before else ())

    def _begin_record(self, data: dict[str, Any]) -> None:
        """A record; its value is expected on the next line. From format 2 on it says whose it is."""
        record_from_data(data)
        text_of(data, "digest")
        if "owner" in data:  # from format 2 on
            whose = (text_of(data, "owner"), text_of(data, "address"), text_of(data, "id"))
            if whose not in self._sections:
                owner, address, id = whose
                self._sections[whose] = Contents(owner, Address.parse(address), id, "", (), damage=_LOST_HEAD)
            self._now = whose
        check(self._now is not None)
        self._record = data

    def _take_line(self, line: str) -> None:
        """An assignment, a comment or another line: a value of ours, a line of ours, or somebody else's."""
        found = _ASSIGNMENT.fullmatch(line)
        record, after_head = self._record, self._after_head
        self._record, self._after_head = None, False
        if record is not None:
            if found is not None and self._keep_value(record, found["name"], found["value"]):
                self._lines.append((self._now, Secret.document(line)))
                return
            self._harm(_LOST_RECORD)
        if found is None or found["comment"]:
            # The line below the head is our notice. Its wording does not matter, so that people may
            # edit it.
            ours = after_head or (found is not None and self._owner_of(found["name"]) is not None)
            self._lines.append((self._now if ours else None, _foreign(line)))
            return
        owner, value = self._owner_of(found["name"]), _plain(found["value"])
        known = owner is not None and self._is_address(owner, found["name"], value)
        self._lines.append((owner, Secret.document(line) if known else _foreign(line)))
        if owner is not None:
            self._note_assignment(owner, found["name"], value)

    def _keep_value(self, data: dict[str, Any], name: str, form: str) -> bool:
        """Take the value below its record; whether the line is a value of ours at all."""
        assert self._now is not None
        record, section = record_from_data(data), self._sections[self._now]
        value = next((one for one in _values(form) if is_whole(record, one, data["digest"])), None)
        if value is not None:
            self._sections[self._now] = replace(section, items=(*section.items, Item(record, value)))
        elif not section.names.owns(name):
            return False
        if value is None or name != section.names.of_records(self._sections[self._now].records)[-1]:
            self._harm(_LOST_RECORD)
        return True

    def _note_assignment(self, owner: _Whose, name: str, value: str) -> None:
        """An assignment outside a record: it has to repeat what the head says, else the section is damaged."""
        section = self._sections[owner]
        if name == section.names.base_url and not section.base_url:
            self._sections[owner] = replace(section, base_url=value)  # format 1 does not have it in its first line
        elif (name, value) not in (
            (section.names.base_url, section.base_url),
            (section.names.project, section.project),
        ):
            self._sections[owner] = replace(section, damage=section.damage or f"{name} was changed")

    def _is_address(self, owner: _Whose, name: str, value: str) -> bool:
        """Whether it is the endpoint or the project that our record has: to cover those would cover the region everywhere."""
        section = self._sections[owner]
        if name == section.names.base_url:
            # format 1 does not have it; what could be a password in an address is no address then
            return value == section.base_url or (not section.base_url and is_plain_address(value))
        return name == section.names.project and value == section.project

    def _owner_of(self, name: str) -> _Whose | None:
        """The section that names the variable so; the one under way goes first."""
        first = [self._now] if self._now else []
        candidates = (whose for whose in [*first, *self._sections] if self._sections[whose].names.owns(name))
        return next(candidates, None)

    def _drop_record(self) -> None:
        """A record without a value below it: somebody deleted the line."""
        if self._record is not None:
            self._record = None
            self._harm(_LOST_RECORD)

    def _harm(self, how: str) -> None:
        """Note the first damage of the section; it makes the next delivery write the file again."""
        if self._now is not None and how:
            section = self._sections[self._now]
            self._sections[self._now] = replace(section, damage=section.damage or how)


def _whose(contents: Contents) -> _Whose:
    return (contents.owner, str(contents.address), contents.id)


def _foreign(line: str) -> Secret:
    """A line that no record of ours vouches for: what looks like a credential in it is given to the redactor.

    Not every word: with `REGION=us-chicago-1` in the file the region was covered in every output (seen in the quick start,
    whose base URL is such a line).
    """
    value = _plain(line.partition("=")[2].strip())
    if not value.startswith("ocid1."):
        for word in (value, *_LONG_WORD.findall(value)):
            if _CREDENTIAL.fullmatch(word):
                Secret(word)
    return Secret.document(line)


def _values(form: str) -> Iterator[Secret]:
    yield Secret(_plain(form))
    yield Secret(form)


def _plain(form: str) -> str:
    """The value of an assignment without the quotes around it."""
    return form[1:-1] if len(form) > 1 and form[0] == form[-1] and form[0] in "'\"" else form

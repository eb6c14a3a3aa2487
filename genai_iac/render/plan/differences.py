"""What differs between before and after, value by value: `secrets.key-one.expires`, a tag by its key, a statement by its text.

What `after` does not mention is kept (so desired attributes work) and is no difference; a value that is removed is written as None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from msgspec import Struct

from genai_iac.core import Change, Lifetime
from genai_iac.render.common.attribute_values import canonical, is_known, is_list, moment, read_moment, symbol

Path = tuple[str, ...]  # keys from the outside in
_ALIKE = 0.5  # two lines with this share of equal words are one line that was edited
_NAMES = ("name", "keyName")  # what an item of a list is called by, when all have it


class AttributeDifference(Struct, frozen=True):
    """One leaf. Lists of texts (statements) are leaves; before is None when there was nothing, after when nothing will be."""

    path: Path
    before: Any
    after: Any

    @property
    def texts(self) -> bool:
        """Whether it is a list of texts, to be shown line by line."""
        return is_list(self.after if self.after is not None else self.before)


class Edit(Struct, frozen=True):
    """One text of a list: added (no before), removed (no after) or edited, with a few words on what the edit is."""

    before: str | None
    after: str | None
    note: str = ""  # empty: none


CompareTexts = Callable[[Sequence[str], Sequence[str]], Sequence[Edit]]  # before and after to edits


def differences(change: Change) -> tuple[AttributeDifference, ...]:
    """What the change makes different, in the order of its attributes. For a create all there will be, for a delete all there was."""
    before, after = dict(_leaves(change.before or {})), dict(_leaves(change.after or {}))
    if change.after is None:
        return tuple(
            AttributeDifference(path, value, None) for path, value in before.items() if value not in (None, "")
        )
    if change.before is None:
        return tuple(AttributeDifference(path, None, value) for path, value in after.items() if value not in (None, ""))
    renewed = renewed_secrets(change)
    return tuple(
        AttributeDifference(path, before.get(path), value)
        for path, value in after.items()
        if _differs(before.get(path), value, path in before and not renewed & set(path))
    )


def renewed_secrets(change: Change) -> set[str]:
    """The secrets whose value (and life) the change makes anew."""
    renewed = {loss.secret for loss in change.losses if loss.how == "renew"}
    return renewed | {call.secret for call in change.calls if call.secret and call.operation == "RenewApiKey"}


def line_edits(before: Sequence[str], after: Sequence[str]) -> tuple[Edit, ...]:
    """Two lists of texts compared line by line; lines that are alike are one edit, whose note names the words that changed."""
    if not before:  # what is created: nothing to compare with
        return tuple(Edit(None, line) for line in after)
    edits: list[Edit] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            edits.extend(_pair_up(list(before[start:end]), list(after[new_start:new_end])))
    return tuple(edits)


def as_texts(value: Any) -> list[str]:
    """The items of a list as texts; what is not known yet as its symbol."""
    return [str(item) if is_known(item) else symbol(item) for item in value or ()]


def _differs(before: Any, after: Any, was_there: bool) -> bool:
    if isinstance(after, Lifetime) and was_there:
        return False  # a duration counts from creation or renewal and is never a difference by itself
    if before in (None, "") and after in (None, "", [], {}, ()):
        return False
    if before is None and isinstance(after, str):
        return True
    return bool(_comparable(before) != _comparable(after))


def _comparable(value: Any) -> Any:
    when = read_moment(value)  # +00:00 and Z are one moment
    return moment(when) if when else canonical(value)


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif is_list(value) and any(isinstance(item, Mapping) or is_list(item) for item in value):
        for name, item in _named_items(list(value)):
            yield from _leaves(item, (*path, name))
    elif is_list(value):
        if value:
            yield path, list(value)
    else:
        yield path, value


def _named_items(items: list[Any]) -> Iterator[tuple[str, Any]]:
    """Items of a list by their own names, so that a secret is `key-one` wherever it stands; by number when they have none."""
    for field in _NAMES:
        names = [item.get(field) if isinstance(item, Mapping) else None for item in items]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            for name, item in zip(names, items, strict=True):
                yield str(name), {key: value for key, value in item.items() if key != field}
            return
    yield from ((str(index), item) for index, item in enumerate(items))


def _pair_up(removed: list[str], added: list[str]) -> Iterator[Edit]:
    for line in removed:
        match = max(added, key=lambda other, line=line: _likeness(line, other), default=None)  # type: ignore[misc]
        if match is not None and _likeness(line, match) >= _ALIKE:
            added.remove(match)
            yield Edit(line, match, _changed_words(line.split(), match.split()))
        else:
            yield Edit(line, None)
    yield from (Edit(None, line) for line in added)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio()


def _changed_words(before: list[str], after: list[str]) -> str:
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    pieces = [(" ".join(before[a:b]), " ".join(after[c:d])) for tag, a, b, c, d in steps if tag != "equal"]
    return ", ".join(
        f"{old} → {new}" if old and new else f"without {old}" if old else f"with {new}" for old, new in pieces
    )

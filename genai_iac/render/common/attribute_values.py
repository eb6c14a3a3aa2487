"""Attributes as plain data for machines and as symbols for people. A value that is not known yet is shown as such, never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from genai_iac.core import ExistingCompartment, InterpolatedText, Lifetime, Reference, Secret, StatementText

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^}]*)\}")  # as in `references.resolver`
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")  # RFC 3339, as OCI writes it
_UNKNOWN = "\0unknown"  # no attribute of the API has a name like this


def is_known(value: object) -> bool:
    """Whether the value itself (not what it contains) is data that can be written down now."""
    if isinstance(value, InterpolatedText):
        return not isinstance(value, StatementText) and all(isinstance(what, str) for _, what in value.placeholders)
    known = (str, bool, int, float, list, dict, datetime, Lifetime, Mapping)
    return value is None or isinstance(value, known) or is_list(value)


def is_list(value: object) -> bool:
    """Whether the value is a list of values (a text is not)."""
    # first without asking an abstract class, which takes ten times as long
    if isinstance(value, (str, dict, bytes, bytearray)):
        return False
    return isinstance(value, (list, tuple, Sequence, set, frozenset))


def known_part(value: object) -> Any:
    """The value as JSON data without what is not known yet: such a key is left out, such an item of a list is null.

    Args:
        value: an attribute, or all of a resource's.
    """
    if isinstance(value, Mapping):
        return {str(key): known_part(item) for key, item in value.items() if is_known(item)}
    if is_list(value):
        return [known_part(item) if is_known(item) else None for item in _items(value)]
    return _scalar(value)


def unknown_paths(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every value that is not known yet.

    Args:
        value: an attribute, or all of a resource's.
        path: of the value itself; the results begin with it.
    """
    if not is_known(value):
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unknown_paths(item, (*path, str(key)))
    elif is_list(value):
        for index, item in enumerate(_items(value)):
            yield from unknown_paths(item, (*path, str(index)))


def expressions(value: object) -> dict[str, str]:
    """By JSON Pointer (RFC 6901) what stands for each value that is not known yet, as a manifest writes it.

    With `known_part` it distinguishes any two values.
    """
    return {"".join(map(_pointer, path)): symbol(_at(value, path)) for path in unknown_paths(value)}


def _pointer(step: str) -> str:
    return "/" + step.replace("~", "~0").replace("/", "~1")


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = _items(value)[int(step)] if is_list(value) else {str(key): item for key, item in value.items()}[step]
    return value


def canonical(value: object) -> Any:
    """The whole value as JSON data that differs whenever the value does: what is not known stands as its symbol, marked as one.

    Comparing two of these compares the values.
    """
    return _whole(value, lambda unknown: {_UNKNOWN: symbol(unknown)})


def as_written(value: object) -> Any:
    """The whole value as JSON data; what is not known yet stands as a manifest writes it: `${Compartment/chat.id}`."""
    return _whole(value, symbol)


def _whole(value: object, stand_in: Callable[[object], Any]) -> Any:
    if not is_known(value):
        return stand_in(value)
    if isinstance(value, Mapping):
        return {str(key): _whole(item, stand_in) for key, item in value.items()}
    if is_list(value):
        return [_whole(item, stand_in) for item in _items(value)]
    return _scalar(value)


def symbol(value: object) -> str:
    """What stands for a value that is not known yet, as a manifest writes it: `${Compartment/chat.id}`, `/a/b`, text with placeholders."""
    if isinstance(value, InterpolatedText):
        placeholders = dict(value.placeholders)
        return _PLACEHOLDER.sub(
            lambda match: "${" if match[1] is None else str(placeholders.get(match[1], match[0])), value.template
        )
    if isinstance(value, (Reference, ExistingCompartment)):
        return str(value)
    return "(secret)" if isinstance(value, Secret) else f"({type(value).__name__})"


def moment(when: datetime) -> str:
    """RFC 3339 in UTC with `Z`; a time without a zone is UTC already."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_for_people(when: datetime) -> str:
    """The same to the second."""
    return moment(when.replace(microsecond=0))


def read_moment(text: object) -> datetime | None:
    """The moment that a text spells in RFC 3339, or None."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _scalar(value: object) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Lifetime):
        return value.text
    if isinstance(value, InterpolatedText):
        return symbol(value)
    return value


def _items(value: Any) -> list[Any]:
    # Sets have no order of their own, and fingerprints need one.
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else list(value)

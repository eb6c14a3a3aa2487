"""Reading what a request body holds: each function gives a checked value or raises the 400 a service would send.

Every function raises ServiceError 400 with the field's name. Absent and null are the
same, as for the services.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from genai_iac.emulator.http.errors import invalid, missing
from genai_iac.emulator.storage.time_format import parse_instant

Body = Mapping[str, Any]


def text(body: Body, name: str, *, most: int = 255, least: int = 1, pattern: str | None = None) -> str:
    """A required string.

    Args:
        most: characters.
        least: characters.
        pattern: a regular expression for the whole value, ASCII.
    """
    value = body.get(name)
    if value is None:
        raise missing(name)
    return _check_text(value, name, most, least, pattern)


def optional_text(body: Body, name: str, *, most: int = 400, pattern: str | None = None) -> str | None:
    """A string that may be absent or null."""
    value = body.get(name)
    return None if value is None else _check_text(value, name, most, 0, pattern)


def given_texts(body: Body, *names: str) -> dict[str, str]:
    """The strings among those names that an update brings; what it does not name stays as it is."""
    found = {name: optional_text(body, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def choice(body: Body, name: str, allowed: Sequence[str]) -> str:
    """A required string, one of a few."""
    value = text(body, name)
    if value not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}.")
    return value


def items(body: Body, name: str) -> list[Any]:
    """A required list."""
    value = body.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, list):
        raise invalid(f"{name} must be a list.")
    return value


def optional_items(body: Body, name: str) -> list[Any]:
    """A list that may be absent or null, and is empty then."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise invalid(f"{name} must be a list.")
    return value or []


def part(body: Body, name: str) -> dict[str, Any]:
    """A required object."""
    value = body.get(name)
    if value is None:
        raise missing(name)
    return as_object(value, name)


def optional_object(body: Body, name: str) -> dict[str, Any]:
    """An object that may be absent or null, and is empty then."""
    value = body.get(name)
    return {} if value is None else as_object(value, name)


def as_object(value: Any, name: str) -> dict[str, Any]:
    """The value itself, if it is an object."""
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object.")
    return value


def optional_instant(body: Body, name: str) -> int | None:
    """A date-time in milliseconds, or None when it is absent or null.

    Args:
        name: field with an RFC 3339 date-time.
    """
    value = body.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a date-time")
        return parse_instant(value)
    except (ValueError, OverflowError) as error:
        raise invalid(f"{name}: {error}.") from None


def read_flag(body: Body, name: str, default: bool = False) -> bool:
    """A boolean that may be absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean.")
    return default if value is None else value


def _check_text(value: Any, name: str, most: int, least: int, pattern: str | None) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    if not least <= len(value) <= most:
        raise invalid(f"{name} must be {least} to {most} characters long.")
    if pattern is not None and not re.fullmatch(pattern, value, re.ASCII):
        raise invalid(f"{name} may not be '{value}': it must match {pattern}.")
    return value

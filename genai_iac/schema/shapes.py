"""The usual patterns of names, in words: `^[a-z][a-z0-9-]{0,62}$` is for machines."""

from __future__ import annotations

import re

from genai_iac.schema.wording import join_and

_CLASS = r"\[(?P<{}>[^\]^][^\]]*)\]"
_FIRST, _REST, _LAST = (_CLASS.format(name) for name in ("first", "rest", "last"))
_COUNT = r"\{(?P<least>[0-9]+),(?P<most>[0-9]+)\}"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\^{_REST}{_COUNT}\$",
        rf"\^{_FIRST}{_REST}{_COUNT}\$",
        rf"\^{_FIRST}\({_REST}{_COUNT}{_LAST}\)\?\$",
    )
)
_PART = re.compile(r"\\?(.)(?:-(?=.)(.))?")


def describe_pattern(pattern: str) -> str:
    """The pattern in words, or an empty string when it is not of a usual form."""
    match = next(filter(None, (form.fullmatch(pattern) for form in _FORMS)), None)
    if match is None:
        return ""
    parts = match.groupdict()
    first, last = parts.get("first"), parts.get("last")
    text = join_and(_name_characters(parts["rest"]))
    if last:
        text += f", beginning and ending with {_name_one(last)}"
    elif first:
        text += f", beginning with {_name_one(first)}"
    return f"{text}, {int(parts['most']) + bool(first) + bool(last)} characters at most"


def _name_characters(characters: str) -> list[str]:
    ranges = {(part[1], part[2]) for part in _PART.finditer(characters) if part[2]}
    singles = [part[1] for part in _PART.finditer(characters) if not part[2]]
    names = []
    if ("a", "z") in ranges:
        names.append("letters" if ("A", "Z") in ranges else "lower-case letters")
    if ("0", "9") in ranges:
        names.append("digits")
    return names + [f"'{single}'" for single in singles]


def _name_one(characters: str) -> str:
    names = _name_characters(characters)
    return " or ".join(
        {"letters": "a letter", "lower-case letters": "a lower-case letter", "digits": "a digit"}.get(name, name)
        for name in names
    )

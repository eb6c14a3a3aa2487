"""The usual patterns of names, in words: nobody should have to read `^[a-z][a-z0-9-]{0,62}$` in a message."""

from __future__ import annotations

import re
from functools import cache

from genai_iac.core import InterpolatedText, Reference
from genai_iac.core.errors import join_and
from genai_iac.resource_types import RESOURCE_TYPES

# An escape, a character class or `$`: outside of these two `$` is the end of the text,
# which in Python is `\Z`.
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


@cache
def compile_ecma_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as JSON Schema means it. Raises re.error."""
    return re.compile(_TOKEN.sub(lambda token: r"\Z" if token[0] == "$" else token[0], pattern), re.ASCII)


_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}")  # `${name}`, and `$${` for the characters `${`
_NAME = "Name_1"  # compartments may be called that, hosts and secrets of keys may not all


def sample_value(value: object) -> object:
    """A string for a Reference or InterpolatedText; anything else as it is."""
    if isinstance(value, Reference):
        return _sample_reference(value)
    if isinstance(value, InterpolatedText):
        placeholders = dict(value.placeholders)
        return _PLACEHOLDER.sub(
            lambda found: "${" if found[1] is None else str(sample_value(placeholders.get(found[1], ""))),
            value.template,
        )
    return value


def _sample_reference(reference: Reference) -> str:
    match reference.field:
        case "id":
            return f"ocid1.{_ocid_type(reference.address.kind)}.oc1..aaaaaaaa"
        case "name":
            return _NAME
        case "path":
            return f"/{_NAME}/{_NAME}"


REGION_PATTERN = "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$"

_CLASS = r"\[(?P<{}>[^\]^][^\]]*)\]"
_FIRST, _REST, _LAST = (_CLASS.format(name) for name in ("first", "rest", "last"))
_COUNT = r"\{(?P<least>[0-9]+),(?P<most>[0-9]+)\}"
# The only forms that our schemas use for names; any other pattern is shown as it is.
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"\^{_REST}{_COUNT}\$",
        rf"\^{_FIRST}{_REST}{_COUNT}\$",
        rf"\^{_FIRST}\({_REST}{_COUNT}{_LAST}\)\?\$",
    )
)
_PART = re.compile(r"\\?(.)(?:-(?=.)(.))?")  # one character of a class, or a range


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


def _ocid_type(kind: str) -> str:
    return RESOURCE_TYPES[kind].ocid_type if kind in RESOURCE_TYPES else kind.lower()

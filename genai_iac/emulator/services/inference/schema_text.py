"""The shortest text that a schema's length, format and pattern admit."""

import re
from collections.abc import Iterator, Mapping
from re import _parser as regex_parser  # type: ignore[attr-defined]  # the only parser of Python's own syntax
from typing import Any

# One text for each format that the validator checks.
_FORMATS = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "email": "a@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "",
    "regex": "",
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# tried when the pattern itself gives no text
_GUESSES = ("0", "1", "a", "A", "a@example.com", "2026-01-01", "https://example.com/")
_MAX_LENGTH = 10_000  # characters; a longer text would be a denial of service
_CATEGORIES = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a", "CATEGORY_NOT_DIGIT": "a",
               "CATEGORY_NOT_SPACE": "a", "CATEGORY_NOT_WORD": "-"}  # fmt: skip


class _TooHard(Exception):
    """A pattern with something in it (look-around, back references) that no text is made for."""


def smallest_text(schema: Mapping[str, Any], variant: int = 0) -> str | None:
    """A text that fits, another for each `variant`; None when none is found."""
    least = schema.get("minLength", 0)
    if least > _MAX_LENGTH:
        return None
    fitting = (text for text in _candidates(schema, least, variant) if _fits(schema, text))
    return next(fitting, None)


def _candidates(schema: Mapping[str, Any], least: int, variant: int) -> Iterator[str]:
    if "pattern" in schema:
        for extra in range(variant, variant + least + 1):
            yield from _matching(schema["pattern"], extra)
        yield from _matching(schema["pattern"], 0, least)
        yield from _GUESSES
        return
    start = _FORMATS.get(schema.get("format", ""), "")
    # a list whose items must differ gets "", "a", "b", … or the format's text, which is the same each time
    tail = "" if variant == 0 or start else _LETTERS[(variant - 1) % 26] * (1 + (variant - 1) // 26)
    yield (start + tail).ljust(least, "a")
    yield tail.rjust(least, "a")


def _fits(schema: Mapping[str, Any], text: str) -> bool:
    pattern = schema.get("pattern")
    if pattern is not None and re.search(pattern, text) is None:
        return False
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    return bool(least <= len(text) and (most is None or len(text) <= most))


def _matching(pattern: str, extra: int, least: int = 0) -> Iterator[str]:
    """A text the pattern should match, with each repetition `extra` times longer than it must be, filled up to `least`."""
    try:
        yield _write(regex_parser.parse(pattern), extra).ljust(least, "a")
    except (_TooHard, re.error):
        return


def _write(parsed: Any, extra: int) -> str:
    return "".join(_write_one(str(code), argument, extra) for code, argument in parsed)


def _write_one(code: str, argument: Any, extra: int) -> str:
    if code == "LITERAL":
        return chr(int(argument))
    if code in ("AT", "ASSERT", "ASSERT_NOT"):  # whether a look-around holds is seen when the text is checked
        return ""
    if code == "ANY":
        return "a"
    if code == "NOT_LITERAL":
        return "b" if chr(argument) == "a" else "a"
    if code == "IN":
        return _member(argument)
    if code == "BRANCH":
        return min((_write(part, extra) for part in argument[1]), key=len)
    if code == "SUBPATTERN":
        return str(_write(argument[-1], extra))
    if code in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = argument
        return _write(inner, 0) * min(int(least) + extra, int(most), _MAX_LENGTH)
    raise _TooHard(code)


def _member(items: Any) -> str:
    """One character of a set."""
    inside, outside = _characters(items)
    if not outside:
        return inside[0]
    allowed = [letter for letter in _LETTERS + "0 -_" if re.fullmatch(_as_set(items), letter)]
    if not allowed:
        raise _TooHard("IN")
    return allowed[0]


def _characters(items: Any) -> tuple[list[str], bool]:
    found: list[str] = []
    for code, argument in items:
        name = str(code)
        if name == "NEGATE":
            return [], True
        if name == "CATEGORY":
            found.append(_CATEGORIES[str(argument)])
        else:
            found.append(chr(argument[0] if name == "RANGE" else argument))
    return found, False


_CLASSES = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_DIGIT": r"\D",
            "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_NOT_WORD": r"\W"}  # fmt: skip


def _as_set(items: Any) -> str:
    parts = []
    for code, argument in items:
        name = str(code)
        if name == "NEGATE":
            parts.append("^")
        elif name == "CATEGORY":
            parts.append(_CLASSES[str(argument)])
        elif name == "RANGE":
            parts.append(f"{re.escape(chr(argument[0]))}-{re.escape(chr(argument[1]))}")
        else:
            parts.append(re.escape(chr(argument)))
    return f"[{''.join(parts)}]"

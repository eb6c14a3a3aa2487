"""Small words of messages: what was probably meant, and foreign text shown so that it cannot drive a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80  # characters of foreign text in a message
_MOST_CHOICES = 200  # names that are compared with a misspelled one


def show(text: str) -> str:
    """A name from a file as it may stand in a message: on one line, printable, not too long."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in short) or "''"


def suggest(word: str, choices: Iterable[str]) -> str:
    """`did you mean X?` for the choice nearest to the word, or an empty string when none is near."""
    known = {choice.casefold(): choice for choice in choices}
    if word.casefold() in known:
        return f"did you mean {known[word.casefold()]}?"
    near = [name for name in known if abs(len(name) - len(word)) <= 3][:_MOST_CHOICES]  # difflib is slow on many
    found = get_close_matches(word.casefold()[:_LONGEST], near, 1, 0.6)
    return f"did you mean {known[found[0]]}?" if found else ""


def suggest_or_list(word: str, choices: Iterable[str]) -> str:
    """`did you mean X?`, or else what is known."""
    names = sorted(choices)
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return suggest(word, names) or (f"known: {listed}" if names else "")


def join_or(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = list(names)
    return f"{', '.join(most)} or {last}" if most else last


def join_and(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last

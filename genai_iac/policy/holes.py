"""Which values fit which kind of hole, and which of them show by their own grammar that they leave a statement's shape alone."""

import re
import unicodedata

from .grammar.tokens import QUOTED, WORD, is_word
from .hole_kinds import HoleKind
from .tree import VERBS


def why_unfit(kind: HoleKind, value: str, *, alone: bool) -> str | None:
    """Why a value does not fit a hole of this kind, or None. ``alone``: the hole is the whole token."""
    if not value:
        return "is empty"
    invisible = _find_invisible(value)
    if invisible is not None:
        return f"holds the invisible character U+{ord(invisible):04X}"
    if kind in ("name", "path") and value.lower().startswith("ocid1."):
        return "is an OCID; write `id` before the hole"
    pattern, what = _GRAMMARS[kind] if alone or kind not in _PARTS else _PARTS[kind]
    if pattern.fullmatch(value):
        return None
    return f"is not {what}"


def _find_invisible(value: str) -> str | None:
    if value.isascii() and value.isprintable():
        return None
    return next((sign for sign in value if sign != " " and unicodedata.category(sign)[0] in "CZ"), None)


def keeps_shape(kind: HoleKind, token_kind: int, value: str, *, alone: bool) -> bool:
    """Whether a value that fits puts a token of the same sort in the hole's place, one that no rule of the grammar looks at.

    Such a statement is read just as its template was. What this cannot tell has to be parsed.
    """
    if token_kind == QUOTED:
        return kind in ("name", "value")  # neither grammar has a quote or a backslash: the token ends where it ended
    if token_kind != WORD or not alone:
        return False
    return kind == "ocid" or (kind == "name" and is_word(value) and value.lower() not in _GRAMMAR_WORDS)


# every word that the grammar knows, wherever it does: more than need be
_WORDS = """
admit after all allow and any any-group any-tenancy any-user as associate before between compartment define deny
dynamic-group endorse group id in not of resource service tenancy to where with
"""
_GRAMMAR_WORDS = frozenset(_WORDS.split()).union(VERBS)


def stand_in(kind: HoleKind, name: str, alone: bool) -> str:
    """A value that fits a hole, made from its name so that different holes stand for different things."""
    word = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "hole"
    if kind == "ocid" and alone:
        return f"ocid1.hole.oc1..{word}"
    if kind == "variable" and alone:
        return f"hole.{word}"
    return {"permission": word.replace("-", "_").upper(), "verb": VERBS[0], "resource": "buckets"}.get(kind, word)


_NAME = r"[\w.@+~\-](?:[\w.@+~\- ]*[\w.@+~\-])?"
_GRAMMARS: dict[HoleKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(_NAME), "a name of letters, digits, spaces and . _ - @ + ~"),
    "path": (re.compile(rf"{_NAME}(?::{_NAME})*"), "a compartment path like a:b:c"),
    "ocid": (re.compile(r"ocid1\.[a-z0-9]+\.[A-Za-z0-9_.\-]+"), "an OCID (ocid1.…)"),
    "value": (re.compile(r"[^'\\*]+"), "a value without quotes, backslashes and stars"),
    "pattern": (re.compile(r"[^'\\*/]+"), "a part of a pattern without slashes, quotes, backslashes and stars"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)+"), "a variable like request.user.id"),
    "permission": (re.compile(r"[A-Za-z0-9_]+"), "a permission like OBJECT_READ"),
    "verb": (re.compile("|".join(VERBS), re.I), "a verb (" + ", ".join(VERBS) + ")"),
    "resource": (re.compile(r"[A-Za-z0-9\-]+"), "a resource type like generative-ai-chat"),
}
_PARTS: dict[HoleKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[\w.@+~\- ]+"), "a part of a name: letters, digits, spaces and . _ - @ + ~"),
    "ocid": (re.compile(r"[A-Za-z0-9_.\-]+"), "a part of an OCID"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+"), "a part of a variable: letters, digits, _ and -"),
}

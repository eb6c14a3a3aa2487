"""Which values fit which kind of placeholder, and which of them cannot change a statement's tree, as their own grammar shows."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from genai_iac.iam_policy.grammar.tokens import QUOTED, WORD, is_word
from genai_iac.iam_policy.syntax_tree import (
    VERBS,
    Comparison,
    Condition,
    ConditionGroup,
    Definition,
    FunctionCall,
    Location,
    Ocid,
    Operand,
    Pattern,
    QuotedValue,
    Statement,
    Subject,
)
from genai_iac.iam_policy.template_scanner import placeholder_numbers

PlaceholderKind = Literal[
    "name", "path", "ocid", "value", "pattern", "variable", "permission", "verb", "resource", "location"
]


def find_kinds(tree: Statement, names: tuple[str, ...]) -> dict[int, PlaceholderKind]:
    """The kind of every placeholder. One that alone is a step of a compartment's path takes a path if its name ends in ``.path``.

    Args:
        tree: of the template, with a private character per placeholder.
        names: of the placeholders, by number.
    """
    kinds: dict[int, PlaceholderKind] = {}
    for kind, text in _leaves(tree):
        if text.isascii():
            continue
        for number in placeholder_numbers(text):
            takes_path = kind == "path" and len(text) == 1 and names[number].endswith(".path")
            kinds[number] = "name" if kind == "path" and not takes_path else kind
    return kinds


Leaf = tuple[PlaceholderKind, str]  # a kind and the text of a leaf of the tree


def _leaves(tree: Statement) -> Iterator[Leaf]:
    if isinstance(tree, Definition):
        yield "name", tree.name.domain or ""
        yield "name", tree.name.text
        yield "ocid", tree.id
        return
    yield from _subject(tree.subject)
    yield "verb", tree.verb or ""
    for resource in tree.resources:
        yield "resource", resource.text
    for permission in tree.permissions:
        yield "permission", permission.text
    yield from _location(tree.location)
    if tree.source is not None:
        yield from _location(tree.source)
    if tree.association is not None:
        yield "resource", tree.association.resource.text
        yield from _location(tree.association.location)
    if tree.condition is not None:
        yield from _condition(tree.condition)


def _subject(subject: Subject) -> Iterator[Leaf]:
    for member in subject.members:
        if isinstance(member, Ocid):
            yield "ocid", member.text
        else:
            yield "name", member.domain or ""
            yield "resource" if subject.kind == "resource" else "name", member.text


def _location(location: Location) -> Iterator[Leaf]:
    yield "location", location.placeholder or ""
    yield "ocid", location.id or ""
    yield "name", location.tenancy or ""
    for name in location.path:
        yield "path", name


def _condition(condition: Condition) -> Iterator[Leaf]:
    if isinstance(condition, ConditionGroup):
        for item in condition.items:
            yield from _condition(item)
    elif isinstance(condition, Comparison):
        yield "variable", condition.left.text
        yield from map(_operand, condition.right)
    elif isinstance(condition, FunctionCall):
        for argument in condition.arguments:
            yield from map(_operand, argument if isinstance(argument, tuple) else (argument,))
    else:
        yield "variable", condition.variable.text


def _operand(operand: Operand) -> Leaf:
    if isinstance(operand, QuotedValue):
        return "value", operand.text
    return "pattern" if isinstance(operand, Pattern) else "variable", operand.text


def check_value(kind: PlaceholderKind, value: str, *, alone: bool) -> str | None:
    """Why a value does not fit a placeholder of this kind, or None. ``alone``: the placeholder is the whole token.

    Args:
        kind: what the placeholder stands for in the grammar.
        value: as given by a variable or a reference.

    Returns:
        The end of a sentence that begins with the value, such as "is empty".
    """
    if not value:
        return "is empty"
    invisible = _find_invisible(value)
    if invisible is not None:
        return f"holds the invisible character U+{ord(invisible):04X}"
    # OCI would read it as the name of a compartment or group, which nothing has.
    if kind in ("name", "path") and value.lower().startswith("ocid1."):
        return "is an OCID; write `id` before the placeholder"
    pattern, what = _GRAMMARS[kind] if alone or kind not in _PARTS else _PARTS[kind]
    if pattern.fullmatch(value):
        return None
    return f"is not {what}"


def _find_invisible(value: str) -> str | None:
    if value.isascii() and value.isprintable():
        return None
    return next((sign for sign in value if sign != " " and unicodedata.category(sign)[0] in "CZ"), None)


def location_of(value: str) -> Location:
    """The place that a fitting value of kind ``location`` stands for.

    Args:
        value: accepted by `check_value`.
    """
    scope, _, rest = value.partition(" ")
    if scope.lower() == "tenancy":
        return Location("tenancy")
    rest = rest.strip()
    word, _, ocid = rest.partition(" ")
    if word.lower() == "id" and ocid.strip().lower().startswith("ocid1."):
        return Location("compartment", id=ocid.strip())
    return Location("compartment", tuple(rest.split(":")))


def keeps_shape(kind: PlaceholderKind, token_kind: int, value: str, *, alone: bool) -> bool:
    """Whether a value that fits puts a token of the same sort in the placeholder's place, one that no rule of the grammar looks at.

    Such a statement is read just as its template was. What this cannot know has to be parsed.

    False costs time only: the filled statement is then parsed and compared with the
    template.
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


def sample_value(kind: PlaceholderKind, name: str, alone: bool) -> str:
    """A value that fits a placeholder, made from its name so that different placeholders stand for different things.

    Args:
        kind: of the placeholder.
        name: of the placeholder.
        alone: it is the whole token.
    """
    word = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "placeholder"
    if kind == "ocid" and alone:
        return f"ocid1.placeholder.oc1..{word}"
    if kind == "location":
        return f"compartment {word}"
    if kind == "variable" and alone:
        return f"placeholder.{word}"
    return {"permission": word.replace("-", "_").upper(), "verb": VERBS[0], "resource": "buckets"}.get(kind, word)


_NAME = r"[\w.@+~\-](?:[\w.@+~\- ]*[\w.@+~\-])?"
# For a placeholder that is a whole token. No star is accepted: a value must not widen
# to a pattern.
_GRAMMARS: dict[PlaceholderKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(_NAME), "a name of letters, digits, spaces and . _ - @ + ~"),
    "path": (re.compile(rf"{_NAME}(?::{_NAME})*"), "a compartment path like a:b:c"),
    "ocid": (re.compile(r"ocid1\.[a-z0-9]+\.[A-Za-z0-9_.\-]+"), "an OCID (ocid1.…)"),
    "value": (re.compile(r"[^'\\*]+"), "a value without quotes, backslashes and stars"),
    "pattern": (re.compile(r"[^'\\*/]+"), "a part of a pattern without slashes, quotes, backslashes and stars"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)+"), "a variable like request.user.id"),
    "permission": (re.compile(r"[A-Za-z0-9_]+"), "a permission like OBJECT_READ"),
    "location": (
        re.compile(
            rf"tenancy|compartment +(?:id +ocid1\.[a-z0-9]+\.[A-Za-z0-9_.\-]+|(?!ocid1\.){_NAME}(?::{_NAME})*)", re.I
        ),
        "`tenancy`, `compartment NAME`, `compartment a:b` or `compartment id OCID`",
    ),
    "verb": (re.compile("|".join(VERBS), re.I), "a verb (" + ", ".join(VERBS) + ")"),
    "resource": (re.compile(r"[A-Za-z0-9\-]+"), "a resource type like generative-ai-chat"),
}
# For a placeholder beside other characters of the same token.
_PARTS: dict[PlaceholderKind, tuple[re.Pattern[str], str]] = {
    "name": (re.compile(r"[\w.@+~\- ]+"), "a part of a name: letters, digits, spaces and . _ - @ + ~"),
    "ocid": (re.compile(r"[A-Za-z0-9_.\-]+"), "a part of an OCID"),
    "variable": (re.compile(r"[A-Za-z0-9_\-]+"), "a part of a variable: letters, digits, _ and -"),
}

"""Statements in other words that mean the same, and statements with one token changed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from genai_iac.iam_policy import Directory, parse, resolve, unparse
from genai_iac.iam_policy.grammar.tokens import PATTERN, QUOTED, WORD, Token, split_tokens, unquote


def reword(text: str, chance: random.Random, directory: Directory, attached: str) -> str:
    """The statement as a tenancy may give it back: other case, other spaces, or names turned into OCIDs."""
    if chance.random() < 0.3:
        return unparse(resolve(parse(text), directory, attached))
    pieces: list[str] = []
    at = 0
    for token in split_tokens(text):
        pieces.append(text[at : token.start].replace(" ", chance.choice([" ", "  ", "\n", "\t "])))
        at = token.start + len(token.text)
        pieces.append(
            chance.choice([token.text, token.text.upper(), token.text.title()]) if token.kind == WORD else token.text
        )
    return " " + "".join(pieces) + " \n"


def edit_one_token(text: str, chance: random.Random) -> str | None:
    """The text with one of its tokens changed to something else that still parses."""
    candidates = list(_edits(text))
    chance.shuffle(candidates)
    for edited in candidates:
        try:
            parse(edited)
        except ValueError:
            continue
        return edited
    return None


def _edits(text: str) -> Iterator[str]:
    for token in split_tokens(text):
        for other in _others(token):
            yield text[: token.start] + other + text[token.start + len(token.text) :]


def _others(token: Token) -> Iterator[str]:
    if token.folded in _SWAPS:
        yield _SWAPS[token.folded]
    elif token.kind == WORD and token.folded not in _KEYWORDS:
        yield token.text + "x"
    elif token.kind == QUOTED:
        yield f"'{unquote(token.text)}x'"
    elif token.kind == PATTERN:
        yield token.text[:-1] + "x/"


_SWAPS = {
    "inspect": "read",
    "read": "use",
    "use": "manage",
    "manage": "inspect",
    "all": "any",
    "any": "all",
    "=": "!=",
    "!=": "=",
    "group": "dynamic-group",
    "dynamic-group": "group",
    "allow": "deny",
}
_KEYWORDS = frozenset(
    {"to", "in", "of", "where", "with", "id", "as", "tenancy", "compartment", "service", "define", "admit", "endorse"}
    | {"any-user", "any-group", "any-tenancy", "associate"}
)

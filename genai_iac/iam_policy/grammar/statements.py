"""The grammar of statements, by recursive descent: allow, deny, admit, endorse, define and the denials of the two between.

Every function reads from the cursor and returns a node, or raises PolicySyntaxError at the token that does not fit.
"""

import re

from genai_iac.iam_policy.grammar.conditions import read_condition
from genai_iac.iam_policy.grammar.locations import read_location, read_source
from genai_iac.iam_policy.grammar.subjects import read_name, read_ocid, read_subject
from genai_iac.iam_policy.grammar.token_stream import TokenStream
from genai_iac.iam_policy.grammar.tokens import HOLES, WORD
from genai_iac.iam_policy.syntax_tree import VERBS, Association, Definition, Effect, Grant, Statement, Symbol, Word

_EFFECTS: dict[str, Effect] = {"allow": "allow", "admit": "admit", "endorse": "endorse"}
_DENIED: dict[str, Effect] = {"admit": "deny admit", "endorse": "deny endorse"}
_SYMBOLS: dict[str, Symbol] = {
    "tenancy": "tenancy",
    "group": "group",
    "dynamic-group": "dynamic-group",
    "compartment": "compartment",
}


def read_statement(cursor: TokenStream) -> Statement:
    """Read one statement, leaving the cursor behind it.

    Raises:
        PolicySyntaxError: with the column of the first token that does not fit.
    """
    column = cursor.column
    word = cursor.token.folded
    if word == "define":
        return _read_definition(cursor, column)
    if word == "deny":
        cursor.take()
        effect = _DENIED.get(cursor.token.folded, "deny")
        if effect != "deny":
            cursor.take()
    elif word in _EFFECTS:
        effect = _EFFECTS[word]
        cursor.take()
    else:
        raise cursor.error("`allow`", "`deny`", "`admit`", "`endorse`", "`define`")
    return _read_grant(cursor, effect, column)


def _read_definition(cursor: TokenStream, column: int) -> Definition:
    cursor.take()
    symbol = _SYMBOLS.get(cursor.token.folded)
    if symbol is None:
        raise cursor.error("`tenancy`", "`group`", "`dynamic-group`", "`compartment`")
    cursor.take()
    name = read_name(cursor, "a name", domains=symbol in ("group", "dynamic-group"))
    cursor.expect("as")
    cursor.accept("id")
    return Definition(symbol, name, read_ocid(cursor).text, column)


def _read_grant(cursor: TokenStream, effect: Effect, column: int) -> Grant:
    subject = read_subject(cursor)
    source = read_source(cursor) if effect in ("admit", "deny admit") and cursor.accept("of") else None
    action_column = cursor.column
    # Permissions in braces may stand without `to`, as published policies write them; not
    # behind deny.
    if cursor.token.folded == "{" and effect != "deny":
        verb, permissions, resources = None, _read_permissions(cursor), _read_optional_resources(cursor)
    else:
        cursor.expect("to", *(("`{`",) if effect != "deny" else ()))
        action_column = cursor.column
        verb, permissions, resources = _read_action(cursor)
    cursor.expect("in")
    location = read_location(cursor, effect, associating=verb == "associate")
    association = _read_association(cursor, effect) if verb == "associate" else None
    condition = read_condition(cursor) if cursor.accept("where") else None
    return Grant(
        effect,
        subject,
        location,
        verb,
        resources,
        permissions,
        source,
        association,
        condition,
        column,
        action_column,
    )


def _read_action(cursor: TokenStream) -> tuple[str | None, tuple[Word, ...], tuple[Word, ...]]:
    """Verb, permissions, resource types: a verb goes with resource types, permissions rarely do."""
    word = cursor.token.folded
    if word == "{":
        return None, _read_permissions(cursor), _read_optional_resources(cursor)
    if cursor.token.kind != WORD or not (word in VERBS or word == "associate" or _is_hole(word)):
        raise cursor.error("a verb", "`{`")
    cursor.take()
    return word, (), _read_resources(cursor, several=word != "associate")


def _is_hole(word: str) -> bool:
    """Whether the word is a placeholder of a template: a private character."""
    return "\ue000" <= word[:1] <= "\uf8ff"


def _read_permissions(cursor: TokenStream) -> tuple[Word, ...]:
    cursor.open("{")
    permissions = [_read_permission(cursor)]
    while cursor.accept(","):
        permissions.append(_read_permission(cursor))
    cursor.close("}", "`,`")
    return tuple(permissions)


def _read_permission(cursor: TokenStream) -> Word:
    token = cursor.token
    if token.kind != WORD or not _PERMISSION.fullmatch(token.text):
        raise cursor.error("a permission")
    cursor.take()
    return Word(token.text.upper(), token.start + 1)


_PERMISSION = re.compile(rf"[A-Za-z0-9_{HOLES}]+")


def _read_optional_resources(cursor: TokenStream) -> tuple[Word, ...]:
    return () if cursor.token.folded == "in" else _read_resources(cursor, several=True)


def _read_resources(cursor: TokenStream, *, several: bool) -> tuple[Word, ...]:
    resources = [_read_resource(cursor)]
    while several and cursor.accept(","):
        resources.append(_read_resource(cursor))
    return tuple(resources)


def _read_resource(cursor: TokenStream) -> Word:
    token = cursor.token
    if token.kind != WORD or token.folded in ("in", "where", "to"):
        raise cursor.error("a resource type")
    cursor.take()
    return Word(token.folded, token.start + 1)


def _read_association(cursor: TokenStream, effect: Effect) -> Association:
    cursor.expect("with")
    resource = _read_resource(cursor)
    cursor.expect("in")
    return Association(resource, read_location(cursor, effect, associating=True, second=True))

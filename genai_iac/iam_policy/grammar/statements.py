"""The grammar of statements, by recursive descent: allow, deny, admit, endorse, define, deny admit and deny endorse.

- Subjects: names with and without a domain, and OCIDs.
- Locations: the policy's own, and those of other tenancies in admit and endorse.
- Statements, which are made of both.

Every function reads from the token stream and returns a node, or raises PolicySyntaxError at the token that does not fit.
"""

import re

from genai_iac.iam_policy.grammar.conditions import read_condition
from genai_iac.iam_policy.grammar.tokens import PLACEHOLDERS, QUOTED, WORD, TokenStream, is_placeholder, unquote
from genai_iac.iam_policy.syntax_tree import (
    VERBS,
    Association,
    Definition,
    Effect,
    Grant,
    Location,
    Name,
    Ocid,
    Statement,
    Subject,
    SubjectKind,
    Symbol,
    Word,
)

_LISTED: dict[str, SubjectKind] = {"group": "group", "dynamic-group": "dynamic-group", "service": "service"}
_EVERYBODY: dict[str, SubjectKind] = {"any-user": "any-user", "any-group": "any-group"}
_OCID = re.compile(
    rf"(?:ocid1\.[a-z0-9]+\.[\w.\-{PLACEHOLDERS}]+|ocid1\.[\w.\-]*[{PLACEHOLDERS}][\w.\-{PLACEHOLDERS}]*|[{PLACEHOLDERS}])",
    re.I | re.A,
)


def read_subject(cursor: TokenStream) -> Subject:
    """Read a subject: a keyword and, where it needs them, one or more names or OCIDs."""
    column = cursor.column
    word = cursor.token.folded
    if word in _EVERYBODY:
        cursor.take()
        return Subject(_EVERYBODY[word], (), column)
    if word in _LISTED:
        cursor.take()
        kind = _LISTED[word]
        read = _read_service if kind == "service" else _read_member
    elif word == "resource":
        cursor.take()
        kind, read = "resource", _read_resource_subject
    else:
        raise cursor.error(
            "a subject", "`group`", "`dynamic-group`", "`any-user`", "`any-group`", "`service`", "`resource`"
        )
    members = [read(cursor)]
    while cursor.accept(","):
        members.append(read(cursor))
    return Subject(kind, tuple(members), column)


def _read_member(cursor: TokenStream) -> Name | Ocid:
    if cursor.accept("id"):
        return read_ocid(cursor)
    return read_name(cursor, "a group name", domains=True)


def _read_service(cursor: TokenStream) -> Name | Ocid:
    return read_name(cursor, "a service name", domains=False)


def _read_resource_subject(cursor: TokenStream) -> Name | Ocid:
    service = read_name(cursor, "a service name", domains=False)
    return Name(read_name(cursor, "a resource type", domains=False).text, service.text, service.column)


def read_name(cursor: TokenStream, what: str, *, domains: bool) -> Name:
    """Read a name; with `domains` also `domain/name`. `what` is named in the error."""
    column = cursor.column
    text = read_plain_name(cursor, what)
    if domains and cursor.accept("/"):
        return Name(read_plain_name(cursor, what), text, column)
    return Name(text, None, column)


def read_plain_name(cursor: TokenStream, what: str) -> str:
    """Read a name without a domain; quotes are removed."""
    if not cursor.at_name():
        raise cursor.error(what)
    token = cursor.take()
    return unquote(token.text) if token.kind == QUOTED else token.text


def read_ocid(cursor: TokenStream) -> Ocid:
    """Read an OCID, in quotes or without."""
    token = cursor.token
    text = unquote(token.text) if token.kind == QUOTED else token.text
    if not _OCID.fullmatch(text):
        raise cursor.error("an OCID")
    cursor.take()
    return Ocid(text, token.start + 1)


_NAMES_FOREIGN = frozenset({"endorse", "deny endorse"})


def read_source(cursor: TokenStream) -> Location:
    """Read the tenancy of an admit: `of tenancy NAME` or `of any-tenancy`, with `of` read already."""
    column = cursor.column
    if cursor.accept("any-tenancy"):
        return Location("any-tenancy", column=column)
    cursor.expect("tenancy", "`any-tenancy`")
    return Location("tenancy", tenancy=read_plain_name(cursor, "a tenancy name"), column=column)


def read_location(cursor: TokenStream, effect: Effect, *, associating: bool, second: bool = False) -> Location:
    """Read a location, behind `in`.

    Args:
        effect: decides whether a foreign tenancy may be named.
        associating: the statement is an `associate X in A with Y in B`.
        second: this is the location B.

    Raises:
        PolicySyntaxError: something else stands there.
    """
    column = cursor.column
    endorsing = effect in _NAMES_FOREIGN
    foreign = endorsing or (associating and effect != "allow" and effect != "deny")
    if cursor.accept("tenancy"):
        if foreign and (cursor.at_name() or not associating):
            return Location("tenancy", tenancy=read_plain_name(cursor, "a tenancy name"), column=column)
        return Location("tenancy", column=column)
    if (endorsing or second) and cursor.accept("any-tenancy"):
        return Location("any-tenancy", column=column)
    if is_placeholder(cursor.token.text):
        return Location("compartment", column=column, placeholder=cursor.take().text)
    also = ("`any-tenancy`",) if endorsing or second else ()
    if not cursor.accept("compartment"):
        raise cursor.error("a location", "`tenancy`", "`compartment`", *also)
    path, ocid, column = _read_compartment(cursor)
    tenancy = None
    if foreign and (cursor.token.folded == "of" or not associating):
        cursor.expect("of")
        cursor.expect("tenancy")
        tenancy = read_plain_name(cursor, "a tenancy name")
    return Location("compartment", path, ocid, tenancy, column)


def _read_compartment(cursor: TokenStream) -> tuple[tuple[str, ...], str | None, int]:
    """Path, OCID and the column of whichever it is."""
    if cursor.accept("id"):
        ocid = read_ocid(cursor)
        return (), ocid.text, ocid.column
    column = cursor.column
    names = [read_plain_name(cursor, "a compartment name")]
    while cursor.accept(":"):
        names.append(read_plain_name(cursor, "a compartment name"))
    return tuple(names), None, column


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
    if cursor.token.kind != WORD or not (word in VERBS or word == "associate" or _starts_with_placeholder(word)):
        raise cursor.error("a verb", "`{`")
    cursor.take()
    return word, (), _read_resources(cursor, several=word != "associate")


def _starts_with_placeholder(word: str) -> bool:
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


_PERMISSION = re.compile(rf"[A-Za-z0-9_{PLACEHOLDERS}]+")


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

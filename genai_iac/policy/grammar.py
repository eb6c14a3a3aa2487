"""The grammar of statements, by recursive descent: allow, deny, admit, endorse, define and the denials of the two between.

Every function reads from the cursor and returns a node, or raises PolicySyntaxError at the token that does not fit.
"""

import re

from .conditions_grammar import read_condition
from .cursor import Cursor
from .tokens import HOLES, QUOTED, WORD, unquote
from .tree import (
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

_EFFECTS: dict[str, Effect] = {"allow": "allow", "admit": "admit", "endorse": "endorse"}
_DENIED: dict[str, Effect] = {"admit": "deny admit", "endorse": "deny endorse"}
_LISTED: dict[str, SubjectKind] = {"group": "group", "dynamic-group": "dynamic-group", "service": "service"}
_EVERYBODY: dict[str, SubjectKind] = {"any-user": "any-user", "any-group": "any-group"}
_SYMBOLS: dict[str, Symbol] = {
    "tenancy": "tenancy",
    "group": "group",
    "dynamic-group": "dynamic-group",
    "compartment": "compartment",
}
_OCID = re.compile(
    rf"(?:ocid1\.[a-z0-9]+\.[\w.\-{HOLES}]+|ocid1\.[\w.\-]*[{HOLES}][\w.\-{HOLES}]*|[{HOLES}])", re.I | re.A
)
_NAMES_FOREIGN = frozenset({"endorse", "deny endorse"})


def read_statement(cursor: Cursor) -> Statement:
    """Read one statement, leaving the cursor behind it."""
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


def _read_definition(cursor: Cursor, column: int) -> Definition:
    cursor.take()
    symbol = _SYMBOLS.get(cursor.token.folded)
    if symbol is None:
        raise cursor.error("`tenancy`", "`group`", "`dynamic-group`", "`compartment`")
    cursor.take()
    name = _read_name(cursor, "a name", domains=symbol in ("group", "dynamic-group"))
    cursor.expect("as")
    cursor.accept("id")
    return Definition(symbol, name, _read_ocid(cursor).text, column)


def _read_grant(cursor: Cursor, effect: Effect, column: int) -> Grant:
    subject = _read_subject(cursor)
    source = _read_source(cursor) if effect in ("admit", "deny admit") and cursor.accept("of") else None
    action_column = cursor.column
    if cursor.token.folded == "{" and effect != "deny":
        verb, permissions, resources = None, _read_permissions(cursor), _read_optional_resources(cursor)
    else:
        cursor.expect("to", *(("`{`",) if effect != "deny" else ()))
        action_column = cursor.column
        verb, permissions, resources = _read_action(cursor)
    cursor.expect("in")
    location = _read_location(cursor, effect, associating=verb == "associate")
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


def _read_subject(cursor: Cursor) -> Subject:
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


def _read_member(cursor: Cursor) -> Name | Ocid:
    if cursor.accept("id"):
        return _read_ocid(cursor)
    return _read_name(cursor, "a group name", domains=True)


def _read_service(cursor: Cursor) -> Name | Ocid:
    return _read_name(cursor, "a service name", domains=False)


def _read_resource_subject(cursor: Cursor) -> Name | Ocid:
    service = _read_name(cursor, "a service name", domains=False)
    return Name(_read_name(cursor, "a resource type", domains=False).text, service.text, service.column)


def _read_name(cursor: Cursor, what: str, *, domains: bool) -> Name:
    column = cursor.column
    text = _read_plain_name(cursor, what)
    if domains and cursor.accept("/"):
        return Name(_read_plain_name(cursor, what), text, column)
    return Name(text, None, column)


def _read_plain_name(cursor: Cursor, what: str) -> str:
    if not cursor.at_name():
        raise cursor.error(what)
    token = cursor.take()
    return unquote(token.text) if token.kind == QUOTED else token.text


def _read_ocid(cursor: Cursor) -> Ocid:
    token = cursor.token
    text = unquote(token.text) if token.kind == QUOTED else token.text
    if not _OCID.fullmatch(text):
        raise cursor.error("an OCID")
    cursor.take()
    return Ocid(text, token.start + 1)


def _read_source(cursor: Cursor) -> Location:
    column = cursor.column
    if cursor.accept("any-tenancy"):
        return Location("any-tenancy", column=column)
    cursor.expect("tenancy", "`any-tenancy`")
    return Location("tenancy", tenancy=_read_plain_name(cursor, "a tenancy name"), column=column)


def _read_action(cursor: Cursor) -> tuple[str | None, tuple[Word, ...], tuple[Word, ...]]:
    """Verb, permissions, resource types: a verb goes with resource types, permissions rarely do."""
    word = cursor.token.folded
    if word == "{":
        return None, _read_permissions(cursor), _read_optional_resources(cursor)
    if cursor.token.kind != WORD or not (word in VERBS or word == "associate" or _is_hole(word)):
        raise cursor.error("a verb", "`{`")
    cursor.take()
    return word, (), _read_resources(cursor, several=word != "associate")


def _is_hole(word: str) -> bool:
    return "\ue000" <= word[:1] <= "\uf8ff"


def _read_permissions(cursor: Cursor) -> tuple[Word, ...]:
    cursor.open("{")
    permissions = [_read_permission(cursor)]
    while cursor.accept(","):
        permissions.append(_read_permission(cursor))
    cursor.close("}", "`,`")
    return tuple(permissions)


def _read_permission(cursor: Cursor) -> Word:
    token = cursor.token
    if token.kind != WORD or not _PERMISSION.fullmatch(token.text):
        raise cursor.error("a permission")
    cursor.take()
    return Word(token.text.upper(), token.start + 1)


_PERMISSION = re.compile(rf"[A-Za-z0-9_{HOLES}]+")


def _read_optional_resources(cursor: Cursor) -> tuple[Word, ...]:
    return () if cursor.token.folded == "in" else _read_resources(cursor, several=True)


def _read_resources(cursor: Cursor, *, several: bool) -> tuple[Word, ...]:
    resources = [_read_resource(cursor)]
    while several and cursor.accept(","):
        resources.append(_read_resource(cursor))
    return tuple(resources)


def _read_resource(cursor: Cursor) -> Word:
    token = cursor.token
    if token.kind != WORD or token.folded in ("in", "where", "to"):
        raise cursor.error("a resource type")
    cursor.take()
    return Word(token.folded, token.start + 1)


def _read_association(cursor: Cursor, effect: Effect) -> Association:
    cursor.expect("with")
    resource = _read_resource(cursor)
    cursor.expect("in")
    return Association(resource, _read_location(cursor, effect, associating=True, second=True))


def _read_location(cursor: Cursor, effect: Effect, *, associating: bool, second: bool = False) -> Location:
    column = cursor.column
    endorsing = effect in _NAMES_FOREIGN
    foreign = endorsing or (associating and effect != "allow" and effect != "deny")
    if cursor.accept("tenancy"):
        if foreign and (cursor.at_name() or not associating):
            return Location("tenancy", tenancy=_read_plain_name(cursor, "a tenancy name"), column=column)
        return Location("tenancy", column=column)
    if (endorsing or second) and cursor.accept("any-tenancy"):
        return Location("any-tenancy", column=column)
    also = ("`any-tenancy`",) if endorsing or second else ()
    if not cursor.accept("compartment"):
        raise cursor.error("a location", "`tenancy`", "`compartment`", *also)
    path, ocid, column = _read_compartment(cursor)
    tenancy = None
    if foreign and (cursor.token.folded == "of" or not associating):
        cursor.expect("of")
        cursor.expect("tenancy")
        tenancy = _read_plain_name(cursor, "a tenancy name")
    return Location("compartment", path, ocid, tenancy, column)


def _read_compartment(cursor: Cursor) -> tuple[tuple[str, ...], str | None, int]:
    """Path, OCID and the column of whichever it is."""
    if cursor.accept("id"):
        ocid = _read_ocid(cursor)
        return (), ocid.text, ocid.column
    column = cursor.column
    names = [_read_plain_name(cursor, "a compartment name")]
    while cursor.accept(":"):
        names.append(_read_plain_name(cursor, "a compartment name"))
    return tuple(names), None, column

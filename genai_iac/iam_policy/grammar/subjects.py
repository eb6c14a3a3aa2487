"""The grammar of who: subjects, names with and without a domain, OCIDs."""

import re

from genai_iac.iam_policy.grammar.token_stream import TokenStream
from genai_iac.iam_policy.grammar.tokens import HOLES, QUOTED, unquote
from genai_iac.iam_policy.syntax_tree import Name, Ocid, Subject, SubjectKind

_LISTED: dict[str, SubjectKind] = {"group": "group", "dynamic-group": "dynamic-group", "service": "service"}
_EVERYBODY: dict[str, SubjectKind] = {"any-user": "any-user", "any-group": "any-group"}
_OCID = re.compile(
    rf"(?:ocid1\.[a-z0-9]+\.[\w.\-{HOLES}]+|ocid1\.[\w.\-]*[{HOLES}][\w.\-{HOLES}]*|[{HOLES}])", re.I | re.A
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

"""The grammar of where: the policy's own places, and those of other tenancies in admit and endorse."""

from genai_iac.iam_policy.grammar.subjects import read_ocid, read_plain_name
from genai_iac.iam_policy.grammar.token_stream import TokenStream
from genai_iac.iam_policy.grammar.tokens import is_placeholder
from genai_iac.iam_policy.syntax_tree import Effect, Location

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

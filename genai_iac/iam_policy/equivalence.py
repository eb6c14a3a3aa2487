"""Whether two lists of statements mean the same: case, spacing, quotes, order, repetition and names for OCIDs do not count.

Values and patterns of conditions are compared letter by letter although OCI matches them in any case, so that no edit of one is taken
for none.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from genai_iac.iam_policy.condition_variables import MOMENT, TIME_OF_DAY, read_moment
from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.name_resolution import Directory, resolve_known
from genai_iac.iam_policy.parser import parse_once
from genai_iac.iam_policy.printer import unparse, unparse_condition
from genai_iac.iam_policy.syntax_tree import (
    Association,
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    Definition,
    FunctionCall,
    Grant,
    Location,
    Name,
    Ocid,
    Operand,
    Presence,
    QuotedValue,
    Statement,
    Subject,
    Word,
)

_T = TypeVar("_T")


def is_equivalent(left: Sequence[str], right: Sequence[str], directory: Directory | None, attached: str) -> bool:
    """Whether the two lists grant the same, as sets, in a policy of the compartment ``attached``.

    Without a directory a name never equals an OCID. A statement that does not parse equals only its own text.

    Args:
        left: statements in any order.
        right: statements in any order.
        directory: names to OCIDs; None leaves names as they are.
        attached: OCID; compartment paths start there.
    """
    left_texts, right_texts = set(map(fold_spaces, left)), set(map(fold_spaces, right))
    if left_texts == right_texts:
        return True
    # what is common needs no reading, unless a rewritten repetition of it stands on one side
    only_left = {canonical_text(text, directory, attached) for text in left_texts - right_texts}
    only_right = {canonical_text(text, directory, attached) for text in right_texts - left_texts}
    if only_left == only_right:
        return True
    common = {canonical_text(text, directory, attached) for text in left_texts & right_texts}
    return only_left | common == only_right | common


def fold_spaces(text: str) -> str:
    """The text with runs of white space made one space, unless they may lie within quotes.

    A cheap first comparison: most statements of an unchanged policy differ in nothing else.
    """
    return text.strip() if "'" in text or "/" in text else " ".join(text.split())


def canonical_text(text: str, directory: Directory | None, attached: str) -> str:
    """One text for all statements that mean the same; for one that does not parse, itself with white space folded.

    Args:
        text: one statement, parsed or not parseable.
    """
    try:
        return unparse(canonical(parse_once(text), directory, attached))
    except PolicySyntaxError:
        return " ".join(text.split())


def canonical(statement: Statement, directory: Directory | None, attached: str) -> Statement:
    """The one tree for all statements that mean the same. Names that the directory does not know stay names.

    Args:
        statement: parsed; not changed.
    """
    if directory is not None:
        statement = resolve_known(statement, directory, attached, lambda _: None)
    if isinstance(statement, Definition):
        return replace(statement, name=_name(statement.name), id=statement.id.lower())
    return _grant(statement, attached.lower())


def _grant(grant: Grant, attached: str) -> Grant:
    association = grant.association
    if association is not None:
        association = Association(association.resource, _location(association.location, attached))
    return replace(
        grant,
        subject=_subject(grant.subject),
        location=_location(grant.location, attached),
        resources=_words(grant.resources),
        permissions=_words(grant.permissions),
        source=None if grant.source is None else _location(grant.source, attached),
        association=association,
        condition=None if grant.condition is None else canonical_condition(grant.condition),
    )


def _subject(subject: Subject) -> Subject:
    members = {_member(member) for member in subject.members}
    return replace(subject, members=tuple(sorted(members, key=_member_key)))


def _member(member: Name | Ocid) -> Name | Ocid:
    return Ocid(member.text.lower(), member.column) if isinstance(member, Ocid) else _name(member)


def _name(name: Name) -> Name:
    """A name without a domain is one of the default domain, and is written so."""
    domain = None if name.domain is None else name.domain.lower()
    return Name(name.text.lower(), None if domain == "default" else domain, name.column)


def _member_key(member: Name | Ocid) -> tuple[str, str]:
    return (member.domain or "" if isinstance(member, Name) else "", member.text)


def _words(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(sorted(set(words), key=lambda word: word.text))


def _location(location: Location, attached: str) -> Location:
    """Names in lower case; the tenancy by its OCID, in a policy of the tenancy, is `tenancy`."""
    own = location.id is not None and not location.foreign and location.id.lower() == attached
    if own and attached.startswith("ocid1.tenancy."):
        return Location("tenancy", column=location.column)
    return replace(
        location,
        path=tuple(name.lower() for name in location.path),
        id=None if location.id is None else location.id.lower(),
        tenancy=None if location.tenancy is None else location.tenancy.lower(),
    )


def canonical_condition(condition: Condition) -> Condition:
    """Groups of one are opened, groups in a group of their own kind are emptied into it, members are sorted.

    `all {a, a}` and `a` mean the same and get the same tree. The order inside a group does
    not count.
    """
    if isinstance(condition, ConditionGroup):
        items = _unique(_flat(condition), unparse_condition)
        return items[0] if len(items) == 1 else replace(condition, items=items)
    if isinstance(condition, Presence):
        return replace(condition, variable=_variable(condition.variable))
    if isinstance(condition, FunctionCall):
        arguments = tuple(map(_argument, condition.arguments))
        return replace(condition, arguments=tuple(sorted(arguments, key=repr)))  # both functions are symmetric
    return _comparison(condition)


def _flat(group: ConditionGroup) -> Iterable[Condition]:
    """The members of a group, with nested groups of the same mode opened."""
    for item in map(canonical_condition, group.items):
        if isinstance(item, ConditionGroup) and item.mode == group.mode:
            yield from item.items
        else:
            yield item


def _comparison(comparison: Comparison) -> Comparison:
    """One form per meaning: `in` with one value is `=`; variables on both sides of `=` are sorted."""
    left, right, operator = _variable(comparison.left), tuple(map(_operand, comparison.right)), comparison.operator
    if operator in ("in", "not in"):
        right = _unique(right, _operand_key)
        if len(right) == 1:
            operator = "=" if operator == "in" else "!="
    if operator in _SYMMETRIC and isinstance(right[0], ConditionVariable) and right[0].text < left.text:
        left, right = right[0], (left,)
    if left.text.startswith("request.utc-timestamp"):
        right = tuple(_time(operand) for operand in right)
    return replace(comparison, left=left, operator=operator, right=right)


_SYMMETRIC = frozenset({"=", "!="})


def _time(operand: Operand) -> Operand:
    """A time in one of the ways to write it: a moment in UTC, a time of day with its seconds."""
    if not isinstance(operand, QuotedValue):
        return operand
    text = operand.text
    moment = read_moment(text) if MOMENT.fits(text) else None
    if moment is not None:
        return QuotedValue(moment.isoformat().replace("+00:00", "Z"), operand.column)
    if TIME_OF_DAY.fits(text):
        bare = text.upper().removesuffix("Z")
        return QuotedValue((bare if bare.count(":") == 2 else bare + ":00") + "Z", operand.column)
    return operand


def _argument(argument: Operand | tuple[Operand, ...]) -> Operand | tuple[Operand, ...]:
    if isinstance(argument, tuple):
        return _unique(map(_operand, argument), _operand_key)
    return _operand(argument)


def _operand(operand: Operand) -> Operand:
    return _variable(operand) if isinstance(operand, ConditionVariable) else operand


def _variable(variable: ConditionVariable) -> ConditionVariable:
    return ConditionVariable(variable.text.lower(), variable.column)


def _operand_key(operand: Operand) -> str:
    return f"{type(operand).__name__} {operand.text}"


def _unique(items: Iterable[_T], key: Callable[[_T], str]) -> tuple[_T, ...]:
    """Without repetitions, sorted by key."""
    keyed = {key(item): item for item in items}
    return tuple(keyed[k] for k in sorted(keyed))

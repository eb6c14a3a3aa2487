"""Statements with placeholders ``${…}``. A placeholder is a token of a kind, never text: no value can change a statement's shape.

A value is checked against the grammar of its placeholder's kind and quoted where names may be quoted; the result is parsed, and must be
the template's own tree with nothing but those leaves filled. So a value cannot add a subject, climb a compartment path, end a quote,
widen a value to a pattern or begin another statement. A placeholder that stands alone for a compartment takes a path (``a:b:c``) only if
its name ends in ``.path``; elsewhere a name is one name. One that stands for a whole place (``in ${…}``) takes `tenancy`, `compartment
NAME`, a path or `compartment id OCID`, and nothing after it.

What the grammar reads and the service certainly refuses is found here too, in the text alone: OCIDs without `id`, places out of reach.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.iam_policy.errors import PolicySyntaxError, PolicyValueError
from genai_iac.iam_policy.grammar.tokens import PATTERN, QUOTED, Token, quote, split_tokens, unquote
from genai_iac.iam_policy.parser import parse, parse_tokens
from genai_iac.iam_policy.placeholders import (
    PlaceholderKind,
    check_value,
    find_kinds,
    keeps_shape,
    location_of,
    sample_value,
)
from genai_iac.iam_policy.printer import unparse, write_location, write_name
from genai_iac.iam_policy.syntax_tree import Grant, Location, Name, Statement
from genai_iac.iam_policy.template_scanner import (
    ScannedTemplate,
    placeholder_numbers,
    restore,
    scan_template,
    substitute,
)

_T = TypeVar("_T")


class Placeholder(Struct, frozen=True):
    """One placeholder: the name between the braces, the kind of token that it fills, its 1-based column."""

    name: str  # without braces, such as `ApiKey/chat.id`
    kind: PlaceholderKind
    column: int  # in the template's text


class Slot(Struct, frozen=True):
    """A token with placeholders: where it stands in the cut text, what it is, and its text without quotes."""

    start: int  # offsets in the scanned text
    end: int
    token_kind: int
    inner: str
    placeholders: tuple[int, ...]  # numbers of the placeholders in the token
    alone: bool  # one placeholder is the whole token


class Template(Struct, frozen=True, eq=False):
    """A statement with placeholders, read once and filled many times.

    Frozen and cached by text: validation, plan and apply use the same object.
    """

    text: str  # as written
    placeholders: tuple[Placeholder, ...]
    _cut: ScannedTemplate
    _slots: tuple[Slot, ...]
    tree: Statement  # with a private character for each placeholder: see ``column``, ``shown``

    @staticmethod
    def parse(text: str) -> "Template":
        """Read a template, or remember it. Raises PolicySyntaxError as ``parse`` does, also for a placeholder of more than a token.

        Args:
            text: with `${NAME}` placeholders; `$${` is a literal.
        """
        return _read_template(text)

    def fill(self, values: Mapping[str, str]) -> str:
        """The statement with every placeholder filled, otherwise as written.

        ``values`` are by placeholder name; names that the template has not are left alone. Raises PolicyValueError for a placeholder
        without a value and for a value that does not fit its placeholder.

        The result is text that parses to the template's own tree with the leaves replaced;
        anything else is an error.
        """
        chosen: dict[int, str] = {}
        pieces: list[str] = []
        at = 0
        proven = True
        for slot in self._slots:
            for number in slot.placeholders:
                chosen[number] = value = self._choose(number, values, alone=slot.alone)
                proven &= keeps_shape(self.placeholders[number].kind, slot.token_kind, value, alone=slot.alone)
            pieces += (self._cut.text[at : slot.start], self._write(slot, chosen))
            at = slot.end
        text = "".join((*pieces, self._cut.text[at:]))
        if not proven:
            self._prove_shape(text, chosen)
        return text

    def column(self, column: int) -> int:
        """Where something of ``tree`` stands in the template's text.

        Args:
            column: 1-based, in the scanned text.
        """
        return self._cut.offset(column - 1) + 1

    def shown(self, text: str) -> str:
        """A text made from ``tree``, with its placeholders as people wrote them."""
        return restore(text, self._cut.names)

    def example(self) -> str:
        """The statement with a stand-in in every placeholder, for checks that want a whole statement before values are known.

        Raises PolicyValueError if one name stands where no value could fit, say as a name and as an OCID.
        """
        return self.fill(self.stand_ins())

    def stand_ins(self) -> dict[str, str]:
        """A value for every placeholder name. It fits all the places of that name, unless no value could.

        Used to check a statement before any value is known.
        """
        places: defaultdict[str, list[tuple[PlaceholderKind, bool]]] = defaultdict(list)
        for slot in self._slots:
            for number in slot.placeholders:
                places[self.placeholders[number].name].append((self.placeholders[number].kind, slot.alone))
        return {name: _fitting(name, found) for name, found in places.items()}

    def _choose(self, number: int, values: Mapping[str, str], *, alone: bool) -> str:
        placeholder = self.placeholders[number]
        value = values.get(placeholder.name)
        if value is None:
            raise PolicyValueError(placeholder.name, "", f"${{{placeholder.name}}} has no value", placeholder.column)
        reason = check_value(placeholder.kind, value, alone=alone)
        if reason is not None:
            message = f"the value {value!r} of ${{{placeholder.name}}} {reason}"
            raise PolicyValueError(placeholder.name, value, message, placeholder.column, reason)
        return _normal(placeholder.kind, value)

    def _write(self, slot: Slot, chosen: dict[int, str]) -> str:
        filled = substitute(slot.inner, chosen)
        if slot.token_kind == PATTERN:
            return f"/{filled}/"
        kind = self.placeholders[slot.placeholders[0]].kind
        if kind == "location":
            return write_location(location_of(filled))
        if kind == "path":
            return ":".join(map(write_name, filled.split(":")))
        if slot.token_kind == QUOTED or kind == "value":
            return quote(filled)
        return write_name(filled) if kind == "name" else filled

    def _prove_shape(self, text: str, chosen: dict[int, str]) -> None:
        """Parse the filled text and compare it with the template's tree.

        Raises PolicyValueError when a value changed more than leaves.

        Values that cannot do that by their own grammar skip it (`keeps_shape`), which is most
        of them.
        """
        try:
            proven = parse(text) == _fill(self.tree, chosen)
        except PolicySyntaxError:
            proven = False
        if not proven:
            placeholder = self.placeholders[0]
            message = f"the values of {', '.join('${' + placeholder.name + '}' for placeholder in self.placeholders)} change the statement"
            raise PolicyValueError(placeholder.name, chosen[0], message, placeholder.column)


def _fitting(name: str, places: Sequence[tuple[PlaceholderKind, bool]]) -> str:
    """A sample value for one name that fits all its occurrences, or the first one when none can."""
    values = [sample_value(kind, name, alone) for kind, alone in places]
    fits_all = (v for v in values if all(check_value(kind, v, alone=alone) is None for kind, alone in places))
    return next(fits_all, values[0])


@lru_cache(maxsize=100_000)
def _read_template(text: str) -> Template:
    """Validating, planning and applying read the same templates: once is enough."""
    cut = scan_template(text)
    tokens = split_tokens(cut.text)
    try:
        tree = parse_tokens(cut.text, tokens)
    except PolicySyntaxError as error:
        raise _seen_in_template(error, text, cut) from None
    kinds = find_kinds(tree, cut.names)
    places = enumerate(zip(cut.names, cut.columns, strict=True))
    placeholders = tuple(Placeholder(name, kinds[number], column) for number, (name, column) in places)
    return Template(text, placeholders, cut, tuple(_find_slots(tokens)), tree)


def _seen_in_template(error: PolicySyntaxError, text: str, cut: ScannedTemplate) -> PolicySyntaxError:
    """The error as it looks in the template: placeholders by their names, columns of the template's text."""
    start = min(error.column - 1, len(cut.text))
    hint = error.hint if error.hint is None else restore(error.hint, cut.names)
    if placeholder_numbers(cut.text[start : start + 1]):
        hint = "a placeholder stands for one name, OCID, value, verb, permission or resource type; write out what is around it"
    return PolicySyntaxError(
        restore(error.message, cut.names),
        text=text,
        column=cut.offset(start) + 1,
        expected=error.expected,
        hint=hint,
    )


def _find_slots(tokens: Iterable[Token]) -> Iterator[Slot]:
    """The tokens of a template that contain placeholders."""
    for token in tokens:
        if not token.text.isascii() and (numbers := placeholder_numbers(token.text)):
            inner = unquote(token.text) if token.kind == QUOTED else token.text.removeprefix("/").removesuffix("/")
            yield Slot(token.start, token.start + len(token.text), token.kind, inner, numbers, len(inner) == 1)


def _normal(kind: PlaceholderKind, value: str) -> str:
    """The value in the case that the tree keeps it in."""
    if kind == "permission":
        return value.upper()
    return value.lower() if kind in ("verb", "resource") else value


def _fill(node: _T, chosen: dict[int, str]) -> _T:
    """The tree with its leaves filled; a placeholder that is a whole step of a path may become several steps."""
    if isinstance(node, str):
        return cast(_T, substitute(node, chosen))
    if isinstance(node, tuple):
        return cast(_T, tuple(_fill(item, chosen) for item in node))
    if not isinstance(node, Struct):
        return node
    if isinstance(node, Location) and node.placeholder is not None:
        return cast(_T, location_of(substitute(node.placeholder, chosen)))
    changes = {name: _fill(getattr(node, name), chosen) for name in node.__struct_fields__}
    if isinstance(node, Location):
        changes["path"] = tuple(_fill_path(node.path, chosen))
    return replace(node, **changes)


def _fill_path(path: tuple[str, ...], chosen: dict[int, str]) -> Iterator[str]:
    for step in path:
        filled = substitute(step, chosen)
        yield from filled.split(":") if len(step) == 1 and placeholder_numbers(step) else (filled,)


class Refusal(Struct, frozen=True):
    """Why, at which 1-based column, what to type instead, and the whole statement put right if that is certain."""

    column: int  # 1-based
    message: str
    fix: str  # a hint for people
    replacement: str | None = None


def find_refusals(statement: Statement | Template, *, in_tenancy: bool = True) -> Iterator[Refusal]:
    """Everything of the sort in one statement, or in a template whose values are not known yet.

    ``in_tenancy``: the policy is attached to the tenancy itself, so that no place is out of its reach.

    Args:
        statement: parsed, or a template.
    """
    if isinstance(statement, Template):
        for found in find_refusals(statement.tree, in_tenancy=in_tenancy):
            yield Refusal(statement.column(found.column), statement.shown(found.message), statement.shown(found.fix))
    elif isinstance(statement, Grant):
        yield from missing_ids(statement)
        if not in_tenancy:
            yield from _out_of_reach(statement)


def missing_ids(grant: Grant) -> Iterator[Refusal]:
    """OCIDs in the places of names."""
    location = grant.location
    if len(location.path) == 1 and location.path[0].lower().startswith("ocid1."):
        ocid = location.path[0]
        fixed = replace(grant, location=Location("compartment", (), ocid, location.tenancy))
        message = "an OCID without `id` is read as a name, which no compartment has"
        yield Refusal(location.column, message, f"write compartment id {ocid}", unparse(fixed))
    for member in grant.subject.members if grant.subject.kind in ("group", "dynamic-group") else ():
        if isinstance(member, Name) and member.text.lower().startswith("ocid1."):
            message = "an OCID without `id` is read as a name, which no group has"
            yield Refusal(member.column, message, f"write {grant.subject.kind} id {member.text}")


def _out_of_reach(grant: Grant) -> Iterator[Refusal]:
    location = grant.location
    if location.scope == "tenancy" and not location.foreign:
        message = "`in tenancy` reaches outside the compartment that the policy is attached to"
        yield Refusal(location.column, message, "attach the policy to the tenancy, or name the compartment")

"""What can be said of policy statements offline: their syntax, values that fit no hole, what the service is certain to refuse."""

from __future__ import annotations

from collections.abc import Iterator

from genai_iac import policy as language
from genai_iac.errors import Problem
from genai_iac.model import Document, ExistingCompartment, Reference, StatementText, Value, read_compartment

_FAMILIES = {"ApiKey": "generativeaiapikey", "Compartment": "compartment"}


def check_statements(document: Document) -> Iterator[Problem]:
    """The problems of a Policy's statements, each at its statement."""
    in_tenancy = _is_tenancy(read_compartment(document.spec.get("compartment", "tenancy")))
    for index, statement in enumerate(document.spec.get("statements", ())):
        for column, message, hint in _judge(statement, in_tenancy):
            place = document.place("spec", "statements", index)
            yield Problem(place, f"column {column} of the statement: {message}", hint)


def _is_tenancy(attached: Value) -> bool:
    if isinstance(attached, str):
        return not attached.lower().startswith("ocid1.compartment.")
    return attached == ExistingCompartment("/")


def _judge(statement: Value, in_tenancy: bool) -> Iterator[tuple[int, str, str]]:
    try:
        read = _read(statement)
    except language.PolicySyntaxError as error:
        yield error.column, error.message, error.hint or ""
        return
    if isinstance(statement, StatementText) and isinstance(read, language.Template):
        yield from _misfits(read, statement)
    for refusal in language.find_refusals(read, in_tenancy=in_tenancy):
        yield refusal.column, refusal.message, refusal.fix


def _read(statement: Value) -> language.Statement | language.Template:
    if isinstance(statement, StatementText):
        return language.Template.parse(statement.template)
    return language.parse_once(str(statement))


def _misfits(template: language.Template, statement: StatementText) -> Iterator[tuple[int, str, str]]:
    """The first value that fits no hole. A reference fits as what it will be."""
    holes = dict(statement.holes)
    values = {name: _stand_in(hole) if isinstance(hole, Reference) else str(hole) for name, hole in holes.items()}
    try:
        template.fill(values)
    except language.PolicyValueError as error:
        told = isinstance(holes.get(error.hole), Reference) and error.reason
        message, _, hint = (f"${{{error.hole}}} {error.reason}" if told else error.message).partition("; ")
        yield error.column, message, hint


def _stand_in(reference: Reference) -> str:
    name = reference.address.name
    if reference.field != "id":
        return name
    return f"ocid1.{_FAMILIES.get(reference.address.kind, 'resource')}.oc1..{name}"

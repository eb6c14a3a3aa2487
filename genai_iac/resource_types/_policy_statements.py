"""What can be said of policy statements offline: their syntax, values that fit no placeholder, what the service is certain to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from genai_iac import iam_policy as language
from genai_iac.core import Address, Document, ExistingCompartment, Reference, StatementText, Value, read_compartment
from genai_iac.core.errors import Problem
from genai_iac.core.resource import check_each
from genai_iac.iam_policy.unknown_words import find_unknown_words
from genai_iac.vocabulary import is_routing_profile

# By API of a grant: the narrowest verb and resource type that are enough.
_WHAT = {"chat": "use generative-ai-chat", "responses": "manage generative-ai-response"}

GRANT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiKey"],
    "properties": {
        "apiKey": {
            "type": "string",
            "description": "A declared ApiKey, by its metadata.name.",
            "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
        },
        "apis": {
            "type": "array",
            "description": "What it may call. Default: chat.",
            "items": {"enum": list(_WHAT)},
            "minItems": 1,
            "uniqueItems": True,
            "default": ["chat"],
        },
        "models": {
            "type": "array",
            "description": "The models or routing profiles (by OCID, in the key's compartment) it may use. Default: any.",
            "items": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9._:/-]{1,255}$",
                "$comment": "models by a pattern take `statements`, with … where all {…, target.model.id = /openai.*/}",
            },
            "minItems": 1,
            "uniqueItems": True,
            "examples": [["openai.gpt-oss-120b"]],
        },
    },
}


def granted_keys(grants: Iterable[Mapping[str, Any]]) -> Iterator[Reference]:
    """The keys that the grants name.

    Args:
        grants: `spec.grants`.
    """
    for grant in grants:
        yield Reference(Address("ApiKey", grant["apiKey"]))


def grant_statements(grant: Mapping[str, Any], compartments: Mapping[str, Value]) -> Iterator[Value]:
    """One statement an API, and one more for routing profiles; `compartments` says in which compartment each key is.

    Args:
        grant: one entry of `spec.grants`.
        compartments: by metadata.name of the key.
    """
    home = compartments[grant["apiKey"]]
    for api in grant.get("apis", ("chat",)):
        yield _write(_WHAT[api], grant["apiKey"], home, grant.get("models", ()))
    if any(isinstance(model, str) and is_routing_profile(model) for model in grant.get("models", ())):
        # needed beside the inference permission (Oracle: routing-profile-permissions.htm)
        yield _write("read generative-ai-routing-profile", grant["apiKey"], home, ())


def _write(what: str, key: str, home: Value, models: Sequence[str]) -> Value:
    """One statement for one key in its own compartment, with one placeholder per value."""
    placeholders: list[tuple[str, str | Reference | ExistingCompartment]] = [("key", Reference(Address("ApiKey", key)))]
    place = "tenancy"
    if home != ExistingCompartment("/"):
        place = "compartment id ${compartment}"
        placeholders.append(("compartment", home))  # type: ignore[arg-type]
    conditions = ["request.principal.type = 'generativeaiapikey'", "request.principal.id = '${key}'"]
    if models:
        names = [f"model{index}" for index in range(len(models))]
        conditions.append("target.model.id in (" + ", ".join(f"'${{{name}}}'" for name in names) + ")")
        placeholders.extend(zip(names, models, strict=True))
    return StatementText(
        f"allow any-user to {what} in {place} where all {{{', '.join(conditions)}}}", tuple(placeholders)
    )


_FAMILIES = {"ApiKey": "generativeaiapikey", "Compartment": "compartment"}


def check_statements(document: Document) -> Iterator[Problem]:
    """The problems of a Policy's statements, each at its statement.

    A statement whose values are not known is checked with sample values.
    """
    in_tenancy = _is_tenancy(read_compartment(document.spec.get("compartment", "tenancy")))

    def check(index: int, statement: Value) -> Iterator[Problem]:
        for column, message, hint in _find_faults(statement, in_tenancy):
            place = document.place("spec", "statements", index)
            yield Problem(place, f"column {column} of the statement: {message}", hint)

    yield from check_each(document.spec.get("statements", ()), check)


def _is_tenancy(attached: Value) -> bool:
    """Whether the policy is attached to the tenancy; an OCID of a tenancy counts."""
    if isinstance(attached, str):
        return not attached.lower().startswith("ocid1.compartment.")
    return attached == ExistingCompartment("/")


def _find_faults(statement: Value, in_tenancy: bool) -> Iterator[tuple[int, str, str]]:
    """Problems of one statement: column, message, hint. A syntax error hides the others."""
    try:
        read = _read(statement)
    except language.PolicySyntaxError as error:
        yield error.column, error.message, error.hint or ""
        return
    if isinstance(statement, StatementText) and isinstance(read, language.Template):
        yield from _misfits(read, statement)
    for refusal in language.find_refusals(read, in_tenancy=in_tenancy):
        yield refusal.column, refusal.message, refusal.fix
    yield from _unknown_words(read)


def _unknown_words(read: language.Statement | language.Template) -> Iterator[tuple[int, str, str]]:
    """Words that the service is certain not to know. `lint` warns of those that may only be unknown to us."""
    tree = read.tree if isinstance(read, language.Template) else read
    for word in find_unknown_words(tree):
        if word.certain and word.text.isascii():  # a word with a placeholder in it is judged when it is filled
            column = read.column(word.column) if isinstance(read, language.Template) else word.column
            yield column, str(word), f"did you mean {word.guess}?" if word.guess else "give the name of a service"


def _read(statement: Value) -> language.Statement | language.Template:
    if isinstance(statement, StatementText):
        return language.Template.parse(statement.template)
    return language.parse_once(str(statement))


def _misfits(template: language.Template, statement: StatementText) -> Iterator[tuple[int, str, str]]:
    """The first value that fits no placeholder. A reference fits as what it will be."""
    placeholders = dict(statement.placeholders)
    values = {
        name: _stand_in(placeholder) if isinstance(placeholder, Reference) else str(placeholder)
        for name, placeholder in placeholders.items()
    }
    try:
        template.fill(values)
    except language.PolicyValueError as error:
        of_reference = isinstance(placeholders.get(error.placeholder), Reference) and error.reason
        message, _, hint = (f"${{{error.placeholder}}} {error.reason}" if of_reference else error.message).partition(
            "; "
        )
        yield error.column, message, hint


def named_steps(statement: Value) -> Iterator[str]:
    """The names of compartments in a statement's places, each step of a path by itself; none of what cannot be read.

    `b:c` gives both names: renaming either of them concerns the policy.
    """
    try:
        if isinstance(statement, StatementText) and not _may_name(language.Template.parse(statement.template).tree):
            return  # filling would not change that, and costs more than everything else that a plan does with a grant
        tree = language.parse_once(_with_stand_ins(statement))
    except (language.PolicySyntaxError, language.PolicyValueError):
        return
    yield from (name for place in _places(tree) if not place.foreign for name in place.path)


def _places(tree: language.Statement) -> Iterator[language.Location]:
    if isinstance(tree, language.Grant):
        yield tree.location
        if tree.association:
            yield tree.association.location


def _may_name(tree: language.Statement) -> bool:
    """Whether a template's statement names a compartment, or has a placeholder that may."""
    return any(place.path or place.placeholder is not None for place in _places(tree))


def _with_stand_ins(statement: Value) -> str:
    """The statement as text, with values where they are known and samples elsewhere."""
    if not isinstance(statement, StatementText):
        return str(statement)
    values = {
        name: value if isinstance(value, str) else _stand_in(value) if isinstance(value, Reference) else "placeholder"
        for name, value in statement.placeholders
    }
    template = language.Template.parse(statement.template)
    return template.fill({**template.stand_ins(), **_fitting(template, values)})


def _fitting(template: language.Template, values: Mapping[str, str]) -> dict[str, str]:
    """The values that fit their placeholders; the others are reported by `validate`."""
    samples = template.stand_ins()
    with suppress(language.PolicyValueError):
        template.fill({**samples, **values})
        return dict(values)
    found: dict[str, str] = {}
    for name, value in values.items():
        try:
            template.fill({**samples, name: value})
        except language.PolicyValueError:
            continue
        found[name] = value
    return found


def _stand_in(reference: Reference) -> str:
    name = reference.address.name
    if reference.field != "id":
        return name
    return f"ocid1.{_FAMILIES.get(reference.address.kind, 'resource')}.oc1..{name}"

"""`${…}`: values, references, literals, and the column of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.core import Address, InterpolatedText, Reference, StatementText
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.placeholders import (
    Interpolation,
    PlaceholderErrors,
    Scope,
    Unknown,
    interpolate,
    interpolate_statement,
)
from genai_iac.manifest.yaml_reader import read_yaml

CHAT = Address("Compartment", "chat")
SCOPE = Scope(
    "stack",
    {"env": "dev", "count": 3, "rate": 0.5, "on": True, "odd": "a$", "placeholder": "${var.env}"},
    {"ApiKey": ("id",), "Compartment": ("id", "name", "path"), "Policy": ("id",)},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("chat-${var.env}", "chat-dev"),
        ("${var.env}", "dev"),
        ("${var.count}", 3),
        ("${var.rate}", 0.5),
        ("${var.on}", True),
        ("${var.count}d", "3d"),
        ("is ${var.on}", "is true"),
        ("${var.env}${var.env}", "devdev"),
        ("${Stack.name}", "stack"),
        ("$${var.env}", "${var.env}"),
        ("$$${var.env}", "$${var.env}"),
        ("$", "$"),
        ("$$ {a} $a $(b)", "$$ {a} $a $(b)"),
        ("${var.placeholder}", "${var.env}"),
        ("${var.odd}{x}", "a${x}"),
        ("${Compartment/chat.id}", Reference(CHAT)),
        ("${Compartment/chat.name}", Reference(CHAT, "name")),
        ("${Compartment/chat.path}", Reference(CHAT, "path")),
        ("${ApiKey/k-1.id}", Reference(Address("ApiKey", "k-1"))),
        (
            "a ${Compartment/chat.id}",
            InterpolatedText("a ${Compartment/chat.id}", (("Compartment/chat.id", Reference(CHAT)),)),
        ),
        (
            "${var.odd}${Compartment/chat.id}$${x}",
            InterpolatedText(
                "${var.odd}${Compartment/chat.id}$${x}", (("var.odd", "a$"), ("Compartment/chat.id", Reference(CHAT)))
            ),
        ),
    ],
)
def test_values(text: str, value: object) -> None:
    assert interpolate(text, SCOPE) == value


NONSENSE = [
    *(
        "${}",
        "${var}",
        "${var.}",
        "${var.a.b}",
        "${ var.env }",
        "${VAR.env}",
        "${env}",
        "${Stack}",
        "${Stack.id}",
        "${Stack.region}",
    ),
    *(
        "${Compartment.id}",
        "${Compartment/chat}",
        "${Compartment/chat.}",
        "${Compartment/Chat.id}",
        "${Compartment/chat.id.x}",
    ),
    *(
        "${Compartment//chat.id}",
        "${",
        "${var.env",
        "${a${var.env}}",
        "${var.env + 1}",
        "${Compartment/chat.ocid}",
        "${ApiKey/k.name}",
    ),
    *("${Policy/p.path}", "${Group/g.id}", "${Stack/chat.id}", "${var.none}"),
]


@pytest.mark.parametrize("text", NONSENSE)
def test_what_no_placeholder_may_say(text: str) -> None:
    with pytest.raises(PlaceholderErrors) as caught:
        interpolate(f"x {text}", SCOPE)
    assert all(error.hint for error in caught.value.errors)


def test_all_mistakes_of_a_string_are_reported_with_their_columns() -> None:
    text = "description: 'a ${x} b $${y} c ${var.none} d ${var.env}'\nblock: |\n  one\n  ${two} ${Stack.name}\nescaped: \"\\x24{z}\"\n"
    (written,) = read_yaml(text, "a.yaml").documents
    notes = FileDiagnostics("a.yaml")
    interpolation = Interpolation(written, SCOPE, notes)
    interpolation.read_spec(written.root)
    assert [str(problem.source) for problem in notes.problems] == [
        "a.yaml:1:17",
        "a.yaml:1:32",
        "a.yaml:4:3",
        "a.yaml:5:10",
    ]
    assert interpolation.broken


def test_references_are_remembered_with_their_places() -> None:
    text = "list:\n  - ${Compartment/chat.id}\n  - a ${var.env} ${ApiKey/k.id} ${Compartment/chat.path}\n"
    (written,) = read_yaml(text, "a.yaml").documents
    interpolation = Interpolation(written, SCOPE, FileDiagnostics("a.yaml"))
    interpolation.read_spec(written.root)
    assert [(str(reference), str(source)) for reference, source in interpolation.references] == [
        ("${Compartment/chat.id}", "a.yaml:2:5"),
        ("${ApiKey/k.id}", "a.yaml:3:18"),
        ("${Compartment/chat.path}", "a.yaml:3:33"),
    ]


def test_statements_keep_their_placeholders() -> None:
    text = "allow group ${var.env} to use x in compartment ${Compartment/chat.path} where a = ${var.on}"
    assert interpolate_statement(text, SCOPE) == StatementText(
        text, (("var.env", "dev"), ("Compartment/chat.path", Reference(CHAT, "path")), ("var.on", "true"))
    )
    assert interpolate_statement("allow $${x}", SCOPE) == "allow ${x}"
    with pytest.raises(PlaceholderErrors, match="literal"):
        interpolate_statement("allow ${var.env} $${x}", SCOPE)


def test_what_is_unknown_is_not_blamed() -> None:
    lost = Scope(None, None, SCOPE.kinds)
    for text in ("${var.env}", "a ${Stack.name}", "${var.none}${Compartment/chat.id}"):
        with pytest.raises(Unknown):
            interpolate(text, lost)
    with pytest.raises(PlaceholderErrors):
        interpolate("${var.env} ${nonsense}", lost)


@given(st.text(alphabet="${}var.envStackCompartment/chat-idx "))
def test_a_string_has_a_value_or_an_error(text: str) -> None:
    value: Any
    try:
        value = interpolate(text, SCOPE)
    except PlaceholderErrors as errors:
        assert all(0 <= error.number <= text.count("${") for error in errors.errors)
        return
    assert isinstance(value, str | int | float | Reference | InterpolatedText)
    if "${" not in text:
        assert value == text

"""Placeholders: what kind each one is, what fits it, and that nothing put into one changes a statement's shape."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from genai_iac.iam_policy import Definition, PolicySyntaxError, PolicyValueError, Template, parse
from genai_iac.iam_policy.placeholders import _GRAMMAR_WORDS

from .corpora import templates
from .hostile import HOSTILE

BENIGN = {
    "name": "team",
    "path": "platform:chat",
    "ocid": "ocid1.compartment.oc1..aaaa",
    "value": "prod",
    "pattern": "prod",
    "variable": "request.user.id",
    "permission": "OBJECT_READ",
    "verb": "read",
    "resource": "buckets",
    "location": "compartment logs",
}


@pytest.mark.parametrize(
    ("text", "kind", "column"),
    [
        ("allow group ${var.team} to read buckets in tenancy", "name", 13),
        ("allow group '${var.d}'/Admins to read buckets in tenancy", "name", 14),
        ("allow dynamic-group id ${var.dg} to read buckets in tenancy", "ocid", 24),
        ("allow group A to ${var.verb} buckets in tenancy", "verb", 18),
        ("allow group A to read ${var.kind}-family in tenancy", "resource", 23),
        ("allow group A to {OBJECT_READ, ${var.p}} in tenancy", "permission", 32),
        ("allow group A to read buckets in compartment ${Compartment/chat.name}", "name", 46),
        ("allow group A to read buckets in compartment ${Compartment/chat.path}", "path", 46),
        ("allow group A to read buckets in compartment id ${Compartment/chat.id}", "ocid", 49),
        ("allow group A to read buckets in tenancy where target.bucket.name = '${var.b}'", "value", 70),
        ("allow group A to read buckets in tenancy where target.bucket.name = ${var.b}", "value", 69),
        ("allow group A to read buckets in tenancy where target.bucket.name = /${var.b}*/", "pattern", 70),
        (
            "allow any-user to read buckets in tenancy where request.principal.group.tag.${var.ns}.k = 'v'",
            "variable",
            77,
        ),
        ("define tenancy Other as ${var.tenancy}", "ocid", 25),
        ("admit group A of tenancy ${var.t} to read buckets in tenancy", "name", 26),
    ],
)
def test_a_placeholder_has_a_kind(text: str, kind: str, column: int) -> None:
    template = Template.parse(text)
    assert [(placeholder.kind, placeholder.column) for placeholder in template.placeholders] == [(kind, column)]
    parse(template.example())


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        (
            "Allow  group ${g} to use x in compartment ${c.path}",
            {"g": "My Team", "c.path": "a:b c"},
            "Allow  group 'My Team' to use x in compartment a:'b c'",
        ),
        ("allow group ${g}-admins to use x in tenancy", {"g": "a b"}, "allow group 'a b-admins' to use x in tenancy"),
        (
            "allow group id ${g} to use x in tenancy",
            {"g": "ocid1.group.oc1..a"},
            "allow group id ocid1.group.oc1..a to use x in tenancy",
        ),
        (
            "allow group where to use x in tenancy".replace("where", "${g}"),
            {"g": "where"},
            "allow group 'where' to use x in tenancy",
        ),
        ("allow group A to ${v} x in tenancy", {"v": "USE"}, "allow group A to use x in tenancy"),
        (
            "allow group A to use x in tenancy where a.b in ('${p}', ${q})",
            {"p": "x, y", "q": "z"},
            "allow group A to use x in tenancy where a.b in ('x, y', 'z')",
        ),
        (
            "allow group A to use x in tenancy where a.b = '$${literal}'",
            {},
            "allow group A to use x in tenancy where a.b = '${literal}'",
        ),
    ],
)
def test_filling_keeps_what_is_written_and_quotes_what_needs_it(text: str, values: dict[str, str], filled: str) -> None:
    assert Template.parse(text).fill(values) == filled


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("allow group ${x} to use y in tenancy", "Domain/Team"),
        ("allow group ${x} to use y in tenancy", "ocid1.group.oc1..a"),
        ("allow group A to use y in compartment ${x}", "a:b"),
        ("allow group A to use y in compartment top:${x}", "a:b"),
        ("allow group A to use y in compartment id ${x}", "chat"),
        ("allow group A to use y in tenancy where a.b = '${x}'", "it's"),
        ("allow group A to use y in tenancy where a.b = '${x}'", "*"),
        ("allow group A to use y in tenancy where a.b = /${x}*/", "a/b"),
        ("allow group A to use ${x} in tenancy", "y, z"),
        ("allow group A to ${x} y in tenancy", "own"),
    ],
)
def test_a_value_of_another_kind_is_refused(text: str, value: str) -> None:
    with pytest.raises(PolicyValueError) as refused:
        Template.parse(text).fill({"x": value})
    assert (refused.value.placeholder, refused.value.value) == ("x", value)
    assert refused.value.column == text.index("${") + 1


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(PolicyValueError, match="has no value"):
        Template.parse("allow group ${x} to use y in tenancy").fill({"y": "z"})


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("allow ${subject} to use y in tenancy", 7),
        ("allow group A to use y in ${place} y", 36),
        ("allow group A to use y in tenancy where ${condition} = ${", 56),
        ("allow group A to use y in tenancy where all {a.b = 'c', ${more}", 64),
        ("allow group ${} to use y in tenancy", 13),
        ("allow group '$${a}' to ${v} y at tenancy", 31),
        ("allow group \ue000 to use y in tenancy", 13),
    ],
)
def test_a_placeholder_is_one_token_and_ends(text: str, column: int) -> None:
    with pytest.raises(PolicySyntaxError) as refused:
        Template.parse(text)
    assert refused.value.column == column
    assert not any("\ue000" <= character <= "\uf8ff" for character in refused.value.message.replace("\ue000", "", 1))


def test_an_example_has_a_stand_in_that_fits_everywhere() -> None:
    template = Template.parse(
        "allow any-user to use y in compartment id ${c.id} where target.compartment.id = '${c.id}'"
    )
    ocid = "ocid1.placeholder.oc1..c-id"
    assert (
        template.example() == f"allow any-user to use y in compartment id {ocid} where target.compartment.id = '{ocid}'"
    )
    assert (
        Template.parse("allow group ${v.x} to {${v.x}} in tenancy").example() == "allow group V_X to {V_X} in tenancy"
    )
    with pytest.raises(PolicyValueError):
        Template.parse("allow group ${x} to use y in compartment id ${x}").example()


def test_published_templates_are_read() -> None:
    """Those that are not hold more than tokens in a placeholder, or are no statements; the benign filling is a statement."""
    texts = templates()
    read = [template for text in texts if (template := _read(text)) is not None]
    assert len(read) > 0.9 * len(texts)
    for template in read:
        parse(template.example())


def test_no_value_changes_a_shape_slice() -> None:
    _try_all(templates()[::8])


@pytest.mark.matrix
def test_no_value_changes_a_shape() -> None:
    _try_all(templates())


@given(st.text(max_size=30), st.sampled_from(sorted(BENIGN)))
def test_no_text_changes_a_shape(value: str, kind: str) -> None:
    for text in _OF_EACH_KIND[kind]:
        template = Template.parse(text)
        _try(template, shape(parse(template.fill({"x": BENIGN[kind]}))), {"x": value})


@given(st.one_of(st.text(max_size=30), st.sampled_from(sorted(_GRAMMAR_WORDS))), st.sampled_from(sorted(BENIGN)))
def test_what_a_value_shows_by_its_own_grammar_the_proof_shows_too(value: str, kind: str) -> None:
    for text in _OF_EACH_KIND[kind]:
        template = Template.parse(text)
        quick = _filled(template, value)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules[Template.__module__], "keeps_shape", lambda *_, **__: False)
            assert _filled(template, value) == quick


def _filled(template: Template, value: str) -> str | None:
    try:
        return template.fill({"x": value})
    except PolicyValueError:
        return None


_OF_EACH_KIND = {
    "name": (
        "allow group ${x}, B to use y in compartment a:b where c.d = 'e'",
        "allow group B to use y in compartment a:${x} where c.d = 'e'",
        "admit group '${x}'/B of tenancy C to use y in tenancy",
        "allow dynamic-group ${x} to {P} in compartment ${x}",
        "endorse group ${x} to use y in compartment ${x} of tenancy ${x}",
        "define group ${x} as ocid1.group.oc1..a",
        "allow resource ${x} y to use z in tenancy",
        "allow service ${x} to use y in tenancy where target.region = 'a'",
        "deny admit group ${x} of tenancy ${x} to associate y in tenancy ${x} with z in compartment ${x} of tenancy ${x}",
    ),
    "path": ("allow group A to use y in compartment id ocid1.compartment.oc1..a",),
    "ocid": ("allow group A to use y in compartment id ${x} where c.d = 'e'",),
    "value": ("allow group A to use y in tenancy where all {c.d = '${x}', e.f in ('${x}', /g*/)}",),
    "pattern": ("allow group A to use y in tenancy where all {c.d = /${x}*/, e.f = 'g'}",),
    "variable": ("allow group A to use y in tenancy where ${x} = 'c'",),
    "permission": ("allow group A to {P, ${x}} in tenancy",),
    "verb": ("allow group A to ${x} y in tenancy",),
    "resource": ("allow group A to use ${x} in tenancy",),
    "location": ("allow group A to use y in ${x} where c.d = 'e'",),
}


def _read(text: str) -> Template | None:
    try:
        return Template.parse(text)
    except PolicySyntaxError:
        return None


def _try_all(texts: list[str]) -> None:
    for template in filter(None, map(_read, texts)):
        expected = shape(parse(template.example()))
        benign = template.stand_ins()
        for value in HOSTILE:
            for placeholder in template.placeholders:
                _try(template, expected, benign | {placeholder.name: value})


def _try(template: Template, expected: object, values: dict[str, str]) -> None:
    try:
        text = template.fill(values)
    except PolicyValueError:
        return
    found = parse(text)
    # its value chooses the sort of place, and nothing else
    if any(placeholder.kind == "location" for placeholder in template.placeholders):
        found = replace(found, location=parse(template.example()).location)  # type: ignore[call-arg, union-attr]
    assert shape(found) == expected, (template.text, values, text)


def shape(node: object) -> object:
    """A tree without its leaves: which nodes, how many of each, in which order."""
    if isinstance(node, tuple):
        return tuple(shape(item) for item in node)
    if isinstance(node, Struct):
        parts = [(name, shape(getattr(node, name))) for name in getattr(node, "content", node.__struct_fields__)]
        fixed = [
            getattr(node, name) for name in ("effect", "scope", "mode", "operator", "function") if hasattr(node, name)
        ]
        return (type(node).__name__, tuple(parts), tuple(fixed))
    return None if node is None else "leaf"


IN_LOCATION = "allow group A to read buckets in ${var.location} where request.region = 'ord'"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("tenancy", "tenancy"),
        ("TENANCY", "tenancy"),
        ("compartment logs", "compartment logs"),
        ("compartment Landing Zone:logs", "compartment 'Landing Zone':logs"),
        ("compartment id ocid1.compartment.oc1..a", "compartment id ocid1.compartment.oc1..a"),
        ("Compartment in:where", "compartment 'in':'where'"),
    ],
)
def test_a_placeholder_for_a_whole_location(value: str, written: str) -> None:
    template = Template.parse(IN_LOCATION)
    assert [placeholder.kind for placeholder in template.placeholders] == ["location"]
    assert template.fill({"var.location": value}) == IN_LOCATION.replace("${var.location}", written)


@pytest.mark.parametrize(
    "value",
    [
        "tenancy where any {request.region = 'x'}",
        "compartment a'",
        "compartment",
        "compartment id a",
        "compartment ocid1.compartment.oc1..a",
        "any-tenancy",
        "compartment a of tenancy b, c",
        "logs",
        "tenancy\nallow",
        *HOSTILE,
    ],
)
def test_what_is_no_location_does_not_fit(value: str) -> None:
    """Whatever is accepted is one place: the rest of the statement stays what it was."""
    template = Template.parse(IN_LOCATION)
    try:
        filled = parse(template.fill({"var.location": value}))
    except PolicyValueError:
        return
    wanted = parse(IN_LOCATION.replace("${var.location}", "tenancy"))
    assert not isinstance(filled, Definition) and not isinstance(wanted, Definition)
    assert replace(filled, location=wanted.location) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "allow group A to read buckets in ${var.a}${var.b}",
        "allow group A to read buckets in x${var.a}",
        "allow group A to read buckets in ${var.a} buckets",
    ],
)
def test_a_placeholder_for_a_location_is_alone(text: str) -> None:
    with pytest.raises(PolicySyntaxError):
        Template.parse(text)

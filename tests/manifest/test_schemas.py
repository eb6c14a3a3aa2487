"""The published schemas: fresh, valid, and of one mind with what loading says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from genai_iac.core import Address, InterpolatedText, Reference, Source
from genai_iac.manifest.yaml_nodes import to_data
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.schema import DOCUMENT_KINDS, build_schemas, check_document, document_schema
from genai_iac.schema.jsonschema_validator import make_validator
from genai_iac.schema.patterns import compile_ecma_pattern, describe_pattern
from genai_iac.schema.validator import compile_acceptor

HERE = Path(__file__).parent
PUBLISHED = HERE.parent.parent / "schemas"
GOOD = [
    to_data(written.root) for written in read_yaml((HERE / "good" / "chat.yaml").read_text(), "chat.yaml").documents
]


def test_the_committed_schemas_are_fresh() -> None:
    committed = {file.name: json.loads(file.read_text()) for file in PUBLISHED.iterdir()}
    assert committed == build_schemas(), "run: genai-iac schema --out schemas"


@pytest.mark.parametrize("name", build_schemas())
def test_each_is_a_schema_with_words(name: str) -> None:
    schema = json.loads((PUBLISHED / name).read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["title"]
    assert schema["description"]


def test_one_schema_a_kind() -> None:
    assert set(build_schemas()) == {
        "document.schema.json",
        "plan.schema.json",
        "test.schema.json",
        *(f"{kind.lower()}.schema.json" for kind in DOCUMENT_KINDS),
    }


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(schema, Mapping):
        for name, inner in schema.get("properties", {}).items():
            yield f"{path}.{name}", inner
        for word, inner in schema.items():
            yield from properties(inner, f"{path}.{word}")
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from properties(inner, f"{path}[{index}]")


@pytest.mark.parametrize("kind", DOCUMENT_KINDS)
def test_every_key_of_a_spec_is_explained(kind: str) -> None:
    spec = build_schemas()[f"{kind.lower()}.schema.json"]["properties"]["spec"]
    unexplained = [
        name for name, inner in spec["properties"].items() if not (inner.get("description") or inner.get("title"))
    ]
    assert not unexplained


@pytest.mark.parametrize("document", GOOD, ids=lambda document: document["kind"])
def test_editors_take_manifests_as_they_are_written(document: dict[str, Any]) -> None:
    schemas = build_schemas()
    for name in ("document.schema.json", f"{document['kind'].lower()}.schema.json"):
        Draft202012Validator(schemas[name]).validate(document)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"displayNam": "x"}, "displayNam"),
        ({"region": "Chicago"}, "region"),
        ({"secrets": []}, "secrets"),
        ({"deletion": "never"}, "deletion"),
        ({"tags": {"a": 1}}, "a"),
    ],
)
def test_editors_see_mistakes(change: dict[str, Any], key: str) -> None:
    key_document = next(copy.deepcopy(document) for document in GOOD if document["kind"] == "ApiKey")
    key_document["spec"].update(change)
    errors = list(Draft202012Validator(build_schemas()["document.schema.json"]).iter_errors(key_document))
    assert any(key in error.message or key in error.absolute_path for error in errors)


def test_editors_see_an_unknown_kind() -> None:
    errors = list(
        Draft202012Validator(build_schemas()["document.schema.json"]).iter_errors({**GOOD[0], "kind": "Stak"})
    )
    assert [list(error.absolute_path) for error in errors] == [["kind"]]


PLAN = {
    "format_version": "1.0",
    "stack": "chat",
    "tenancy": "ocid1.tenancy.oc1..a",
    "fingerprint": "sha256:" + "0" * 64,
    "summary": {
        "create": 1,
        "update": 0,
        "renew": 0,
        "activate": 0,
        "deactivate": 0,
        "revoke": 0,
        "delete": 0,
        "forget": 0,
        "deliver": 0,
    },
    "changes": [
        {
            "address": "ApiKey/chat-app",
            "kind": "ApiKey",
            "actions": ["create"],
            "calls": ["CreateApiKey"],
            "id": None,
            "before": None,
            "after": {},
            "after_unknown": ["compartmentId"],
            "reason": "not in the tenancy",
        }
    ],
}


def test_the_plan_of_the_contract_fits() -> None:
    Draft202012Validator(build_schemas()["plan.schema.json"]).validate(PLAN)


@pytest.mark.parametrize("word", [*PLAN, "address", "calls", "after_unknown"])
def test_a_plan_without_one_of_its_fields_does_not(word: str) -> None:
    plan = copy.deepcopy(PLAN)
    holder = plan if word in plan else plan["changes"][0]  # type: ignore[index]
    del holder[word]
    assert not Draft202012Validator(build_schemas()["plan.schema.json"]).is_valid(plan)


@pytest.mark.parametrize("kind", DOCUMENT_KINDS)
def test_good_documents_never_need_jsonschema(kind: str) -> None:
    accepts = compile_acceptor(document_schema(kind))
    texts = {"var.env": "dev", "var.owner": "a", "var.life": "9"}
    for document in GOOD:
        if document["kind"] == kind:
            filled = json.dumps(document)
            for name, value in texts.items():
                filled = filled.replace(f"${{{name}}}", value)
            assert accepts(json.loads(filled))


REFERENCE = Reference(Address("Compartment", "chat"))
ANYTHING = st.recursive(
    st.sampled_from(
        [
            None,
            True,
            0,
            1,
            2.5,
            3.0,
            "",
            "chat",
            "key-one",
            "90d",
            "a b",
            "x" * 300,
            "us-chicago-1",
            "active",
            REFERENCE,
            InterpolatedText("a", ()),
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "state", "file", "path", "tags", "a", "x" * 101]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def changed_documents(draw: st.DrawFn) -> dict[str, Any]:
    """A good document in which a few parts were replaced, removed or added."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        holder: Any = document["spec"] if isinstance(document.get("spec"), dict) else document
        while isinstance(holder, dict | list) and holder and draw(st.booleans()):
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            inner = holder[draw(st.sampled_from(keys))]
            if not isinstance(inner, dict | list):
                break
            holder = inner
        if isinstance(holder, dict):
            key = draw(st.sampled_from([*holder, "extra"]))
            if draw(st.booleans()):
                holder[key] = draw(ANYTHING)
            else:
                holder.pop(key, None)
        elif isinstance(holder, list) and holder:
            holder[draw(st.integers(0, len(holder) - 1))] = draw(ANYTHING)
    return document


@settings(max_examples=800, deadline=None)
@given(changed_documents())
def test_fast_and_exact_validators_agree(document: dict[str, Any]) -> None:
    kind = document["kind"]
    quick = compile_acceptor(document_schema(kind))(document)
    exact = make_validator(document_schema(kind)).is_valid(document)
    assert exact or not quick, "accepted at once, but not valid"
    problems = list(check_document(kind, document, lambda *path: Source("a.yaml", 1, 1)))
    assert bool(problems) != exact
    assert all(problem.message and "  " not in problem.message for problem in problems)


def test_patterns_end_where_the_text_ends() -> None:
    assert compile_ecma_pattern("^[a-z$]+$").search("a$")
    assert not compile_ecma_pattern("^[a-z]+$").search("a\n")
    assert not compile_ecma_pattern(r"^\d$").search("\u0661")
    assert compile_ecma_pattern(r"^\$$").search("$")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^[A-Za-z0-9._-]{1,100}$", "letters, digits, '.', '_' and '-', 100 characters at most"),
        (
            "^[A-Za-z_][A-Za-z0-9_-]{0,254}$",
            "letters, digits, '_' and '-', beginning with a letter or '_', 255 characters at most",
        ),
        (
            "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$",
            "lower-case letters, digits and '-', beginning and ending with a lower-case letter or a digit, 63 characters at most",
        ),
        ("^(a|b)$", ""),
        ("^[^a]{1,2}$", ""),
    ],
)
def test_patterns_in_words(pattern: str, words: str) -> None:
    assert describe_pattern(pattern) == words


def test_every_kind_is_a_document_kind() -> None:
    assert set(RESOURCE_TYPES) < set(DOCUMENT_KINDS)

"""The smallest value for a JSON schema fits the schema, or there is a refusal; never a wrong value."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from genai_iac.emulator.services.inference.smallest_value import UnfittingSchema, smallest_value

NODE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}, "day": {"format": "date"}},
            "required": ["next", "day"],
        }
    },
    "$ref": "#/$defs/Node",
}
CASES: list[tuple[dict[str, Any], Any]] = [
    ({"type": "object"}, {}),
    (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]},
        {"a": ""},
    ),
    ({"type": "integer", "minimum": 3}, 3),
    ({"type": "integer", "exclusiveMinimum": 3}, 4),
    ({"type": "integer", "maximum": -3, "multipleOf": 5}, -5),
    ({"type": "integer", "multipleOf": 0.5, "minimum": 0.2}, 1),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
    ({"type": "boolean"}, False),
    ({"type": "null"}, None),
    ({"enum": ["red", "green"]}, "red"),
    ({"const": {"a": [1]}}, {"a": [1]}),
    ({"type": "string", "minLength": 3}, "aaa"),
    ({"type": "string", "pattern": r"^[A-Z]{2}-\d+$"}, "AA-0"),
    ({"type": "string", "pattern": "^[a-z]+$", "minLength": 5}, "aaaaa"),
    ({"type": "string", "pattern": "[^abc]x", "minLength": 5}, "dxaaa"),
    ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
    ({"type": "array", "items": {"type": "string"}}, []),
    ({"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2, "uniqueItems": True}, ["x", "y"]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True}, [0, 1, -1]),
    ({"type": "array", "prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 2}, [1, 2]),
    ({"type": "array", "contains": {"const": 3}}, [3]),
    ({"type": ["string", "null"]}, ""),
    ({"anyOf": [{"type": "object", "required": ["long_name"]}, {"type": "integer"}]}, 0),
    ({"oneOf": [{"type": "string", "minLength": 2}, {"type": "boolean"}]}, "aa"),
    ({"allOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}, {"required": ["b"]}]}, {"a": 1, "b": None}),
    ({"type": "object", "minProperties": 1}, {"key1": None}),
    ({"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}, {"a": None, "b": None}),
    (NODE, {"next": None, "day": "2026-01-01"}),
]


@pytest.mark.parametrize(("schema", "value"), CASES, ids=lambda item: json.dumps(item)[:60])
def test_the_value_is_the_smallest_that_fits(schema: dict[str, Any], value: Any) -> None:
    assert smallest_value(schema) == value
    assert Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/schema.json"},
        {"$id": "https://example.com/schema.json"},
        {"not": {}},
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**9},
        {"type": "object", "minProperties": 10**9},
        {"type": "no-type"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "string", "pattern": r"(a)\1(?<=zz)"},
        {"allOf": [{"const": 1}, {"const": 2}]},
    ],
    ids=json.dumps,
)
def test_a_schema_without_a_value_is_refused_with_a_reason(schema: dict[str, Any]) -> None:
    with pytest.raises(UnfittingSchema, match=r"\w"):
        smallest_value(schema)


LEAVES = st.one_of(
    st.builds(lambda low: {"type": "integer", "minimum": low}, st.integers(-50, 50)),
    st.builds(lambda high: {"type": "number", "exclusiveMaximum": high}, st.integers(-50, 50)),
    st.builds(lambda least: {"type": "string", "minLength": least}, st.integers(0, 20)),
    st.builds(
        lambda pattern: {"type": "string", "pattern": pattern}, st.sampled_from([r"^\w+@\w+$", "a|bc", "^[0-9]{3}$"])
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(), min_size=1)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, {"type": "string", "format": "date-time"}]),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda parts: {
                "type": "object",
                "properties": parts,
                "required": sorted(parts),
                "additionalProperties": False,
            },
            st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
        ),
        st.builds(lambda part, least: {"type": "array", "items": part, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=12,
)


@given(SCHEMAS)
@settings(max_examples=150, deadline=None)
def test_whatever_is_made_fits_and_is_made_again_the_same(schema: dict[str, Any]) -> None:
    value = smallest_value(schema)
    assert Draft202012Validator(schema).is_valid(value)
    assert smallest_value(schema) == value

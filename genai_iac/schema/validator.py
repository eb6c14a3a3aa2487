"""Checks a document against its kind's schema: fast when it is valid; exact messages and positions when it is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

from genai_iac.core import InterpolatedText, Path, Reference, Source
from genai_iac.core.errors import Problem
from genai_iac.schema.documents import document_schema
from genai_iac.schema.patterns import compile_ecma_pattern, sample_value

Test: TypeAlias = Callable[[Any], bool]  # True: the value certainly fits

# keywords that check nothing
_ANNOTATIONS = {"title", "description", "default", "examples", "$comment", "deprecated"}
_TYPES: Mapping[str, Test] = {
    "string": lambda value: isinstance(value, (str, InterpolatedText, Reference)),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) is int or type(value) is float,
    "null": lambda value: value is None,
}


def compile_acceptor(schema: Mapping[str, Any]) -> Test:
    """A test that is true only for values that fit the schema; references fit where a value of their sort could.

    An unknown keyword makes the test false for every value: then the slower validator
    decides.
    """
    makers = dict.fromkeys(_KEYWORDS.get(word, _doubt) for word in schema if word not in _ANNOTATIONS)
    tests = [make(schema) for make in makers]
    if not tests:
        return _always
    if len(tests) == 1:
        return tests[0]

    def test_all(value: Any) -> bool:
        for test in tests:  # noqa: SIM110  # `all` with a generator takes twice as long, and this is half of the check
            if not test(value):
                return False
        return True

    return test_all


def _always(value: Any) -> bool:
    del value
    return True


def _never(value: Any) -> bool:
    del value
    return False


def _doubt(schema: Mapping[str, Any]) -> Test:
    del schema
    return _never


def _type(schema: Mapping[str, Any]) -> Test:
    names = schema["type"]
    if isinstance(names, str):
        return _TYPES[names]
    tests = [_TYPES[name] for name in names]
    return lambda value: any(test(value) for test in tests)


def _enum(schema: Mapping[str, Any]) -> Test:
    choices = [(type(choice), choice) for choice in schema["enum"]]
    return lambda value: (type(value), value) in choices


def _const(schema: Mapping[str, Any]) -> Test:
    return _enum({"enum": [schema["const"]]})


def _pattern(schema: Mapping[str, Any]) -> Test:
    search = compile_ecma_pattern(schema["pattern"]).search

    def test(value: Any) -> bool:
        text = value if isinstance(value, str) else sample_value(value)
        return not isinstance(text, str) or search(text) is not None

    return test


def _length(schema: Mapping[str, Any]) -> Test:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1 << 62)
    return lambda value: not isinstance(value, str) or least <= len(value) <= most


def _range(schema: Mapping[str, Any]) -> Test:
    least, most = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    return lambda value: not isinstance(value, (int, float)) or least <= value <= most


def _items(schema: Mapping[str, Any]) -> Test:
    test = compile_acceptor(schema["items"])
    return lambda value: not isinstance(value, list) or all(map(test, value))


def _count_items(schema: Mapping[str, Any]) -> Test:
    least, most = schema.get("minItems", 0), schema.get("maxItems", 1 << 62)
    return lambda value: not isinstance(value, list) or least <= len(value) <= most


def _unique(schema: Mapping[str, Any]) -> Test:
    del schema  # strings only: whether 1 equals 1.0 is left to jsonschema
    return lambda value: (
        not isinstance(value, list) or (all(isinstance(item, str) for item in value) and len(set(value)) == len(value))
    )


def _count_keys(schema: Mapping[str, Any]) -> Test:
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", 1 << 62)
    return lambda value: not isinstance(value, dict) or least <= len(value) <= most


def _required(schema: Mapping[str, Any]) -> Test:
    names = schema["required"]
    return lambda value: not isinstance(value, dict) or all(name in value for name in names)


def _names(schema: Mapping[str, Any]) -> Test:
    test = compile_acceptor(schema["propertyNames"])
    return lambda value: not isinstance(value, dict) or all(map(test, value))


def _properties(schema: Mapping[str, Any]) -> Test:
    """`properties` and `additionalProperties` together, in one pass; keys that `patternProperties` may mean are left to jsonschema."""
    tests = {name: compile_acceptor(inner) for name, inner in schema.get("properties", {}).items()}
    others = False if "patternProperties" in schema else schema.get("additionalProperties", True)
    other: Test = (_always if others else _never) if isinstance(others, bool) else compile_acceptor(others)

    def test(value: Any) -> bool:
        if isinstance(value, dict):
            for name, item in value.items():
                if not tests.get(name, other)(item):
                    return False
        return True

    return test


def _any_of(schema: Mapping[str, Any]) -> Test:
    tests = [compile_acceptor(inner) for inner in schema["anyOf"]]
    return lambda value: any(test(value) for test in tests)


_KEYWORDS: Mapping[str, Callable[[Mapping[str, Any]], Test]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minLength": _length,
    "maxLength": _length,
    "minimum": _range,
    "maximum": _range,
    "items": _items,
    "minItems": _count_items,
    "maxItems": _count_items,
    "uniqueItems": _unique,
    "minProperties": _count_keys,
    "maxProperties": _count_keys,
    "required": _required,
    "propertyNames": _names,
    "properties": _properties,
    "additionalProperties": _properties,
    "patternProperties": _properties,
    "anyOf": _any_of,
}


_SIZES = frozenset({"required", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"})
MAX_PROBLEMS = 50  # a document with more has one mistake, not fifty


def check_document(
    kind: str, data: Mapping[str, Any], place: Callable[..., Source], unread: Collection[Path] = ()
) -> Iterator[Problem]:
    """What is wrong with a whole document of that kind (`apiVersion`, `kind`, `metadata`, `spec`), after interpolation.

    `place(*path)` says where a part was written. What is at or below the `unread` paths was reported already and is skipped.
    Raises KeyError for a kind that is none.
    """
    if _acceptor(kind)(data):
        return
    from genai_iac.schema.explain import explain

    faults = (fault for error in _validator(kind).iter_errors(data) for fault in explain(error))
    for fault in islice(faults, MAX_PROBLEMS):
        if not any(fault.path[: len(path)] == path for path in unread):
            yield Problem(place(*fault.path), fault.message, fault.hint)


def find_unread(kind: str, data: Mapping[str, Any]) -> tuple[set[Path], set[Path]]:
    """What of a document cannot be used: the paths of values that are wrong, and of mappings with keys that nobody knows.

    A list or mapping of the wrong size, or one that lacks a key, can still be read.
    """
    wrong: set[Path] = set()
    unsure: set[Path] = set()
    for error in islice(_validator(kind).iter_errors(data), MAX_PROBLEMS):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" or "propertyNames" in error.schema_path:
            unsure.add(path)
        elif error.validator not in _SIZES or not isinstance(error.instance, list | dict):
            wrong.add(path)
    return wrong, unsure


@cache
def _acceptor(kind: str) -> Test:
    return compile_acceptor(document_schema(kind))


@cache
def _validator(kind: str) -> Any:
    from genai_iac.schema.jsonschema_validator import make_validator

    return make_validator(document_schema(kind))

"""jsonschema as manifests need it: references are strings, patterns are ECMAScript's. Imported only when something may be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend, validator_for

from genai_iac.core import InterpolatedText, Reference
from genai_iac.schema.patterns import compile_ecma_pattern, sample_value
from genai_iac.schema.validator import Test, compile_acceptor


def _is_string(checker: object, value: object) -> bool:
    del checker
    return isinstance(value, (str, InterpolatedText, Reference))


def _check_pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    del validator, schema
    text = sample_value(value)
    if isinstance(text, str) and not compile_ecma_pattern(pattern).search(text):
        yield ValidationError(pattern)


def _check_least(validator: Any, least: int, value: Any, schema: Any) -> Iterator[ValidationError]:
    del validator, schema
    if isinstance(value, str) and len(value) < least:
        yield ValidationError(str(least))


def _check_most(validator: Any, most: int, value: Any, schema: Any) -> Iterator[ValidationError]:
    del validator, schema
    if isinstance(value, str) and len(value) > most:
        yield ValidationError(str(most))


def _check_items(validator: Any, items: Mapping[str, Any], value: Any, schema: Any) -> Iterator[ValidationError]:
    del schema
    if isinstance(value, list):
        accepts = _acceptor(items)
        for index, item in enumerate(value):
            if not accepts(item):
                yield from validator.descend(item, items, path=index)


def _check_properties(
    validator: Any, properties: Mapping[str, Any], value: Any, schema: Any
) -> Iterator[ValidationError]:
    del schema
    if isinstance(value, dict):
        for name, inner in properties.items():
            if name in value and not _acceptor(inner)(value[name]):
                yield from validator.descend(value[name], inner, path=name, schema_path=name)


def _acceptor(schema: Mapping[str, Any]) -> Test:
    """jsonschema takes microseconds a value: it is asked only about parts that are not accepted at once."""
    if id(schema) not in _ACCEPTORS:
        _ACCEPTORS[id(schema)] = (schema, compile_acceptor(schema))
    return _ACCEPTORS[id(schema)][1]


_ACCEPTORS: dict[
    int, tuple[Mapping[str, Any], Test]
] = {}  # the schema is kept with its test, so that its id stays its own
_TEXTS = {"pattern": _check_pattern, "minLength": _check_least, "maxLength": _check_most}  # a reference is a text, too


@cache
def _class_for_manifests(base: Any, *, quick: bool) -> Any:
    """The class of validators of a draft as manifests need it; quick: with the keywords that ask the acceptor first."""
    words = {**_TEXTS, **({"items": _check_items, "properties": _check_properties} if quick else {})}
    return extend(base, words, type_checker=base.TYPE_CHECKER.redefine("string", _is_string))  # type: ignore[no-untyped-call]


def make_validator(schema: Mapping[str, Any]) -> Any:
    """A validator of one of our own schemas."""
    return _class_for_manifests(Draft202012Validator, quick=True)(schema)


def make_foreign_validator(schema: Mapping[str, Any]) -> Any:
    """A validator of anybody's schema, of the draft that it names (2020-12 without one): every keyword means what the draft says.

    Args:
        schema: one that `check_schema` of its draft accepts.
    """
    return _class_for_manifests(validator_for(schema, Draft202012Validator), quick=False)(schema)

"""The smallest value that fits a JSON schema: what the emulator answers where a real model would choose one.

Deterministic: the same schema gives the same value. A schema for which no value is found is an UnfittingSchema, which the caller answers
with 400; a wrong value would make an application fail somewhere else.
"""

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from genai_iac.emulator.services.inference.schema_text import smallest_text


def smallest_number(schema: Mapping[str, Any], variant: int = 0) -> int | float | None:
    """The number nearest to 0 that fits, or one of the next ones (`variant` counts up); None when there is none."""
    step = _step(schema)
    fitting = [value for value in _candidates(schema, step) if _fits(schema, value)]
    if not fitting:
        return None
    start = min(fitting, key=lambda value: (abs(value), -value))
    others = (start + sign * count * step for count in range(1, variant + 2) for sign in (1, -1))
    distinct = [start, *(value for value in others if _fits(schema, value))]
    value = distinct[min(variant, len(distinct) - 1)]
    return int(value) if value.denominator == 1 else float(value)


def _step(schema: Mapping[str, Any]) -> Fraction:
    step = Fraction(str(schema.get("multipleOf", 1)))
    return Fraction(step.numerator) if schema.get("type") == "integer" else step


def _candidates(schema: Mapping[str, Any], step: Fraction) -> list[Fraction]:
    low, high = _bounds(schema, "minimum", "exclusiveMinimum"), _bounds(schema, "maximum", "exclusiveMaximum")
    found = [Fraction(0)]
    for bound in (*low, *high):
        near = math.floor(bound / step) * step
        found += [near - step, near, near + step, near + 2 * step]
    found += [(lower + upper) / 2 for lower in low for upper in high]
    return found


def _bounds(schema: Mapping[str, Any], *words: str) -> list[Fraction]:
    return [Fraction(str(schema[word])) for word in words if word in schema]


def _fits(schema: Mapping[str, Any], value: Fraction) -> bool:
    if schema.get("type") == "integer" and value.denominator != 1:
        return False
    if "multipleOf" in schema and (value / Fraction(str(schema["multipleOf"]))).denominator != 1:
        return False
    return (
        all(value >= bound for bound in _bounds(schema, "minimum"))
        and all(value > bound for bound in _bounds(schema, "exclusiveMinimum"))
        and all(value <= bound for bound in _bounds(schema, "maximum"))
        and all(value < bound for bound in _bounds(schema, "exclusiveMaximum"))
    )


_DEPTH = 24  # references that lead to another reference
_MAX_ITEMS = 1_000  # of one list
_UNIONS = ("anyOf", "oneOf")


class UnfittingSchema(ValueError):
    """No value was found for a schema; the message says for which part and why."""


def check_schema(schema: Any) -> None:
    """Raise UnfittingSchema unless this is a JSON schema that refers to nothing outside itself."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
        _refuse_remote(schema)
    except SchemaError as error:
        raise UnfittingSchema(f"it is no JSON schema: {error.message}") from None
    except RecursionError:
        raise UnfittingSchema("it is nested too deeply") from None


def smallest_value(schema: dict[str, Any]) -> Any:
    """A value the schema admits, with as little in it as the schema allows."""
    from jsonschema import Draft202012Validator

    check_schema(schema)
    try:
        value = _Maker(schema).make(schema, 0)
        error = next(iter(Draft202012Validator(schema).iter_errors(value)), None)
    except RecursionError:
        raise UnfittingSchema("it refers to itself without an end") from None
    if error is not None:
        raise UnfittingSchema(error.message)
    return value


def _refuse_remote(schema: Any) -> None:
    # jsonschema would fetch such a reference over the network
    if isinstance(schema, dict):
        for word in ("$ref", "$dynamicRef"):
            reference = schema.get(word)
            if isinstance(reference, str) and reference != "#" and not reference.startswith("#/"):
                raise UnfittingSchema(f"{word} {reference!r} is not of the form #/…")
        if isinstance(schema.get("$id"), str):
            raise UnfittingSchema("$id is not supported")
        for part in schema.values():
            _refuse_remote(part)
    elif isinstance(schema, list):
        for part in schema:
            _refuse_remote(part)


class _Maker:
    """Makes values for the parts of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def make(self, schema: Any, depth: int, variant: int = 0) -> Any:
        """A value for a part. `variant` counts up where a list needs items that differ."""
        if depth > _DEPTH:
            raise UnfittingSchema("it refers to itself without an end")
        if not isinstance(schema, dict):
            return None
        schema = self._flatten(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][min(variant, len(schema["enum"]) - 1)]
        for word in _UNIONS:
            if schema.get(word):
                return self._pick(
                    schema, [_merge(_without(schema, word), part) for part in schema[word]], depth, variant
                )
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._pick(schema, [{**schema, "type": item} for item in kind], depth, variant)
        return self._make_type(kind or _implied_type(schema), schema, depth, variant)

    def _make_type(self, kind: str | None, schema: dict[str, Any], depth: int, variant: int) -> Any:
        if kind == "object":
            return self._make_object(schema, depth, variant)
        if kind == "array":
            return self._make_array(schema, depth, variant)
        if kind == "string":
            return _or_unfitting(smallest_text(schema, variant), schema)
        if kind in ("integer", "number"):
            return _or_unfitting(smallest_number(schema, variant), schema)
        return bool(variant) if kind == "boolean" else None

    def _flatten(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with its references and `allOf` put in place."""
        for _ in range(_DEPTH):
            if "$ref" in schema:
                schema = _merge(_without(schema, "$ref"), self._resolve(schema["$ref"]))
            elif schema.get("allOf"):
                parts, schema = schema["allOf"], _without(schema, "allOf")
                for part in parts:
                    schema = _merge(schema, part)
            else:
                return schema
        raise UnfittingSchema("it refers to itself without an end")

    def _resolve(self, reference: str) -> Any:
        found: Any = self._document
        for step in reference.removeprefix("#").split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                raise UnfittingSchema(f"$ref {reference!r} leads nowhere")
            found = found[name]
        return found

    def _pick(self, schema: dict[str, Any], candidates: list[dict[str, Any]], depth: int, variant: int) -> Any:
        """The shortest of the values that can be made for one of several schemas."""
        values, reasons = [], []
        for candidate in candidates:
            try:
                values.append(self.make(candidate, depth + 1, variant))
            except UnfittingSchema as error:
                reasons.append(str(error))
        fitting = [value for value in values if self._fits(schema, value)] or values
        if not fitting:
            raise UnfittingSchema("; ".join(reasons) or "it admits nothing")
        return min(fitting, key=lambda value: len(json.dumps(value)))

    def _fits(self, schema: dict[str, Any], value: Any) -> bool:
        from jsonschema import Draft202012Validator

        definitions = {word: self._document[word] for word in ("$defs", "definitions") if word in self._document}
        return bool(Draft202012Validator({**definitions, **schema}).is_valid(value))

    def _make_object(self, schema: dict[str, Any], depth: int, variant: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        names = list(schema.get("required", ()))
        for name in names:  # grows while it is walked
            names += [more for more in schema.get("dependentRequired", {}).get(name, ()) if more not in names]
        wanted = _bounded(schema.get("minProperties", 0))
        names += [name for name in properties if name not in names][: max(0, wanted - len(names))]
        names += [f"key{number}" for number in range(1, wanted - len(names) + 1)]
        other = schema.get("additionalProperties", True)
        return {name: self.make(properties.get(name, other), depth + 1, variant) for name in names}

    def _make_array(self, schema: dict[str, Any], depth: int, variant: int) -> list[Any]:
        least = _bounded(schema.get("minItems", 0))
        first = schema.get("prefixItems", [])
        made = [self.make(part, depth + 1, variant) for part in first[:least]]
        if "contains" in schema:
            found = _bounded(schema.get("minContains", 1))
            made += [self.make(schema["contains"], depth + 1, variant + number) for number in range(found)]
        differ = schema.get("uniqueItems") is True
        while len(made) < least:
            number = len(made) if differ else variant
            made.append(self.make(schema.get("items", True), depth + 1, number))
        return made


def _or_unfitting(value: Any, schema: dict[str, Any]) -> Any:
    if value is None:
        shown = json.dumps({word: part for word, part in schema.items() if word not in ("description", "title")})
        raise UnfittingSchema(f"no value was found for {shown[:200]}")
    return value


def _bounded(number: Any) -> int:
    if number > _MAX_ITEMS:
        raise UnfittingSchema(f"it asks for {number} things; the emulator makes at most {_MAX_ITEMS}")
    return int(number)


def _implied_type(schema: dict[str, Any]) -> str | None:
    words = {
        "object": ("properties", "required", "minProperties", "additionalProperties"),
        "array": ("items", "minItems", "prefixItems", "contains"),
        "string": ("minLength", "pattern", "format", "maxLength"),
        "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
    return next((kind for kind, names in words.items() if any(name in schema for name in names)), None)


def _without(schema: dict[str, Any], word: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != word}


def _merge(left: dict[str, Any], right: Any) -> dict[str, Any]:
    """Both schemas as one, where that can be said in one; validation at the end finds where it cannot."""
    if not isinstance(right, dict):
        return left
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = list(dict.fromkeys((*left["required"], *right["required"])))
    for word, keep in (("minimum", max), ("minLength", max), ("minItems", max), ("maximum", min), ("maxLength", min)):
        if word in left and word in right:
            merged[word] = keep(left[word], right[word])
    return merged

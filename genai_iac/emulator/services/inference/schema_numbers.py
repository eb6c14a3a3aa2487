"""The smallest number that a schema's bounds admit."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any


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

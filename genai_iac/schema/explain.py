"""From the errors of jsonschema to messages that a person can act on, with path and fix. Values are never quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from genai_iac.core import InterpolatedText, Path, Reference
from genai_iac.core.errors import join_or, show, suggest, suggest_or_list
from genai_iac.schema.patterns import REGION_PATTERN, compile_ecma_pattern, describe_pattern

Error: TypeAlias = Any  # jsonschema.ValidationError, whose stubs call every field unset

# JSON Schema's types in words.
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}
# Verb, unit in singular and plural, and the end of the sentence, by keyword.
_BOUNDS = {
    "minItems": ("have", "entry", "entries", "or more"),
    "maxItems": ("have", "entry", "entries", "at most"),
    "minProperties": ("have", "key", "keys", "or more"),
    "maxProperties": ("have", "key", "keys", "at most"),
    "minLength": ("have", "character", "characters", "or more"),
    "maxLength": ("have", "character", "characters", "at most"),
    "minimum": ("be", "", "", "or more"),
    "maximum": ("be", "", "", "or less"),
}


class Fault(NamedTuple):
    """One thing wrong. The path ends in `"~key"` when the key is meant and not its value."""

    path: Path
    message: str
    hint: str  # empty: none


def explain(error: Error) -> Iterator[Fault]:
    """The faults that an error stands for."""
    path = tuple(error.absolute_path)
    if list(error.schema_path)[-2:-1] == ["propertyNames"]:
        yield _explain_key(error, path)
        return
    yield from _EXPLAIN.get(str(error.validator), _explain_other)(error, path)


def write_path(path: Path) -> str:
    """`spec.secrets[0].state`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{show(step)}" if text else show(step)
    return text or "the document"


def name_value(value: object) -> str:
    """What a value is, in plain words and without quoting it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, Reference | InterpolatedText):
        return "a reference"
    for types, words in (((int, float), "a number"), (str, "a string"), (list, "a list")):
        if isinstance(value, types):
            return words
    return "a mapping"


def _explain_type(error: Error, path: Path) -> Iterator[Fault]:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    message = f"{write_path(path)} must be {join_or(_TYPES[name] for name in wanted)}, not {name_value(error.instance)}"
    hint = _example(error.schema)
    if error.instance is None:
        hint = (
            "write {} when there is nothing to say"
            if "object" in wanted
            else hint or "give it a value, or remove the key"
        )
    elif "string" in wanted and isinstance(error.instance, int | float):
        hint = "put quotes around it"
    elif "array" in wanted:
        hint = "begin each entry with a dash, or write [a, b]"
    yield Fault(path, message, hint)


def _explain_extra(error: Error, path: Path) -> Iterator[Fault]:
    schema = error.schema
    known = list(schema.get("properties", {}))
    for key in error.instance:
        if key not in known and not _fits_pattern(key, schema):
            where = f" in {write_path(path)}" if path else ""
            yield Fault((*path, key, "~key"), f"unknown key {show(key)}{where}", suggest_or_list(key, known))


def _fits_pattern(key: str, schema: Mapping[str, Any]) -> bool:
    return any(compile_ecma_pattern(pattern).search(key) for pattern in schema.get("patternProperties", {}))


def _explain_missing(error: Error, path: Path) -> Iterator[Fault]:
    for key in error.validator_value:
        if key not in error.instance:
            schema = error.schema.get("properties", {}).get(key, {})
            near = [name for name in error.instance if name not in error.schema.get("properties", {})]
            hint = "" if suggest(key, near) else _example(schema, key) or f"add {key}: …"
            yield Fault(path, f"{write_path((*path, key))} is missing", hint)
    # jsonschema yields one error a key; all are reported with the first and the set of problems drops the repetitions


def _explain_enum(error: Error, path: Path) -> Iterator[Fault]:
    choices = [str(choice) for choice in error.validator_value]
    message = f"{write_path(path)} must be {join_or(choices)}"
    if not isinstance(error.instance, str):
        message += f", not {name_value(error.instance)}"
    yield Fault(path, message, suggest(error.instance, choices) if isinstance(error.instance, str) else "")


def _explain_const(error: Error, path: Path) -> Iterator[Fault]:
    yield Fault(path, f"{write_path(path)} must be {error.validator_value}", "")


def _explain_pattern(error: Error, path: Path) -> Iterator[Fault]:
    words = describe_pattern(error.validator_value)
    message = f"{write_path(path)} must be {words}" if words else f"{write_path(path)} is not in the form it needs"
    if isinstance(error.instance, Reference | InterpolatedText):
        message = f"{write_path(path)} cannot take this reference" + (f": it must be {words}" if words else "")
    elif error.validator_value == REGION_PATTERN:
        message = f"{write_path(path)} is not the name of a region"
    description = str(error.schema.get("$comment") or ("" if words else _sentence(error.schema)))
    yield Fault(path, message, "; ".join(filter(None, (description, _example(error.schema)))))


def _explain_bound(error: Error, path: Path) -> Iterator[Fault]:
    size = len(error.instance) if isinstance(error.instance, list | dict) else None
    have = f", not {size}" if size is not None else ""
    yield Fault(path, f"{write_path(path)} must {_bound(error)}{have}", _sentence(error.schema))


def _bound(error: Error) -> str:
    """`have 2 entries at most`, `be 1 or more`."""
    verb, one, many, end = _BOUNDS[error.validator]
    number = error.validator_value
    return " ".join(filter(None, (verb, str(number), one if number == 1 else many, end)))


def _sentence(schema: Mapping[str, Any]) -> str:
    """The schema's description as a part of a sentence."""
    text = str(schema.get("description", "")).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _explain_repeated(error: Error, path: Path) -> Iterator[Fault]:
    seen: list[Any] = []
    for index, item in enumerate(error.instance):
        if item in seen:
            yield Fault((*path, index), f"{write_path((*path, index))} repeats an earlier entry", "remove it")
            return
        seen.append(item)


def _explain_key(error: Error, path: Path) -> Fault:
    """A key that propertyNames refuses."""
    key = str(error.instance)
    must = (
        _bound(error)
        if error.validator in _BOUNDS
        else f"be {describe_pattern(str(error.validator_value)) or 'a name'}"
    )
    return Fault((*path, key, "~key"), f"the key {show(key)} in {write_path(path)} must {must}", "")


def _explain_choice(error: Error, path: Path) -> Iterator[Fault]:
    """anyOf and oneOf: when they only ask for one of several keys, say so; else the branch that came nearest explains itself."""
    keys = [branch["required"][0] for branch in error.validator_value if set(branch) == {"required"}]
    if len(keys) == len(error.validator_value):
        yield Fault(path, f"{write_path(path)} needs {join_or(keys)}", "")
        return
    branches: dict[Any, list[Error]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(branches.values(), key=_distance, default=[]):
        yield from explain(inner)


def _distance(branch: Iterable[Error]) -> tuple[bool, int]:
    """How far a value is from a branch: of the wrong type is furthest."""
    errors = list(branch)
    return any(inner.validator == "type" and len(inner.path) == 0 for inner in errors), len(errors)


def _explain_other(error: Error, path: Path) -> Iterator[Fault]:
    if error.schema is False:
        # jsonschema does not say which of the parts it is
        yield Fault(path, f"{write_path(path)} has a part that its schema never allows", "")
        return
    yield Fault(path, f"{write_path(path)} does not fit {error.validator} of its schema", _example(error.schema))


def _example(schema: Mapping[str, Any], key: str = "") -> str:
    """`for example key: value` from the schema's own examples."""
    for example in schema.get("examples", [])[:1]:
        text = example if isinstance(example, str) else ""
        if text:
            return f"for example {key}: {text}" if key else f"for example {text}"
    return ""


_EXPLAIN: Mapping[str, Callable[[Error, Path], Iterator[Fault]]] = {
    "type": _explain_type,
    "additionalProperties": _explain_extra,
    "required": _explain_missing,
    "enum": _explain_enum,
    "const": _explain_const,
    "pattern": _explain_pattern,
    **dict.fromkeys(_BOUNDS, _explain_bound),
    "uniqueItems": _explain_repeated,
    "anyOf": _explain_choice,
    "oneOf": _explain_choice,
}

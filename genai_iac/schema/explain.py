"""From what jsonschema finds to what a person can mend: one or more messages, each with its path and the way out. Values are never quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema.exceptions import ValidationError

from genai_iac.model import Path, Reference, Text
from genai_iac.schema.ecma import compile_ecma
from genai_iac.schema.shapes import describe_pattern
from genai_iac.schema.wording import join_or, show, suggest, suggest_or_list

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "empty",
}


class Fault(NamedTuple):
    """One thing wrong. The path ends in `"~key"` when the key is meant and not its value."""

    path: Path
    message: str
    hint: str


def explain(error: ValidationError) -> Iterator[Fault]:
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
        return "true or false"
    if isinstance(value, Reference | Text):
        return "a reference"
    for types, words in (((int, float), "a number"), (str, "a string"), (list, "a list")):
        if isinstance(value, types):  # type: ignore[arg-type]
            return words
    return "a mapping"


def _explain_type(error: ValidationError, path: Path) -> Iterator[Fault]:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    message = f"{write_path(path)} must be {join_or(_TYPES[name] for name in wanted)}, not {name_value(error.instance)}"
    hint = _example(error.schema)
    if error.instance is None:
        hint = f"give it a value or remove the key{'; ' + hint if hint else ''}"
    elif "string" in wanted and isinstance(error.instance, int | float):
        hint = "put quotes around it"
    elif "array" in wanted:
        hint = "begin each entry with a dash, or write [a, b]"
    yield Fault(path, message, hint)


def _explain_extra(error: ValidationError, path: Path) -> Iterator[Fault]:
    schema = error.schema
    known = list(schema.get("properties", {}))
    for key in error.instance:
        if key not in known and not _fits_pattern(key, schema):
            where = f" in {write_path(path)}" if path else ""
            yield Fault((*path, key, "~key"), f"unknown key {show(key)}{where}", suggest_or_list(key, known))


def _fits_pattern(key: str, schema: Mapping[str, Any]) -> bool:
    return any(compile_ecma(pattern).search(key) for pattern in schema.get("patternProperties", {}))


def _explain_missing(error: ValidationError, path: Path) -> Iterator[Fault]:
    for key in error.validator_value:
        if key not in error.instance:
            schema = error.schema.get("properties", {}).get(key, {})
            near = [name for name in error.instance if name not in error.schema.get("properties", {})]
            hint = "" if suggest(key, near) else _example(schema, key) or f"add {key}: …"
            yield Fault(path, f"{write_path((*path, key))} is missing", hint)
    # jsonschema yields one error a key; all are told with the first and the set of problems drops the repetitions


def _explain_enum(error: ValidationError, path: Path) -> Iterator[Fault]:
    choices = [str(choice) for choice in error.validator_value]
    message = f"{write_path(path)} must be {join_or(choices)}"
    if not isinstance(error.instance, str):
        message += f", not {name_value(error.instance)}"
    yield Fault(path, message, suggest(error.instance, choices) if isinstance(error.instance, str) else "")


def _explain_const(error: ValidationError, path: Path) -> Iterator[Fault]:
    yield Fault(path, f"{write_path(path)} must be {error.validator_value}", "")


def _explain_pattern(error: ValidationError, path: Path) -> Iterator[Fault]:
    words = describe_pattern(error.validator_value)
    message = f"{write_path(path)} must be {words}" if words else f"{write_path(path)} is not in the form it needs"
    description = "" if words else str(error.schema.get("description", ""))
    yield Fault(path, message, "; ".join(filter(None, (description.rstrip("."), _example(error.schema)))))


def _explain_bound(words: str) -> Callable[[ValidationError, Path], Iterator[Fault]]:
    def explain_bound(error: ValidationError, path: Path) -> Iterator[Fault]:
        have = f", not {len(error.instance)}" if isinstance(error.instance, list | dict) else ""
        description = str(error.schema.get("description", "")).rstrip(".")
        yield Fault(path, f"{write_path(path)} must {words.format(error.validator_value)}{have}", description)

    return explain_bound


def _explain_repeated(error: ValidationError, path: Path) -> Iterator[Fault]:
    seen: list[Any] = []
    for index, item in enumerate(error.instance):
        if item in seen:
            yield Fault((*path, index), f"{write_path((*path, index))} repeats an earlier entry", "remove it")
            return
        seen.append(item)


def _explain_key(error: ValidationError, path: Path) -> Fault:
    words = describe_pattern(str(error.validator_value)) or "shorter" if error.validator != "minLength" else "longer"
    return Fault((*path, str(error.instance), "~key"), f"the key {show(str(error.instance))} in {write_path(path)} must be {words}", "")


def _explain_choice(error: ValidationError, path: Path) -> Iterator[Fault]:
    """anyOf and oneOf: when they only ask for one of several keys, say so; else the branch that came nearest explains itself."""
    keys = [branch["required"][0] for branch in error.validator_value if set(branch) == {"required"}]
    if len(keys) == len(error.validator_value):
        yield Fault(path, f"{write_path(path)} needs {join_or(keys)}", "")
        return
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(branches.values(), key=_distance, default=[]):
        yield from explain(inner)


def _distance(branch: Iterable[ValidationError]) -> tuple[bool, int]:
    """How far a value is from a branch: of the wrong type is furthest."""
    errors = list(branch)
    return any(inner.validator == "type" and len(inner.path) == 0 for inner in errors), len(errors)


def _explain_other(error: ValidationError, path: Path) -> Iterator[Fault]:
    yield Fault(path, f"{write_path(path)} does not fit {error.validator} of its schema", _example(error.schema))


def _example(schema: Mapping[str, Any], key: str = "") -> str:
    """`for example key: value` from the schema's own examples."""
    for example in schema.get("examples", [])[:1]:
        text = example if isinstance(example, str) else ""
        if text:
            return f"for example {key}: {text}" if key else f"for example {text}"
    return ""


_EXPLAIN: Mapping[str, Callable[[ValidationError, Path], Iterator[Fault]]] = {
    "type": _explain_type,
    "additionalProperties": _explain_extra,
    "required": _explain_missing,
    "enum": _explain_enum,
    "const": _explain_const,
    "pattern": _explain_pattern,
    "minItems": _explain_bound("have {} or more entries"),
    "maxItems": _explain_bound("have {} entries at most"),
    "minProperties": _explain_bound("have {} or more keys"),
    "maxProperties": _explain_bound("have {} keys at most"),
    "minLength": _explain_bound("have {} or more characters"),
    "maxLength": _explain_bound("have {} characters at most"),
    "minimum": _explain_bound("be {} or more"),
    "maximum": _explain_bound("be {} or less"),
    "uniqueItems": _explain_repeated,
    "anyOf": _explain_choice,
    "oneOf": _explain_choice,
}

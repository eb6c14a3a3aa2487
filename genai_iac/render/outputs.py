"""Outputs as text, JSON, and lines that a POSIX shell, `docker --env-file` users and CI systems can read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.sanitize import escape_control

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
_UNFIT = re.compile(r"[^A-Z0-9]+")  # what the name of a shell variable may not contain
_VALUE_LIMIT = 4000  # characters


def outputs_text(outputs: Mapping[str, Any]) -> str:
    """`ApiKey/app.id = ocid1...`, one value a line."""
    return "".join(f"{escape_control(name)} = {_plain(value)}\n" for name, value in _flat("", outputs, "."))


def outputs_json(stack: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """`{"format_version", "stack", "environment", "tenancy", "region", "outputs": {"Kind/name": {...}}}`, indented."""
    return write_json({"format_version": FORMAT_VERSION, **stack, "outputs": outputs}, indent=2) + "\n"


def outputs_env(outputs: Mapping[str, Any]) -> str:
    """`APIKEY_APP_BASE_URL=...`, quoted for a shell where that is needed. Raises UsageError when two names become the same."""
    lines: dict[str, str] = {}
    names: dict[str, str] = {}
    for name, value in _flat("", outputs, "."):
        variable = _variable(name)
        if variable in names:
            raise UsageError(
                f"{names[variable]} and {name} are both {variable} as variables", hint="use --format json, or name one"
            )
        names[variable] = name
        lines[variable] = f"{variable}={shlex.quote(_plain(value))}\n"
    return "".join(lines.values())


def output_value(value: Any) -> str:
    """One value alone: a string as it is, anything nested as JSON."""
    return (write_json(value, indent=2) if isinstance(value, dict | list) else _plain(value)) + "\n"


def _variable(name: str) -> str:
    # baseUrl -> BASE_URL; kinds stay one word: ApiKey -> APIKEY
    kind, slash, rest = name.partition("/")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", rest if slash else name)
    return _UNFIT.sub("_", f"{kind}_{words}".upper() if slash else words.upper()).strip("_")


def _flat(prefix: str, value: Any, separator: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}{separator}{name}" if prefix else str(name), inner, separator)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(f"{prefix}{separator}{number}", inner, separator)
    elif value is not None:
        yield prefix, value


def _plain(value: Any) -> str:
    return escape_control(str(value), _VALUE_LIMIT)

"""Variables: what the Stack declares, where their values come from, and the value of each.

Later wins: default, environment, GENAI_IAC_VAR_name, --var-file, --var.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from genai_iac.core import Document, Source
from genai_iac.core.errors import Problem, UsageError, join_or, show, suggest_or_list
from genai_iac.filesystem import InputFileError, read_input_file
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.files import MAX_BYTES, UNTRUSTED, File, decode, name_character
from genai_iac.manifest.placeholders import VariableValue
from genai_iac.manifest.yaml_nodes import MapNode, read_plain, to_data
from genai_iac.manifest.yaml_reader import read_yaml

LONGEST_VALUE = 128  # characters; with the limits below no pattern can take noticeable time
_LONGEST = 256  # of a pattern
_MOST_REPETITIONS = 3
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_REPETITION = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")


@cache
def compile_pattern(text: str) -> re.Pattern[str]:
    """The pattern. Raises ValueError when it is none or may run long: at most three repetitions, of groups only `?`, no look-around.

    Manifests may come from a pull request: a pattern such as `(a+)+$` would occupy a runner
    for hours.
    """
    if len(text) > _LONGEST or "(?" in text:
        raise ValueError("a pattern has at most 256 characters and no (?…)")
    repetitions, previous, here = 0, "", 0
    while here < len(text):
        if previous and (repetition := _REPETITION.match(text, here)):
            repetitions += repetition[0] != "?"
            if repetitions > _MOST_REPETITIONS or (previous == ")" and repetition[0] != "?"):
                raise ValueError("a pattern may repeat three times at most, and no group but with ?")
            previous, here = "", repetition.end()
            continue
        atom = _ATOM.match(text, here)
        assert atom is not None
        if re.fullmatch(r"\\[0-9]", atom[0]):
            raise ValueError("a pattern cannot refer back to a group")
        previous, here = atom[0], atom.end()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # sets such as [[a] that a later Python will read otherwise
            return re.compile(text)
    except (re.error, FutureWarning) as error:
        raise ValueError("this is not a regular expression") from error


PREFIX = "GENAI_IAC_VAR_"  # of environment variables that set a variable
_PYTHON: Mapping[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}
_ARTICLE = {"string": "a string", "number": "a number", "boolean": "true or false"}


_MOST_NAMED = 5  # environments in a hint


class Variable(Struct, frozen=True):
    """One declared variable."""

    name: str
    type: Literal["string", "number", "boolean"]
    default: VariableValue | None  # None: a value must be given
    choices: tuple[VariableValue, ...]  # `enum`; empty allows any
    pattern: str | None  # searched, not matched: write ^ and $
    source: Source  # position of its name


class GivenValue(Struct, frozen=True):
    """A value that somebody gave: a string from the command line or the environment, or data of a file."""

    name: str
    value: Any
    origin: str  # how people call where it came from
    source: Source | None  # None: not from a file
    declared_only: bool = True  # whether a name that nobody declared is a mistake


def declare_variables(stack: Document, notes: FileDiagnostics) -> Mapping[str, Variable]:
    """The variables of a Stack that fits its schema; what is wrong with their defaults is noted.

    Args:
        stack: whose `variables` fit the schema.
        notes: gets the problems.
    """
    declared: dict[str, Variable] = {}
    for name, spec in stack.spec.get("variables", {}).items():
        variable = Variable(
            name,
            spec.get("type") or _guess_type(spec),
            spec.get("default"),
            tuple(spec.get("enum", ())),
            spec.get("pattern"),
            stack.place("spec", "variables", name, "~key"),
        )
        declared[name] = variable
        _check_declaration(variable, stack, notes)
    return declared


def resolve_variables(
    declared: Mapping[str, Variable],
    layers: Iterable[Iterable[GivenValue]],
    stack: Document,
    notes: FileDiagnostics,
    environments: Callable[[], Sequence[str]] = tuple,
) -> Mapping[str, VariableValue] | None:
    """The value of every variable; None (and notes) when one has none or a wrong one. Later layers win.

    Args:
        layers: from the weakest to the strongest source.
        environments: names of those that could have been chosen; asked for when a value is missing.
    """
    given: dict[str, GivenValue] = {}
    for layer in layers:
        for item in layer:
            if item.name in declared:
                given[item.name] = item
            elif item.declared_only:
                hint = suggest_or_list(item.name, declared) or "the Stack declares no variables"
                source = item.source or stack.place("spec", "variables", "~key")
                notes.add(source, f"{item.origin}: no variable {show(item.name)} is declared in the Stack", hint)
    values = {name: _settle(variable, given.get(name), notes, environments) for name, variable in declared.items()}
    resolved = {name: value for name, value in values.items() if value is not None}
    return resolved if len(resolved) == len(declared) else None


def _guess_type(spec: Mapping[str, Any]) -> Literal["string", "number", "boolean"]:
    """The type of a variable that declares none: that of its default or first choice."""
    sample = spec.get("default", next(iter(spec.get("enum", ())), ""))
    if isinstance(sample, bool):
        return "boolean"
    return "string" if isinstance(sample, str) else "number"


def _check_declaration(variable: Variable, stack: Document, notes: FileDiagnostics) -> None:
    """Report a pattern, a choice or a default that does not fit the variable itself."""
    path = ("spec", "variables", variable.name)
    if variable.pattern is not None:
        try:
            compile_pattern(variable.pattern)
        except ValueError as error:
            notes.add(stack.place(*path, "pattern"), str(error), "write a simpler one, or use enum")
            return
    for index, choice in enumerate(variable.choices):
        if not _is_of(variable, choice):
            notes.add(stack.place(*path, "enum", index), f"must be {_ARTICLE[variable.type]} like the variable", "")
    if variable.default is not None and (wrong := _find_fault(variable, variable.default)):
        notes.add(stack.place(*path, "default"), f"the default of {variable.name} {wrong[0]}", wrong[1])


def _settle(
    variable: Variable, given: GivenValue | None, notes: FileDiagnostics, environments: Callable[[], Sequence[str]]
) -> VariableValue | None:
    """The value of one variable; None, with a problem, when it has none or a wrong one."""
    if given is None:
        if variable.default is None:
            names = environments()[:_MOST_NAMED]
            chosen = f"--env {' or --env '.join(names)}, " if names else ""
            hint = (
                f"give {chosen}--var {variable.name}=…, {PREFIX}{variable.name}, a line in a --var-file, or a default"
            )
            notes.add(variable.source, f"the variable {variable.name} has no value", hint)
        return variable.default
    value = _convert(variable, given)
    if wrong := _find_fault(variable, value):
        notes.add(given.source or variable.source, f"{given.origin}: {variable.name} {wrong[0]}", wrong[1])
        return None
    return value


def _convert(variable: Variable, given: GivenValue) -> VariableValue:
    """A string of the command line as the type the variable has; what a file says stays what it is."""
    value: VariableValue = given.value
    if given.source is None and variable.type != "string":
        try:
            plain = read_plain(str(value))
        except ValueError:
            return value
        return value if plain is None else plain
    return value


def _is_of(variable: Variable, value: Any) -> bool:
    return isinstance(value, _PYTHON[variable.type]) and (variable.type == "boolean") == isinstance(value, bool)


def _find_fault(variable: Variable, value: VariableValue) -> tuple[str, str] | None:
    """What is wrong with a value and what to do, or None."""
    if not _is_of(variable, value):
        return f"must be {_ARTICLE[variable.type]}", "put quotes around it" if variable.type == "string" else ""
    if isinstance(value, str) and (found := UNTRUSTED.search(value)):
        return f"has the invisible character {name_character(found[0])}", ""
    if variable.choices and value not in variable.choices:
        hint = suggest_or_list(value, map(str, variable.choices)) if isinstance(value, str) else ""
        return f"must be {join_or(show(str(choice)) for choice in variable.choices)}", hint if hint.startswith(
            "did"
        ) else ""
    if variable.pattern is None or not isinstance(value, str):
        return None
    if len(value) > LONGEST_VALUE:
        return f"is longer than {LONGEST_VALUE} characters, which is what a pattern can check", ""
    if compile_pattern(variable.pattern).search(value) is None:
        return f"does not fit its pattern {show(variable.pattern)}", ""
    return None


def variables_from_environ(environ: Mapping[str, str]) -> list[GivenValue]:
    """GENAI_IAC_VAR_name; a name that nobody declared is meant for another stack, as with Terraform's TF_VAR_name.

    Args:
        environ: the process environment.
    """
    names = sorted(name for name in environ if name.startswith(PREFIX))
    return [GivenValue(name.removeprefix(PREFIX), environ[name], name, None, declared_only=False) for name in names]


def variables_from_flags(variables: Mapping[str, str]) -> list[GivenValue]:
    """--var name=value.

    Args:
        variables: by name.
    """
    return [GivenValue(name, value, f"--var {name}", None) for name, value in variables.items()]


def read_variable_file(path: Path, findings: Diagnostics) -> tuple[File, list[GivenValue]]:
    """A --var-file: YAML or JSON, one mapping of names to values. Raises UsageError when it cannot be opened.

    Args:
        path: as typed.
        findings: gets problems of its content.
    """
    try:
        file = File(str(path), str(path), read_input_file(path, MAX_BYTES))
    except InputFileError as error:
        raise UsageError(
            f"--var-file {path} cannot be read: {error}", hint="give a YAML file with lines of the form name: value"
        ) from error
    return file, list(_read(file, findings.of(file.name)))


def _read(file: File, notes: FileDiagnostics) -> Iterator[GivenValue]:
    text = decode(file.data, file.name)
    if isinstance(text, Problem):
        notes.add_all([text])
        return
    reading = read_yaml(text, file.name)
    notes.add_all(reading.problems)
    for written in reading.documents:
        if not isinstance(written.root, MapNode):
            notes.add(
                written.place(written.root), "a --var-file must be a mapping", "write lines of the form name: value"
            )
            continue
        for name, (_, node) in written.root.entries.items():
            yield GivenValue(name, to_data(node), f"--var-file {file.name}", written.place(node))

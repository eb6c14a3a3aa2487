"""Values that a run gives to variables: --var, --var-file, GENAI_IAC_VAR_name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from genai_iac.core.errors import Problem, UsageError
from genai_iac.core.input_files import InputFileError, read_input_file
from genai_iac.manifest.decoding import MAX_BYTES, decode
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.files import File
from genai_iac.manifest.variables import PREFIX, GivenValue
from genai_iac.manifest.yaml_nodes import MapNode, to_data
from genai_iac.manifest.yaml_reader import read_yaml


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

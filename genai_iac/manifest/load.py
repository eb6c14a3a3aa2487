"""The walk from a PATH to resources: files, documents, the Stack, resources, their graph. Offline, and all problems at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genai_iac.core import Address, Document, Resource, Source, Stack
from genai_iac.core.errors import ManifestError, Problem
from genai_iac.manifest.decoding import decode
from genai_iac.manifest.diagnostics import Diagnostics
from genai_iac.manifest.document_header import ParsedDocument, read_header
from genai_iac.manifest.environments import Environment, read_environment
from genai_iac.manifest.files import ENVIRONMENTS, File, ManifestPath, find_manifest_path, read_files
from genai_iac.manifest.graph import Graph, build_graph
from genai_iac.manifest.placeholders import VariableValue
from genai_iac.manifest.resources import complete_resources, read_resources
from genai_iac.manifest.stack import find_stack, prepare_context
from genai_iac.manifest.variable_sources import read_variable_file, variables_from_environ, variables_from_flags
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.references.name_clashes import find_clashing_names
from genai_iac.references.renames import find_wrong_previous_names
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.schema import ENVIRONMENT_KIND


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a path declares, with what it was read from."""

    stack: Stack
    resources: Mapping[Address, Resource]
    documents: Mapping[Address, Document]
    graph: Graph
    files: Mapping[str, str]  # every input as it is called from the manifests' directory: SHA-256 of its bytes, in hex
    environment: str | None
    profile: str | None
    variables: Mapping[str, VariableValue]


def load(
    path: str,
    *,
    environment: str | None = None,
    variables: Mapping[str, str] | None = None,
    variable_files: Sequence[str | Path] = (),
    environ: Mapping[str, str] | None = None,
    stdin: BinaryIO | None = None,
) -> Manifest:
    """The manifests of a directory, a file or (`-`) standard input, with the values of `--var`, `--var-file` and GENAI_IAC_VAR_*.

    Raises ManifestError with every problem of every file; UsageError when there is nothing to read or no such environment.
    """
    findings = Diagnostics()
    place = find_manifest_path(path)
    inputs, drafts, lost = _read_drafts(place, stdin, findings)
    chosen, extra = read_environment(place, environment, findings) if environment else (Environment(), None)
    settings = [read_variable_file(Path(name), findings) for name in variable_files]
    layers = [
        chosen.variables,
        variables_from_environ(environ or {}),
        *(given for _, given in settings),
        variables_from_flags(variables or {}),
    ]
    draft = find_stack(drafts, Source(place.given, 1, 1), not lost, findings)
    ground = prepare_context(draft, chosen, layers, str(place.root), findings)
    documents, resources = read_resources(
        [draft for draft in drafts if draft.kind in RESOURCE_TYPES], ground, lost, findings
    )
    _note_all(find_wrong_previous_names(resources), findings)
    graph, resources = _connect(resources, findings)
    if findings or ground.stack is None or graph is None:
        raise ManifestError(findings.problems)
    files = [*inputs, *filter(None, [extra]), *(file for file, _ in settings)]
    return Manifest(
        stack=ground.stack,
        resources=resources,
        documents=documents,
        graph=graph,
        files={file.key: hashlib.sha256(file.data).hexdigest() for file in files},
        environment=environment,
        profile=ground.stack.profile,
        variables=ground.variables,
    )


def _read_drafts(
    place: ManifestPath, stdin: BinaryIO | None, findings: Diagnostics
) -> tuple[list[File], list[ParsedDocument], frozenset[str]]:
    """The files, their documents, and the kinds of which a document could not be read (its name may be referred to)."""
    inputs: list[File] = []
    drafts: list[ParsedDocument] = []
    lost: set[str] = set()
    for file in read_files(place, stdin):
        if isinstance(file, Problem):
            findings.add(file)
            lost.update(RESOURCE_TYPES)
            continue
        inputs.append(file)
        found, whole = _read_file(file, findings)
        drafts.extend(found)
        lost.update((draft.kind for draft in found if draft.name is None) if whole else RESOURCE_TYPES)
    return inputs, drafts, frozenset(lost)


def _read_file(file: File, findings: Diagnostics) -> tuple[list[ParsedDocument], bool]:
    """The documents of a file that are of a known kind, and whether these are all."""
    notes = findings.of(file.name)
    text = decode(file.data, file.name)
    if isinstance(text, Problem):
        notes.add_all([text])
        return [], False
    reading = read_yaml(text, file.name)
    notes.add_all(reading.problems)
    drafts = [read_header(written, notes) for written in reading.documents]
    for draft in drafts:
        if draft is not None and draft.kind == ENVIRONMENT_KIND:
            hint = f"move it to {ENVIRONMENTS}/{draft.name or 'NAME'}.yaml beside the manifests"
            notes.add(draft.source, f"an {ENVIRONMENT_KIND} cannot stand among the manifests", hint)
    return [draft for draft in drafts if draft is not None], reading.complete and None not in drafts


def _connect(
    resources: Mapping[Address, Resource], findings: Diagnostics
) -> tuple[Graph | None, Mapping[Address, Resource]]:
    """The graph, and the resources with what they say about each other; circles are noted."""
    try:
        whole = resources if findings else complete_resources(resources)
        graph = build_graph(whole)
        _note_all(find_clashing_names(whole), findings)
        return graph, whole
    except ManifestError as error:
        _note_all(error.problems, findings)
        return None, resources


def _note_all(problems: Iterable[Problem], findings: Diagnostics) -> None:
    for problem in problems:
        findings.add(problem)

"""From a PATH to resources: files, documents, the Stack, resources, their graph. Offline, and all problems at once.

The steps: files, decoding, YAML, headers, the Stack with its variables, documents, resources, graph. A step that fails for one document
does not hide problems of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from genai_iac.core import Address, Document, Resource, Source, Stack
from genai_iac.core.errors import ManifestError, Problem
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.document_header import ParsedDocument, is_foreign, is_ignored, read_header
from genai_iac.manifest.environments import Environment, read_environment
from genai_iac.manifest.files import ENVIRONMENTS, File, ManifestPath, decode, find_manifest_path, read_files
from genai_iac.manifest.graph import Graph, build_graph
from genai_iac.manifest.placeholders import VariableValue
from genai_iac.manifest.resources import complete_resources, read_resources
from genai_iac.manifest.stack import check_one_stack, find_stack, ignored_globs, prepare_context
from genai_iac.manifest.variables import read_variable_file, variables_from_environ, variables_from_flags
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.references.names import find_clashing_names, find_wrong_previous_names
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.schema import ENVIRONMENT_KIND, STACK_KIND


class Manifest(Struct, frozen=True):
    """Everything a path declares, with what it was read from."""

    stack: Stack  # with the chosen environment
    resources: Mapping[Address, Resource]  # in the order of the files
    documents: Mapping[Address, Document]  # checked documents, with positions
    graph: Graph
    files: Mapping[str, str]  # every input as it is called from the manifests' directory: SHA-256 of its bytes, in hex
    environment: str | None  # name of --env
    profile: str | None  # OCI profile of the environment
    variables: Mapping[str, VariableValue]
    passed_over: tuple[str, ...] = ()  # YAML files of other tools


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

    Args:
        path: directory, file or `-`.
        environment: name in `environments/`.
        variables: of --var.
        variable_files: of --var-file, in order.
        environ: for GENAI_IAC_VAR_*; None reads none.
        stdin: for `-`.
    """
    findings = Diagnostics()
    place = find_manifest_path(path)
    inputs, drafts, lost, passed_over = _read_drafts(place, stdin, findings)
    chosen, extra = read_environment(place, environment, findings) if environment else (Environment(), None)
    settings = [read_variable_file(Path(name), findings) for name in variable_files]
    given = (chosen.variables, variables_from_environ(environ or {}), *(values for _, values in settings))
    # Without `lost`: where a document could not be read, a missing Stack may be in it.
    draft = find_stack(drafts, Source(place.given, 1, 1), not lost, findings)
    context = prepare_context(draft, chosen, [*given, variables_from_flags(variables or {})], str(place.root), findings)
    documents, resources = read_resources(_resource_documents(drafts), context, lost, findings)
    graph, resources = _connect(resources, findings)
    if findings or context.stack is None or graph is None:
        raise ManifestError(findings.problems)
    return Manifest(
        stack=context.stack,
        resources=resources,
        documents=documents,
        graph=graph,
        files=_hash_files([*inputs, *filter(None, [extra]), *(file for file, _ in settings)]),
        environment=environment,
        profile=context.stack.profile,
        variables=context.variables,
        passed_over=passed_over,
    )


def _resource_documents(drafts: Iterable[ParsedDocument]) -> list[ParsedDocument]:
    return [draft for draft in drafts if draft.kind in RESOURCE_TYPES]


def _hash_files(files: Iterable[File]) -> Mapping[str, str]:
    """SHA-256 of the bytes of each file, in hex, by its key."""
    return {file.key: hashlib.sha256(file.data).hexdigest() for file in files}


class _FileRead(Struct, frozen=True):
    """What one file gave. `whole`: no document of ours was lost."""

    key: str  # path from the root
    file: File | None
    drafts: Sequence[ParsedDocument]  # documents of a known kind
    whole: bool
    notes: FileDiagnostics


def _read_drafts(
    place: ManifestPath, stdin: BinaryIO | None, findings: Diagnostics
) -> tuple[list[File], list[ParsedDocument], frozenset[str], tuple[str, ...]]:
    """The files, their documents, the kinds of which a document could not be read (its name may be referred to), and the names of
    other tools' files, which are passed over below a directory."""
    found: list[_FileRead] = []
    passed_over: list[tuple[str, str]] = []
    for file in read_files(place, stdin):
        read = _read_problem(place, file) if isinstance(file, Problem) else _read_file(file, place.only is None)
        if read is not None:
            found.append(read)
        elif isinstance(file, File):
            passed_over.append((file.key, file.name))
    stacks = [draft for read in found for draft in read.drafts if draft.kind == STACK_KIND]
    if place.only is None:
        check_one_stack(stacks, place.given)
    globs = ignored_globs(stacks[0]) if stacks else ()
    kept = [read for read in found if not is_ignored(read.key, globs)]
    lost: set[str] = set()
    for read in kept:
        findings.of(read.notes.file).add_all(read.notes.problems)
        lost.update((draft.kind for draft in read.drafts if draft.name is None) if read.whole else RESOURCE_TYPES)
    drafts = [draft for read in kept for draft in read.drafts]
    others = tuple(name for key, name in passed_over if not is_ignored(key, globs))
    return [read.file for read in kept if read.file is not None], drafts, frozenset(lost), others


def _read_problem(place: ManifestPath, problem: Problem) -> _FileRead:
    """A file that could not be read at all."""
    name = problem.source.file
    return _FileRead(name.removeprefix(place.prefix), None, (), False, FileDiagnostics(name, [problem]))


def _read_file(file: File, others_there: bool) -> _FileRead | None:
    """The documents of a file that are of a known kind; None for a file of another tool, where such may be."""
    notes = FileDiagnostics(file.name)
    text = decode(file.data, file.name)
    if isinstance(text, Problem):
        notes.add_all([text])
        return None if others_there and is_foreign(file.data, ()) else _FileRead(file.key, file, (), False, notes)
    reading = read_yaml(text, file.name)
    if others_there and (reading.documents or reading.problems) and is_foreign(file.data, reading.documents):
        return None
    notes.add_all(reading.problems)
    drafts = [read_header(written, notes) for written in reading.documents]
    for draft in drafts:
        if draft is not None and draft.kind == ENVIRONMENT_KIND:
            hint = f"move it to {ENVIRONMENTS}/{draft.name or 'NAME'}.yaml beside the manifests"
            notes.add(draft.source, f"an {ENVIRONMENT_KIND} cannot stand among the manifests", hint)
    known = [draft for draft in drafts if draft is not None]
    return _FileRead(file.key, file, known, reading.complete and None not in drafts, notes)


def _connect(
    resources: Mapping[Address, Resource], findings: Diagnostics
) -> tuple[Graph | None, Mapping[Address, Resource]]:
    """The graph, and the resources with what they say about each other; cycles are noted."""
    _note_all(find_wrong_previous_names(resources), findings)
    try:
        whole = resources if findings else complete_resources(resources)
        graph = build_graph(whole)
        _note_all(find_clashing_names(whole), findings)
        return graph, whole
    except ManifestError as error:
        _note_all(error.problems, findings)
        return None, resources


def _note_all(problems: Iterable[Problem], findings: Diagnostics) -> None:
    """Add each problem to its file."""
    for problem in problems:
        findings.add(problem)

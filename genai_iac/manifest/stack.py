"""The one Stack of a path: found, its variables resolved, and made the Stack that every resource shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from genai_iac.core import Document, Source, Stack
from genai_iac.core.errors import ManifestError, Problem, name_some
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.document_header import ParsedDocument
from genai_iac.manifest.environments import Environment, environment_names
from genai_iac.manifest.placeholders import Interpolation, Scope, VariableValue, find_broken
from genai_iac.manifest.variables import GivenValue, declare_variables, resolve_variables
from genai_iac.manifest.yaml_nodes import Places, check_tags, to_data
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.schema import STACK_KIND, check_document

# by kind: what a reference may end in
REFERABLE = {name: kind.reference_fields for name, kind in RESOURCE_TYPES.items()}
_MOST_NAMED = 20  # stacks in a message


class LoadContext(Struct, frozen=True):
    """What every resource of a path stands on. `stack` None: something is wrong with it, and was noted."""

    stack: Stack | None
    scope: Scope  # of placeholders in resources
    variables: Mapping[str, VariableValue]  # empty when they could not be read


def find_stack(
    drafts: Iterable[ParsedDocument], where: Source, complete: bool, findings: Diagnostics
) -> ParsedDocument | None:
    """The one Stack; a problem when there is none or a second one.

    Args:
        drafts: all documents.
        where: position for a missing Stack.
        complete: no document was lost, so a missing Stack is certain.
    """
    stacks = [draft for draft in drafts if draft.kind == STACK_KIND]
    for other in stacks[1:]:
        notes = findings.of(other.written.file)
        notes.add(
            other.source,
            f"a second {STACK_KIND}; the first is at {stacks[0].source}",
            "give each Stack a directory of its own",
        )
    if stacks:
        return stacks[0]
    if complete:
        hint = f"add one: apiVersion: genai-iac/v1, kind: {STACK_KIND}, metadata.name, spec.region"
        findings.of(where.file).add(where, f"no document is of kind {STACK_KIND}", hint)
    return None


def check_one_stack(stacks: Iterable[ParsedDocument], path: str) -> None:
    """Raises ManifestError, one sentence, when Stacks in several files are below a directory: their resources are not mixed.

    Two stacks in one plan would own each other's resources.
    """
    files = {draft.written.file: draft.name or "?" for draft in stacks}
    if len(files) < 2:
        return
    named = [f"{name} ({file})" for file, name in files.items()]
    shown = name_some(named, _MOST_NAMED)
    hint = f"give the directory of one of them, such as {next(iter(files)).rpartition('/')[0] or next(iter(files))}"
    raise ManifestError([Problem(Source(path, 1, 1), f"{len(files)} stacks are below this directory: {shown}", hint)])


def ignored_globs(draft: ParsedDocument) -> tuple[str, ...]:
    """The globs of Stack.spec.ignore, taken as they are written; whether they are right is checked with the rest of the Stack.

    Args:
        draft: the Stack, before it is checked: files have to be ignored before their
            problems are reported.
    """
    spec = to_data(draft.spec) if draft.spec is not None else None
    globs = spec.get("ignore") if isinstance(spec, Mapping) else None
    return tuple(glob for glob in globs if isinstance(glob, str) and glob) if isinstance(globs, list) else ()


def prepare_context(
    draft: ParsedDocument | None,
    environment: Environment,
    layers: Iterable[Iterable[GivenValue]],
    root: str,
    findings: Diagnostics,
) -> LoadContext:
    """The Stack and what placeholders may name. `layers` are the values given to variables, later ones win.

    Args:
        draft: the Stack; None when there is none.
        environment: the chosen one, possibly empty.
        root: absolute path of the manifests' directory.
    """
    if draft is None:
        return LoadContext(None, Scope(None, None, REFERABLE), {})
    notes, places = findings.of(draft.written.file), Places(draft.written)
    spec = to_data(draft.spec) if draft.spec is not None else None
    if not isinstance(spec, Mapping):
        notes.add_all(check_document(STACK_KIND, to_data(draft.root), places.nearest))
        return LoadContext(None, Scope(draft.name, None, REFERABLE), {})
    document = Document(STACK_KIND, draft.name or "", spec, draft.source, places)

    def others() -> Sequence[str]:
        return environment_names(root) if environment.name is None else ()

    variables = _settle(draft, document, layers, others, notes) if environment.sound and draft.written.whole else None
    scope = Scope(draft.name, variables, REFERABLE)
    return LoadContext(_read_stack(draft, document, environment, scope, root, notes), scope, variables or {})


def _settle(
    draft: ParsedDocument,
    document: Document,
    layers: Iterable[Iterable[GivenValue]],
    environments: Callable[[], Sequence[str]],
    notes: FileDiagnostics,
) -> Mapping[str, VariableValue] | None:
    """The variables; None when their declarations or values are wrong."""
    before = len(notes)
    alone = {**to_data(draft.root), "spec": {"variables": document.spec.get("variables", {})}}
    notes.add_all(
        problem
        for problem in check_document(STACK_KIND, alone, document.place)
        if problem.source >= document.place("spec", "variables")
    )
    if len(notes) > before:
        return None
    declared = declare_variables(document, notes)
    resolved = resolve_variables(declared, layers, document, notes, environments)
    return resolved if len(notes) == before else None


def _read_stack(
    draft: ParsedDocument, document: Document, environment: Environment, scope: Scope, root: str, notes: FileDiagnostics
) -> Stack | None:
    """The Stack with its variables filled in and the environment applied; None when something is wrong."""
    before = len(notes)
    # The Stack is read before any resource exists, so it cannot refer to one.
    own = Scope(scope.stack, scope.variables, scope.kinds, references=False)
    assert draft.spec is not None
    spec = Interpolation(draft.written, own, notes).read_spec(draft.spec, literal=("variables", "ignore"))
    data = {**to_data(draft.root), "spec": spec}
    unread = find_broken(data)
    if draft.written.whole:
        notes.add_all(check_document(STACK_KIND, data, document.place, unread))
    if len(notes) > before or unread or not draft.written.sound or scope.variables is None:
        return None
    region = environment.spec.get("region") or spec.get("region")
    if region is None:
        notes.add(
            document.place("spec"),
            "spec.region is missing",
            "for example region: us-chicago-1, here or in the environment",
        )
        return None
    check_tags(document, spec.get("tags", {}), notes)
    return Stack(
        name=document.name,
        environment=environment.name,
        region=region,
        tenancy=environment.spec.get("tenancy") or spec.get("tenancy"),
        tags=spec.get("tags", {}),
        profile=environment.spec.get("profile"),
        root=root,
        source=draft.source,
        id=spec.get("id"),
        pin=environment.place_of_tenancy or (document.place("spec", "tenancy") if "tenancy" in spec else None),
    )

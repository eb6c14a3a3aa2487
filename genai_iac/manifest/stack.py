"""The one Stack of a path: found, its variables settled, and made the Stack that every resource shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genai_iac.kinds import KINDS
from genai_iac.manifest.envelope import Draft
from genai_iac.manifest.environments import Environment
from genai_iac.manifest.holes import Scope, VariableValue
from genai_iac.manifest.interpolate import Interpolation, find_broken
from genai_iac.manifest.nodes import Places, to_data
from genai_iac.manifest.notes import Findings, Notes
from genai_iac.manifest.tags import check_tags
from genai_iac.manifest.variables import Given, declare_variables, settle_variables
from genai_iac.model import Document, Source, Stack
from genai_iac.schema import STACK_KIND, check_document


@dataclass(frozen=True, slots=True)
class Ground:
    """What every resource of a path stands on. `stack` None: something is wrong with it, and was noted."""

    stack: Stack | None
    scope: Scope
    variables: Mapping[str, VariableValue]


def find_stack(drafts: Iterable[Draft], where: Source, complete: bool, findings: Findings) -> Draft | None:
    """The one Stack; a problem when there is none or a second one."""
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


def prepare_ground(
    draft: Draft | None, environment: Environment, layers: Iterable[Iterable[Given]], root: str, findings: Findings
) -> Ground:
    """The Stack and what holes may name. `layers` are the values given to variables, later ones win."""
    if draft is None:
        return Ground(None, Scope(None, None, KINDS), {})
    notes, places = findings.of(draft.written.file), Places(draft.written)
    spec = to_data(draft.spec) if draft.spec is not None else None
    if not isinstance(spec, Mapping):
        notes.add_all(check_document(STACK_KIND, to_data(draft.root), places.nearest))
        return Ground(None, Scope(draft.name, None, KINDS), {})
    document = Document(STACK_KIND, draft.name or "", spec, draft.source, places)
    variables = _settle(draft, document, layers, notes) if environment.sound and draft.written.whole else None
    scope = Scope(draft.name, variables, KINDS)
    return Ground(_read_stack(draft, document, environment, scope, root, notes), scope, variables or {})


def _settle(
    draft: Draft, document: Document, layers: Iterable[Iterable[Given]], notes: Notes
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
    settled = settle_variables(declared, layers, document, notes)
    return settled if len(notes) == before else None


def _read_stack(
    draft: Draft, document: Document, environment: Environment, scope: Scope, root: str, notes: Notes
) -> Stack | None:
    before = len(notes)
    own = Scope(scope.stack, scope.variables, scope.kinds, references=False)
    assert draft.spec is not None
    spec = Interpolation(draft.written, own, notes).read_spec(draft.spec, literal=("variables",))
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
    )

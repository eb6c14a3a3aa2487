"""From parsed documents to resources: values filled in, checked by schema and kind, references resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Document, Path, Reference, Resource, Source, Stack, read_compartment
from genai_iac.core.errors import Problem, show, suggest_or_list
from genai_iac.core.resource import leave_out, run_checks
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.document_header import ParsedDocument
from genai_iac.manifest.graph import read_references
from genai_iac.manifest.placeholders import Interpolation, find_broken
from genai_iac.manifest.stack import LoadContext
from genai_iac.manifest.yaml_nodes import Places, merge_tags, to_data
from genai_iac.resource_types import RESOURCE_TYPES
from genai_iac.schema import check_document, find_unread

# In place of a Stack with mistakes, so that resources are checked all the same. Nothing
# is planned with it.
_STAND_IN = Stack("unread", None, "us-chicago-1", None, {}, None, "/", Source("", 1, 1))


class _Read(Struct, frozen=True):
    """A document with the references that its placeholders name. `document` None: something is wrong with it, and was noted."""

    document: Document | None
    references: tuple[tuple[Reference, Source], ...]  # each with the position where it is written
    previous_names: tuple[str, ...] = ()


def read_resources(
    drafts: Iterable[ParsedDocument], context: LoadContext, lost: frozenset[str], findings: Diagnostics
) -> tuple[Mapping[Address, Document], Mapping[Address, Resource]]:
    """The documents that are right and the resources they declare. `lost` are the kinds of which a document could not be read.

    Args:
        drafts: documents of resource kinds.
        context: the Stack and the scope of placeholders.
        lost: a reference to such a kind may be right.
        findings: gets the problems.
    """
    firsts = _find_firsts(drafts, findings)
    documents: dict[Address, Document] = {}
    resources: dict[Address, Resource] = {}
    claimed: dict[str, tuple[Source, bool]] = {}
    for draft in drafts:
        notes = findings.of(draft.written.file)
        # A file with a hundred problems is of another kind; more of them help nobody.
        if notes.full:
            continue
        read = _read_document(draft, context, notes)
        notes.add_all(_find_dangling(read.references, firsts, lost))
        address = draft.address
        if read.document is None or address is None or firsts[address] is not draft:
            continue
        documents[address] = read.document
        notes.add_all(_find_shared(read.document, claimed))
        # without a Stack that is right nothing is planned, but what does not depend on it is checked all the same
        resources[address] = _declare(read, context.stack or _STAND_IN)
        referenced = {reference for reference, _ in read.references}
        implied = (reference for reference in read_references(resources[address]) if reference not in referenced)
        notes.add_all(_find_dangling(_place(implied, read.document, firsts), firsts, lost))
    return documents, resources


def complete_resources(resources: Mapping[Address, Resource]) -> Mapping[Address, Resource]:
    """The resources once all are known and none refers to what nobody declares.

    Called only when nothing is wrong, so every reference leads to a declared resource.
    """
    return {
        address: RESOURCE_TYPES[address.kind].complete(resource, resources) for address, resource in resources.items()
    }


def _find_firsts(drafts: Iterable[ParsedDocument], findings: Diagnostics) -> Mapping[Address, ParsedDocument]:
    """The first document of each address; later ones are problems."""
    firsts: dict[Address, ParsedDocument] = {}
    for draft in drafts:
        if draft.address is None:
            continue
        first = firsts.setdefault(draft.address, draft)
        if first is not draft:
            notes = findings.of(draft.written.file)
            notes.add(
                draft.source,
                f"{draft.address} is declared twice; first at {first.source}",
                "give one of them another metadata.name",
            )
    return firsts


def _read_document(draft: ParsedDocument, context: LoadContext, notes: FileDiagnostics) -> _Read:
    """Fill in values, check by schema and kind. A document with mistakes still gives its references."""
    before = len(notes)
    kind, places = RESOURCE_TYPES[draft.kind], Places(draft.written)
    interpolation = Interpolation(draft.written, context.scope, notes)
    data: dict[str, Any] = {
        key: interpolation.read_spec(value, kind.statement_fields) if key == "spec" else to_data(value)
        for key, (_, value) in draft.root.entries.items()
    }
    unread = find_broken(data) if interpolation.broken else ()
    if draft.written.whole:
        notes.add_all(check_document(draft.kind, data, places.nearest, unread))
        if kind.creates_secrets:
            from genai_iac.schema.sink_settings import check_sink_settings  # no other kind has sinks

            notes.add_all(check_sink_settings(data, places.nearest, unread))
    references = tuple(interpolation.references)
    if len(notes) > before or unread or not draft.written.sound or draft.name is None:
        if draft.written.whole:
            return _Read(None, (*references, *_check_rest(draft, data, unread, context, notes)))
        return _Read(None, references)
    document = Document(draft.kind, draft.name, data["spec"], draft.source, places)
    tags = merge_tags(context.stack.tags if context.stack else {}, document, notes)
    document = replace(document, spec={**document.spec, "tags": tags})
    notes.add_all(kind.check(document))
    previous_names = tuple(data["metadata"].get("previousNames", ()))
    if len(notes) == before:
        return _Read(document, references, previous_names)
    return _Read(None, (*references, *_find_homes(document)))


def _check_rest(
    draft: ParsedDocument, data: Mapping[str, Any], unread: Iterable[Path], context: LoadContext, notes: FileDiagnostics
) -> Iterator[tuple[Reference, Source]]:
    """Check what can be read of a document with mistakes; the references that its names stand for."""
    if not isinstance(data.get("spec"), Mapping):
        return
    kind = RESOURCE_TYPES[draft.kind]
    wrong, unsure = find_unread(draft.kind, data)
    if ("spec",) in wrong or () in wrong:
        return
    rest = leave_out(data, wrong | set(unread), unsure)
    document = Document(draft.kind, draft.name or "unnamed", rest["spec"], draft.source, Places(draft.written))
    tags = data["spec"].get("tags", {})
    if isinstance(tags, Mapping):
        merge_tags(context.stack.tags if context.stack else {}, replace(document, spec={"tags": tags}), notes)
    notes.add_all(run_checks(kind.checks(document)))
    yield from _find_homes(document)


def _find_homes(document: Document) -> Iterator[tuple[Reference, Source]]:
    """References of the fields by which a resource names its compartment."""
    return run_checks(_find_home(document, field) for field in ("compartment", "parent"))


def _find_home(document: Document, field: str) -> Iterator[tuple[Reference, Source]]:
    """The compartment that a field of a document names, when it is one of the manifests'."""
    value = document.spec.get(field)
    home = read_compartment(value) if isinstance(value, str) else None
    if isinstance(home, Reference):
        yield home, document.place("spec", field)


def _declare(read: _Read, stack: Stack) -> Resource:
    """The resource of a checked document, with its previous names."""
    assert read.document is not None
    resource = RESOURCE_TYPES[read.document.kind].desired(read.document, stack)
    if not read.previous_names:
        return resource
    places = {**resource.places, "previousNames": read.document.place("metadata", "previousNames")}
    return replace(resource, previous_names=read.previous_names, places=places)


def _find_shared(document: Document, claimed: dict[str, tuple[Source, bool]]) -> Iterator[Problem]:
    """What a document claims and another claim has already; what it is the first to claim is added to `claimed`."""
    reported: set[Path] = set()
    for path, what, shared in RESOURCE_TYPES[document.kind].claims(document):
        source = document.place(*path)
        if what not in claimed:
            claimed[what] = (source, shared)
            continue
        first, first_shared = claimed[what]
        if not (shared and first_shared) and path not in reported:
            reported.add(path)
            hint = "give each entry of deliverTo, of this key and of others, a place of its own"
            hint += "; keys that share a dotenv file need an env with names of their own" if " in file " in what else ""
            yield Problem(source, f"{show(what)} is delivered to twice; first at {first}", hint)


def _find_dangling(
    references: Iterable[tuple[Reference, Source]], declared: Mapping[Address, ParsedDocument], lost: frozenset[str]
) -> Iterator[Problem]:
    """References to addresses that nobody declares."""
    for reference, source in references:
        address = reference.address
        if address not in declared and address.kind not in lost:
            names = [other.name for other in declared if other.kind == address.kind]
            hint = suggest_or_list(address.name, names) or f"declare one: kind: {address.kind} with that name"
            yield Problem(source, f"no {address.kind} is called {show(address.name)}", hint)


def _place(
    references: Iterable[Reference], document: Document, declared: Mapping[Address, ParsedDocument]
) -> Iterator[tuple[Reference, Source]]:
    """References that the kind made of plain names, those that nobody declares, with the place of the name."""
    for reference in references:
        if reference.address not in declared:
            path = next(_find_names(document.spec, reference.address.name, ("spec",)), ("spec",))
            yield reference, document.place(*path)


def _find_names(value: Any, name: str, path: Path) -> Iterator[Path]:
    """Paths at which a name is written, to point at it in a message."""
    if value == name:
        yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _find_names(inner, name, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _find_names(inner, name, (*path, index))

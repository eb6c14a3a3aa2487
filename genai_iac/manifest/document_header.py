"""What a document says it is: `apiVersion`, `kind` and `metadata.name`. The rest can only be judged once these are known."""

from __future__ import annotations

from dataclasses import dataclass

from genai_iac.core import Address, Source
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.yaml_nodes import MapNode, Node, Scalar, Written
from genai_iac.schema import API_VERSION, DOCUMENT_KINDS, show, suggest_or_list
from genai_iac.schema.documents import NAME
from genai_iac.schema.patterns import compile_ecma_pattern

# The schema's own pattern, so both agree on what a name is.
_NAME = compile_ecma_pattern(str(NAME["pattern"]))


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document whose kind is known. `name` None: it has none that could be used."""

    kind: str  # a known one
    name: str | None
    written: Written  # with positions and text
    root: MapNode  # the document's mapping

    @property
    def address(self) -> Address | None:
        """None for a document without a usable name."""
        return Address(self.kind, self.name) if self.name else None

    @property
    def source(self) -> Source:
        """Position of the document."""
        return self.written.place(self.root)

    @property
    def spec(self) -> Node | None:
        """The node below `spec`, or None."""
        return self.root.entries["spec"][1] if "spec" in self.root.entries else None


def read_header(written: Written, notes: FileDiagnostics) -> ParsedDocument | None:
    """The document's kind and name; None (and notes) when it is no manifest or of no known kind.

    Args:
        written: one YAML document.
        notes: gets the problems.
    """
    root = written.root
    if not isinstance(root, MapNode):
        notes.add(
            written.place(root),
            "a document must be a mapping with apiVersion, kind, metadata and spec",
            "separate documents with ---",
        )
        return None
    kind, version = _text_at(root, "kind"), _text_at(root, "apiVersion")
    if kind is None:
        _note_no_kind(written, root, notes)
        return None
    if version is not None and version != API_VERSION:
        _note_version(written, root, version, notes)
        return None  # what another version says cannot be judged
    if kind not in DOCUMENT_KINDS:
        place = written.place(root.entries["kind"][1])
        notes.add(place, f"no kind is called {show(kind)}", suggest_or_list(kind, DOCUMENT_KINDS))
        return None
    return ParsedDocument(kind, _read_name(root), written, root)


def _text_at(node: Node, key: str) -> str | None:
    if isinstance(node, MapNode) and key in node.entries:
        value = node.entries[key][1]
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return value.value
    return None


def _note_no_kind(written: Written, root: MapNode, notes: FileDiagnostics) -> None:
    """Report a missing `kind`, or one that is written in another case or is no string."""
    if "kind" in root.entries:
        notes.add(
            written.place(root.entries["kind"][1]), "kind must be a string", f"write one of {', '.join(DOCUMENT_KINDS)}"
        )
    else:
        near = [key for key in root.entries if key.casefold() == "kind"]
        hint = f"did you mean kind instead of {show(near[0])}?" if near else f"write one of {', '.join(DOCUMENT_KINDS)}"
        notes.add(written.place(root), "kind is missing", hint)


def _note_version(written: Written, root: MapNode, version: str, notes: FileDiagnostics) -> None:
    """Report an apiVersion of another tool or of another version of this one."""
    hint = f"write {API_VERSION}"
    if version.startswith("kustomize.config.k8s.io/"):
        hint = "a kustomization is not a manifest: run kustomize build and give its output as standard input (PATH -)"
    notes.add(written.place(root.entries["apiVersion"][1]), f"the apiVersion {show(version)} is not known", hint)


def _read_name(root: MapNode) -> str | None:
    metadata = root.entries.get("metadata")
    name = _text_at(metadata[1], "name") if metadata else None
    return name if name is not None and _NAME.search(name) else None

"""The header of a document (`apiVersion`, `kind`, `metadata.name`), and which YAML files below a directory are manifests at all.

A document can only be judged once its header is known. A file is a manifest, and not another tool's (docker-compose.yml, mkdocs.yml,
openapi.yaml), when any document in it says our apiVersion or one of our kinds, or looks as if it meant to: a mistyped manifest that was
ignored would have its resources deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from msgspec import Struct

from genai_iac.core import Address, Source
from genai_iac.core.errors import show, suggest_or_list
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.yaml_nodes import MapNode, Node, Scalar, Written
from genai_iac.schema import API_VERSION, DOCUMENT_KINDS
from genai_iac.schema.documents import NAME
from genai_iac.schema.patterns import compile_ecma_pattern

# The schema's own pattern, so both agree on what a name is.
_NAME = compile_ecma_pattern(str(NAME["pattern"]))


class ParsedDocument(Struct, frozen=True):
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
    if not version.startswith("genai"):
        hint += "; what another tool reads belongs into a file of its own that Stack.spec.ignore names"
    if version.startswith("kustomize.config.k8s.io/"):
        hint = "a kustomization is not a manifest: run kustomize build and give its output as standard input (PATH -)"
    notes.add(written.place(root.entries["apiVersion"][1]), f"the apiVersion {show(version)} is not known", hint)


def _read_name(root: MapNode) -> str | None:
    metadata = root.entries.get("metadata")
    name = _text_at(metadata[1], "name") if metadata else None
    return name if name is not None and _NAME.search(name) else None


_KINDS = {kind.casefold(): kind for kind in DOCUMENT_KINDS}  # by folded name
# for a file that cannot be parsed: a line that says so
_SIGN = re.compile(
    rb"""(?im)genai[-_]?iac\s*/|^[\s"'{-]*kind["']?\s*:\s*["']?(?:%s)s?\b"""
    % b"|".join(kind.encode() for kind in _KINDS)
)


def is_foreign(data: bytes, documents: Sequence[Written]) -> bool:
    """Whether no document of the file is ours, nor anything in its text a sign of that.

    Args:
        data: bytes of the file, also when it cannot be parsed.
        documents: those that could be read.
    """
    return not _SIGN.search(data) and not any(looks_like_ours(written.root) for written in documents)


def looks_like_ours(root: Node) -> bool:
    """Whether a document is one of ours or was meant to be.

    Args:
        root: of a document.
    """
    if not isinstance(root, MapNode):
        return False
    keys = {key.casefold(): value for key, (_, value) in root.entries.items()}
    version, kind = _text(keys.get("apiversion")), _text(keys.get("kind"))
    # A mistyped version is still ours: passing the file over would plan the deletion of its
    # resources.
    if version and (version == API_VERSION or get_close_matches(version.casefold(), [API_VERSION], 1, 0.75)):
        return True
    if kind and kind.casefold() in _KINDS:
        return True
    if kind and not version:
        return bool(get_close_matches(kind.casefold(), _KINDS, 1, 0.75))
    return not kind and {"metadata", "spec"} <= keys.keys()


def is_ignored(key: str, globs: Iterable[str]) -> bool:
    """Whether a file, by its name from the manifests' directory, fits a glob of Stack.spec.ignore: `*` and `?` stay within a
    name, `**` does not, a glob without a slash fits a name at any depth, and what fits a directory fits all below it.

    Args:
        key: path from the root, with slashes.
        globs: of Stack.spec.ignore.
    """
    parts = key.split("/")
    paths = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return any(_compile(glob).fullmatch(path) for glob in globs for path in paths)


@lru_cache(maxsize=256)
def _compile(glob: str) -> re.Pattern[str]:
    """The glob as a regular expression over the whole path."""
    glob = glob.removeprefix("./").rstrip("/")
    if "/" not in glob:
        glob = f"**/{glob}"
    glob = re.sub(r"\*{3,}", "**", glob.lstrip("/"))
    text = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", glob):
        text += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(piece, re.escape(piece))
    return re.compile(text)


def _text(node: Node | None) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None

"""Which YAML files below a directory are manifests of ours, and which are another tool's (docker-compose.yml, mkdocs.yml, openapi.yaml).

A file counts as ours when any document in it says our apiVersion or one of our kinds, or looks as if it meant to: a mistyped manifest
that were passed over would have its resources deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from genai_iac.manifest.yaml_nodes import MapNode, Node, Scalar, Written
from genai_iac.schema import API_VERSION, DOCUMENT_KINDS

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

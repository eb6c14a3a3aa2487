"""Delivered files that the git work tree around them does not ignore: the next `git add` would commit the values in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genai_iac.core import Address, Notice, Resource
from genai_iac.core.errors import UsageError
from genai_iac.filesystem import find_git_root


def find_unignored(root: Path, resources: Mapping[Address, Resource]) -> frozenset[str]:
    """The paths of file sinks, as manifests write them, that lie in a git work tree and are not ignored in it.

    Empty where there is no work tree, and where git is missing or cannot read it.
    """
    paths = sorted({path for resource in resources.values() for path in _file_paths(resource)})
    # starting git takes longer than the rest of an offline command
    if not paths or find_git_root(root) is None:
        return frozenset()
    from genai_iac.repository.git import find_repository

    try:
        return frozenset(find_repository(root).unignored(root, paths))
    except UsageError:
        return frozenset()


def note_unignored(resources: Mapping[Address, Resource], unignored: Collection[str]) -> Iterator[Notice]:
    """A notice for each key that delivers to such a file."""
    for address, resource in resources.items():
        for path in _file_paths(resource):
            if path in unignored:
                yield Notice(f"git does not ignore {path}, which holds secret values: add it to .gitignore", address)


def _file_paths(resource: Resource) -> Iterator[str]:
    entries: Iterable[Mapping[str, Any]] = resource.settings.get("deliverTo") or ()
    for entry in entries:
        if "file" in entry:
            yield str(entry["file"]["path"])

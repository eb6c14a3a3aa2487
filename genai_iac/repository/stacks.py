"""The stacks below a directory and the files that each uses, so that a change can be matched to the stacks it touches. Offline.

A stack is the directory of the file with the `Stack` document (the file itself when its directory holds several). It uses: the manifests
and environments below it, whatever symbolic links below it lead to, and the variable files `*.vars.yaml` (`.yml`, `.json`) of the
directories above it, up to the root that is given.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from genai_iac.core.errors import Problem
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.document_header import read_header
from genai_iac.manifest.files import ENVIRONMENTS, ManifestPath, decode, find_manifest_path, read_file
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.schema import STACK_KIND

_MANIFESTS = (".yaml", ".yml")  # endings of manifests
_VARIABLES = (".vars.yaml", ".vars.yml", ".vars.json")  # endings of variable files that stacks below share
# How a Stack document looks in block and in flow form: for files that are too broken to be
# parsed, which must not vanish from the list of stacks.
_SIGN = re.compile(rb"""^["']?kind["']?\s*:\s*["']?Stack\b|[{,]\s*["']?kind["']?\s*:\s*["']?Stack\b""", re.MULTILINE)
_LONGEST_CHAIN = 40  # links that lead to links


class FoundStack(Struct, frozen=True):
    """One stack. Paths are as PATH was given; `place` is where it really is."""

    name: str  # `metadata.name`
    path: str
    place: Path
    environments: tuple[str, ...]
    variable_files: tuple[str, ...]  # nearest last, which wins
    linked: frozenset[Path]  # what links below it lead to: files, and directories with all that is below them

    def is_made_of(self, file: Path) -> bool:
        """Whether that file (there or gone) is part of it."""
        if any(file == one or one in file.parents for one in self.linked):
            return True
        if is_shared(file.name) and self._is_above(file.parent):
            return True
        return file.name.endswith(_MANIFESTS) and self._holds(file)

    def environment_of(self, file: Path) -> str | None:
        """The only environment that the file concerns, or None when it concerns all."""
        return file.stem if file.parent == self.folder / ENVIRONMENTS else None

    @property
    def folder(self) -> Path:
        """The directory that it is or lies in."""
        return self.place.parent if self.place.suffix in _MANIFESTS and not self.place.is_dir() else self.place

    def _is_above(self, folder: Path) -> bool:
        return folder != self.folder and folder in self.folder.parents

    def _holds(self, file: Path) -> bool:
        if self.folder != self.place:
            return file == self.place or file.parent == self.folder / ENVIRONMENTS
        if self.place not in file.parents:
            return False
        return not any(part.startswith(".") for part in file.relative_to(self.place).parts)


def is_shared(name: str) -> bool:
    """Whether a file of that name gives variables to the stacks below its directory."""
    return name.endswith(_VARIABLES)


def find_stacks(path: str, top: Path | None = None) -> list[FoundStack]:
    """Every stack below a path, by path. `top`: how far up variable files are looked for. Raises UsageError when nothing is there."""
    place = find_manifest_path(path)
    found: dict[Path, list[tuple[str, str]]] = {}
    files = [place.only] if place.only else _walk(place.root, "")
    for key in files:
        name = _stack_name(place, key)
        if name is not None:
            found.setdefault((place.root / key).parent, []).append((key, name))
    shared = _SharedFiles(top if top is not None and top in (place.root, *place.root.parents) else place.root)
    stacks = []
    for folder, holders in found.items():
        alone = len(holders) == 1 and not place.only
        for key, name in holders:
            inside = folder.relative_to(place.root).as_posix() if alone else key
            stacks.append(_describe(name, _typed(place.prefix, inside), place.root / inside, shared))
    return sorted(stacks, key=lambda stack: stack.path)


def read_stack_name(data: bytes, key: str) -> str | None:
    """The name of the Stack in a manifest; that of its directory when it says none that can be read; None when it holds no Stack."""
    if b"Stack" not in data:
        return None
    notes = FileDiagnostics(key)
    text = decode(data, key)
    if not isinstance(text, Problem):
        for written in read_yaml(text, key).documents:
            draft = read_header(written, notes)
            if draft is not None and draft.kind == STACK_KIND and draft.name:
                return draft.name
    # a broken manifest is planned all the same, so that somebody sees that it is broken
    return Path(key).parent.name or Path(key).stem if _SIGN.search(data) else None


def _walk(root: Path, below: str) -> Iterator[str]:
    """Names from the root of all that may be manifests; links to directories are not followed: they lead to stacks found elsewhere."""
    try:
        entries = sorted(os.scandir(root / below), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = f"{below}/{entry.name}" if below else entry.name
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, name)
        elif entry.name.endswith(_MANIFESTS):
            yield name


def _stack_name(place: ManifestPath, key: str) -> str | None:
    file = read_file(place, key)
    return None if isinstance(file, Problem) else read_stack_name(file.data, key)


def _describe(name: str, path: str, place: Path, shared: _SharedFiles) -> FoundStack:
    folder = place if place.is_dir() else place.parent
    below = _below(folder) if place.is_dir() else (place, *_below(folder / ENVIRONMENTS))
    linked = frozenset(target for one in below for target in _chain(one))
    return FoundStack(name, path, place, tuple(_environments(folder)), tuple(shared.above(folder)), linked)


def _typed(prefix: str, inside: str) -> str:
    """What to type as PATH."""
    path = os.path.normpath(prefix + inside) if prefix + inside else "."
    # neither a flag nor, at the start of a line, a command to a CI runner
    return f"./{path}" if path.startswith(("-", "::", "##")) else path


def _environments(folder: Path) -> Iterator[str]:
    try:
        files = sorted((folder / ENVIRONMENTS).iterdir())
    except OSError:
        return
    yield from (file.stem for file in files if file.name.endswith(_MANIFESTS) and not file.name.startswith("."))


class _SharedFiles:
    """Variable files of the directories above stacks, up to a top. A directory is listed once, however many stacks it has."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._of_folder: dict[Path, tuple[str, ...]] = {}

    def above(self, folder: Path) -> Iterator[str]:
        """Those of each directory above the folder, the nearest last."""
        for parent in reversed(folder.parents):
            if parent == self._top or self._top in parent.parents:
                yield from self._list(parent)

    def _list(self, folder: Path) -> tuple[str, ...]:
        if folder not in self._of_folder:
            files = sorted(file for file in folder.iterdir() if is_shared(file.name) and not file.name.startswith("."))
            self._of_folder[folder] = tuple(
                os.path.relpath(file) for file in files if stat.S_ISREG(file.lstat().st_mode)
            )
        return self._of_folder[folder]


def _below(folder: Path) -> Iterator[Path]:
    """Everything below a directory that is or may be a link."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink():
            yield Path(entry)
        elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
            yield from _below(Path(entry))


def _chain(path: Path) -> Iterator[Path]:
    """Every place that a link leads to on its way, there or not."""
    for _ in range(_LONGEST_CHAIN):
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))
        yield path
        yield Path(os.path.realpath(path))

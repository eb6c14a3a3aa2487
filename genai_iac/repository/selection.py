"""The stacks that one command covers (all below a path, or those that a change touches, for each environment), and shards of them.

A shard is chosen by a hash of each stack's path and nothing else, so it is the same on every machine. Python's own `hash` (another in each
process) and the position in a list (another once a stack is added) would not do.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from genai_iac.core.errors import UsageError, name_some
from genai_iac.manifest.files import ENVIRONMENTS
from genai_iac.repository.git import Repository, find_repository
from genai_iac.repository.stacks import FoundStack, find_stacks, is_shared

# Six digits are far more shards than any CI system starts.
_MOST_NAMED = 10  # environments in one hint
_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")


class Shard(Struct, frozen=True):
    """Part `index` of `count`, counted from 0."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `I/N` with 0 <= I < N. Raises ValueError.

        Raises:
            ValueError: another form, or an index outside 0 to N-1.
        """
        found = _FORM.fullmatch(text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 0 <= shard.index < shard.count:
            raise ValueError(f"{text!r} is not I/N with 0 <= I < N, for example 0/16")
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def takes(self, path: str) -> bool:
        """Whether a stack is in this part. `path`: from the root of the repository, with `/`, the same on every machine."""
        return stable_hash(path) % self.count == self.index


def stable_hash(path: str) -> int:
    """64 bits of SHA-256 over the path's UTF-8 bytes. Part of the format: other tools may compute it."""
    return int.from_bytes(hashlib.sha256(path.encode("utf-8", "surrogatepass")).digest()[:8], "big")


class SelectedStack(Struct, frozen=True):
    """One stack in one environment (empty: none)."""

    name: str  # `metadata.name` of the Stack
    path: str  # as it is typed
    key: str  # from the root of the repository: the same on every machine
    environment: str
    variable_files: tuple[str, ...]  # of the directories above it, the nearest last


class ChangedFiles:
    """Files that differ, found by their directories, so that a stack is compared with those near it and not with all.

    Args:
        repository: the work tree.
        names: files by git's names.
        given: variable files of the command line; a change to one concerns everything.
    """

    def __init__(self, repository: Repository, names: Iterable[str], given: tuple[Path, ...] = ()) -> None:
        files = [repository.root / name for name in names]
        self._concern_all = not {repository.root / (repository.name(file) or "") for file in given}.isdisjoint(files)
        self._names = frozenset(files)
        self._below: dict[Path, list[Path]] = {}  # by the file itself, and by each directory above it
        self._shared: dict[Path, list[Path]] = {}  # variable files by their directory
        for file in files:
            for place in (file, *file.parents):
                self._below.setdefault(place, []).append(file)
            if is_shared(file.name):
                self._shared.setdefault(file.parent, []).append(file)

    def environments_of(self, stack: FoundStack) -> frozenset[str] | None:
        """The environments of a stack that the change concerns; None: all of them."""
        # a submodule is one name to git, whatever differs in it
        if self._concern_all or not self._names.isdisjoint((stack.folder, *stack.folder.parents)):
            return None
        names = {stack.environment_of(file) for file in self._near(stack) if stack.is_made_of(file)}
        return None if None in names else frozenset(name for name in names if name is not None)

    def _near(self, stack: FoundStack) -> Iterator[Path]:
        """All files that may be part of it; some may come twice."""
        for place in (stack.place, stack.folder / ENVIRONMENTS, *stack.linked):
            yield from self._below.get(place, ())
        for folder in stack.folder.parents:
            yield from self._shared.get(folder, ())


def find_git(path: str, *, needed: bool) -> Repository | None:
    """The repository around a path; None outside git. Raises UsageError there when it is needed."""
    try:
        return find_repository(Path(path))
    except UsageError:
        if needed:
            raise
        return None


def select_stacks(
    path: str,
    *,
    changed_since: str | None = None,
    shard: Shard | None = None,
    environment: str | None = None,
    variable_files: tuple[Path, ...] = (),
) -> list[SelectedStack]:
    """The stacks below a path, by path and environment. Raises UsageError outside git when a revision is named.

    Args:
        path: directory to search.
        changed_since: revision; None: all stacks.
        shard: None: all parts.
        environment: only this one; None: all of each stack.
        variable_files: of the command line.
    """
    repository = find_git(path, needed=changed_since is not None)
    changed: ChangedFiles | None = None
    if repository and changed_since:
        changed = ChangedFiles(repository, repository.changed_since(changed_since), variable_files)
    found = find_stacks(path, repository.root if repository else None)
    if not found and changed_since is None:
        raise UsageError(
            f"no stack is below {path}", hint="give a directory that has one, or make one: genai-iac init DIR"
        )
    check_environment(environment, found, path)
    return [
        one
        for stack in found
        for one in _environments(stack, repository, changed, environment, path)
        if shard is None or shard.takes(one.key)
    ]


def check_environment(environment: str | None, found: Iterable[FoundStack], path: str) -> None:
    """Raises UsageError for an environment that none of the stacks has: a misspelt one must not pass for nothing to do."""
    names = sorted({name for stack in found for name in stack.environments})
    if environment is None or environment in names:
        return
    known = (
        f"write one of {name_some(names, _MOST_NAMED)}"
        if names
        else "leave --env away: no stack there has environments"
    )
    raise UsageError(f"no stack below {path} has an environment {environment}", hint=known)


def _environments(
    stack: FoundStack,
    repository: Repository | None,
    changed: ChangedFiles | None,
    wanted: str | None,
    path: str,
) -> Iterator[SelectedStack]:
    concerned = changed.environments_of(stack) if changed else None
    for name in stack.environments or ("",):
        if wanted in (None, name) and (concerned is None or name in concerned):
            yield SelectedStack(stack.name, stack.path, _key(stack, repository, path), name, stack.variable_files)


def _key(stack: FoundStack, repository: Repository | None, path: str) -> str:
    inside = repository.name(stack.place) if repository else None
    if inside is not None:
        return inside
    root = Path(path).resolve()
    place = stack.place.resolve()
    return place.relative_to(root).as_posix() if root == place or root in place.parents else place.name

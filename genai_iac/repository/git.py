"""What git remembers: which files a change touches, and files as they were at a revision. Reads objects only.

No hook, filter, pager or file system monitor runs, nothing is fetched, and no work tree is made: a repository may be hostile.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from genai_iac.core.errors import UsageError

_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"),
    *("-c", "protocol.allow=never", "--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs"),
)
_ENVIRON = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_REGULAR, _LINK = ("100644", "100755"), "120000"
_LARGEST = 1024 * 1024 + 1  # bytes of a file that are of interest: a manifest is refused past 1 MiB


@dataclass(frozen=True, slots=True)
class Repository:
    """A git work tree. Paths are relative to its root."""

    root: Path  # absolute, without links

    def name(self, path: Path) -> str | None:
        """What git calls that path, links on the way to its directory resolved; None outside the work tree."""
        real = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
        try:
            return real.relative_to(self.root).as_posix()
        except ValueError:
            return None

    def commit(self, revision: str) -> str:
        """The commit that a revision means. Raises UsageError when there is none."""
        found = _run(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found is None:
            raise UsageError(
                f"git knows no commit {revision!r} here",
                hint="fetch it first: in CI check out with the whole history (fetch-depth: 0)",
            )
        return found.decode().strip()

    def changed_since(self, revision: str) -> frozenset[str]:
        """The files that differ from where this branch left that revision, committed or not, added, changed or deleted."""
        commit = self.commit(revision)
        base = _run(self.root, "merge-base", commit, "HEAD")
        since = base.decode().strip() if base else commit
        lists = (
            ("diff-tree", "-r", "-z", "--name-only", "--no-renames", since, "HEAD"),
            ("diff-index", "--cached", "-z", "--name-only", "--no-renames", "HEAD"),
            ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
            ("ls-files", "-z", "--others", "--exclude-standard"),
        )
        return frozenset(name for command in lists for name in _names(_run(self.root, *command)))

    def files_at(
        self, commit: str, below: Iterable[str], endings: tuple[str, ...] = ("",)
    ) -> Iterator[tuple[str, str, bytes]]:
        """Mode, name and content (of a link its target) of the files at a commit below these paths that end so; `.` means all."""
        listed = (
            _run(
                self.root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *(name for name in below if name != ".")
            )
            or b""
        )
        rows = [row.split(b"\t", 1) for row in listed.split(b"\0") if row]
        wanted = [(head.split()[0].decode(), head.split()[2], os.fsdecode(name)) for head, name in rows]
        kept = [row for row in wanted if _is_wanted(*row, endings)]
        for (mode, _, name), data in zip(kept, _read_blobs(self.root, [blob for _, blob, _ in kept]), strict=True):
            yield mode, name, data

    @contextmanager
    def laid_out(self, commit: str, below: Iterable[str], endings: tuple[str, ...]) -> Iterator[Path]:
        """A directory with those files and links, gone afterwards. Links are made last, so that nothing is written through one."""
        with TemporaryDirectory(prefix="genai-iac-") as made:
            folder, links = Path(made).resolve(), []
            for mode, name, data in self.files_at(commit, below, endings):
                if mode == _LINK:
                    links.append((folder / name, data))
                    continue
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
            for place, target in links:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(os.fsdecode(target))
            yield folder


def find_repository(path: Path) -> Repository:
    """The repository around a path. Raises UsageError when there is none, or no git."""
    real = path.resolve()
    found = _run(real if real.is_dir() else real.parent, "rev-parse", "--show-toplevel")
    if not found:
        raise UsageError(f"{path} is not in a git work tree", hint="run it inside a clone of the repository")
    return Repository(Path(os.fsdecode(found.rstrip(b"\n"))).resolve())


def _run(where: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What git prints, or None when it fails."""
    try:
        ran = subprocess.run(
            ["git", *_QUIET, *arguments],  # noqa: S607  # the git that is on PATH is the one people use
            cwd=where,
            env={**{name: text for name, text in os.environ.items() if not name.startswith("GIT_")}, **_ENVIRON},
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git cannot be found", hint="install git, or leave the revision away") from error
    return ran.stdout if ran.returncode == 0 else None


def _names(listed: bytes | None) -> Iterator[str]:
    if listed is None:
        raise UsageError("git cannot compare the work tree", hint="git status says why")
    yield from (os.fsdecode(name) for name in listed.split(b"\0") if name)


def _is_wanted(mode: str, blob: bytes, name: str, endings: tuple[str, ...]) -> bool:
    del blob
    if name.startswith("/") or {"..", ".", ""} & set(name.split("/")):  # git would not make such a tree; somebody may
        return False
    return mode == _LINK or (mode in _REGULAR and name.endswith(endings))


def _read_blobs(where: Path, blobs: list[bytes]) -> Iterator[bytes]:
    if not blobs:
        return
    answer = _run(where, "cat-file", "--batch", given=b"\n".join(blobs) + b"\n")
    if answer is None:
        raise UsageError("git cannot read the files of that revision", hint="git fsck says why")
    here = 0
    for blob in blobs:
        end = answer.index(b"\n", here)
        head = answer[here:end].split()
        if len(head) != 3 or head[1] != b"blob":
            raise UsageError(
                f"git does not have the object {blob.decode()}", hint="fetch it first: this clone is a partial one"
            )
        size = int(head[2])
        yield answer[end + 1 : end + 1 + min(size, _LARGEST)]
        here = end + 1 + size + 1

"""Reads a git repository: which files a change touches, and files as they were at a revision.

Only objects are read. No hook, filter, pager or file system monitor runs, nothing is fetched, and no work tree is made: a repository may
be hostile.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from genai_iac.core.errors import UsageError

# Every setting by which a repository's own configuration could run a program or reach a
# network.
_QUIET = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.bareRepository=explicit"),
    *("-c", "protocol.allow=never", "--no-pager", "--no-optional-locks", "--no-replace-objects"),
)
_LITERAL = "--literal-pathspecs"
# `LC_ALL`: the messages that are matched below are the English ones.
_ENVIRON = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# Modes of git trees; submodules (160000) are passed over.
_REGULAR, _LINK = ("100644", "100755"), "120000"
_LARGEST = 1024 * 1024 + 1  # bytes of a file that are of interest: a manifest is refused past 1 MiB
_LAST_WORDS = 400  # characters of what git says


class GitError(UsageError):
    """git cannot do what is asked. `reason` is its own, in one line."""

    def __init__(self, message: str, reason: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class Repository(Struct, frozen=True):
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
        """The commit that a revision means. Raises GitError when there is none."""
        try:
            found = _run(self.root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        except GitError as error:
            message = f"git knows no commit {revision!r} in {self.root}: {error.reason}"
            raise GitError(message, error.reason, hint=self._way_to_commits()) from error
        return found.decode().strip()

    def changed_since(self, revision: str) -> frozenset[str]:
        """The files that differ from where this branch left that revision, committed or not, added, changed or deleted.

        Args:
            revision: anything that `git rev-parse` takes.

        Raises:
            GitError: no such commit, or git cannot compare.
        """
        commit = self.commit(revision)
        # What the other branch changed meanwhile is not this branch's change.
        base = _run(self.root, "merge-base", commit, "HEAD", no=(1,))  # 1: they have no commit in common
        since = base.decode().strip() or commit
        lists = (
            # Committed, staged, not staged, and new files; plumbing commands, whose output has no
            # user settings in it.
            ("diff-tree", "-r", "-z", "--name-only", "--no-renames", since, "HEAD"),
            ("diff-index", "--cached", "-z", "--name-only", "--no-renames", "HEAD"),
            ("diff-files", "-z", "--name-only", "--ignore-submodules=all"),
            ("ls-files", "-z", "--others", "--exclude-standard"),
        )
        return frozenset(name for command in lists for name in _names(_run(self.root, *command)))

    def files_at(
        self, commit: str, below: Iterable[str], endings: tuple[str, ...] = ("",)
    ) -> Iterator[tuple[str, str, bytes]]:
        """Mode, name and content (of a link its target) of the files at a commit below these paths that end so; `.` means all.

        Args:
            commit: full object name, from `commit`.
            below: files or directories, relative to the root.
            endings: of the names that are wanted; links always are.

        Yields:
            At most 1 MiB and a byte of each file.
        """
        names = [name for name in below if name != "."]
        # Object names first, contents in one `cat-file` afterwards: one process for all files.
        listed = _run(self.root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *names)
        rows = [row.split(b"\t", 1) for row in listed.split(b"\0") if row]
        wanted = [(head.split()[0].decode(), head.split()[2], os.fsdecode(name)) for head, name in rows]
        kept = [row for row in wanted if _is_wanted(*row, endings)]
        for (mode, _, name), data in zip(kept, _read_blobs(self.root, [blob for _, blob, _ in kept]), strict=True):
            yield mode, name, data

    def unignored(self, below: Path, paths: Iterable[str]) -> list[str]:
        """Those of the paths, relative to the directory `below`, that lie in this work tree and are not ignored in it.

        A file that is tracked counts as not ignored, whatever `.gitignore` says.
        """
        names = {path: self.name(below / path) for path in paths}
        inside = {
            path: f"./{name}" for path, name in names.items() if name is not None
        }  # a name may begin with a colon
        if not inside:
            return []
        given = b"".join(os.fsencode(name) + b"\0" for name in inside.values())
        ignored = set(_names(_run(self.root, "check-ignore", "-z", "--stdin", given=given, no=(1,), literal=False)))
        return [path for path, name in inside.items() if name not in ignored]

    @contextmanager
    def laid_out(self, commit: str, below: Iterable[str], endings: tuple[str, ...]) -> Iterator[Path]:
        """A directory with those files and links, gone afterwards. Links are made last, so that nothing is written through one.

        Args:
            commit: full object name.
            below: files or directories, relative to the root.
            endings: of the names that are wanted.

        Raises:
            UsageError: the directory cannot be written.
            GitError: git does not give the content.
        """
        with ExitStack() as stack:
            try:
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="genai-iac-"))).resolve()
                self._lay_out(folder, commit, below, endings)
            except (
                OSError
            ) as error:  # no space left, no directory for temporary files, names that this file system does not take
                reason = error.strerror or str(error)
                message = f"the files of {commit[:12]} cannot be written to a temporary directory: {reason}"
                raise UsageError(message, hint="correct that, or name another directory in TMPDIR") from error
            yield folder

    def _lay_out(self, folder: Path, commit: str, below: Iterable[str], endings: tuple[str, ...]) -> None:
        links = []
        for mode, name, data in self.files_at(commit, below, endings):
            if mode == _LINK:
                links.append((folder / name, data))
                continue
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for place, target in links:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(os.fsdecode(target))

    def _way_to_commits(self) -> str:
        """What to type next when a commit is not there: only what git says of this clone, no guess."""
        if _run(self.root, "rev-parse", "--is-shallow-repository").strip() == b"true":
            return (
                "this clone is shallow: fetch the history with git fetch --unshallow, in CI check out all of it "
                "(fetch-depth: 0, GIT_DEPTH: 0)"
            )
        return "see what is here with git log and git branch --all; another branch comes with git fetch"


def find_repository(path: Path) -> Repository:
    """The repository around a path. Raises GitError when there is none or it cannot be used, UsageError without git."""
    real = path.resolve()
    try:
        found = _run(real if real.is_dir() else real.parent, "rev-parse", "--show-toplevel")
    except GitError as error:
        if "not a git repository" in error.reason:
            message, hint = f"{path} is not in a git work tree", "run it inside a clone of the repository"
        else:
            message, hint = f"git cannot use the repository around {path}: {error.reason}", "correct that"
        raise GitError(message, error.reason, hint=hint) from error
    return Repository(Path(os.fsdecode(found.rstrip(b"\n"))).resolve())


def _run(
    where: Path, *arguments: str, given: bytes | None = None, no: tuple[int, ...] = (), literal: bool = True
) -> bytes:
    """What git prints; nothing when it ends with a status that means no. Raises GitError with git's own reason.

    `literal`: paths are no patterns; check-ignore, which takes none, refuses the flag.
    """
    try:
        ran = subprocess.run(
            ["git", *_QUIET, *([_LITERAL] if literal else []), *arguments],  # noqa: S607  # the git that is on PATH is the one people use
            cwd=where,
            # `GIT_DIR` and its like, as git sets them for hooks, would point at another repository.
            env={**{name: text for name, text in os.environ.items() if not name.startswith("GIT_")}, **_ENVIRON},
            input=given if given is not None else b"",
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise _not_started(error, where) from error
    if ran.returncode == 0:
        return ran.stdout
    if ran.returncode in no:
        return b""
    reason = _last_words(ran.stderr) or _how(ran.returncode)
    raise GitError(f"git {arguments[0]} failed in {where}: {reason}", reason, hint="correct that, then run it again")


def _not_started(error: OSError, where: Path) -> UsageError:
    """The system does not distinguish a missing program from a missing directory: it names the one it means."""
    reason = error.strerror or str(error)
    if error.filename is not None and str(error.filename) == str(where):
        return UsageError(f"{where}: {reason}", hint="give a path that is there")
    if isinstance(error, FileNotFoundError):
        return UsageError("git cannot be found", hint="install git, or leave the revision away")
    return UsageError(f"git cannot be started: {reason}", hint="run git --version to see why")


def _last_words(complaint: bytes) -> str:
    """The end of what git printed as an error, in one line."""
    words = " ".join(os.fsdecode(complaint).encode("utf-8", "replace").decode().split())
    return words if len(words) <= _LAST_WORDS else f"…{words[-_LAST_WORDS:]}"


def _how(status: int) -> str:
    return f"it was killed by signal {-status}" if status < 0 else f"it ended with status {status} and gave no reason"


def _names(listed: bytes) -> Iterator[str]:
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
    here = 0
    for blob in blobs:
        end = answer.index(b"\n", here)
        head = answer[here:end].split()
        if len(head) != 3 or head[1] != b"blob":
            raise _unreadable(where, blob.decode(), b" ".join(head[1:]).decode("utf-8", "replace"))
        # The whole content is skipped, but only the beginning is kept.
        size = int(head[2])
        yield answer[end + 1 : end + 1 + min(size, _LARGEST)]
        here = end + 1 + size + 1


def _unreadable(where: Path, blob: str, reason: str) -> GitError:
    """An object that git names and does not give. A clone says itself whether it is a partial one."""
    partial = _run(where, "config", "--get-regexp", r"^remote\..*\.promisor$", no=(1,))
    hint = (
        "this clone is a partial one: fetch it whole (git fetch --refetch --no-filter)" if partial else "see git fsck"
    )
    return GitError(f"git has no content for the object {blob} in {where}: {reason}", reason, hint=hint)

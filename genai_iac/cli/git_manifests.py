"""Manifests as they were at a git revision, read without a work tree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.session import read_pairs
from genai_iac.core.errors import ManifestError, Problem, UsageError

if TYPE_CHECKING:
    from genai_iac.manifest import Manifest

_ENDINGS = (".yaml", ".yml", ".json")  # manifests and variable files


def load_manifest_at(flags: GlobalOptions, path: str, revision: str) -> Manifest | None:
    """The manifests of PATH at that revision with the variables of this run; None when there were none.

    Raises UsageError outside git, ManifestError when they were wrong.
    """
    from genai_iac.manifest import load
    from genai_iac.repository.git import find_repository

    if path == "-":
        raise UsageError("standard input has no earlier revision", hint="give the directory of the manifests")
    repository = find_repository(Path(path))
    names = {file: repository.name(file) for file in (Path(path), *flags.var_file)}
    inside = names[Path(path)]
    if inside is None:
        raise UsageError(f"{path} is outside the git work tree {repository.root}")
    wanted = [name for name in names.values() if name is not None]
    with repository.laid_out(repository.commit(revision), wanted, _ENDINGS) as folder:
        if not _has_manifests(folder / inside, flags.env):
            return None
        # Variable files outside the repository have no earlier revision: today's content is
        # used.
        files = [folder / name if name and (folder / name).is_file() else file for file, name in names.items()][1:]
        try:
            return load(
                str(folder / inside),
                environment=flags.env,
                variables=read_pairs(flags.var),
                variable_files=files,
                environ=os.environ,
            )
        except ManifestError as error:
            raise ManifestError(_as_of(revision, folder, problem) for problem in error.problems) from error


def _has_manifests(place: Path, environment: str | None) -> bool:
    if environment and not any((place / "environments" / f"{environment}{ending}").exists() for ending in _ENDINGS[:2]):
        return place.is_file()
    return place.is_file() or any(place.rglob("*.yaml")) or any(place.rglob("*.yml"))


def _as_of(revision: str, folder: Path, problem: Problem) -> Problem:
    from dataclasses import replace

    # The temporary directory is gone when the message is read.
    name = problem.source.file.removeprefix(f"{folder}{os.sep}")
    return replace(problem, source=replace(problem.source, file=f"{revision}:{name}"))

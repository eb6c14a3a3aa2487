"""`stacks`: the stacks below a directory, or those that a change touches. Offline."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genai_iac.render.stacks import StackEntry
    from genai_iac.repository.git import Repository
    from genai_iac.repository.selection import ChangedFiles
    from genai_iac.repository.stacks import FoundStack

_MOST_JOBS = 256  # of one GitHub Actions matrix


@click.command("stacks")
@click.argument("path", default=".")
@click.option(
    "--changed-since", metavar="REF", help="Only those that differ from where this branch left that revision."
)
@click.option(
    "-o", "--format", "form", type=click.Choice(["text", "json", "matrix"]), default="text", help="Output format."
)
@click.pass_context
def COMMAND(ctx: click.Context, path: str, changed_since: str | None, form: str) -> int:  # noqa: N802
    """List the stacks below PATH: one line, object or job for each and for each of its environments."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.core.errors import UsageError
    from genai_iac.render.stacks import stacks_json, stacks_matrix, stacks_text
    from genai_iac.repository.git import find_repository
    from genai_iac.repository.selection import ChangedFiles, check_environment
    from genai_iac.repository.stacks import find_stacks

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    try:
        repository = find_repository(Path(path))
    # Without git every stack can still be listed; only `--changed-since` needs a
    # repository.
    except UsageError:
        if changed_since:
            raise
        repository = None
    stacks = find_stacks(path, repository.root if repository else None)
    check_environment(flags.env, stacks, path)
    names = repository.changed_since(changed_since) if repository and changed_since else frozenset()
    changed = ChangedFiles(repository, names, flags.var_file) if repository and changed_since else None
    entries = [entry for stack in stacks for entry in _entries(stack, changed, flags.env, flags.var_file)]
    removed = list(_removed(repository, str(changed_since), names, path)) if repository else []
    for number, gone in enumerate(removed):
        output.note(_removed_note(str(changed_since), gone, first=number == 0))
    if form == "matrix" and len(entries) > _MOST_JOBS:
        output.note(f"Note: {len(entries)} jobs; GitHub Actions takes {_MOST_JOBS} in one matrix\n")
    output.say(
        {"text": stacks_text, "matrix": stacks_matrix}[form](entries)
        if form != "json"
        else stacks_json(entries, removed)
    )
    return 0


def _entries(
    stack: FoundStack, changed: ChangedFiles | None, env: str | None, given: tuple[Path, ...]
) -> Iterator[StackEntry]:
    """The stack once for each of its environments that the change concerns."""
    from genai_iac.render.stacks import StackEntry

    concerned = changed.environments_of(stack) if changed else None
    for environment in stack.environments or ("",):
        if env in (None, environment) and (concerned is None or environment in concerned):
            files = (*stack.variable_files, *map(str, given))
            yield StackEntry(stack.name, stack.path, environment, files)


def _removed_note(revision: str, folder: str, *, first: bool) -> str:
    """With what to type at the root of the repository to destroy that stack; the first note has the files made."""
    from genai_iac.render.common.sanitize import escape_control

    worktree = shlex.join(("git", "worktree", "add", "--detach", "../before", revision))
    destroy = shlex.join(("genai-iac", "destroy", f"../before/{folder}"))
    return (
        f"Note: the stack in {escape_control(folder)} was removed; what it made stays until it is destroyed by its manifests: "
        f"{escape_control(f'{worktree} && {destroy}' if first else destroy)}\n"
    )


def _removed(repository: Repository, revision: str, changed: frozenset[str], path: str) -> Iterator[str]:
    """The directories below PATH of the Stacks that were declared at that revision and are neither there now nor moved."""
    from genai_iac.repository.stacks import find_stacks

    below = Path(path).resolve()
    gone = [
        # Deleted since that revision; a file that was only edited still declares its stack.
        name
        for name in changed
        if not (repository.root / name).exists() and below in (repository.root / name).parents
    ]
    manifests = sorted(name for name in gone if name.endswith((".yaml", ".yml")))
    if not manifests:
        return
    commit = repository.commit(revision)
    held = _declared_at(repository, commit, manifests)
    if not held:
        return
    names = {name for _, name in held}
    now = {
        (str(repository.name(one.folder)), one.name) for one in find_stacks(str(repository.root)) if one.name in names
    }
    # one that moved goes on where it is now: to destroy it as it was would destroy that
    moved = {name for _, name in now - _declared_at(repository, commit, [folder for folder, _ in now])}
    yield from sorted({folder for folder, name in held - now if name not in moved})


def _declared_at(repository: Repository, commit: str, below: Sequence[str]) -> set[tuple[str, str]]:
    """The directory and the name of each Stack that these files and directories held at a commit."""
    from genai_iac.repository.stacks import read_stack_name

    files = repository.files_at(commit, below, (".yaml", ".yml")) if below else ()
    declared = ((Path(name).parent.as_posix(), read_stack_name(data, name)) for _, name, data in files)
    return {(folder, name) for folder, name in declared if name is not None}

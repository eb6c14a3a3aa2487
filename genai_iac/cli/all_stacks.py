"""`--all` and `--changed-since` on verbs: the verb for every stack below PATH, in worker processes, with one table of verdicts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genai_iac.core.errors import UsageError

if TYPE_CHECKING:
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.core.cancellation import CancelToken
    from genai_iac.repository.selection import SelectedStack
    from genai_iac.repository.stack_results import StackResult

Verb = Callable[..., int]  # a command's function; it returns the exit code
# Options of the run over many stacks; a worker gets none of them.
_OWN = ("all_stacks", "changed_since", "shard", "out_dir", "jobs")
_FORMS = ("path", "form", "as_json", "auto_approve")  # the worker's are always the same
# an address or a file is of one stack: given to all of them it would allow more than was meant
_OF_ONE_STACK = ("target", "delete_moved", "accept_outage", "expect_fingerprint", "approved", "out", "rules")
# Default limit of worker processes. Each reads a tenancy: more of them mostly collect
# 429 answers.
_MOST_JOBS = 8


def for_all_stacks(function: Verb) -> Verb:
    """Gives a verb (below `click.pass_context`) the flags that have it run for many stacks."""

    @wraps(function)
    def run(ctx: click.Context, /, **given: Any) -> int:
        own = {name: given.pop(name) for name in _OWN}
        if own["all_stacks"] or own["changed_since"]:
            return _run_all(ctx, given, **own)
        for name in ("shard", "out_dir", "jobs"):
            if own[name] is not None:
                raise UsageError(f"--{name.replace('_', '-')} needs --all or --changed-since REF")
        return function(ctx, **given)

    # Decorators apply from the inside out, so the last one becomes the first line of the
    # help text.
    for option in reversed(_options()):
        run = option(run)
    return run


def _options() -> list[Callable[[Any], Any]]:
    return [
        click.option("--all", "all_stacks", is_flag=True, help="Every stack below PATH, in each of its environments."),
        click.option(
            "--changed-since", metavar="REF", help="Of these only those that a change since that revision touches."
        ),
        click.option(
            "--shard", metavar="I/N", help="Of these only part I of N (0 <= I < N), by a hash of their paths."
        ),
        click.option(
            "--out-dir",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="With --all: write one JSON file a stack, for genai-iac report.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1, 64),
            metavar="N",
            help="With --all: worker processes [one a processor, at most 8].",
        ),
    ]


def _run_all(
    ctx: click.Context,
    given: dict[str, Any],
    *,
    all_stacks: bool,
    changed_since: str | None,
    shard: str | None,
    out_dir: Path | None,
    jobs: int | None,
) -> int:
    del all_stacks
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import make_folder
    from genai_iac.cli.signals import SignalHandler
    from genai_iac.render.stacks import verdict_line, verdicts_heading, verdicts_json, verdicts_line
    from genai_iac.repository.selection import select_stacks
    from genai_iac.repository.stack_results import merge_codes

    flags, path = GlobalOptions.of(ctx), str(given["path"])
    form = _check(ctx, given, path)
    part = _read_shard(shard)
    stacks = select_stacks(
        path, changed_since=changed_since, shard=part, environment=flags.env, variable_files=flags.var_file
    )
    output = Console.of_environment(no_color=flags.no_color)
    if out_dir is not None:
        make_folder(out_dir, "--out-dir")
    results: list[StackResult] = []
    with SignalHandler.of_run().finishing_first() as stop:
        if form == "text":
            output.say(verdicts_heading(stacks, output.terminal))
        for result in _results(ctx, flags, stacks, _count_workers(flags, jobs), stop):
            results.append(result)
            # Written as each stack ends: a job that is cancelled keeps the results of those that completed.
            _keep(result, out_dir)
            if form == "text":
                output.say(verdict_line(result, stacks, output.terminal))
    # 130 joins the codes when the run was interrupted, because stacks that never began have no code of their own.
    code = merge_codes([one.code for one in results] + ([130] if stop.is_set() else []))
    if form == "text":
        output.say(verdicts_line(results, len(stacks), code, output.terminal))
    else:
        output.say(verdicts_json(str(ctx.info_name), str(part) if part else None, results, code))
    return code


def _count_workers(flags: GlobalOptions, jobs: int | None) -> int:
    """How many processes run stacks. The local emulator is one database file, which one process serves."""
    return 1 if flags.local else jobs or min(_MOST_JOBS, os.cpu_count() or 1)


def _check(ctx: click.Context, given: dict[str, Any], path: str) -> str:
    """The format of the table. Raises UsageError for what cannot be asked of many stacks at once."""
    # Standard input can be read once, and by one worker only.
    if path == "-":
        raise UsageError("standard input is one stack", hint="give a directory, or leave --all away")
    for name in _OF_ONE_STACK:
        if given.get(name):
            raise UsageError(f"--{name.replace('_', '-')} is about one stack", hint="run that stack alone for it")
    # Workers have no terminal to ask on.
    if ctx.info_name == "apply" and not given["auto_approve"]:
        raise UsageError(
            "apply --all does not ask stack by stack",
            hint="add --auto-approve, once you have looked at what it would do: genai-iac plan --all",
        )
    form = "json" if given.get("as_json") else str(given.get("form", "text"))
    if form not in ("text", "json"):
        raise UsageError(
            f"--format {form} is of one stack", hint="use text, json, or --out-dir DIR and genai-iac report"
        )
    return form


def _read_shard(text: str | None) -> Any:
    from genai_iac.repository.selection import Shard

    try:
        return Shard.parse(text) if text is not None else None
    except ValueError as error:
        raise UsageError(f"--shard {error}") from error


def _results(
    ctx: click.Context, flags: GlobalOptions, stacks: list[SelectedStack], workers: int, stop: CancelToken
) -> Iterator[StackResult]:
    """One result a stack, in their order; none for those that were not begun when the run was interrupted."""
    # Computed once, in the thread that has the click context; pool threads have none.
    relayed = [*_global_arguments(flags)], [*_verb_arguments(ctx)]

    def run(one: SelectedStack) -> StackResult | None:
        # The pool has all stacks queued from the start; after an interrupt the remaining ones
        # return at once.
        return None if stop.is_set() else _run_one(str(ctx.info_name), one, *relayed, stop)

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="stack") as pool:
        yield from (result for result in pool.map(run, stacks) if result is not None)


def _run_one(verb: str, one: SelectedStack, before: list[str], after: list[str], stop: CancelToken) -> StackResult:
    from genai_iac import __version__
    from genai_iac.cli.worker_process import run_worker
    from genai_iac.repository.stack_results import StackResult

    own = ["--env", one.environment] if one.environment else []
    own += [word for file in one.variable_files for word in ("--var-file", file)]
    # variable files on the command line go last: there the nearest wins
    ended = run_worker([*own, *before, verb, *after, "--", one.path], stop)
    return StackResult(
        verb=verb,
        stack=one.name,
        path=one.key,
        environment=one.environment,
        code=ended.code,
        time=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=round(ended.seconds, 3),
        version=__version__,
        data=_read_data(verb, ended.out),
        message=ended.err.strip(),
    )


def _read_data(verb: str, out: str) -> Any:
    if verb == "fmt":
        # `fmt` prints file names, no JSON.
        return {"files": out.splitlines()}
    try:
        return [json.loads(line) for line in out.splitlines()] if verb == "apply" else json.loads(out) if out else None
    # A worker that failed may have printed nothing, or half a document; its exit code and
    # message say why.
    except ValueError:
        return None


def _global_arguments(flags: GlobalOptions) -> Iterator[str]:
    for name in ("profile", "config_file", "auth", "region", "endpoint"):
        value = getattr(flags, name)
        if value is not None:
            # Flags and not environment variables: `GENAI_IAC_*` reach the worker by inheritance,
            # and a typed flag must win over them.
            yield from (f"--{name.replace('_', '-')}", str(value))
    yield from (word for text in flags.var for word in ("--var", text))
    yield from (word for file in flags.var_file for word in ("--var-file", str(file)))
    if flags.local:
        yield "--local"


def _verb_arguments(ctx: click.Context) -> Iterator[str]:
    """The verb's own flags as they were typed; those of the environment reach the worker by itself."""
    from click.core import ParameterSource

    # How each command is asked for JSON; all others know `--format json`.
    forms = {"apply": ["--json", "--auto-approve"], "fmt": []}
    yield from forms.get(str(ctx.info_name), ["--format", "json"])
    for parameter in ctx.command.params:
        name = str(parameter.name)
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if (
            not typed
            or not parameter.expose_value
            or name in (*_OWN, *_FORMS)
            or not isinstance(parameter, click.Option)
        ):
            continue
        flag, value = max(parameter.opts, key=len), ctx.params[name]
        if parameter.is_flag:
            yield flag
        else:
            values = value if parameter.multiple else (value,)
            yield from (word for one in values for word in (flag, str(one)))


def _keep(result: StackResult, folder: Path | None) -> None:
    from genai_iac.cli.output_files import write_file
    from genai_iac.repository.stack_results import write_result

    if folder is not None:
        write_file(folder / result.file_name, write_result(result), "--out-dir")

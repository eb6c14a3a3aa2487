"""The commands that errors and notices show, completed with what this run was given: its global options and its PATH.

Without that a hint of a run for one environment would be about the stack without one, and one for another directory about this one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from genai_iac.cli.options import PATH, STORE, GlobalOptions

if TYPE_CHECKING:
    from genai_iac.core import Notice, Outcome

# What decides which stack, environment and tenancy a run is about, and as whom it calls.
_REPEATED = (
    "env",
    "var",
    "var_file",
    "profile",
    "config_file",
    "auth",
    "region",
    "local",
    "endpoint",
    "allow_endpoint_host",
    "allow_sink_host",
)

Complete = Callable[[str], str]

# A verb, then what stands before PATH: addresses and OCIDs, or the words that stand for them.
_COMMAND = re.compile(
    r"genai-iac (?P<verb>[a-z]+)(?P<about>(?: (?:[A-Z][A-Za-z]*/\w(?:[\w.-]*\w)?|ocid1\.[\w.-]*\w|OCID|ADDR)\b)*)(?![\w-])"
)


class _LastRun:
    """What the command that ended last was given: its error is printed after click has forgotten it."""

    complete: Complete | None = None


def complete_commands(text: str, flags: GlobalOptions, path: str | None) -> str:
    """The text with the global options and PATH in each `genai-iac VERB ...` that takes them.

    Args:
        text: a hint or a message.
        flags: of the run.
        path: PATH of the run; None for a verb that has none.
    """
    if "genai-iac " not in text:
        return text
    options, place = repeated_words(flags), path_words(path or ".")

    def complete(found: re.Match[str]) -> str:
        if not takes_path(found["verb"]):
            return found[0]
        return f"{shlex.join(('genai-iac', *options, found['verb']))}{found['about']}{''.join(f' {shlex.quote(word)}' for word in place)}"

    return _COMMAND.sub(complete, text)


def repeated_words(flags: GlobalOptions) -> tuple[str, ...]:
    """The options that a command for the same tenancy and environment repeats.

    What the environment gives is there the next time too. The environment's name and the emulator are named all the same: the
    command may be typed into another shell.
    """
    always = {"env": ("--env", flags.env or ""), "local": ("--local",)}
    given = {
        name: flags.typed.get(name) or (always.get(name, ()) if getattr(flags, name) else ()) for name in _REPEATED
    }
    return tuple(word for name in _REPEATED for word in given[name])


def complete_notice(notice: Notice, flags: GlobalOptions, path: str) -> Notice:
    """The notice with its commands completed."""
    return replace(notice, text=complete_commands(notice.text, flags, path))


def complete_outcome(outcome: Outcome, flags: GlobalOptions, path: str) -> Outcome:
    """The outcome with the commands of its note completed; they are about its address."""
    address = outcome.change.address
    note = outcome.note.replace(f"{address.kind}/NAME", str(address))
    return replace(outcome, note=complete_commands(note, flags, path))


def path_words(path: str) -> tuple[str, ...]:
    """PATH as it is typed: nothing for the directory one is in, and never read as an option."""
    if path in (".", "-"):
        return () if path == "." else (path,)
    return (f"./{path}" if path.startswith("-") else path,)


def of_run() -> Complete:
    """Completes the commands of a text with what the running command was given, or the one that ended last."""
    context = click.get_current_context(silent=True)
    return _of_context(context) if context else _LastRun.complete or str


def remember_run(ctx: click.Context | None) -> None:
    """Keep what that command was given; None forgets it."""
    _LastRun.complete = _of_context(ctx) if ctx else None


@cache
def takes_path(verb: str) -> bool:
    """Whether there is such a verb, and PATH names its manifests."""
    from genai_iac.cli import cli

    command = cli.get_command(click.Context(cli), verb)
    return command is not None and any(parameter.name == "path" for parameter in command.params)


def _of_context(ctx: click.Context) -> Complete:
    flags, path = GlobalOptions.of(ctx), ctx.find_root().meta.get(PATH)
    return lambda text: complete_commands(text, flags, path)


def remember_saved(path: str, env: str | None) -> None:
    """Note that the running command is about the manifests and the environment of a saved plan."""
    context = click.get_current_context(silent=True)
    if context is not None:
        meta = context.find_root().meta
        meta[PATH] = path
        meta.setdefault(STORE, {})["env"] = env

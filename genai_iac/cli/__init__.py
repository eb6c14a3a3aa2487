"""The command line. Errors are caught here, once; no traceback reaches a user.

For: arguments, sessions, approval, locks, signals, printing, exit codes.
In: arguments, environment variables, terminal. Out: printed text and an exit code.
Must not know: rules of planning, rotation or policies; it connects the packages that have them.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from genai_iac import __version__
from genai_iac.cli.command_hints import remember_run
from genai_iac.cli.console import Console, OutputError, abandon_streams, repair_streams
from genai_iac.cli.options import GLOBAL_FLAGS, HelpContext, add_global_flags
from genai_iac.cli.signals import SignalHandler
from genai_iac.core.errors import IacError, Interrupted, UsageError
from genai_iac.core.redactor import forget_all

_PR_SET_DUMPABLE = 4  # prctl(2); linux/prctl.h
ALLOW = "GENAI_IAC_ALLOW_DUMPS"  # for whoever looks at this process with a debugger or strace


def forbid_dumps(environ: Mapping[str, str] = os.environ) -> None:
    """No core file of this process or of the programs that it starts; on Linux no other process of the user reads its memory.

    Secret values are in this memory. Does nothing when GENAI_IAC_ALLOW_DUMPS is set, and leaves out what the system does not have.
    """
    if environ.get(ALLOW):
        return
    import resource

    with suppress(OSError, ValueError):
        # the soft limit alone: a program that runs this in its own process can take it back
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            # a core_pattern that pipes to a program ignores the limit; a process that is not dumpable it does not get
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def describe_internal_error(error: Exception) -> IacError:
    """An error that names the place in our code, without the exception's text: that may quote anything."""
    import traceback

    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "genai_iac" in frame.filename]
    where = " < ".join(
        f"{frame.filename.rpartition('genai_iac/')[2]}:{frame.lineno}" for frame in reversed(frames[-4:])
    )
    return IacError(
        f"genai-iac has a defect: {type(error).__name__} at {where or 'an unknown place'}",
        hint="please report this line together with the command; completed changes are kept",
    )


def is_of_output(error: Exception) -> bool:
    """Whether it is click that could not print: help and completion are its own texts."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    # Only the last frame counts: an OSError of this package's own files is no failure of
    # standard output.
    return isinstance(error, OSError) and bool(frames) and "/click/" in frames[-1].filename


class Commands(click.Group):
    """The registry of commands: every module in `cli/commands` defines one `COMMAND`.

    A module is imported when its command is typed or help asks for it.
    """

    context_class = HelpContext

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        refuse_empty_values(self, ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        # Not before: `--version` and `--help` end without it, and there is no value that a dump could show.
        forbid_dumps()
        try:
            return super().invoke(ctx)
        finally:
            remember_run(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        import pkgutil

        package = import_module("genai_iac.cli.commands")
        return sorted(module.name.removesuffix("_") for module in pkgutil.iter_modules(package.__path__))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        # The name comes from the command line: it must not reach `import_module` unchecked.
        if name not in self.list_commands(ctx):
            return None
        module = name if _exists(name) else f"{name}_"  # `import_.py`: a word that Python keeps for itself
        command: click.Command = import_module(f"genai_iac.cli.commands.{module}").COMMAND
        return add_global_flags(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            name, command, rest = super().resolve_command(ctx, args)
            if command is not None and not ctx.resilient_parsing:
                refuse_empty_values(command, click.Context(command, ctx, info_name=name), rest)
            return name, command, rest
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            # Imported late: a mistyped command is rare, and every command would pay for it.
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            raise click.UsageError(
                f"there is no verb {args[0]!r}" + (f"; did you mean {near[0]}?" if near else ""), ctx
            ) from error


def refuse_empty_values(command: click.Command, ctx: click.Context, args: Sequence[str]) -> None:
    """Raises UsageError for an option or argument whose value is the empty text.

    It is a shell variable that is not set. Without the value the command would mean something else: `--leaked ""` an
    ordinary rotation, `--env ""` another owner, `--endpoint ""` the real service, PATH "" the current directory. An empty
    environment variable counts as not set, as everywhere.
    """
    given, rest, _ = command.make_parser(ctx).parse_args(list(args))
    for parameter in command.params:
        value = given.get(str(parameter.name))
        if "" in (value if isinstance(value, list | tuple) else [value]):
            option = isinstance(parameter, click.Option)
            word = max(parameter.opts, key=len) if option else parameter.human_readable_name.strip("[]")
            needed = "" if parameter.required else f", or leave {word} out"
            raise UsageError(f"{word} is empty", hint=f"write its value{needed}")
    if isinstance(command, click.Group) and not isinstance(command, Commands) and rest:
        verb = command.get_command(ctx, rest[0])
        if verb is not None:
            refuse_empty_values(verb, click.Context(verb, ctx, info_name=rest[0]), rest[1:])


def _exists(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(f"genai_iac.cli.commands.{name}") is not None


@click.command(
    cls=Commands,
    params=GLOBAL_FLAGS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
    epilog="PATH defaults to the current directory. Try it without a cloud account: genai-iac init demo; then genai-iac --local apply demo",
)
@click.version_option(__version__, prog_name="genai-iac", message="%(prog)s %(version)s")
def cli() -> None:
    """Declare OCI Generative AI API keys, compartments and policies in YAML; plan, apply, rotate."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # a run makes many objects and lets few go: looking for cycles among them costs a fifth of it
    gc.set_threshold(200_000, 50, 1000)
    # At exit Python would look for cycles among all modules, several times: a seventh of a small plan. The system takes
    # the memory back without that.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    # Several runs in one process (tests, `--all` in a thread) must not share what the
    # redactor knows.
    forget_all()
    remember_run(None)
    # Before anything opens a file: a closed descriptor 1 would be given to that file.
    repair_streams()
    output = Console.of_environment()
    interrupts = SignalHandler()
    try:
        with interrupts.handled():
            code = cli.main(
                args=list(arguments) if arguments is not None else None,
                prog_name="genai-iac",
                standalone_mode=False,
                obj=interrupts,
            )
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        # Standard error may be closed as well; the exit code still says that the run failed.
        with suppress(OSError, ValueError):
            error.show()
        code = 1
    except (click.Abort, KeyboardInterrupt):
        code = output.fail(_interrupted(interrupts))
    except IacError as error:
        code = output.fail(error)
    except Exception as error:  # a defect of ours must not show values that a traceback would
        code = output.fail(OutputError(error) if is_of_output(error) else describe_internal_error(error))
    # Python flushes the streams at exit and would print a traceback of its own for a closed
    # pipe.
    abandon_streams()
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted(interrupts: SignalHandler) -> Interrupted:
    # The first write sets `began`. Before it, "nothing was changed" is true; after it only
    # a plan can say what is left.
    if interrupts.began:
        return Interrupted("interrupted after the changes were made", hint="see what is left to do: genai-iac plan")
    return Interrupted("interrupted; nothing was changed")

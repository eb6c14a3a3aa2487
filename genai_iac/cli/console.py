"""Progress lines of an apply while no change finishes: what is running, and for how long."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from genai_iac.cli.options import GlobalOptions
from genai_iac.core.errors import IacError, name_some
from genai_iac.core.redactor import redact
from genai_iac.render.common.sanitize import escape_control, named
from genai_iac.render.common.terminal import Terminal

if TYPE_CHECKING:
    from genai_iac.core import Address
    from genai_iac.core.errors import WaitListener
    from genai_iac.manifest import Manifest
    from genai_iac.oci_client import Connection, OciClient, RequestListener, SentRequest


class OutputError(IacError):
    """Standard output cannot be written: a full disk, a closed stream, a reader that went away."""

    def __init__(self, error: Exception) -> None:
        said = (
            "whoever read it has closed it"
            if isinstance(error, BrokenPipeError)
            else getattr(error, "strerror", None) or str(error)
        )
        super().__init__(f"standard output cannot be written: {said}", hint="give it a place that can be written")


def echo(text: str, *, nl: bool = True) -> None:
    """Text to standard output, for verbs that need no colours. Raises OutputError."""
    Console.of_environment().say(f"{text}\n" if nl else text)


def repair_streams() -> None:
    """Give a process that was started with closed standard streams descriptors for them.

    Without that the next file or socket that is opened gets the number 1 or 2, and what is printed goes into it.
    """
    # The lowest free number is given out first, hence in order.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # read-only: a write to a standard output that was closed fails, and is reported
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def abandon_streams() -> None:
    """Have what is left in the buffers go nowhere: Python writes it as it ends, and would say that it could not."""
    for stream, original, number in ((sys.stdout, sys.__stdout__, 1), (sys.stderr, sys.__stderr__, 2)):
        if stream is not original and original is not None:
            continue  # a caller's own stream
        try:
            stream.flush()
        except (OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_RDWR)
            # The buffer is kept by the stream object and flushed again at exit, so the descriptor
            # itself has to lead nowhere.
            os.dup2(nowhere, number)
            os.close(nowhere)


class Console(Struct, frozen=True):
    """Standard output and error as this run may use them."""

    terminal: Terminal  # standard output: width, colours, character set
    errors: Terminal  # standard error, which may be a terminal while standard output is a pipe
    interactive: bool  # somebody can answer a question

    @classmethod
    def of_environment(cls, *, no_color: bool = False) -> Console:
        """What the streams and the environment allow (NO_COLOR, FORCE_COLOR, CI, TERM=dumb, COLUMNS).

        FORCE_COLOR has colours written into pipes and CI logs, whatever TERM is; NO_COLOR and --no-color win over it.
        """
        forced = os.environ.get("FORCE_COLOR", "") not in ("", "0", "false")
        # `sys.argv` as well: errors in the flags themselves are printed before the flags are
        # parsed.
        plain = no_color or bool(os.environ.get("NO_COLOR")) or "--no-color" in sys.argv
        plain = plain or (os.environ.get("TERM") == "dumb" and not forced)
        import shutil

        width = shutil.get_terminal_size((80, 24)).columns
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        return cls(
            Terminal(width, (forced or sys.stdout.isatty()) and not plain, utf8),
            Terminal(width, (forced or sys.stderr.isatty()) and not plain, utf8),
            sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI"),
        )

    def say(self, text: str) -> None:
        """Finished text to standard output; it ends its own last line. Raises OutputError when it cannot be written."""
        try:
            # Every text passes the redactor, whatever made it: the last line of defence against a
            # secret in an error message.
            click.echo(redact(text), nl=False, color=self.terminal.colour)
        except (OSError, ValueError) as error:
            raise OutputError(error) from error

    def note(self, text: str) -> None:
        """Finished text to standard error, as far as that can be written: what is not the answer."""
        with suppress(OSError, ValueError):
            click.echo(redact(text), nl=False, err=True, color=self.errors.colour)

    def fail(self, error: IacError) -> int:
        """Print an error, its commands completed with what this run was given; returns the exit code."""
        from genai_iac.cli.command_hints import of_run
        from genai_iac.render.errors import problems_text

        with suppress(OSError, ValueError):
            sys.stdout.flush()
        self.note(problems_text(error, self.errors, of_run()))
        return error.exit_code


_EVERY_REQUEST = 2  # `-vv`; one `-v` logs failed requests only
_MOST_NAMED = 5  # files in one note


def log_connection(flags: GlobalOptions, provider: OciClient) -> None:
    """Say whom this run calls, and with which identity."""
    if flags.verbose:
        connection = provider.connection
        by = f"profile {connection.profile or 'DEFAULT'}" if connection.auth == "api_key" else connection.auth
        where = connection.endpoint or "OCI"
        text = f"Calling {where} in {provider.region} with {by}, tenancy {provider.tenancy}."
        Console.of_environment(no_color=flags.no_color).note(f"{escape_control(text)}\n")


def note_passed_over(flags: GlobalOptions, manifest: Manifest) -> None:
    """Name the YAML files of other tools that were not read."""
    names = [escape_control(name) for name in manifest.passed_over]
    if names and not flags.quiet:
        shown = name_some(names, _MOST_NAMED)
        text = f"Note: not manifests of genai-iac, passed over: {shown}. Stack.spec.ignore makes this note go away.\n"
        Console.of_environment(no_color=flags.no_color).note(text)


def note_environments(flags: GlobalOptions, path: str) -> None:
    """Say that resources of the environments are not those of this run: `destroy` without --env once seemed to find nothing."""
    from genai_iac.manifest.environments import environment_names

    names = [] if flags.env or flags.quiet else environment_names(path)
    if names:
        shown = name_some(names, _MOST_NAMED)
        text = f"Note: this is the stack without an environment; --env chooses one: {shown}."
        Console.of_environment(no_color=flags.no_color).note(f"{escape_control(text)}\n")


def note_settings(flags: GlobalOptions, connection: Connection) -> None:
    """Name the variables of the OCI CLI that are set and have no effect here."""
    from genai_iac.oci_client.settings import ignored_variables, key_in_profile

    output = Console.of_environment(no_color=flags.no_color)
    if key_in_profile(connection.config_file, connection.profile):
        output.note(
            "Note: key_content in a profile: the OCI SDK and CLI refuse it; key_file or OCI_CLI_KEY_CONTENT work everywhere.\n"
        )
    ignored = ignored_variables(os.environ, local=connection.endpoint is not None)
    if ignored:
        text = f"Note: {', '.join(ignored)} set, but not read by genai-iac.\n"
        output.note(text)


def log_requests(flags: GlobalOptions) -> RequestListener | None:
    """Says each request as it ends, or only those that fail; None when nobody wants to know."""
    if not flags.verbose:
        return None
    output = Console.of_environment(no_color=flags.no_color)

    def log_request(request: SentRequest) -> None:
        if flags.verbose >= _EVERY_REQUEST or not request:
            ended = request.status or "no answer"
            output.note(f"{request.operation} in {request.region}: {ended}, {request.seconds * 1000:.0f} ms\n")

    return log_request


def note_waits(flags: GlobalOptions) -> WaitListener:
    """Says at once, and once, why a call waits: with a right missing, minutes would pass before the error says so."""
    output = Console.of_environment(no_color=flags.no_color)
    return lambda call: output.note(f"  ... {escape_control(str(call))}\n")


FIRST, AGAIN = 10.0, 30.0  # seconds until the first word, and between two


class ProgressNotice:
    """Prints a progress line every 30 seconds while no change completes."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._since: dict[Address, float] = {}
        self._next = clock() + FIRST

    def __call__(self, under_way: Sequence[Address]) -> None:
        """Say so when it is time; `under_way` are the changes that have begun and not ended, the oldest first."""
        now = self._clock()
        self._since = {address: self._since.get(address, now) for address in under_way}
        if now < self._next or not under_way:
            return
        from datetime import timedelta

        from genai_iac.render.common.phrases import count, elapsed_words

        self._next = now + AGAIN
        oldest, *others = under_way
        beside = f" and {count(len(others), 'other change')}" if others else ""
        waited = elapsed_words(timedelta(seconds=now - self._since[oldest]))
        self._say(f"  ... still at {named(oldest)}{beside}, for {waited}\n")

"""A program that an exec sink runs, without a shell.

The value is written to its standard input, never to its arguments or environment: those of a process can be read by others on the machine
(`ps`, /proc), a pipe cannot.

What the program printed is made fit to be quoted: without the value in any form, and without control characters. Other values are covered
later, like in every error text, because here the records that the program printed are still to be read.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.core.redactor import Redactor, register_quoted

_PIECE = 6  # characters in a row of the very value that the program was given: shorter than what other texts are searched for


def redact_text(text: str, value: Secret | None) -> str:
    """The text with every piece of the value covered.

    Args:
        text: as the program printed it.
        value: the value it was given; None removes control characters only.
    """
    plain = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    if value is not None:
        redactor = Redactor(_PIECE)
        redactor.add(value.reveal())
        plain = redactor.redact(plain)
    return plain


_ROOM = 32 * 1024  # bytes that a pipe holds for sure (64 KiB on Linux, 16 KiB and growing on macOS) without a reader
_KEPT = 64 * 1024  # bytes of each stream, from the end
_LAST_WORDS = 300  # characters
#: Credentials that only this tool uses; a program that a manifest names is not to have them (docs/sinks.md).
WITHHELD = ("GENAI_IAC_CONTROL_TOKEN", "OCI_CLI_KEY_CONTENT", "OCI_CLI_PASSPHRASE")


class Program(Struct, frozen=True):
    """A command as the manifest gives it, where it starts, and how long it may take (seconds)."""

    command: Sequence[str]  # program and arguments; no shell reads it
    directory: Path  # the manifests' directory
    seconds: float
    place: str  # what people call the sink it works for


class Ran(Struct, frozen=True):
    """How a program ended: the exit status (None: it was killed because it took too long), and what it printed, fit to be quoted.

    Truthy when it ended with status 0.
    """

    status: int | None  # negative: killed by that signal
    printed: str  # standard output, without the value
    complained: str  # standard error, without the value

    def __bool__(self) -> bool:
        return self.status == 0

    @property
    def how(self) -> str:
        """The end in words."""
        if self.status is None:
            return "did not end in time and was killed"
        return f"was killed by signal {-self.status}" if self.status < 0 else f"ended with status {self.status}"

    @property
    def last_words(self) -> str:
        """The end of what it printed, in one line; empty when it printed nothing."""
        words = " ".join((self.complained.strip() or self.printed.strip()).split())
        register_quoted(words)
        return words if len(words) <= _LAST_WORDS else f"…{words[-_LAST_WORDS:]}"


def find_program(program: Program) -> str:
    """The file that will be run: below the manifests' directory when the command has a slash, else from PATH. Raises SinkError.

    Called before any value is created, and again when it is run.
    """
    name = program.command[0]
    if "/" in name:
        file = program.directory / name
        found = str(file) if file.is_file() and os.access(file, os.X_OK) else None
    else:
        found = shutil.which(name)
    if not found:
        # shutil.which does not say why; of a path the system does
        reason = _reason_of_path(program.directory / name) if "/" in name else "it is not on PATH"
        raise SinkError(
            f"{program.place}: no program {name!r} that can be run: {reason}",
            hint="install it, or write the path from the manifests' directory (./deliver.sh) of an executable file",
        )
    return str(Path(found).absolute())


def _reason_of_path(file: Path) -> str:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        return error.strerror or str(error)
    return "it is not marked as executable" if stat.S_ISREG(mode) else "it is not a regular file"


def run_program(program: Program, facts: Mapping[str, str], value: Secret | None = None) -> Ran:
    """Run it to its end, the facts in its environment, the value on its standard input. Raises SinkError when it cannot start.

    Args:
        program: the command; its first word is looked up by `find_program`.
        facts: variables `GENAI_IAC_...` without any value.
        value: written without a newline; None gives an empty standard input.

    Returns:
        How it ended; a non-zero status is no exception.
    """
    import subprocess

    from genai_iac.delivery.sinks._program_output import read_output

    file = find_program(program)
    with _waiting(program, value) as standard_input:
        try:
            process = subprocess.Popen(
                list(program.command),
                executable=file,
                stdin=standard_input,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=program.directory,
                env={**inherited_environment(os.environ), **facts},
                start_new_session=True,  # no terminal to ask on, and its children can be killed with it
            )
        except OSError as error:
            raise SinkError(
                f"{program.place}: {program.command[0]} cannot be started: {error.strerror}",
                hint="run the command manually to see why",
            ) from error
    output = read_output(process, program.seconds, _KEPT)
    status = None if output.stopped else process.returncode
    printed, complained = (redact_text(_decode(stream), value) for stream in (output.printed, output.complained))
    return Ran(status, printed, complained)


def inherited_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program gets of this run's environment: all but this tool's own credentials.

    Args:
        environ: of this process.
    """
    return {name: text for name, text in environ.items() if name.upper() not in WITHHELD}


@contextmanager
def _waiting(program: Program, value: Secret | None) -> Iterator[int]:
    """The reading end of a pipe that holds the value already: `communicate` would keep it in a frame, where a traceback shows it."""
    reading, writing = os.pipe()
    try:
        try:
            if value is not None:
                _fill(writing, memoryview(value.reveal().encode()), program)
        finally:
            os.close(writing)
        yield reading
    finally:
        os.close(reading)


def _fill(pipe: int, content: memoryview, program: Program) -> None:
    """Write the value into the pipe before the program starts. Raises SinkError for one longer than a pipe holds.

    Writing it later could block for a program that never reads
    (test_a_program_that_does_not_read_is_no_failure).
    """
    if len(content) > _ROOM:
        raise SinkError(f"{program.place}: the value is too long to be handed over", hint="deliver it to a file")
    while content:
        content = content[os.write(pipe, content) :]


def _decode(output: bytes) -> str:
    return output.decode("utf-8", "replace")

"""Where words go: colours, width and encoding of this terminal, and the one place that prints an error."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass

import click

from genai_iac.errors import IacError
from genai_iac.render.terminal import Terminal


@dataclass(frozen=True)
class Output:
    """Standard output and error as this run may use them."""

    terminal: Terminal
    errors: Terminal
    interactive: bool  # somebody can answer a question

    @classmethod
    def of_environment(cls, *, no_color: bool = False) -> Output:
        """What the streams and the environment allow (NO_COLOR, CI, TERM=dumb, COLUMNS)."""
        plain = (
            no_color or bool(os.environ.get("NO_COLOR")) or "--no-color" in sys.argv or os.environ.get("TERM") == "dumb"
        )
        width = shutil.get_terminal_size((80, 24)).columns
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        return cls(
            Terminal(width, sys.stdout.isatty() and not plain, utf8),
            Terminal(width, sys.stderr.isatty() and not plain, utf8),
            sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI"),
        )

    def say(self, text: str) -> None:
        """Finished text to standard output; it ends its own last line."""
        click.echo(text, nl=False, color=self.terminal.colour)

    def note(self, text: str) -> None:
        """Finished text to standard error: what is not the answer."""
        click.echo(text, nl=False, err=True, color=self.errors.colour)

    def fail(self, error: IacError) -> int:
        """Print an error; answers the exit code."""
        from genai_iac.render.problems import problems_text

        sys.stdout.flush()
        self.note(problems_text(error, self.errors))
        return error.exit_code

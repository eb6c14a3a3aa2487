"""`expiry`: when secrets expire; for people, calendars, monitors and CI."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks

EXPIRING = 5  # exit code; 2 is taken by drift and plan, 4 by a partial apply


@click.command("expiry")
@click.argument("path", default=".")
@click.option(
    "--within",
    metavar="14d",
    help="Exit 5 when an active secret expires within this time (14d, 36h), or the current one no longer works.",
)
@click.option(
    "-o",
    "--format",
    "form",
    type=click.Choice(["text", "json", "ics", "prometheus"]),
    default="text",
    help="Output format.",
)
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, within: str | None, form: str) -> int:  # noqa: N802
    """Show when each secret expires, the nearest first."""
    from genai_iac.analysis.secret_status import due_within
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.reports import read_stack_secrets
    from genai_iac.core.errors import UsageError
    from genai_iac.render.expiry import render_expiry
    from genai_iac.resource_types import read_duration

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    try:
        length = read_duration(within) if within else None
    except ValueError as error:
        raise UsageError(f"--within: {error}") from error
    found = read_stack_secrets(flags, path)
    expiring = due_within(found.entries, length, found.now) if length is not None else ()
    output.say(render_expiry(form, found.stack, found.entries, found.now, expiring, output.terminal))
    return EXPIRING if expiring else 0

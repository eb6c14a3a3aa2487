"""`expiry`: what dies when; for people, calendars, monitors and CI."""

from __future__ import annotations

import click

EXPIRING = 5


@click.command("expiry")
@click.argument("path", default=".")
@click.option(
    "--within",
    metavar="14d",
    help="Exit 5 when a working secret dies within this time (14d, 36h), or the current one is dead.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "ics", "prometheus"]), default="text", help="How to say it."
)
@click.pass_context
def COMMAND(ctx: click.Context, path: str, within: str | None, form: str) -> int:  # noqa: N802
    """Show when each secret dies, the nearest first."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.inventory import read_inventory
    from genai_iac.cli.output import Output
    from genai_iac.errors import UsageError
    from genai_iac.inventory import due_within
    from genai_iac.kinds import read_duration
    from genai_iac.render.expiry import render_expiry

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    try:
        length = read_duration(within) if within else None
    except ValueError as error:
        raise UsageError(f"--within: {error}") from error
    found = read_inventory(flags, path)
    dying = due_within(found.entries, length, found.now) if length is not None else ()
    output.say(render_expiry(form, found.stack, found.entries, found.now, dying, output.terminal))
    return EXPIRING if dying else 0

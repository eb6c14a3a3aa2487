"""`status`: each secret with its state, expiry, last use, sinks and the step of its rotation."""

from __future__ import annotations

import click


@click.command("status")
@click.argument("path", default=".")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to say it.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Show every secret of the stack's keys as it stands now."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.inventory import read_inventory
    from genai_iac.cli.output import Output
    from genai_iac.render.inventory import status_json, status_text

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    found = read_inventory(flags, path)
    if form == "json":
        output.say(status_json(found.stack, found.entries, found.now))
    else:
        output.say(status_text(found.stack, found.entries, found.now, output.terminal))
    return 0

"""`status`: each secret with its state, expiry, last use, sinks and the step of its rotation."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks


@click.command("status")
@click.argument("path", default=".")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Show each secret's state, expiry, last use, sinks and rotation step."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.reports import read_stack_secrets
    from genai_iac.render.status import status_json, status_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    found = read_stack_secrets(flags, path)
    if form == "json":
        output.say(status_json(found.stack, found.entries, found.now))
    else:
        output.say(status_text(found.stack, found.entries, found.now, output.terminal))
    return 0

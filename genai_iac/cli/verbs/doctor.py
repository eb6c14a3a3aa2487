"""`doctor`: what stands between this machine and a working plan."""

from __future__ import annotations

import click


@click.command("doctor")
@click.argument("path", default=".")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to say it.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Check versions, identity, clock, regions, rights to read and sinks; exit 1 when one of them fails."""
    from genai_iac.cli.checkup import examine
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.render.checkup import check_text, checks_json

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    checks = []
    for check in examine(flags, path):
        checks.append(check)
        if form == "text":
            output.say(check_text(check.name, check.verdict, check.text, output.terminal))
    if form == "json":
        output.say(checks_json((check.name, check.verdict, check.text) for check in checks))
    return int(any(check.verdict == "failed" for check in checks))

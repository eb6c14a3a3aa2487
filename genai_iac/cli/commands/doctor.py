"""`doctor`: checks that this machine can make a plan."""

from __future__ import annotations

import click
from msgspec.structs import replace

from genai_iac.cli.all_stacks import for_all_stacks


@click.command("doctor")
@click.argument("path", default=".")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Check versions, identity, clock, regions, rights to read and sinks; exit 1 when one of them fails."""
    from genai_iac.cli.command_hints import complete_commands
    from genai_iac.cli.console import Console
    from genai_iac.cli.doctor import run_checks
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.render.findings import checks_json, doctor_check_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    checks = []
    for found in run_checks(flags, path):
        check = replace(found, text=complete_commands(found.text, flags, path))
        checks.append(check)
        if form == "text":
            output.say(doctor_check_text(check.name, check.verdict, check.text, output.terminal))
    if form == "json":
        output.say(checks_json((check.name, check.verdict, check.text) for check in checks))
    return int(any(check.verdict == "failed" for check in checks))

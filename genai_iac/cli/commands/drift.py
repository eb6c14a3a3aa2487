"""`drift`: live against manifests; with a base revision it says who changed what. Writes nothing."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks

DRIFTED = 2  # exit code, as of `terraform plan -detailed-exitcode`


@click.command("drift")
@click.argument("path", default=".")
@click.option(
    "--base",
    metavar="REF",
    help="A git revision: distinguishes manifest changes, live changes and conflicts.",
)
@click.option("--unmanaged", is_flag=True, help="Also list the API keys that no manifest declares.")
@click.option("--full-scan", is_flag=True, help="Look in every compartment and region.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Concurrent API calls.")
@click.option(
    "-o", "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="Output format."
)
@click.pass_context
@for_all_stacks
def COMMAND(  # noqa: N802
    ctx: click.Context, path: str, base: str | None, unmanaged: bool, full_scan: bool, parallelism: int, form: str
) -> int:
    """Show where the tenancy differs from the manifests; exit 2 on drift."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.drift_report import make_report
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.render.drift.formats import render_drift

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    report = make_report(flags, path, base, unmanaged=unmanaged, full_scan=full_scan, parallelism=parallelism)
    output.say(render_drift(form, report, output.terminal))
    return DRIFTED if report.drifted else 0

"""`drift`: live against manifests; with a base revision it says who changed what. Writes nothing."""

from __future__ import annotations

import click

DRIFTED = 2


@click.command("drift")
@click.argument("path", default=".")
@click.option(
    "--base",
    metavar="REF",
    help="A git revision: tells yours (manifests changed), theirs (live changed) and both apart.",
)
@click.option("--unmanaged", is_flag=True, help="List the API keys that nobody declares, too.")
@click.option("--full-scan", is_flag=True, help="Look in every compartment and region.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Calls at the same time.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="How to say it."
)
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context, path: str, base: str | None, unmanaged: bool, full_scan: bool, parallelism: int, form: str
) -> int:
    """Show where the tenancy is not as the manifests say; exit 2 when it has drifted."""
    from genai_iac.cli.drifting import make_report
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.render.drift import render_drift

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    report = make_report(flags, path, base, unmanaged=unmanaged, full_scan=full_scan, parallelism=parallelism)
    output.say(render_drift(form, report, output.terminal))
    return DRIFTED if report.drifted else 0

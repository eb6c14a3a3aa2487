"""`report`: what `--all --out-dir` wrote, of however many shards, as one page, JSON or metrics. Offline."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "-o", "--format", "form", type=click.Choice(["html", "json", "prometheus"]), default="html", help="Output format."
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it to this file instead."
)
@click.pass_context
def COMMAND(ctx: click.Context, folder: Path, form: str, out: Path | None) -> int:  # noqa: N802
    """Merge the results below DIR: every key with state, role, expiry, next step, last use, sinks, drift, last apply."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import check_output_name, write_file
    from genai_iac.core.errors import UsageError
    from genai_iac.render.common.phrases import count
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.render.report import render_report_html, render_report_json, render_report_prometheus
    from genai_iac.repository.stack_results import merge_results, read_results

    if out is not None:
        check_output_name(out)
    report = merge_results(read_results(folder))
    if not report.stacks:
        raise UsageError(
            f"{folder} holds no results", hint=f"make them: genai-iac status --all --out-dir {shlex.quote(str(folder))}"
        )
    render = {"html": render_report_html, "json": render_report_json, "prometheus": render_report_prometheus}[form]
    console = Console.of_environment(no_color=GlobalOptions.of(ctx).no_color)
    if out is None:
        console.say(render(report))
    else:
        write_file(out, render(report).encode())
        console.say(f"Wrote {escape_control(str(out))}: {count(len(report.stacks), 'stack')}.\n")
    return 0

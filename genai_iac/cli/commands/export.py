"""`export`: manifests of live resources, with names for OCIDs. Reads only."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.option(
    "--compartment", metavar="C", help="Only this one and all below it: a path (/a/b) or an OCID [the whole tenancy]."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write files into this directory; nothing there is overwritten [standard output].",
)
@click.option(
    "--stack",
    metavar="NAME",
    help="The stack to export for: NAME or NAME@environment [that which owns all of it, else named after the compartment].",
)
@click.option("--full-scan", is_flag=True, help="Look for API keys and projects in every subscribed region.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Concurrent API calls.")
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context, compartment: str | None, out: Path | None, stack: str | None, full_scan: bool, parallelism: int
) -> int:
    """Export existing resources as manifests. What has no ownership tag yet is imported with the commands above each document."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.import_export import export_tenancy, write_export
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import open_provider
    from genai_iac.render.common.phrases import count
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.render.manifests import manifest_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    with open_provider(flags) as provider:
        exported = export_tenancy(
            provider,
            compartment,
            stack,
            flags.env,
            full_scan=full_scan,
            parallelism=parallelism,
        )
    if out is None:
        output.say(manifest_text(exported.export, exported.environment))
    else:
        for name in write_export(exported, out):
            output.say(f"{escape_control(str(out / name))}\n")
    resources, left_out = exported.export.exported, exported.export.left_out
    output.note(f"{count(len(resources), 'resource')} exported, {len(left_out)} skipped; ")
    elsewhere = "" if full_scan else " (--full-scan: in every subscribed region)"
    output.note(f"API keys and projects were looked for in {', '.join(exported.live.regions)}{elsewhere}.\n")
    if exported.environment:
        output.note(f"They are for an environment: import and plan with --env {exported.environment}.\n")
    # The tag has a digest of the stack's id, from which the id cannot be computed.
    if any(one.live.mark and one.live.mark.stack_id for one in resources):
        output.note(
            "Their Stack has an id, of which the tags have a digest only: add spec.id, or the plan takes them for another stack's.\n"
        )
    return 0

"""`access`: what each key may do, by which statement; what a change grants or takes away."""

from __future__ import annotations

import click


@click.command("access")
@click.argument("path", default=".")
@click.option("--address", metavar="ADDR", help="Only this key.")
@click.option("--diff", is_flag=True, help="What the manifests grant and take away that the tenancy does not yet.")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, address: str | None, diff: bool, form: str) -> int:  # noqa: N802
    """Show what each API key may call, with which models, where, and by which statement."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions, read_addresses
    from genai_iac.cli.reports import read_access
    from genai_iac.render.access import access_diff_text, access_json, access_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    found = read_access(flags, path, read_addresses("--address", [address] if address else ()))
    if form == "json":
        output.say(access_json(found))
    else:
        output.say((access_diff_text if diff else access_text)(found, output.terminal))
    return 0

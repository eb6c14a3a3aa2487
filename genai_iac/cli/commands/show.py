"""`show`: everything known of one resource: declared, live, its secrets, its sinks, and what apply would do to it."""

from __future__ import annotations

import click

from genai_iac.cli.options import complete_address


@click.command("show")
@click.argument("address", metavar="ADDR", shell_complete=complete_address)
@click.argument("path", default=".")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
def COMMAND(ctx: click.Context, address: str, path: str, form: str) -> int:  # noqa: N802
    """Show one resource: manifest, OCID, live attributes, secrets, sinks, access, and what apply would change."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions, read_addresses
    from genai_iac.cli.planning import PlanOptions, make_draft
    from genai_iac.cli.reports import describe_resource
    from genai_iac.cli.session import open_session
    from genai_iac.render.common.json_text import write_json
    from genai_iac.render.manifests import yaml_document

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    (wanted,) = read_addresses("ADDR", [address])
    with open_session(flags, path) as session:
        document = describe_resource(make_draft(session, PlanOptions()), wanted)
    output.say(write_json(document, indent=2) + "\n" if form == "json" else yaml_document(document))
    return 0

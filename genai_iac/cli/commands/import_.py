"""`import`: adopt a live resource into the stack: one update writes the ownership tag, everything else stays."""

from __future__ import annotations

import click


@click.command("import")
@click.argument("address", metavar="ADDR")
@click.argument("ocid", metavar="OCID")
@click.argument("path", default=".")
@click.pass_context
def COMMAND(ctx: click.Context, address: str, ocid: str, path: str) -> int:  # noqa: N802
    """Import OCID as ADDR: tag a live resource as the one that the manifests declare. The next plan shows what differs."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.import_resource import adopt_resource
    from genai_iac.cli.options import GlobalOptions, read_addresses
    from genai_iac.cli.session import open_session

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    (wanted,) = read_addresses("ADDR", [address])
    with open_session(flags, path) as workspace:
        adopt_resource(workspace, wanted, ocid, output.say)
    return 0

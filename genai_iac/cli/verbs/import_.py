"""`import`: adopt a live resource into the stack: one update writes the owner mark, everything else stays."""

from __future__ import annotations

import click


@click.command("import")
@click.argument("address", metavar="ADDR")
@click.argument("ocid", metavar="OCID")
@click.argument("path", default=".")
@click.pass_context
def COMMAND(ctx: click.Context, address: str, ocid: str, path: str) -> int:  # noqa: N802
    """Make the live resource OCID the one that the manifests declare as ADDR. The next plan shows what differs."""
    from genai_iac.cli.adopting import adopt_resource
    from genai_iac.cli.choices import read_addresses
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.workspace import open_workspace

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    (wanted,) = read_addresses("ADDR", [address])
    with open_workspace(flags, path) as workspace:
        adopt_resource(workspace, wanted, ocid, output.say)
    return 0

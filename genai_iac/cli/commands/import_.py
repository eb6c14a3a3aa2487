"""`import`: adopt a live resource into the stack: one update writes the ownership tag, everything else stays."""

from __future__ import annotations

from pathlib import Path

import click

from genai_iac.cli.audit import WriteLog, audit_flag
from genai_iac.cli.options import complete_address


@click.command("import")
@click.argument("address", metavar="ADDR", shell_complete=complete_address)
@click.argument("ocid", metavar="OCID")
@click.argument("path", default=".")
@audit_flag
@click.pass_context
def COMMAND(ctx: click.Context, address: str, ocid: str, path: str, audit: Path | None) -> int:  # noqa: N802
    """Import OCID as ADDR: tag a live resource as the one that the manifests declare. The next plan shows what differs."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.import_export import adopt_resource
    from genai_iac.cli.options import GlobalOptions, read_addresses
    from genai_iac.cli.session import open_session

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    (wanted,) = read_addresses("ADDR", [address])
    with WriteLog(audit, "import") as writes, open_session(flags, path, writes) as workspace:
        adopt_resource(workspace, wanted, ocid, output.say)
    return 0

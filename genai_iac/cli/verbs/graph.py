"""`graph`: what needs what, as a picture's source. Offline."""

from __future__ import annotations

import click


@click.command("graph")
@click.argument("path", default=".")
@click.option(
    "--format", "form", type=click.Choice(["mermaid", "dot"]), default="mermaid", help="The picture's language."
)
@click.pass_context
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Print the resources and what each needs, for Mermaid (GitHub draws it) or Graphviz."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.workspace import load_manifest
    from genai_iac.render.graph import dot, mermaid

    manifest = load_manifest(Flags.of(ctx), path)
    needs = {address: sorted(manifest.graph.needs(address)) for address in manifest.resources}
    click.echo((mermaid if form == "mermaid" else dot)(needs), nl=False)
    return 0

"""`graph`: what needs what, as the source of a diagram. Offline."""

from __future__ import annotations

import click

from genai_iac.cli.console import echo


@click.command("graph")
@click.argument("path", default=".")
@click.option("-o", "--format", "form", type=click.Choice(["mermaid", "dot"]), default="mermaid", help="Graph syntax.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Print the dependency graph for Mermaid (rendered by GitHub) or Graphviz."""
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import load_manifest
    from genai_iac.render.graph import dot, mermaid

    manifest = load_manifest(GlobalOptions.of(ctx), path)
    needs = {address: sorted(manifest.graph.needs(address)) for address in manifest.resources}
    echo((mermaid if form == "mermaid" else dot)(needs), nl=False)
    return 0

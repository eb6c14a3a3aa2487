"""`version`: which genai-iac, which Python, which SDK; the SDK is looked up, not imported."""

from __future__ import annotations

import click

from genai_iac.cli.console import echo


@click.command("version")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
def COMMAND(form: str) -> None:  # noqa: N802  # every verb's file has one
    """Print the versions of genai-iac, Python and the SDK."""
    import json
    import platform
    from importlib.metadata import version

    from genai_iac import __version__

    facts = {"genai-iac": __version__, "python": platform.python_version(), "oci": version("oci")}
    if form == "json":
        echo(json.dumps(facts))
    else:
        echo("\n".join(f"{name} {number}" for name, number in facts.items()))

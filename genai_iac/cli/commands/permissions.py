"""`permissions`: the least IAM policy that the tool's own identity needs for this stack. Offline."""

from __future__ import annotations

from typing import cast, get_args

import click

from genai_iac.cli.console import echo

_VERBS = ("plan", "apply", "rotate")


@click.command("permissions")
@click.argument("verb", type=click.Choice(_VERBS))
@click.argument("path", default=".")
@click.option(
    "--group", default="genai-iac", metavar="NAME", help="The group of that identity; DOMAIN/NAME for another domain."
)
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
def COMMAND(ctx: click.Context, verb: str, path: str, group: str, form: str) -> int:  # noqa: N802
    """Print the statements that let a group run that verb on this stack, to be attached to the tenancy by an administrator."""
    from genai_iac.analysis.permissions import Verb, least_policy
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import load_manifest
    from genai_iac.render.common.json_text import write_json

    assert verb in get_args(Verb)
    manifest = load_manifest(GlobalOptions.of(ctx), path)
    statements = least_policy(cast(Verb, verb), manifest.resources, group)
    if form == "json":
        echo(write_json({"verb": verb, "group": group, "statements": list(statements)}, indent=2))
    else:
        echo("\n".join(statements))
    return 0

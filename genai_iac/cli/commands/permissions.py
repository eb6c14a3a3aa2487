"""`permissions`: the least IAM policy that the tool's own identity needs for this stack. Offline unless `--live`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

import click

from genai_iac.cli.console import echo

if TYPE_CHECKING:
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.core import Address

_VERBS = ("plan", "apply", "rotate")  # in step with `analysis.permissions.Verb`, which `assert` below checks


@click.command("permissions")
@click.argument("verb", type=click.Choice(_VERBS))
@click.argument("path", default=".")
@click.option(
    "--group", default="genai-iac", metavar="NAME", help="The group of that identity; DOMAIN/NAME for another domain."
)
@click.option("--live", is_flag=True, help="Read the tenancy: name compartments that exist, leave out what creates.")
@click.option("-o", "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output format.")
@click.pass_context
def COMMAND(ctx: click.Context, verb: str, path: str, group: str, live: bool, form: str) -> int:  # noqa: N802
    """Print the statements that let a group run that verb on this stack, to be attached to the tenancy by an administrator."""
    from genai_iac.analysis.permissions import Verb, least_policy
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import load_manifest
    from genai_iac.render.common.json_text import write_json

    assert verb in get_args(Verb)
    manifest = load_manifest(GlobalOptions.of(ctx), path)
    existing = _read_existing(GlobalOptions.of(ctx), path) if live else ()
    statements = least_policy(cast(Verb, verb), manifest.resources, group, existing)
    if form == "json":
        echo(write_json({"verb": verb, "group": group, "statements": list(statements)}, indent=2))
    else:
        echo("\n".join(statements))
    if any(" to manage policies in " in text for text in statements):
        click.echo(
            "Warning: with manage policies this identity can give itself any right in that place; "
            "keep it for the job that applies what was approved.",
            err=True,
        )
    return 0


def _read_existing(flags: GlobalOptions, path: str) -> frozenset[Address]:
    from genai_iac.cli.session import open_session

    with open_session(flags, path) as session:
        return frozenset(session.read().ids)

"""`destroy`: delete everything that carries the stack's mark, innermost first."""

from __future__ import annotations

from typing import Any

import click

from genai_iac.cli.choices import guard_flags, planning_flags


@click.command("destroy")
@click.argument("path", default=".")
@click.option("--auto-approve", is_flag=True, help="Do not ask for yes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line as things happen; needs --auto-approve.")
@planning_flags
@guard_flags
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    auto_approve: bool,
    as_json: bool,
    **asked_for: Any,
) -> int:
    """Delete everything the stack owns; resources with deletion: retain are forgotten, forbid refuses."""
    from genai_iac.cli.applying import Consent, apply_draft, path_words
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.planning import Asked, make_draft
    from genai_iac.cli.turnstile import one_at_a_time
    from genai_iac.cli.workspace import open_workspace

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    consent = Consent(auto_approve, as_json, verb="destroy", about=path_words(path))
    consent.check(output)
    asked = Asked.of(**asked_for, everything=True)
    with open_workspace(flags, path) as workspace, one_at_a_time(workspace.desk.root, output):
        return apply_draft(make_draft(workspace, asked, destroy=True), consent, output)

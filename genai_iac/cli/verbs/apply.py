"""`apply`: plan, ask, and carry it out; or carry out a saved plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_iac.cli.choices import guard_flags, planning_flags


@click.command("apply")
@click.argument("path", default=".")
@click.option("--auto-approve", is_flag=True, help="Do not ask for yes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line as things happen; needs --auto-approve.")
@click.option(
    "--expect-fingerprint",
    metavar="sha256:…",
    help="Go on without asking when the plan is the one with this fingerprint, or does less of it; else stop.",
)
@click.option(
    "--approved",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="That plan as JSON (plan --out json=FILE): tells exactly what nobody approved.",
)
@planning_flags
@guard_flags
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    auto_approve: bool,
    as_json: bool,
    expect_fingerprint: str | None,
    approved: Path | None,
    **asked_for: Any,
) -> int:
    """Bring the tenancy to what the manifests say. PATH may be a plan saved by plan --out FILE."""
    from genai_iac.cli.applying import Consent, apply_draft, apply_saved, is_saved_plan, path_words
    from genai_iac.cli.approval import hold_to_approval, read_approved
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.planning import Asked, make_draft
    from genai_iac.cli.turnstile import one_at_a_time
    from genai_iac.cli.workspace import open_workspace
    from genai_iac.errors import UsageError

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    agreed = read_approved(expect_fingerprint, approved)
    consent = Consent(auto_approve or agreed is not None, as_json, about=path_words(path))
    asked = Asked.of(**asked_for)
    if is_saved_plan(path):
        if agreed is not None:
            raise UsageError("a saved plan is bound to what it was made on; it takes no fingerprint besides")
        return apply_saved(flags, path, asked, consent, output)
    consent.check(output)
    with open_workspace(flags, path) as workspace, one_at_a_time(workspace.desk.root, output):
        draft = make_draft(workspace, asked)
        if agreed is not None:
            hold_to_approval(draft, agreed, output, quiet=as_json)
        return apply_draft(draft, consent, output)

"""`apply`: plan, ask, and apply; or apply a saved plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_iac.cli.all_stacks import for_all_stacks
from genai_iac.cli.audit import WriteLog, audit_flag
from genai_iac.cli.options import guard_flags, planning_flags


@click.command("apply")
@click.argument("path", default=".")
@click.option("--auto-approve", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event; needs --auto-approve.")
@click.option(
    "--expect-fingerprint",
    metavar="sha256:…",
    help="Apply without asking if the plan has this fingerprint or is a part of that plan; refuse otherwise.",
)
@click.option(
    "--approved",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="That plan as JSON (plan --out json=FILE): shows exactly what was not approved.",
)
@planning_flags
@guard_flags
@audit_flag
@click.pass_context
@for_all_stacks
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    auto_approve: bool,
    as_json: bool,
    expect_fingerprint: str | None,
    approved: Path | None,
    audit: Path | None,
    **asked_for: Any,
) -> int:
    """Apply the manifests to the tenancy. PATH may be a plan saved by plan --out FILE."""
    from genai_iac.cli.approval import hold_to_approval, read_approved
    from genai_iac.cli.command_hints import path_words
    from genai_iac.cli.console import Console
    from genai_iac.cli.leak_renewal import apply_and_renew
    from genai_iac.cli.lock import apply_lock
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.planning import PlanOptions, make_draft
    from genai_iac.cli.run_apply import Approval, apply_saved, is_saved_plan
    from genai_iac.cli.session import open_session

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    agreed = read_approved(expect_fingerprint, approved)
    consent = Approval(auto_approve or agreed is not None, as_json, about=path_words(path))
    asked = PlanOptions.of(**asked_for)
    if is_saved_plan(path):
        _refuse_fingerprint(agreed is not None)
        with WriteLog(audit) as writes:
            return apply_saved(flags, path, asked, consent, output, writes)
    # Before the tenancy is read: a run that cannot ask anybody fails at once.
    consent.check(output)
    with (
        WriteLog(audit, "apply") as writes,
        open_session(flags, path, writes) as workspace,
        # Before the plan: whoever waits for the lock plans on what the other run has left.
        apply_lock(workspace.deliveries.root, output),
    ):
        draft = make_draft(workspace, asked)
        if agreed is not None:
            # Before the plan is printed: of a plan that was not approved only what is new should be shown.
            hold_to_approval(draft, agreed, output, quiet=as_json)
            writes.approved = agreed.fingerprint
        return apply_and_renew(draft, consent, output, unasked=auto_approve)


def _refuse_fingerprint(given: bool) -> None:
    """Raises UsageError when a saved plan, which is bound already, is given a fingerprint besides."""
    from genai_iac.core.errors import UsageError

    if given:
        raise UsageError("a saved plan is bound to what it was made on; it takes no fingerprint besides")

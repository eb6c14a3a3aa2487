"""`destroy`: delete everything that has the stack's ownership tag, children first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genai_iac.cli.audit import WriteLog, audit_flag
from genai_iac.cli.options import guard_flags, planning_flags


@click.command("destroy")
@click.argument("path", default=".")
@click.option("--auto-approve", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event; needs --auto-approve.")
@planning_flags
@guard_flags
@audit_flag
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    auto_approve: bool,
    as_json: bool,
    audit: Path | None,
    **asked_for: Any,
) -> int:
    """Delete everything the stack owns; resources with deletion: retain are forgotten, forbid refuses."""
    from genai_iac.cli.command_hints import path_words
    from genai_iac.cli.console import Console
    from genai_iac.cli.lock import apply_lock
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.planning import PlanOptions, make_draft
    from genai_iac.cli.run_apply import Approval, apply_draft
    from genai_iac.cli.session import open_session

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    consent = Approval(auto_approve, as_json, verb="destroy", about=path_words(path))
    consent.check(output)
    asked = PlanOptions.of(**asked_for, everything=True)
    with (
        WriteLog(audit, "destroy") as writes,
        open_session(flags, path, writes) as workspace,
        apply_lock(workspace.deliveries.root, output),
    ):
        return apply_draft(make_draft(workspace, asked, destroy=True), consent, output)

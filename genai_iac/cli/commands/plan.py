"""`plan`: what would change, why, and the exact calls. Writes nothing to the tenancy."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from genai_iac.cli.all_stacks import for_all_stacks
from genai_iac.cli.options import guard_flags, planning_flags

# Of standard output; `--out` also knows `gitlab`, a file that GitLab collects.
_FORMATS = ["text", "json", "markdown", "html", "terraform-json"]


@click.command("plan")
@click.argument("path", default=".")
@click.option("-o", "--format", "form", type=click.Choice(_FORMATS), default="text", help="What to print.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--out",
    multiple=True,
    metavar="[FORMAT=]FILE",
    help="Also write a file: a saved plan, or with FORMAT= (md, json, html, …) a rendering.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--fail-on-refusal", is_flag=True, help="Exit 3 when apply would refuse the plan.")
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Plan on what genai-iac snapshot wrote: no credentials, no network.",
)
@planning_flags
@guard_flags
@click.pass_context
@for_all_stacks
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    form: str,
    as_json: bool,
    out: tuple[str, ...],
    detailed_exitcode: bool,
    fail_on_refusal: bool,
    snapshot: Path | None,
    **asked_for: Any,
) -> int:
    """Show what apply would change, why, and with which API calls."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.plan_output import read_outs, render_plan, write_out
    from genai_iac.cli.planning import PlanOptions, make_draft
    from genai_iac.cli.session import open_session, open_snapshot
    from genai_iac.core.errors import UsageError

    flags = GlobalOptions.of(ctx)
    outs = read_outs(out)
    if snapshot and any(one.form is None for one in outs):
        raise UsageError(
            "a plan made on a snapshot is for reading, not for apply",
            hint="name a format: --out json=FILE, or leave --snapshot away",
        )
    asked = PlanOptions.of(**asked_for)
    output = Console.of_environment(no_color=flags.no_color)
    # A snapshot has no connection that would have to be closed.
    opened = nullcontext(open_snapshot(flags, path, snapshot)) if snapshot else open_session(flags, path)
    with opened as workspace:
        draft = make_draft(workspace, asked)
        output.say(render_plan("json" if as_json else form, draft, output.terminal))
        for one in outs:
            write_out(one, draft)
    if fail_on_refusal and draft.refusal is not None:
        raise draft.refusal  # after everything was written: reviewers need the plan most when it is refused
    return 2 if detailed_exitcode and draft.plan else 0

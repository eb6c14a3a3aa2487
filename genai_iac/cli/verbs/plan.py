"""`plan`: what would change, why, and the exact calls. Writes nothing to the tenancy."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from genai_iac.cli.choices import guard_flags, planning_flags

_FORMATS = ["text", "json", "markdown", "html", "terraform-json"]


@click.command("plan")
@click.argument("path", default=".")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", help="What to print.")
@click.option(
    "--out",
    multiple=True,
    metavar="[FORMAT=]FILE",
    help="Also write a file: a saved plan, or with FORMAT= (md, json, html, …) a rendering.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option(
    "--snapshot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Plan on what genai-iac snapshot wrote: no credentials, no network.",
)
@planning_flags
@guard_flags
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    /,
    path: str,
    form: str,
    out: tuple[str, ...],
    detailed_exitcode: bool,
    snapshot: Path | None,
    **asked_for: Any,
) -> int:
    """Show what apply would do to bring the tenancy to what the manifests say."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.planning import Asked, make_draft
    from genai_iac.cli.renderings import read_outs, render_plan, write_out
    from genai_iac.cli.workspace import open_snapshot, open_workspace
    from genai_iac.errors import UsageError

    flags = Flags.of(ctx)
    outs = read_outs(out)
    if snapshot and any(one.form is None for one in outs):
        raise UsageError(
            "a plan made on a snapshot is for reading, not for apply",
            hint="name a format: --out json=FILE, or leave --snapshot away",
        )
    asked = Asked.of(**asked_for)
    output = Output.of_environment(no_color=flags.no_color)
    opened = nullcontext(open_snapshot(flags, path, snapshot)) if snapshot else open_workspace(flags, path)
    with opened as workspace:
        draft = make_draft(workspace, asked)
        output.say(render_plan(form, draft, output.terminal))
        for one in outs:
            write_out(one, draft)
    return 2 if detailed_exitcode and draft.plan else 0

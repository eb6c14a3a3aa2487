"""`plan`: what would change, why, and the exact calls. Writes nothing to the tenancy."""

from __future__ import annotations

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
@planning_flags
@guard_flags
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    path: str,
    form: str,
    out: tuple[str, ...],
    detailed_exitcode: bool,
    target: tuple[str, ...],
    parallelism: int,
    full_scan: bool,
    delete_moved: tuple[str, ...],
    allow_destroy: int | None,
    accept_outage: tuple[str, ...],
) -> int:
    """Show what apply would do to bring the tenancy to what the manifests say."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.planning import Asked, make_draft
    from genai_iac.cli.renderings import read_outs, render_plan, write_out
    from genai_iac.cli.workspace import open_workspace

    flags = Flags.of(ctx)
    outs = read_outs(out)
    asked = Asked.of(target, parallelism, full_scan, delete_moved, allow_destroy, accept_outage)
    with open_workspace(flags, path) as workspace:
        draft = make_draft(workspace, asked)
        output = Output.of_environment(no_color=flags.no_color)
        output.say(render_plan(form, draft, output.terminal))
        for one in outs:
            write_out(one, draft)
    return 2 if detailed_exitcode and draft.plan else 0

"""`snapshot`: the live state that a plan needs, as a file. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from genai_iac.cli.workspace import Names


@click.command("snapshot")
@click.argument("path", default=".")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    required=True,
    metavar="FILE",
    help="Where to write it; - for standard output.",
)
@click.option(
    "--full-scan", is_flag=True, help="Every compartment and region: one snapshot for all stacks of the tenancy."
)
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Calls at the same time.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, out: Path, full_scan: bool, parallelism: int) -> int:  # noqa: N802
    """Write what plan --snapshot needs to plan with no credentials and no network."""
    from genai_iac.cli.files import write_file
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.workspace import Names, open_workspace
    from genai_iac.render.words import count
    from genai_iac.snapshot import take_snapshot, write_snapshot

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    with open_workspace(flags, path) as workspace:
        live = workspace.read(parallelism=parallelism, full_scan=full_scan)
        names = Names(workspace.provider)
        groups, dynamic_groups = _unless_denied(names, "groups"), _unless_denied(names, "dynamic_groups")
    births = {
        id: born for id in (*(groups or {}).values(), *(dynamic_groups or {}).values()) if (born := names.born(id))
    }
    snapshot = take_snapshot(live, groups, dynamic_groups, births)
    text = write_snapshot(snapshot)
    if str(out) == "-":
        output.say(text)
        return 0
    write_file(out, text.encode())
    hidden = [name for name, list in (("groups", groups), ("dynamic groups", dynamic_groups)) if list is None]
    if hidden:
        unseen = " and ".join(hidden)
        output.note(f"Note: this identity may not list {unseen}; a plan that has to compare {unseen} will refuse.\n")
    found = f"{count(len(live.found), 'resource')} in {count(len(live.places), 'compartment')}"
    output.note(f"Wrote {out}: {found}, and no secret.\n")
    return 0


def _unless_denied(names: Names, which: str) -> Mapping[str, str] | None:
    """Groups by name; None for what this identity may not list."""
    from genai_iac.errors import ServiceFailure

    try:
        return cast("Mapping[str, str]", getattr(names, which))
    except ServiceFailure as failure:
        if failure.status not in (401, 403, 404):
            raise
        return None

"""`snapshot`: the live state that a plan needs, as a file. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from genai_iac.cli.session import GroupNames


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
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Concurrent API calls.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, out: Path, full_scan: bool, parallelism: int) -> int:  # noqa: N802
    """Write the live state that plan --snapshot needs: no credentials, no network, no secrets."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import check_output_name, write_file
    from genai_iac.cli.session import GroupNames, open_session
    from genai_iac.import_export.snapshot import take_snapshot, write_snapshot
    from genai_iac.render.common.phrases import count

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    if str(out) != "-":  # that is standard output here
        check_output_name(out)
    with open_session(flags, path) as workspace:
        live = workspace.read(parallelism=parallelism, full_scan=full_scan)
        names = GroupNames(workspace.provider)
        groups, dynamic_groups = _unless_denied(names, "groups"), _unless_denied(names, "dynamic_groups")
    # A group that was deleted and created again has another OCID and a later time; plans
    # compare it with the policy's.
    births = {
        id: created
        for id in (*(groups or {}).values(), *(dynamic_groups or {}).values())
        if (created := names.created_at(id))
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


def _unless_denied(names: GroupNames, which: str) -> Mapping[str, str] | None:
    """Groups by name; None for what this identity may not list."""
    from genai_iac.core.errors import ServiceFailure

    try:
        return cast("Mapping[str, str]", getattr(names, which))
    except ServiceFailure as failure:
        # IAM answers 404 for what a caller may not see. Any other failure must not pass for
        # "there are no groups".
        if failure.status not in (401, 403, 404):
            raise
        return None

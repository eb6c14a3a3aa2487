"""`fmt`: the canonical layout; what the manifests say and their comments stay as they are. Offline."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks

LAID_OUT_OTHERWISE = 2  # exit code of `--check`


@click.command("fmt")
@click.argument("path", default=".")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 2 when a layout would change. Modelines may be missing."
)
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, check: bool) -> int:  # noqa: N802
    """Format manifests: order of keys, indentation, separators. Prints the files that change; - formats standard input."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.formatted_files import find_changes, write_changes
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.render.common.sanitize import escape_control

    output = Console.of_environment(no_color=GlobalOptions.of(ctx).no_color)
    changes = find_changes(path)
    if path == "-":
        if not check:
            output.say("".join(change.after for change in changes))
        return LAID_OUT_OTHERWISE if check and any(change.layout_differs for change in changes) else 0
    changes = [change for change in changes if (change.layout_differs if check else change.before != change.after)]
    if not check:
        write_changes(changes, path)
    for change in changes:
        output.say(f"{escape_control(change.name)}\n")
    return LAID_OUT_OTHERWISE if check and changes else 0

"""`fmt`: the canonical layout; what the manifests say and their comments stay as they are. Offline."""

from __future__ import annotations

import click

LAID_OUT_OTHERWISE = 2


@click.command("fmt")
@click.argument("path", default=".")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when a file would change.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, check: bool) -> int:  # noqa: N802
    """Lay manifests out: order of keys, indentation, separators. Prints the files that change; - formats standard input."""
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.formatting import find_changes, write_changes
    from genai_iac.cli.output import Output
    from genai_iac.render.foreign import visible

    output = Output.of_environment(no_color=Flags.of(ctx).no_color)
    changes = find_changes(path)
    if path == "-":
        output.say("".join(change.after for change in changes))
        return LAID_OUT_OTHERWISE if check and any(change.before != change.after for change in changes) else 0
    changes = [change for change in changes if change.before != change.after]
    if not check:
        write_changes(changes)
    for change in changes:
        output.say(f"{visible(change.name)}\n")
    return LAID_OUT_OTHERWISE if check and changes else 0

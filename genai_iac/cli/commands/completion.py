"""`completion`: the lines that make a shell complete verbs and flags."""

from __future__ import annotations

import click

from genai_iac.cli.console import echo


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def COMMAND(ctx: click.Context, shell: str) -> int:  # noqa: N802
    """Print the completion script for a shell, for example: eval "$(genai-iac completion bash)"."""
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    echo(complete(ctx.find_root().command, {}, "genai-iac", "_GENAI_IAC_COMPLETE").source())
    return 0

"""`init`: a starter stack in a directory, with the workflows that plan, apply, watch and rotate it. Overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def COMMAND(ctx: click.Context, folder: Path) -> int:  # noqa: N802
    """Write a starter stack with one key and its policy, CI workflows and a pre-commit configuration; existing files are kept."""
    import json
    import os
    from uuid import uuid4

    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import write_new_files
    from genai_iac.core.errors import UsageError
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.repository.stacks import find_stacks
    from genai_iac.schema import build_schemas
    from genai_iac.templates import starter_files

    output = Console.of_environment(no_color=GlobalOptions.of(ctx).no_color)
    there = find_stacks(str(folder)) if folder.is_dir() else []
    if there:
        raise UsageError(f"there is a stack in {there[0].path} already", hint="give an empty directory")
    schema = json.dumps(build_schemas()["document.schema.json"], indent=2, ensure_ascii=False) + "\n"
    files = starter_files(folder.resolve().name, schema, str(uuid4()))
    kept = [name for name in files if os.path.lexists(folder / name)]
    write_new_files(folder, {name: text for name, text in files.items() if name not in kept})
    for name in files:
        output.say(f"{'kept' if name in kept else 'wrote'} {escape_control(str(folder / name))}\n")
    where = "" if folder == Path() else f" {escape_control(str(folder))}"
    output.say(f"\nTry it without a cloud account:  genai-iac --local plan{where}\n")
    return 0

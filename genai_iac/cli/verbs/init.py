"""`init`: a starter stack in a directory, with the workflows that plan, apply, watch and rotate it. Overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.pass_context
def COMMAND(ctx: click.Context, folder: Path) -> int:  # noqa: N802
    """Write a stack with one key and its policy, CI workflows and a pre-commit configuration; what is there stays as it is."""
    import json
    import os

    from genai_iac.cli.files import write_new_files
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.errors import UsageError
    from genai_iac.render.foreign import visible
    from genai_iac.schema import build_schemas
    from genai_iac.stacks import find_stacks
    from genai_iac.starter import starter_files

    output = Output.of_environment(no_color=Flags.of(ctx).no_color)
    there = find_stacks(str(folder)) if folder.is_dir() else []
    if there:
        raise UsageError(f"there is a stack in {there[0].path} already", hint="give an empty directory")
    schema = json.dumps(build_schemas()["document.schema.json"], indent=2, ensure_ascii=False) + "\n"
    files = starter_files(folder.resolve().name, schema)
    kept = [name for name in files if os.path.lexists(folder / name)]
    write_new_files(folder, {name: text for name, text in files.items() if name not in kept})
    for name in files:
        output.say(f"{'kept' if name in kept else 'wrote'} {visible(str(folder / name))}\n")
    where = "" if folder == Path() else f" {visible(str(folder))}"
    output.say(f"\nTry it without a cloud account:  genai-iac --local plan{where}\n")
    return 0

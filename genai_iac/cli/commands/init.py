"""`init`: a starter stack in a directory, with the workflows that plan, apply, watch and rotate it. Overwrites nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--vault", metavar="OCID", help="Deliver to this OCI vault, and write the CI workflows that apply and rotate."
)
@click.option("--vault-key", metavar="OCID", help="The master key in that vault that encrypts the secret.")
@click.pass_context
def COMMAND(ctx: click.Context, folder: Path, vault: str | None, vault_key: str | None) -> int:  # noqa: N802
    """Write a stack with one key, its project and policy, CI workflows and a pre-commit configuration; existing files are kept."""
    import json
    import os
    from uuid import uuid4

    from genai_iac.cli.command_hints import path_words
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import write_new_files
    from genai_iac.core.errors import UsageError
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.repository.stacks import find_stacks
    from genai_iac.schema import build_schemas
    from genai_iac.templates import starter_files

    if bool(vault) != bool(vault_key):
        raise UsageError("--vault and --vault-key belong together", hint="give the OCIDs of a vault and of a key in it")
    output = Console.of_environment(no_color=GlobalOptions.of(ctx).no_color)
    there = find_stacks(str(folder)) if folder.is_dir() else []
    if there:
        raise UsageError(f"there is a stack in {there[0].path} already", hint="give an empty directory")
    schema = json.dumps(build_schemas()["document.schema.json"], indent=2, ensure_ascii=False) + "\n"
    # Without a vault the secrets would reach files of a CI runner, so no workflow that
    # applies is written.
    chosen = (vault, vault_key) if vault and vault_key else None
    files = starter_files(folder.resolve().name, schema, str(uuid4()), chosen)
    # `lexists`: a dangling link is there as well, and writing through it would create a
    # file elsewhere.
    kept = [name for name in files if os.path.lexists(folder / name)]
    write_new_files(folder, {name: text for name, text in files.items() if name not in kept})
    for name in files:
        output.say(f"{'kept' if name in kept else 'wrote'} {escape_control(str(folder / name))}\n")
    try_it = shlex.join(("genai-iac", "--local", "plan", *path_words(str(folder))))
    if not vault:
        output.say(
            "\nThe key is delivered to a file, which is for one machine; the workflows only read. For CI that applies:\n"
            "  genai-iac init --vault OCID --vault-key OCID NEW_DIRECTORY\n"
        )
    output.say(f"\nTry it without a cloud account:  {escape_control(try_it)}\n")
    return 0

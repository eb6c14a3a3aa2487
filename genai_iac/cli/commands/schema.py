"""`schema`: the JSON Schemas that editors and checkers read."""

from __future__ import annotations

import click

from genai_iac.cli.console import echo


@click.command("schema")
@click.argument("name", required=False)
@click.option("--out", type=click.Path(file_okay=False), metavar="DIR", help="Write all of them to a directory.")
def COMMAND(name: str | None, out: str | None) -> int:  # noqa: N802
    """Print a JSON Schema: of a kind (ApiKey), of any document (default), or of the JSON plan (plan)."""
    import json
    from pathlib import Path

    from genai_iac.cli.output_files import make_folder, write_file
    from genai_iac.core.errors import UsageError
    from genai_iac.schema import build_schemas

    schemas = build_schemas()
    if out:
        make_folder(Path(out))
        for file, schema in schemas.items():
            text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
            write_file(Path(out) / file, text.encode())
        echo(f"Wrote {len(schemas)} schemas to {out}.")
        return 0
    # Kinds are typed in any case: `apikey` and `ApiKey` mean the same file.
    wanted = f"{(name or 'document').lower()}.schema.json"
    found = {file.lower(): schema for file, schema in schemas.items()}.get(wanted)
    if found is None:
        names = ", ".join(file.removesuffix(".schema.json") for file in schemas)
        raise UsageError(f"there is no schema {name}", hint=f"choose one of {names}")
    echo(json.dumps(found, indent=2, ensure_ascii=False))
    return 0

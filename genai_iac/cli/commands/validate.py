"""`validate`: are the manifests right? Offline; the SDK is not imported."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks
from genai_iac.cli.console import echo


@click.command("validate")
@click.argument("path", default=".")
@click.option(
    "-o", "--format", "form", type=click.Choice(["text", "json", "junit"]), default="text", help="Output format."
)
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, form: str) -> int:  # noqa: N802
    """Check manifests offline; reports all problems at once."""
    import json

    from msgspec.structs import replace

    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import load_manifest
    from genai_iac.core.errors import ManifestError
    from genai_iac.manifest.environments import check_neighbours, environment_names
    from genai_iac.render.errors import problems_json, problems_junit
    from genai_iac.render.junit import render_junit

    try:
        flags = GlobalOptions.of(ctx)
        manifest = load_manifest(flags, path)
        check_neighbours(environment_names(path), lambda name: load_manifest(replace(flags, env=name), path))
    except ManifestError as error:
        if form == "text":
            raise
        echo(problems_junit(error) if form == "junit" else problems_json(error), nl=False)
        return error.exit_code
    count, files = len(manifest.resources), len(manifest.files)
    if form == "junit":
        echo(render_junit((file, "valid", ()) for file in sorted(manifest.files)), nl=False)
    elif form == "json":
        echo(
            json.dumps(
                {
                    "valid": True,
                    "stack": manifest.stack.name,
                    "resources": sorted(map(str, manifest.resources)),
                    "errors": [],
                }
            )
        )
    else:
        echo(
            f"Valid: stack {manifest.stack.name}, {count} resource{'s' * (count != 1)} in {files} file{'s' * (files != 1)}."
        )
    return 0

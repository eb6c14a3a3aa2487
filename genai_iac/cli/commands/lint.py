"""`lint`: policy and key rules over the manifests. Offline; the SDK is not imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genai_iac.cli.all_stacks import for_all_stacks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from genai_iac.analysis.lint import Finding
    from genai_iac.cli.options import GlobalOptions


@click.command("lint")
@click.argument("path", default=".")
@click.option(
    "-o",
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "junit"]),
    default="text",
    help="Output format.",
)
@click.option("--rules", is_flag=True, help="List the rules instead.")
@click.pass_context
@for_all_stacks
def COMMAND(ctx: click.Context, path: str, form: str, rules: bool) -> int:  # noqa: N802
    """Check policies and keys for errors, risks and statements without effect; exit 1 on an error.

    Silence a finding in the manifest with a comment: # genai-iac: ignore=RULE and why
    """
    from genai_iac.analysis.lint import RULES
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.render.findings import findings_json, findings_junit, findings_text, render_sarif, rules_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    if rules:
        output.say(rules_text(RULES, output.terminal))
        return 0
    findings = _find(flags, path)
    match form:
        case "json":
            output.say(findings_json(findings))
        case "sarif":
            output.say(render_sarif(findings))
        case "junit":
            output.say(findings_junit(findings))
        case _:
            output.say(findings_text(findings, output.terminal))
    return int(any(finding.severity == "error" and finding.ignored is None for finding in findings))


def _find(flags: GlobalOptions, path: str) -> tuple[Finding, ...]:
    """Everything found at that path; manifests that are not valid are findings too."""
    import os
    import sys
    from datetime import UTC, datetime
    from io import BytesIO
    from pathlib import Path

    from genai_iac.analysis.lint import lint_invalid, lint_manifest
    from genai_iac.cli.session import load_manifest
    from genai_iac.cli.unignored_files import find_unignored
    from genai_iac.core.errors import ManifestError
    from genai_iac.manifest.files import MAX_TOTAL
    from genai_iac.planning.preflight import ServiceLimits

    data = sys.stdin.buffer.read(MAX_TOTAL + 1) if path == "-" else b""
    try:
        manifest = load_manifest(flags, path, BytesIO(data))
    except ManifestError as error:
        return lint_invalid(error)
    texts = dict(_read_texts(path, BytesIO(data)))
    unignored = find_unignored(Path(manifest.stack.root), manifest.resources)
    return lint_manifest(manifest, texts, datetime.now(UTC), ServiceLimits.of_environment(os.environ), unignored)


def _read_texts(path: str, stdin: BinaryIO) -> Iterator[tuple[str, str]]:
    from genai_iac.core.errors import Problem
    from genai_iac.manifest.files import decode, find_manifest_path, read_files

    for file in read_files(find_manifest_path(path), stdin):
        if not isinstance(file, Problem):
            text = decode(file.data, file.name)
            if isinstance(text, str):
                yield file.name, text

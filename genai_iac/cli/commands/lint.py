"""`lint`: policy and key rules over the manifests. Offline; the SDK is not imported."""

from __future__ import annotations

import click

from genai_iac.cli.all_stacks import for_all_stacks


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
    """Check policies and keys for errors, risks and dead rules; exit 1 on an error.

    Silence a finding in the manifest with a comment: # genai-iac: ignore=RULE and why
    """
    from genai_iac.analysis.lint import RULES
    from genai_iac.cli.console import Console
    from genai_iac.cli.lint_findings import lint_path
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.render.findings import findings_json, findings_junit, findings_text, render_sarif, rules_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    if rules:
        output.say(rules_text(RULES, output.terminal))
        return 0
    findings = lint_path(flags, path)
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

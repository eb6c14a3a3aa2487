"""`lint`: policy and key rules over the manifests. Offline; the SDK is not imported."""

from __future__ import annotations

import click


@click.command("lint")
@click.argument("path", default=".")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", help="How to say it.")
@click.option("--rules", is_flag=True, help="List the rules instead.")
@click.pass_context
def COMMAND(ctx: click.Context, path: str, form: str, rules: bool) -> int:  # noqa: N802
    """Find what is wrong, risky or useless in policies and keys; exit 1 when it is an error.

    Silence a finding in the manifest with a comment: # genai-iac: ignore=RULE and why
    """
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.linting import lint_path
    from genai_iac.cli.output import Output
    from genai_iac.lint import RULES
    from genai_iac.render.findings import findings_json, findings_text, rules_text
    from genai_iac.render.sarif import render_sarif

    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    if rules:
        output.say(rules_text(RULES, output.terminal))
        return 0
    findings = lint_path(flags, path)
    match form:
        case "json":
            output.say(findings_json(findings))
        case "sarif":
            output.say(render_sarif(findings))
        case _:
            output.say(findings_text(findings, output.terminal))
    return int(any(finding.severity == "error" and finding.ignored is None for finding in findings))

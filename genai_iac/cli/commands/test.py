"""`test`: run the tests of manifests in `*.test.yaml`. Offline."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("test")
@click.argument("path", default=".")
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write JUnit XML to this file.",
)
@click.pass_context
def COMMAND(ctx: click.Context, path: str, junit: Path | None) -> int:  # noqa: N802
    """Run *.test.yaml: plans on snapshots with expected changes, calls, notices and refusals; exit 1 when one differs."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.manifest_tests import find_test_files, run_tests
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.output_files import check_output_name, write_file
    from genai_iac.render.common.phrases import count
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.render.junit import render_junit

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    if junit is not None:
        check_output_name(junit, "--junit")
    results = []
    for file in find_test_files(path):
        for one in run_tests(flags, file):
            results.append(one)
            word = output.terminal.paint("failed", "danger") if one.differences else output.terminal.paint("ok", "add")
            lines = [f"{word}  {escape_control(one.file)}: {escape_control(one.name)}"]
            lines += [f"    {escape_control(line, 4000)}" for line in one.differences]
            output.say("\n".join(lines) + "\n")
    failed = sum(bool(one.differences) for one in results)
    output.say(f"\n{count(len(results), 'test')}, {failed} failed.\n")
    if junit is not None:
        rows = ((one.file, one.name, one.differences) for one in results)
        write_file(junit, render_junit(rows).encode(), "--junit")
    return 1 if failed else 0

"""Which rendering a format means, and writing renderings and saved plans to files."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.cli.output_files import check_output_name, write_file
from genai_iac.cli.planning import PlannedRun
from genai_iac.core.errors import UsageError
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.plan.context import PlanContext

_WORDS = {"md": "markdown", "tf": "terraform-json"}  # short names of formats
# `gitlab` is the summary that GitLab's Terraform widget reads.
_FORMATS = ("text", "json", "markdown", "html", "terraform-json", "gitlab")


class OutputTarget(Struct, frozen=True):
    """One `--out`: a rendering, or the saved plan when no format is named."""

    file: Path
    form: str | None


def read_outs(texts: tuple[str, ...]) -> list[OutputTarget]:
    """The values of `--out`. Raises UsageError for a format that there is not."""
    outs = []
    for text in texts:
        # A file name with `=` in it needs a format in front.
        word, sign, name = text.partition("=")
        form = _WORDS.get(word, word) if sign else None
        if form is not None and form not in _FORMATS:
            raise UsageError(
                f"--out {text}: there is no format {word}",
                hint=f"use one of {', '.join(_FORMATS)}, or only FILE for a saved plan",
            )
        file = name if sign else text
        if not file or file.endswith("/"):
            raise UsageError(f"--out {text}: a file's name is missing", hint="write --out FILE or --out FORMAT=FILE")
        check_output_name(Path(file))
        if Path(file).is_dir():
            raise UsageError(f"--out {text}: {file} is a directory", hint="give the name of a file in it")
        outs.append(OutputTarget(Path(file), form))
    return outs


def render_plan(form: str, draft: PlannedRun, terminal: Terminal) -> str:
    """The plan in that format."""
    plan = draft.shown
    match form:
        case "json":
            from genai_iac.render.plan.json import render_json

            return render_json(plan)
        case "terraform-json":
            from genai_iac.render.plan.terraform_json import render_terraform_json

            return render_terraform_json(plan)
        case "gitlab":
            from genai_iac.render.plan.json import render_gitlab

            return render_gitlab(plan)
        case "markdown":
            from genai_iac.render.plan.markdown import render_markdown

            return render_markdown(plan, _around(draft))
        case "html":
            from genai_iac.render.plan.html import render_html

            return render_html(plan, _around(draft))
    from genai_iac.render.plan.text import render_text

    return render_text(plan, draft.around, terminal)


def _around(draft: PlannedRun) -> PlanContext:
    """What the larger renderings show beside the plan: also what keys may do before and after it."""
    from genai_iac.cli.reports import planned_access
    from genai_iac.render.access import access_lines

    access = access_lines(planned_access(draft.workspace, draft.live, draft.plan))
    return replace(draft.around, access=access if access.before or access.after else None)


def write_out(out: OutputTarget, draft: PlannedRun) -> None:
    """Write one file, whole or not at all. Raises UsageError when it cannot be written."""
    if out.form is None:
        from genai_iac.render.plan.json import saved_plan

        # The only form that `apply` takes: it has the digests of everything the plan was made
        # on.
        data = saved_plan(draft.plan, draft.inputs)
    else:
        data = render_plan(out.form, draft, Terminal(width=100)).encode()
    write_file(out.file, data)

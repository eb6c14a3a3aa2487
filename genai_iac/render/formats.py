"""The formats of a plan by the names people type: `--format` and `--out FORMAT=FILE` know what stands here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from genai_iac.model import Plan
from genai_iac.render.html_page import render_html
from genai_iac.render.json_plan import render_json
from genai_iac.render.markdown import render_markdown
from genai_iac.render.surroundings import Surroundings
from genai_iac.render.terraform_json import render_terraform_json
from genai_iac.render.text import render_text

FORMATS: Mapping[str, Callable[[Plan, Surroundings], str]] = {
    "text": render_text,
    "json": lambda plan, around: render_json(plan),
    "markdown": render_markdown,
    "html": render_html,
    "terraform-json": lambda plan, around: render_terraform_json(plan),
}

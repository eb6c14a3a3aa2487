"""Says what the other rooms found: a plan, an outcome, an error, a graph in; text out. Pure: prints nothing, reads no clock."""

from genai_iac.render.differences import CompareTexts, Edit, line_edits
from genai_iac.render.foreign import quoted, visible
from genai_iac.render.formats import FORMATS
from genai_iac.render.graph import dot, mermaid
from genai_iac.render.html_page import render_html
from genai_iac.render.json_plan import fingerprint, plan_document, render_json
from genai_iac.render.markdown import COMMENT_LIMIT, STEP_SUMMARY_LIMIT, marker, render_markdown
from genai_iac.render.outcome_stream import outcome_line, summary_line
from genai_iac.render.problems import problems_json, problems_text
from genai_iac.render.progress import closing_text, outcome_text
from genai_iac.render.saved_plan import read_saved_plan, saved_plan
from genai_iac.render.surroundings import Access, Expiry, Surroundings
from genai_iac.render.terminal import Terminal
from genai_iac.render.terraform_json import render_terraform_json
from genai_iac.render.text import render_text
from genai_iac.render.words import plan_line

__all__ = [
    "COMMENT_LIMIT",
    "FORMATS",
    "STEP_SUMMARY_LIMIT",
    "Access",
    "CompareTexts",
    "Edit",
    "Expiry",
    "Surroundings",
    "Terminal",
    "closing_text",
    "dot",
    "fingerprint",
    "line_edits",
    "marker",
    "mermaid",
    "outcome_line",
    "outcome_text",
    "plan_document",
    "plan_line",
    "problems_json",
    "problems_text",
    "quoted",
    "read_saved_plan",
    "render_html",
    "render_json",
    "render_markdown",
    "render_terraform_json",
    "render_text",
    "saved_plan",
    "summary_line",
    "visible",
]

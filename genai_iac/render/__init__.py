"""Says what the other rooms found: a plan, an outcome, an error, a graph in; text out. Pure: prints nothing, reads no clock."""

from genai_iac.render.differences import CompareTexts, Edit
from genai_iac.render.surroundings import Access, Expiry, Surroundings
from genai_iac.render.terminal import Terminal
from genai_iac.render.text import render_text

__all__ = ["Access", "CompareTexts", "Edit", "Expiry", "Surroundings", "Terminal", "render_text"]

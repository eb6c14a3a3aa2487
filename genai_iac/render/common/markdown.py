"""Pieces of Markdown in which foreign text stays what it is: code spans, fences and folds that nothing inside can end."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from genai_iac.render.common.sanitize import escape_control

_BACKTICKS = re.compile("`+")  # a code span is longer than any run in it
# what another bot's marker, or the end of our own fold, looks like to a program that does not parse Markdown
_MARKUP = re.compile(r"<(?=!--|/?details|/?summary)|(?<=--)>", re.IGNORECASE)
_NAME_LIMIT = 255  # characters


def size(text: str) -> int:
    """How many bytes the text takes; GitHub's limits are said in characters, of which there are never more."""
    return len(text.encode())


def code(text: str, limit: int | None = _NAME_LIMIT) -> str:
    """The text as one code span: no mention, link, image or emphasis in it is one.

    Args:
        text: foreign text.
        limit: characters; None: no limit.
    """
    text = _inert(escape_control(text, limit)) or " "
    fence = "`" * (_longest_run(text) + 1)
    # CommonMark removes one space at each end of a code span, but only if both are there.
    padding = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def code_html(text: str, limit: int | None = _NAME_LIMIT) -> str:
    """The text as a `<code>` element, for where HTML is read and Markdown is not (a summary)."""
    return f"<code>{html.escape(_inert(escape_control(text, limit)))}</code>"


def fenced(lines: Sequence[str], language: str) -> str:
    """The lines, each safe already, in a fence that is longer than any run of backticks among them.

    Args:
        lines: without line feeds.
        language: for highlighting, such as `diff`.
    """
    text = "\n".join(_inert(line) for line in lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def folded(summary_html: str, body: str, *, open: bool = False) -> str:
    """A `<details>` block; the blank lines make its body Markdown again."""
    return f"<details{' open' if open else ''}><summary>{summary_html}</summary>\n\n{body}\n\n</details>"


def alert(kind: str, title: str, lines: Sequence[str]) -> str:
    """A coloured box on GitHub, a quotation elsewhere; title and lines are Markdown."""
    return "\n".join((f"> [!{kind}]", f"> **{title}**", ">", *(f"> - {line}" for line in lines)))


def _inert(text: str) -> str:
    return _MARKUP.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)

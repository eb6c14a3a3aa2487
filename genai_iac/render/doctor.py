"""The checks of `doctor`, one as soon as it is made, or all as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.common.terminal import Terminal, Tone

_LIMIT = 1000  # characters
_SIGNS: Mapping[str, tuple[str, str, Tone]] = {
    "ok": ("✓", "ok", "add"),
    "warning": ("!", "!", "change"),
    "failed": ("✗", "X", "remove"),
}


def doctor_check_text(name: str, verdict: str, text: str, terminal: Terminal) -> str:
    """A sign, what was looked at, and what was found."""
    rich, plain, tone = _SIGNS[verdict]
    sign = terminal.paint(terminal.glyph(rich, plain), tone)
    return terminal.join(terminal.wrap(f"{escape_control(name)}: {escape_control(text, _LIMIT)}", f"{sign} ", "  "))


def checks_json(checks: Iterable[tuple[str, str, str]]) -> str:
    """`{"checks": [{"name", "verdict", "text"}]}`."""
    rows = [{"name": name, "verdict": verdict, "text": text} for name, verdict, text in checks]
    return write_json({"checks": rows}, indent=2) + "\n"

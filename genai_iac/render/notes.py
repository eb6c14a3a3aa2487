"""What a reader should know besides, for a terminal: each a paragraph that begins `Note:`."""

from __future__ import annotations

from genai_iac.model import Notice
from genai_iac.render.foreign import named, visible
from genai_iac.render.terminal import Terminal

_LIMIT = 2000  # characters


def notice_lines(notice: Notice, terminal: Terminal) -> list[str]:
    """`Note: ApiKey/chat-app: ...` in lines that fit."""
    about = f"{named(notice.address)}: " if notice.address else ""
    return note_lines(about + visible(notice.text, _LIMIT), terminal)


def note_lines(text: str, terminal: Terminal) -> list[str]:
    """`Note: ...` in lines that fit."""
    first, *others = terminal.wrap(text, "Note: ", "      ")
    return [terminal.paint("Note:", "change") + first.removeprefix("Note:"), *others]

"""What every model here says: that it is none, and what it was asked."""

from typing import Any

_QUOTED = 200


def completion_text(question: str) -> str:
    """The text of an answer."""
    asked = question if len(question) <= _QUOTED else question[:_QUOTED] + "…"
    return f"This is the genai-iac local emulator; no model was run. You said: {asked}"


def count_tokens(text: str) -> int:
    """A made-up but steady number of tokens."""
    return max(1, len(text) // 4)


def split_words(text: str) -> list[str]:
    """The text in the pieces a stream brings, which joined give it back."""
    words = text.split(" ")
    return [word if position == 0 else f" {word}" for position, word in enumerate(words)]


def text_of(content: Any) -> str:
    """The text in a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""

"""What a program printed, made fit to be quoted: nothing of the value it was given, in any form, and nothing that drives a terminal.

Of other values it is freed when it gets into an error, like every text: here the records that it printed are still to be read.
"""

from __future__ import annotations

from genai_iac.core import Secret
from genai_iac.core.redact import Redactor

_PIECE = 6  # characters in a row of the very value that the program was given: shorter than what other texts are searched for


def redact_text(text: str, value: Secret | None) -> str:
    """The text with every piece of the value covered.

    Args:
        text: as the program printed it.
        value: the value it was given; None removes control characters only.
    """
    plain = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    if value is not None:
        redactor = Redactor(_PIECE)
        redactor.add(value.reveal())
        plain = redactor.redact(plain)
    return plain

"""Programs of exec sinks that put what they are given in its place at once: a reader finds the old value or the new one."""

from __future__ import annotations

from pathlib import Path

_REPLACE = """\
#!/bin/sh
umask 077
new=$(mktemp "{place}.XXXXXX")
{{ {first}; cat; }} > "$new"
mv "$new" "{place}"
"""
_DOTENV = "printf 'OPENAI_BASE_URL=%s\\nOPENAI_API_KEY=' \"$GENAI_IAC_BASE_URL\""
_RECORD = "printf '%s\\n' \"$GENAI_IAC_RECORD\""


def write_program(file: Path, text: str) -> None:
    """A program that only its owner may run."""
    file.write_text(text, encoding="utf-8")
    file.chmod(0o700)


def dotenv_at(place: str) -> str:
    """The text of a program that keeps a dotenv file there; `$1` is its first argument."""
    return _REPLACE.format(place=place, first=_DOTENV)


def recorded_at(place: str) -> str:
    """The text of one that keeps a line with the record there, and the value below it."""
    return _REPLACE.format(place=place, first=_RECORD)


def check_of(place: str) -> str:
    """The text of one that prints the record that is there."""
    return f'#!/bin/sh\ntest ! -e "{place}" || head -n 1 "{place}"\n'

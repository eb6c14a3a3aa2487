"""Figures for the table of docs/promises.md: what a test counted, for `ci/prove` to add up and write down."""

from __future__ import annotations

import os
from pathlib import Path


def note_figure(number: int, unit: str) -> None:
    """Hand a count to `ci/prove`, which adds up the counts of each unit; does nothing in other runs."""
    if path := os.environ.get("GENAI_IAC_PROOF_FIGURES"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{number}\t{unit}\n")

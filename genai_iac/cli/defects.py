"""When the fault is ours: what a person needs to report it, and nothing that could hold a value."""

from __future__ import annotations

import traceback

from genai_iac.errors import IacError


def describe_defect(error: Exception) -> IacError:
    """An error that names the place in our code, without the exception's text: that may quote anything."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "genai_iac" in frame.filename]
    where = " < ".join(
        f"{frame.filename.rpartition('genai_iac/')[2]}:{frame.lineno}" for frame in reversed(frames[-4:])
    )
    return IacError(
        f"genai-iac has a defect: {type(error).__name__} at {where or 'an unknown place'}",
        hint="please report this line together with the command; what had landed before it stays",
    )

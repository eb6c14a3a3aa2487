"""Patterns of variables: regular expressions that cannot run for long. They come from manifests, and a manifest may be hostile."""

from __future__ import annotations

import re
import warnings
from functools import cache

LONGEST_VALUE = 128
_LONGEST = 256
_MOST_REPETITIONS = 3
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_REPETITION = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")


@cache
def compile_pattern(text: str) -> re.Pattern[str]:
    """The pattern. Raises ValueError when it is none or may run long: at most three repetitions, of groups only `?`, no look-around."""
    if len(text) > _LONGEST or "(?" in text:
        raise ValueError("a pattern has at most 256 characters and no (?…)")
    repetitions, previous, here = 0, "", 0
    while here < len(text):
        if previous and (repetition := _REPETITION.match(text, here)):
            repetitions += repetition[0] != "?"
            if repetitions > _MOST_REPETITIONS or (previous == ")" and repetition[0] != "?"):
                raise ValueError("a pattern may repeat three times at most, and no group but with ?")
            previous, here = "", repetition.end()
            continue
        atom = _ATOM.match(text, here)
        assert atom is not None
        if re.fullmatch(r"\\[0-9]", atom[0]):
            raise ValueError("a pattern cannot refer back to a group")
        previous, here = atom[0], atom.end()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # sets such as [[a] that a later Python will read otherwise
            return re.compile(text)
    except (re.error, FutureWarning) as error:
        raise ValueError("this is not a regular expression") from error

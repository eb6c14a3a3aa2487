"""Vectors and scores that no model made: steady for a text, and near for texts with the same words."""

import hashlib
import math
import re
from functools import lru_cache

_WORD = re.compile(r"\w+")


def embed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1: the sum of one vector for each word, so that texts that share words are near."""
    words = _WORD.findall(text.casefold()) or [text]
    sums = [sum(values) for values in zip(*(_word_vector(word, dimensions) for word in words), strict=True)]
    length = math.sqrt(sum(value * value for value in sums)) or 1.0
    return [value / length for value in sums]


def relevance(query: str, document: str) -> float:
    """From 0 to 1: the share of the query's words that the document has."""
    asked = set(_WORD.findall(query.casefold()))
    return len(asked & set(_WORD.findall(document.casefold()))) / len(asked) if asked else 0.0


@lru_cache(maxsize=512)
def _word_vector(word: str, dimensions: int) -> tuple[float, ...]:
    raw = hashlib.shake_256(word.encode("utf-8")).digest(dimensions)
    return tuple((byte - 127.5) / 127.5 for byte in raw)

"""The values of one variable, parted into classes that conditions cannot tell apart, each with a value that stands for it.

A condition looks at `target.model.id` only by exact values and patterns. Two models that equal the same values and match
the same patterns are therefore decided alike, and asking about one of each class asks about all models. Classes are found
by walking all patterns at once, letter by letter (the product of their automata), so overlaps, and patterns that match
nothing beside the exact values, are known and not guessed.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_STATES = 2_000  # beyond it classes of overlapping patterns may be missed; real policies have fewer than a hundred
_FRESH = "~"  # a letter that no model's name has
_STAR = "\x01"  # stands for a star that is no wildcard while patterns are walked

_State = tuple[frozenset[int], ...]  # per pattern or value the positions that a text may have reached


@dataclass(frozen=True, slots=True)
class ValueClass:
    """Values that the same patterns match. ``exact`` is the one value of a class that a condition names.

    ``patterns`` and ``exact`` are in lower case; ``example`` is a value of the class.
    """

    exact: str | None
    patterns: frozenset[str]
    example: str


def find_classes(exact: Iterable[str], patterns: Iterable[str]) -> tuple[ValueClass, ...]:
    """All classes that have a value, the general one first, then by patterns and exact values.

    Args:
        exact: quoted values; a star in one is a character.
        patterns: texts between slashes.
    """
    values = sorted({text.lower().replace("*", _STAR) for text in exact})  # in quotes a star is a star
    # a pattern of stars alone matches everything and parts nothing
    masks = sorted({text.lower() for text in patterns if text.strip("*")})
    words = [*masks, *values]
    letters = [*sorted(set("".join(words)) - {"*"}), _FRESH]
    examples: dict[tuple[str | None, frozenset[str]], str] = {}
    start: _State = tuple(_spread(word, {0}) for word in words)
    seen, queue = {start}, deque([(start, "")])
    # Breadth first, so each class gets its shortest example.
    while queue and len(seen) < _MOST_STATES:
        state, text = queue.popleft()
        for letter in letters:
            following = tuple(_step(word, places, letter) for word, places in zip(words, state, strict=True))
            if following not in seen or following == start:
                examples.setdefault(_signature(words, following, len(masks)), (text + letter).replace(_STAR, "*"))
            if following not in seen:
                seen.add(following)
                queue.append((following, text + letter))
    classes = [ValueClass(named, matched, text) for (named, matched), text in examples.items()]
    return tuple(sorted(classes, key=lambda one: (one.exact is not None, sorted(one.patterns), one.exact or "")))


def _spread(word: str, places: set[int]) -> frozenset[int]:
    """The places with those behind their stars: a star may stand for nothing."""
    found = set(places)
    for place in places:
        while place < len(word) and word[place] == "*":
            place += 1
            found.add(place)
    return frozenset(found)


def _step(word: str, places: frozenset[int], letter: str) -> frozenset[int]:
    """The positions after one more letter."""
    following = set()
    for place in places:
        if place < len(word):
            if word[place] == "*":
                following.add(place)
            elif word[place] == letter:
                following.add(place + 1)
    return _spread(word, following)


def _signature(words: list[str], state: _State, masks: int) -> tuple[str | None, frozenset[str]]:
    """What a text in that state equals and which patterns match it."""
    ended = [len(word) in places for word, places in zip(words, state, strict=True)]
    matched = frozenset(word for word, whole in zip(words[:masks], ended[:masks], strict=True) if whole)
    named = next((word for word, whole in zip(words[masks:], ended[masks:], strict=True) if whole), None)
    return None if named is None else named.replace(_STAR, "*"), matched

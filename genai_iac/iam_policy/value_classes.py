"""The values of one variable, parted into classes that conditions cannot tell apart, each with a value that stands for it.

A condition looks at `target.model.id` only by exact values and patterns. Two models that equal the same values and match
the same patterns are therefore decided alike, and asking about one of each class asks about all models. Classes are found
by walking all patterns at once, letter by letter (the product of their automata), so overlaps, and patterns that match
nothing beside the exact values, are known and not guessed. Exact values are no part of that walk: a thousand of them cost
no more than their letters.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

_MOST_STATES = 2_000  # beyond it classes of overlapping patterns may be missed; real policies have fewer than a hundred
_FRESH = "~"  # a letter that no model's name has

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
    """All classes that have a value, the general one first, then by patterns and exact values."""
    values = {text.lower() for text in exact if text}  # in quotes a star is a star
    # a pattern of stars alone matches everything and parts nothing
    masks = sorted({text.lower() for text in patterns if text.strip("*")})
    classes = [*_unnamed_classes(masks, values), *_named_classes(masks, values)]
    return tuple(sorted(classes, key=lambda one: (one.exact is not None, sorted(one.patterns), one.exact or "")))


def _named_classes(masks: list[str], values: Set[str]) -> Iterator[ValueClass]:
    forms = [(mask, re.compile(".*".join(map(re.escape, mask.split("*"))), re.DOTALL)) for mask in masks]
    for value in values:
        yield ValueClass(value, frozenset(mask for mask, form in forms if form.fullmatch(value)), value)


def _unnamed_classes(masks: list[str], values: Set[str]) -> Iterator[ValueClass]:
    """The classes of texts that no condition names. Letters of no pattern are all alike: one stands for them.

    A text counts as others in the same state only when no exact value begins with it: else it may still become one.
    """
    letters = [*sorted(set("".join(masks)) - {"*"}), _FRESH]
    beginnings = {value[:length] for value in values for length in range(1, len(value) + 1)}
    most = _MOST_STATES + len(beginnings)
    examples: dict[frozenset[str], str] = {}
    seen: set[tuple[_State, str | None]] = set()
    queue: deque[tuple[_State, str]] = deque([(tuple(_spread(mask, {0}) for mask in masks), "")])
    while queue and len(seen) < most:
        state, text = queue.popleft()
        for letter in letters:
            longer = text + letter
            following = tuple(_step(mask, places, letter) for mask, places in zip(masks, state, strict=True))
            known = (following, longer if longer in beginnings else None)
            if known not in seen:
                seen.add(known)
                queue.append((following, longer))
                if longer not in values:
                    examples.setdefault(_matched(masks, following), longer)
    return (ValueClass(None, matched, text) for matched, text in examples.items())


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


def _matched(masks: list[str], state: _State) -> frozenset[str]:
    """The patterns that match a text in that state."""
    return frozenset(mask for mask, places in zip(masks, state, strict=True) if len(mask) in places)

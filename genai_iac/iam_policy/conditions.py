"""Questions about a condition's tree that lint and others ask: what it narrows, which variables it names, which values it distinguishes.

`find_classes` groups the values of one variable into classes that conditions cannot distinguish, each with one value as its example. A
condition looks at `target.model.id` only by exact values and patterns. Two models that equal the same values and match the same patterns
are therefore decided alike, and asking about one of each class asks about all models. Classes are found by matching all patterns at once,
letter by letter (the product of their automata), so overlaps, and patterns that match nothing beside the exact values, are known and not
guessed. Exact values are no part of that product: a thousand of them cost no more than their letters.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set

from msgspec import Struct

from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    FunctionCall,
    Pattern,
    Presence,
    QuotedValue,
)

# `!=` and `not in` exclude values and leave all others, so they say nothing about who
# or what is meant.
_NARROWING = frozenset({"=", "in"})
_EXACT = frozenset({"=", "in", "!=", "not in"})


def narrows(condition: Condition | None, is_wanted: Callable[[str], bool]) -> bool:
    """Whether the condition can only be true for some values of a wanted variable (named in lower case).

    One member of ``all`` suffices, every member of ``any`` must; ``!=`` and ``not in`` narrow nothing.

    Args:
        condition: None narrows nothing.
        is_wanted: asked with the variable in lower case.
    """
    if condition is None:
        return False
    if isinstance(condition, ConditionGroup):
        found = (narrows(item, is_wanted) for item in condition.items)
        return any(found) if condition.mode == "all" else all(found)
    if isinstance(condition, Comparison):
        return condition.operator in _NARROWING and (
            is_wanted(condition.left.text.lower())
            or any(
                isinstance(operand, ConditionVariable) and is_wanted(operand.text.lower())
                for operand in condition.right
            )
        )
    if isinstance(condition, FunctionCall):
        return any(is_wanted(part.text.lower()) for part in variables(condition))
    # every principal has a type, every user a name; a tag is what some have
    name = condition.variable.text.lower()
    return not condition.negated and ".tag." in name and is_wanted(name)


def names_principal(variable: str) -> bool:
    """Whether a variable says who asks.

    Args:
        variable: in lower case.
    """
    return variable.startswith(("request.principal.", "request.user.", "request.groups.", "request.service."))


def condition_parts(condition: Condition | None) -> Iterator[Condition]:
    """Every part of a condition that is no group: comparisons, presences and calls.

    Yields:
        In the order of the text, whatever groups they are in.
    """
    if isinstance(condition, ConditionGroup):
        for item in condition.items:
            yield from condition_parts(item)
    elif condition is not None:
        yield condition


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """Every comparison in a condition, at any depth.

    Yields:
        In the order of the text; whether `all` or `any` joins them does not matter here.
    """
    if isinstance(condition, ConditionGroup):
        for item in condition.items:
            yield from comparisons(item)
    elif isinstance(condition, Comparison):
        yield condition


def variables(condition: Condition | None) -> Iterator[ConditionVariable]:
    """Every variable in a condition, at any depth and on either side.

    A variable that occurs twice comes twice.
    """
    if isinstance(condition, ConditionGroup):
        for item in condition.items:
            yield from variables(item)
    elif isinstance(condition, Comparison):
        yield condition.left
        yield from (operand for operand in condition.right if isinstance(operand, ConditionVariable))
    elif isinstance(condition, Presence):
        yield condition.variable
    elif isinstance(condition, FunctionCall):
        for argument in condition.arguments:
            parts = argument if isinstance(argument, tuple) else (argument,)
            yield from (part for part in parts if isinstance(part, ConditionVariable))


def wanted_texts(condition: Condition | None, variable: str) -> frozenset[str]:
    """The values, in lower case, that comparisons with ``=`` or ``in`` want of a variable, at any depth.

    Args:
        variable: in lower case.
    """
    return frozenset(
        operand.text.lower()
        for comparison in comparisons(condition)
        if comparison.left.text.lower() == variable and comparison.operator in _NARROWING
        for operand in comparison.right
        if isinstance(operand, QuotedValue | Pattern)
    )


def mentioned_texts(condition: Condition | None, variable: str) -> frozenset[str]:
    """The values, as written, that comparisons of any sort hold against a variable, at any depth.

    Unlike `wanted_texts` this includes `!=` and `not in`, and keeps the case for messages.
    """
    return frozenset(
        operand.text
        for comparison in comparisons(condition)
        if comparison.left.text.lower() == variable
        for operand in comparison.right
        if isinstance(operand, QuotedValue | Pattern)
    )


def compared_operands(condition: Condition | None, variable: str) -> Iterator[QuotedValue | Pattern]:
    """Every value and pattern that a variable (named in lower case) is held against, in comparisons and calls."""
    for part in condition_parts(condition):
        if isinstance(part, Comparison) and part.left.text.lower() == variable:
            yield from (operand for operand in part.right if isinstance(operand, QuotedValue | Pattern))
        elif isinstance(part, FunctionCall) and any(one.text.lower() == variable for one in variables(part)):
            for argument in part.arguments:
                operands = argument if isinstance(argument, tuple) else (argument,)
                yield from (operand for operand in operands if isinstance(operand, QuotedValue | Pattern))


def is_for_keys(condition: Condition | None) -> bool:
    """Whether the condition is about Generative AI API keys.

    Only an explicit type counts. A condition on another variable may still let keys pass.
    """
    return "generativeaiapikey" in wanted_texts(condition, "request.principal.type")


def is_for_others(condition: Condition | None) -> bool:
    """Whether the condition asks for a type of principal that is not that of API keys."""
    demanded = demanded_texts(condition, "request.principal.type")
    return demanded is not None and "generativeaiapikey" not in demanded


def demanded_texts(condition: Condition | None, variable: str) -> frozenset[str] | None:
    """The values, in lower case, one of which a variable must have for the condition to be true; None when it may have any.

    The index of statements (`rules.py`) depends on this answer: a wrong None only costs
    time, a wrong set would hide a statement.
    """
    if isinstance(condition, ConditionGroup):
        parts = (demanded_texts(item, variable) for item in condition.items)
        if condition.mode == "all":
            # One member of `all` is enough: whatever the others say, this one must be true.
            return next((texts for texts in parts if texts is not None), None)
        found = list(parts)
        known = [texts for texts in found if texts is not None]
        return frozenset().union(*known) if known and len(known) == len(found) else None
    if not isinstance(condition, Comparison) or condition.operator not in _NARROWING:
        return None
    if condition.left.text.lower() != variable:
        return None
    texts = frozenset(operand.text.lower() for operand in condition.right if isinstance(operand, QuotedValue))
    exact = all(isinstance(operand, QuotedValue) and operand.text != "*" for operand in condition.right)
    return texts if exact else None


def distinguishing_texts(condition: Condition | None, variable: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The values and the patterns, in lower case, by which a condition distinguishes values of the variable; None when it does so
    otherwise: by order, by other variables.

    Two values that are among none of these, and that the same patterns match, get the same decision.
    """
    exact: set[str] = set()
    patterns: set[str] = set()
    compared = 0
    for comparison in comparisons(condition):
        if comparison.left.text.lower() != variable:
            continue
        compared += 1
        for operand in comparison.right:
            if comparison.operator not in _EXACT or not isinstance(operand, QuotedValue | Pattern):
                return None
            (patterns if isinstance(operand, Pattern) else exact).add(operand.text.lower())
    mentions = sum(one.text.lower() == variable for one in variables(condition))
    return (frozenset(exact), frozenset(patterns)) if mentions == compared else None


_MOST_STATES = 2_000  # beyond it classes of overlapping patterns may be missed; real policies have fewer than a hundred
_FRESH = "~"  # a letter that no model's name has

_State = tuple[frozenset[int], ...]  # per pattern or value the positions that a text may have reached


class ValueClass(Struct, frozen=True):
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

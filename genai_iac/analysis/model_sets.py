"""Sets of models in few words: any model but some, those of a pattern but some, one by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from genai_iac.iam_policy.condition_eval import match_pattern
from genai_iac.iam_policy.value_classes import ValueClass


@dataclass(frozen=True, slots=True)
class ModelSet:
    """`model` None: any but `barred`; texts between slashes are patterns, joined by ` and ` where all must match.

    A set in the form in which people write it.
    """

    model: str | None
    barred: tuple[str, ...] = ()

    def holds(self, model: str) -> bool:
        """Whether a model is in the set.

        Args:
            model: a model's name, in any case.
        """
        return (self.model is None or _fits(self.model, model)) and not any(_fits(one, model) for one in self.barred)


def _fits(text: str, model: str) -> bool:
    parts = text.split(" and ")
    return all(
        match_pattern(part[1:-1], model) if part.startswith("/") else part.lower() == model.lower() for part in parts
    )


def describe_models(
    wanted: Sequence[ValueClass], classes: Sequence[ValueClass], written: Mapping[str, str]
) -> Iterator[tuple[ModelSet, list[ValueClass], list[ValueClass]]]:
    """The union of the wanted classes as few sets: each with the classes that it holds and those that it leaves out.

    The widest first: all models, then one pattern, several patterns at once, single models.

    Args:
        wanted: classes that are allowed.
        classes: all classes.
        written: lower case to the form that statements use.

    Yields:
        A set, the classes that it contains, and the classes inside its base that it leaves
            out.
    """
    left = list(wanted)
    # Greedy: the widest base first gives few lines, which is what a reader needs. Not
    # always the fewest.
    for base in sorted(wanted, key=_width):
        if base not in left:
            continue
        within = [one for one in classes if _lies_in(one, base)]
        barred = _choose_barred(base, within, wanted)
        held = [one for one in within if one in wanted and not any(_is_barred(one, text) for text in barred)]
        out = [one for one in within if one not in wanted]
        left = [one for one in left if one not in held]
        yield ModelSet(_say(base, written), tuple(_say_barred(text, written) for text in barred)), held, out


def _width(one: ValueClass) -> tuple[bool, int, list[str], str]:
    """Sort key: wide classes before narrow ones, then by text, so that output is stable."""
    return (one.exact is not None, len(one.patterns), sorted(one.patterns), one.exact or "")


def _lies_in(one: ValueClass, base: ValueClass) -> bool:
    """Whether a class is inside what a base stands for."""
    return one == base if base.exact is not None else base.patterns <= one.patterns


_Atom = tuple[bool, str]  # whether a pattern, and its text in lower case


def _choose_barred(
    base: ValueClass, within: Collection[ValueClass], wanted: Collection[ValueClass]
) -> tuple[_Atom, ...]:
    """What to leave out of the base: patterns none of whose own models are wanted, else single models."""
    barred: list[_Atom] = []
    for one in sorted(within, key=_width):
        if one in wanted or any(_is_barred(one, text) for text in barred):
            continue
        barred.append((False, one.exact) if one.exact is not None else (True, min(one.patterns - base.patterns)))
    return tuple(barred)


def _is_barred(one: ValueClass, atom: _Atom) -> bool:
    is_pattern, text = atom
    return text in one.patterns if is_pattern else text == one.exact


def _say(base: ValueClass, written: Mapping[str, str]) -> str | None:
    if base.exact is not None:
        return written[base.exact]
    return " and ".join(f"/{written[text]}/" for text in sorted(base.patterns)) or None


def _say_barred(atom: _Atom, written: Mapping[str, str]) -> str:
    is_pattern, text = atom
    return f"/{written[text]}/" if is_pattern else written[text]

"""Sets of models as short texts: any model but some, those of a pattern but some, one by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from genai_iac.iam_policy.condition_eval import match_pattern
from genai_iac.iam_policy.conditions import ValueClass


class ModelSet(Struct, frozen=True):
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
    left, chosen = set(wanted), frozenset(wanted)
    for base in sorted(wanted, key=_width):
        if base not in left:
            continue
        within = [base] if base.exact is not None else [one for one in classes if base.patterns <= one.patterns]
        barred = _choose_barred(base, within, chosen)
        held = [one for one in within if one in chosen and not _is_barred(one, barred)]
        out = [one for one in within if one not in chosen]
        left.difference_update(held)
        yield ModelSet(_say(base, written), tuple(_say_barred(text, written) for text in barred)), held, out


def _width(one: ValueClass) -> tuple[bool, int, list[str], str]:
    """Sort key: wide classes before narrow ones, then by text, so that output is stable."""
    return (one.exact is not None, len(one.patterns), sorted(one.patterns), one.exact or "")


_Atom = tuple[bool, str]  # whether a pattern, and its text in lower case


def _choose_barred(
    base: ValueClass, within: Collection[ValueClass], wanted: Collection[ValueClass]
) -> dict[_Atom, None]:
    """What to leave out of the base: patterns none of whose own models are wanted, else single models."""
    barred: dict[_Atom, None] = {}  # in the order of the output
    for one in sorted(within, key=_width):
        if one in wanted or _is_barred(one, barred):
            continue
        atom = (False, one.exact) if one.exact is not None else (True, min(one.patterns - base.patterns))
        barred[atom] = None
    return barred


def _is_barred(one: ValueClass, atoms: Collection[_Atom]) -> bool:
    return (False, one.exact or "") in atoms or any((True, text) in atoms for text in one.patterns)


def _say(base: ValueClass, written: Mapping[str, str]) -> str | None:
    if base.exact is not None:
        return written[base.exact]
    return " and ".join(f"/{written[text]}/" for text in sorted(base.patterns)) or None


def _say_barred(atom: _Atom, written: Mapping[str, str]) -> str:
    is_pattern, text = atom
    return f"/{written[text]}/" if is_pattern else written[text]

"""The ledger: each assumption, what was observed, and whether that is what the tool relies on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import oci

from .lab import Lab, NotTried


@dataclass(frozen=True)
class Probe:
    """How an assumption is put to the test. `expected` is what the tool relies on; with any of `handled` it works too."""

    number: str
    says: str
    expected: str
    handled: tuple[str, ...]
    observe: Callable[[Lab], str]


@dataclass(frozen=True)
class Verdict:
    """What became of an assumption: `confirmed`, `refuted`, `refuted, handled` or `not tried`."""

    number: str
    says: str
    word: str
    observed: str = ""

    def __str__(self) -> str:
        return f"{self.number:<4}{self.word:<18}{self.says}" + (f" [{self.observed}]" if self.observed else "")


PROBES: list[Probe] = []


def probe(
    number: str, says: str, expected: str, *, handled: tuple[str, ...] = ()
) -> Callable[[Callable[[Lab], str]], Callable[[Lab], str]]:
    """Register a function that tries an assumption and says in fixed words what it saw."""

    def register(observe: Callable[[Lab], str]) -> Callable[[Lab], str]:
        PROBES.append(Probe(number, says, expected, handled, observe))
        return observe

    return register


def settle(lab: Lab, probes: Iterable[Probe]) -> list[Verdict]:
    """Try each. An error of the service ends a probe, and not the others."""
    return [_verdict_of(lab, one) for one in probes]


def _verdict_of(lab: Lab, one: Probe) -> Verdict:
    try:
        observed = one.observe(lab)
    except NotTried as why:
        return Verdict(one.number, one.says, "not tried", str(why))
    except oci.exceptions.ServiceError as error:  # its message may quote the request
        return Verdict(one.number, one.says, "not tried", f"{error.operation_name}: {error.status} {error.code}")
    except Exception as error:  # a traceback would show arguments, and values are among them
        return Verdict(one.number, one.says, "not tried", type(error).__name__)
    if observed == one.expected:
        return Verdict(one.number, one.says, "confirmed", observed)
    return Verdict(one.number, one.says, "refuted, handled" if observed in one.handled else "refuted", observed)


def render(verdicts: list[Verdict], calls: int) -> str:
    """The ledger as lines."""
    counts = {word: sum(one.word == word for one in verdicts) for word in dict.fromkeys(one.word for one in verdicts)}
    total = ", ".join(f"{count} {word}" for word, count in counts.items())
    return "\n".join([*map(str, verdicts), f"{total}; {calls} calls"])

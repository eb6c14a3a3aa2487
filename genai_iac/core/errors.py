"""The errors of the tool, as one tree. Each carries its exit code, and says what is wrong, where, and what to type next.

The command line prints `str(error)` and exits with `exit_code`; it never prints a traceback for one of these. Every other exception
is a defect of this tool and is reported as one.

The words that messages share are here too: `did you mean`, lists of names, and foreign names made safe for a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from genai_iac.core.redactor import redact

if TYPE_CHECKING:
    from genai_iac.core.address import Address, Source


class IacError(Exception):
    """The root: anything that stops a command. `hint` is the next thing to type or do.

    No value gets into an error: what a service, a program or a library said may quote one, so both texts are redacted here.

    Args:
        message: what is wrong and where; starts in lower case unless with a name.
        hint: a command or an action; printed after a semicolon.
    """

    exit_code = 1  # what the process exits with; subclasses with another code set it

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = redact(message)
        self.hint = redact(hint) if hint else hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class Problem(Struct, frozen=True, order=True):
    """One thing wrong with a manifest, with its position and the fix.

    Problems sort by file, line and column, so that all problems of one run come in the
    order of the text.
    """

    source: Source  # position of the value that is wrong
    message: str
    hint: str = ""  # what to write instead

    def __str__(self) -> str:
        return f"{self.source}: {self.message}" + (f"; {self.hint}" if self.hint else "")


class ManifestError(IacError):
    """Everything that is wrong with the manifests, all at once, in the order of the files.

    Args:
        problems: in any order and with repetitions; each is reported once.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(IacError):
    """The command line or the environment asks for something that cannot be.

    Raised before anything is read or called, so nothing has changed.
    """


class PlanError(IacError):
    """Desired and live cannot be reconciled as they are: two live resources with one address, a name that is taken, a cycle."""


class PlanErrors(PlanError):
    """Everything that stands in the way of a plan, all at once.

    Each error keeps its own hint. A user fixes all of them before the next plan, not one
    per run.
    """

    def __init__(self, errors: Iterable[PlanError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(map(str, self.errors)))


class StalePlanError(IacError):
    """A saved plan no longer fits its inputs, the live objects or itself.

    The plan is refused as a whole before its first write, or the one change that is out of
    date during an apply.
    """


class GuardError(IacError):
    """The plan was refused by a guard; the message names the flag that overrides it, where there is one.

    No error of the plan itself: the same plan passes with the flag.
    """

    exit_code = 3


class ServiceFailure(IacError):
    """OCI answered with an error, or did not answer. Carries what support asks for.

    Args:
        operation: the OCI operation name, such as CreatePolicy.
        status: HTTP status; None when there was no answer.
        code: OCI's error code, such as NotAuthorizedOrNotFound.
        request_id: `opc-request-id`, which Oracle support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.operation, self.status = operation, status
        self.code = redact(code) if code else code
        self.request_id = redact(request_id) if request_id else request_id
        self.uncertain = False  # the request may have had its effect although no answer says so
        self.unreached = False  # nobody listened: the request was not even sent
        self.final = False  # the same request would end the same way, although no answer says so
        self.retry_after: float | None = None  # seconds, when the service asked for a pause
        self.waited: float | None = None  # seconds for which it was retried as something that passes by itself

    def name_place(self, place: str) -> None:
        """Say where a right may be missing: retried for so long, the answer is hardly a resource that is too new.

        Args:
            place: a compartment or the tenancy, with its OCID.
        """
        if self.waited is not None:
            said = f"retried for {self.waited:.0f} s; if it is a right that is missing, it is missing in {place}"
            self.hint = redact(f"{self.hint}; {said}" if self.hint else said)
            self.waited = None  # said once, however many callers pass it on


class WaitingCall(Struct, frozen=True):
    """A call that was refused and is tried again until the consistency window closes. Nothing that was sent is in it.

    A 404 after an earlier Identity write may mean that the service does not know yet what was just made, or a missing right. Then
    the wait is in vain: whoever sees the reason at once can stop the run and grant it.
    """

    operation: str  # OCI's name
    status: int | None  # of the answer
    code: str  # OCI's error code, such as NotAuthorizedOrNotFound
    until: datetime  # UTC, by this machine's clock: when the last attempt is made at the latest
    request_id: str | None = None  # opc-request-id of the answer
    address: Address | None = None  # whose change it belongs to

    @classmethod
    def of(cls, failure: ServiceFailure, seconds: float, address: Address | None) -> WaitingCall:
        """What is known of the first refusal.

        Args:
            failure: the answer.
            seconds: for how long it will be retried.
            address: whose change makes the call; None outside a change.
        """
        until = datetime.now(UTC) + timedelta(seconds=max(seconds, 0.0))
        return cls(failure.operation, failure.status, failure.code or "", until, failure.request_id, address)

    def __str__(self) -> str:
        """One line for people: whose call, the answer, how long it is retried, and why it may be in vain."""
        whose = f" for {self.address}" if self.address else ""
        return (
            f"waiting{whose}: {self.operation} answered {self.status} {self.code}, retrying until {self.until:%H:%M:%S} UTC: "
            "what was just made may not be known everywhere yet, or a right is missing"
        )


WaitListener = Callable[[WaitingCall], None]


class SinkError(IacError):
    """A place that secrets are delivered to cannot be used.

    The message names the sink as `deliverTo` does: its type and its path, secret or
    program.
    """


class EditedSinkError(SinkError):
    """What such a place holds was changed by another hand: it is drift, and never overwritten.

    Overwriting would destroy what somebody wrote on purpose; the hint says how to give the
    sink back.
    """


class PartialApply(IacError):
    """Some changes completed and some did not; the next apply goes on from there."""

    exit_code = 4


class Interrupted(IacError):
    """Stopped by a signal, at a step boundary.

    Raised between two steps, never between a new value and its delivery.
    """

    exit_code = 130


_LONGEST = 80  # characters of foreign text in a message
_MOST_CHOICES = 200  # names that are compared with a misspelled one


def show(text: str) -> str:
    """A name from a file as it may stand in a message: on one line, printable, not too long."""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in short) or "''"


def suggest(word: str, choices: Iterable[str]) -> str:
    """`did you mean X?` for the choice nearest to the word, or an empty string when none is near."""
    known = {choice.casefold(): choice for choice in choices}
    if word.casefold() in known:
        return f"did you mean {known[word.casefold()]}?"
    from difflib import get_close_matches  # only a mistake needs it

    near = [name for name in known if abs(len(name) - len(word)) <= 3][:_MOST_CHOICES]  # difflib is slow on many
    found = get_close_matches(word.casefold()[:_LONGEST], near, 1, 0.6)
    return f"did you mean {known[found[0]]}?" if found else ""


def suggest_or_list(word: str, choices: Iterable[str]) -> str:
    """`did you mean X?`, or else what is known."""
    names = sorted(choices)
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return suggest(word, names) or (f"known: {listed}" if names else "")


def join_or(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = list(names)
    return f"{', '.join(most)} or {last}" if most else last


def join_and(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


def name_some(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: `a, b and 3 more`."""
    rest = len(names) - most
    return join_and([*names[:most], f"{rest} more"] if rest > 0 else names)

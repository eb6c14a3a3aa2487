"""What an apply says while it runs, one outcome at a time, and how it closes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from genai_iac.model import Action, Notice, Outcome, Status, Summary
from genai_iac.render.foreign import columns, named, visible
from genai_iac.render.notes import notice_lines
from genai_iac.render.terminal import Terminal, Tone
from genai_iac.render.words import count, done, join_words, resources_line

_NOTE_LIMIT = 4000  # characters of a service's message
_NARROW = 30  # columns below which an OCID says nothing


def outcome_text(outcome: Outcome, terminal: Terminal | None = None) -> str:
    """`✓ ApiKey/chat-app created in 0.4s  ocid1...`; what failed or was skipped has its reason on the lines below. Ends its last line."""
    terminal = terminal or Terminal()
    return terminal.join(_outcome_lines(outcome, terminal))


def closing_text(
    outcomes: Sequence[Outcome],
    terminal: Terminal | None = None,
    *,
    notices: Iterable[Notice] = (),
    again: str = "genai-iac apply",
) -> str:
    """`Apply complete! Resources: ...`, or how much landed and what to type next (`again`) when not everything did.

    What a plan had to say (`notices`) of the resources that landed follows: when to come back, what cannot be done later.
    """
    terminal = terminal or Terminal()
    done_actions: Counter[Action] = Counter(
        action for outcome in outcomes if outcome for action in outcome.change.actions
    )
    resources = resources_line(Summary(done_actions))
    statuses = Counter(outcome.status for outcome in outcomes)
    landed = {outcome.change.address for outcome in outcomes if outcome}
    notes = [line for one in notices if one.address in landed for line in notice_lines(one, terminal)]
    if all(outcomes):
        return terminal.join([terminal.paint(f"Apply complete! {resources}", "add"), *notes])
    missing = [f"{statuses[status]} {status.value}" for status in (Status.FAILED, Status.SKIPPED) if statuses[status]]
    verdict = f"Apply incomplete: {join_words(missing)} of {count(len(outcomes), 'change')}."
    return terminal.join(
        [
            terminal.paint(verdict, "danger"),
            *terminal.wrap(resources),
            f"What landed stays. {'Mend what failed, then go on' if statuses[Status.FAILED] else 'Go on'} with:",
            f"  {visible(again)}",
            *notes,
        ]
    )


def _outcome_lines(outcome: Outcome, terminal: Terminal) -> Iterator[str]:
    address, actions = named(outcome.change.address), outcome.change.actions
    seconds = f"{outcome.seconds:.1f}s"
    if outcome.status is Status.DONE:
        line = f"{terminal.glyph('✓', '[ok]')} {address} {done(actions)} in {seconds}"
        yield terminal.paint(line, "add") + _id_beside(line, outcome, terminal)
        yield from _note_lines(outcome, terminal, "dim")
    elif outcome.status is Status.FAILED:
        yield terminal.paint(
            f"{terminal.glyph('✗', '[failed]')} {address} {join_words(actions)} failed after {seconds}", "danger"
        )
        yield from _note_lines(outcome, terminal, None)
    else:
        yield terminal.paint(f"{terminal.glyph('∅', '[skipped]')} {address} skipped", "change")
        yield from _note_lines(outcome, terminal, "dim")


def _id_beside(line: str, outcome: Outcome, terminal: Terminal) -> str:
    id = outcome.id or outcome.change.id
    room = terminal.width - columns(line) - 2
    if not id or room < _NARROW:
        return ""
    return "  " + terminal.paint(terminal.elide(visible(id, 255), room), "dim")


def _note_lines(outcome: Outcome, terminal: Terminal, tone: Tone | None) -> Iterator[str]:
    bar = terminal.glyph("  │ ", "  | ")
    for line in outcome.note.splitlines()[:40]:
        yield from terminal.wrap(visible(line, _NOTE_LIMIT), bar, bar, tone)

"""The messages of an apply while it runs, one outcome at a time, and at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from genai_iac import __version__
from genai_iac.core import ACTIONS, Action, Change, Notice, Outcome, Plan, Status, Summary
from genai_iac.core.errors import WaitingCall
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.phrases import count, done, join_words, notice_lines, resources_line
from genai_iac.render.common.sanitize import columns, escape_control, named
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.plan.json import fingerprint

EVENTS_VERSION = "1.2"  # of the lines of apply --json; a new minor adds fields and types of events


def version_line(plan: Plan) -> str:
    """`{"type":"version",...}`, the first line: versions, and which plan is carried out."""
    return _line(
        {
            "type": "version",
            "format_version": EVENTS_VERSION,
            "version": __version__,
            "stack": plan.stack,
            "environment": plan.environment,
            "tenancy": plan.tenancy,
            "fingerprint": fingerprint(plan),
        }
    )


def start_line(change: Change) -> str:
    """`{"type":"change_start",...}` for a change that begins."""
    return _line(
        {
            "type": "change_start",
            "address": str(change.address),
            "actions": list(change.actions),
            "id": change.id,
        }
    )


def waiting_line(call: WaitingCall) -> str:
    """`{"type":"change_waiting",...}`: a call was refused and is retried until `until`, with its line feed."""
    return _line(
        {
            "type": "change_waiting",
            "address": str(call.address) if call.address else None,
            "operation": call.operation,
            "status": call.status,
            "code": call.code,
            "opc_request_id": call.request_id,
            "until": call.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def outcome_line(outcome: Outcome, requests: Iterable[Mapping[str, Any]] = ()) -> str:
    """`{"type":"change_complete",...}` for a change that completed, failed or was skipped (see `status`), with its line feed.

    `requests` are its write requests, with the opc-request-id that support asks for.
    """
    change = outcome.change
    return _line(
        {
            "type": "change_complete",
            "address": str(change.address),
            "actions": list(change.actions),
            "status": outcome.status.value,
            "id": outcome.id or change.id,
            "seconds": round(outcome.seconds, 3),
            "note": outcome.note,
            "requests": [dict(one) for one in requests],
        }
    )


def summary_line(outcomes: Iterable[Outcome]) -> str:
    """`{"type":"summary",...}`: how many changes completed, failed and were skipped, and how many actions of each sort were done."""
    outcomes = tuple(outcomes)
    statuses = Counter(outcome.status for outcome in outcomes)
    done: Counter[Action] = Counter(action for outcome in outcomes if outcome for action in outcome.change.actions)
    return _line(
        {
            "type": "summary",
            **{status.value: statuses[status] for status in Status},
            "summary": {action: done[action] for action in ACTIONS},
        }
    )


def _line(document: dict[str, Any]) -> str:
    return write_json(document) + "\n"


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
    verb: str = "Apply",
) -> str:
    """`Apply complete! Resources: ...`, or how much completed and what to type next (`again`) when not everything did.

    The `verb` is the first word. What a plan had to say (`notices`) of the resources that completed follows: when to come back, what
    cannot be done later.
    """
    terminal = terminal or Terminal()
    done_actions: Counter[Action] = Counter(
        action for outcome in outcomes if outcome for action in outcome.change.actions
    )
    resources = resources_line(Summary(done_actions))
    statuses = Counter(outcome.status for outcome in outcomes)
    applied = {outcome.change.address for outcome in outcomes if outcome}
    notes = [line for one in notices if one.address in applied for line in notice_lines(one, terminal)]
    if all(outcomes):
        return terminal.join([terminal.paint(f"{verb} complete! {resources}", "add"), *notes])
    missing = [f"{statuses[status]} {status.value}" for status in (Status.FAILED, Status.SKIPPED) if statuses[status]]
    verdict = f"{verb} incomplete: {join_words(missing)} of {count(len(outcomes), 'change')}."
    return terminal.join(
        [
            terminal.paint(verdict, "danger"),
            *terminal.wrap(resources),
            f"Completed changes are kept. {'Fix the error and re-run' if statuses[Status.FAILED] else 'Continue with'}:",
            f"  {escape_control(again)}",
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
    space = terminal.width - columns(line) - 2
    if not id or space < _NARROW:
        return ""
    return "  " + terminal.paint(terminal.elide(escape_control(id, 255), space), "dim")


def _note_lines(outcome: Outcome, terminal: Terminal, tone: Tone | None) -> Iterator[str]:
    bar = terminal.glyph("  │ ", "  | ")
    for line in outcome.note.splitlines()[:40]:
        yield from terminal.wrap(escape_control(line, _NOTE_LIMIT), bar, bar, tone)

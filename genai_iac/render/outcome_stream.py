"""What an apply does, as a stream for programs: one JSON object a line, the last a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from genai_iac.model import ACTIONS, Action, Outcome, Status
from genai_iac.render.json_text import write_json


def outcome_line(outcome: Outcome) -> str:
    """`{"type":"change_complete",...}` for a change that landed, failed or was skipped (see `status`), with its line feed."""
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
        }
    )


def summary_line(outcomes: Iterable[Outcome]) -> str:
    """`{"type":"summary",...}`: how many changes landed, failed and were skipped, and how many actions of each sort were done."""
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

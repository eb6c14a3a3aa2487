"""A plan as JSON, for programs: every change with its exact calls, before and after. Versioned; no secret is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from genai_iac.model import ACTIONS, Change, Loss, Plan
from genai_iac.render.attributes import canonical, known_part, moment, unknown_paths
from genai_iac.render.json_text import write_json

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


def render_json(plan: Plan) -> str:
    """The plan document, indented, one line feed at the end."""
    return write_json(plan_document(plan), indent=2) + "\n"


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data. What is not known yet is left out of `after`; `after_unknown` has its dotted path."""
    return {
        "format_version": FORMAT_VERSION,
        "stack": plan.stack,
        "environment": plan.environment,
        "tenancy": plan.tenancy,
        "region": plan.region,
        "fingerprint": fingerprint(plan),
        "summary": {action: plan.summary[action] for action in ACTIONS},
        "unchanged": plan.unchanged,
        "owned": plan.owned,
        "changes": [_change_document(change) for change in plan.changes],
        "notices": [
            {"address": str(notice.address) if notice.address else None, "text": notice.text} for notice in plan.notices
        ],
    }


def fingerprint(plan: Plan) -> str:
    """`sha256:...` over the fingerprints of the changes, whatever their order: equal when the same things would be done.

    Neither time nor commit nor last use is in it, so a plan before a merge and the same plan after it agree.
    """
    return join_fingerprints(change_fingerprint(change) for change in plan.changes)


def change_fingerprint(change: Change) -> str:
    """`sha256:...` over address, actions, before and after of one change."""
    parts = [str(change.address), list(change.actions), canonical(change.before), canonical(change.after)]
    return _digest(write_json(_sorted(parts)))


def join_fingerprints(parts: Iterable[str]) -> str:
    """The fingerprint of a plan whose changes have these: by it a list of them is known to be the approved one."""
    return _digest("\n".join(sorted(parts)))


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _change_document(change: Change) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "kind": change.address.kind,
        "fingerprint": change_fingerprint(change),
        "actions": list(change.actions),
        "calls": list(change.operations),
        "id": change.id,
        "before": _attributes(change.before),
        "after": _attributes(change.after),
        "after_unknown": [".".join(path) for path in unknown_paths(change.after or {})],
        "reason": change.reason,
        "needs": [str(address) for address in change.needs],
        "losses": [_loss_document(loss) for loss in change.losses],
        "deliver": list(change.deliver),
    }


def _attributes(attributes: Mapping[str, Any] | None) -> Any:
    return None if attributes is None else known_part(attributes)


def _loss_document(loss: Loss) -> dict[str, Any]:
    return {
        "secret": loss.secret,
        "how": loss.how,
        "last_used": moment(loss.last_used) if loss.last_used else None,
        "sinks": list(loss.carriers) if loss.looked else None,
    }


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value

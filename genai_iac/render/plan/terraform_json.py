"""A plan in the shape of Terraform's JSON plan, so that OPA, conftest and tf-summarize rules work on it.

Types and attributes are named as Oracle's Terraform provider names them (`oci_identity_policy`, `compartment_id`). What Terraform
has no word for (a secret value that stops working) is reported under `genai_iac`, which its readers skip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_iac.core import Action, Address, Change, Plan
from genai_iac.render.common.attribute_values import is_known, is_list, known_part
from genai_iac.render.common.json_text import write_json
from genai_iac.resource_types import RESOURCE_TYPES

FORMAT_VERSION = "1.2"  # of Terraform's format, not of this tool
# all others are updates
_ACTIONS: Mapping[Action, str] = {"create": "create", "delete": "delete", "forget": "forget", "deliver": "no-op"}
_ORDER = ("delete", "create", "update", "forget", "no-op")
_FREE_KEYS = ("freeformTags", "definedTags", "secrets")  # maps whose keys are the user's own
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def render_terraform_json(plan: Plan) -> str:
    """The plan document (`format_version` 1.2), indented, one line feed at the end."""
    document = {
        "format_version": FORMAT_VERSION,
        "resource_changes": [_resource_change(change) for change in plan.changes],
        "applyable": bool(plan),
        "complete": True,
        "errored": False,
    }
    return write_json(document, indent=2) + "\n"


def _resource_change(change: Change) -> dict[str, Any]:
    type = _type(change.address)
    return {
        "address": f"{type}.{change.address.name}",
        "mode": "managed",
        "type": type,
        "name": change.address.name,
        "provider_name": "genai-iac",
        "change": {
            "actions": _actions(change),
            "before": _snake(known_part(change.before)) if change.before is not None else None,
            "after": _snake(known_part(change.after)) if change.after is not None else None,
            "after_unknown": _snake(_unknown_marks(change.after or {})),
            "before_sensitive": change.before is not None and {},
            "after_sensitive": change.after is not None and {},
        },
        "genai_iac": {
            "address": str(change.address),
            "id": change.id,
            "actions": list(change.actions),
            "calls": list(change.operations),
            "reason": change.reason,
            "losses": [{"secret": loss.secret, "how": loss.how} for loss in change.losses],
        },
    }


def _type(address: Address) -> str:
    known = RESOURCE_TYPES.get(address.kind)
    return known.terraform_type if known else f"genai_iac_{_CAPITAL.sub('_', address.kind).lower()}"


def _actions(change: Change) -> list[str]:
    """Terraform's words: one, or delete and create for a replacement."""
    words = {_ACTIONS.get(action, "update") for action in change.actions}
    for alone in ({"delete", "create"}, {"create"}, {"delete"}, {"update"}, {"forget"}):
        if alone <= words:
            return [word for word in _ORDER if word in alone]
    return ["no-op"]


def _unknown_marks(value: Any) -> Any:
    """True where a value is not known yet, in the shape of the attributes; what is known is left out, or false inside a list."""
    if not is_known(value):
        return True
    if isinstance(value, Mapping):
        marks = {key: _unknown_marks(item) for key, item in value.items()}
        return {key: mark for key, mark in marks.items() if mark not in (False, {})}
    if is_list(value):
        marks_of_items = [_unknown_marks(item) for item in value]
        return marks_of_items if any(mark not in (False, {}) for mark in marks_of_items) else False
    return False


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            _CAPITAL.sub("_", key).lower(): item if key in _FREE_KEYS else _snake(item) for key, item in value.items()
        }
    return [_snake(item) for item in value] if isinstance(value, list) else value

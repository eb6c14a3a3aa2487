"""The hashes of a plan document, each computed from what the document itself says, so that one that says something else is found out.

| hash                    | of                                                                                              |
|-------------------------|-------------------------------------------------------------------------------------------------|
| `changes[].fingerprint` | what the change does: address, OCID, region, actions, calls, before, after, sinks, settings, previous address |
| `fingerprint`           | stack, its id, environment, tenancy, region, and the fingerprints of the changes in any order   |
| `digest`                | every field but itself, whatever the layout of the file: an edit that nobody meant to hide      |

None of them says who wrote the document: only making the plan again and comparing fingerprints says that it would still be done.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genai_iac.render.common.json_text import write_json

HEADER = ("stack", "stack_id", "environment", "tenancy", "region")
# calls of sinks are left out: which they are depends on what the Vault holds by then; that the Vault is written to is in `sinks`
_DONE = ("address", "id", "region", "actions", "before", "after", "after_expressions", "sinks", "settings")


def change_fingerprint(row: Mapping[str, Any]) -> str:
    """`sha256:...` over what one change does. Raises KeyError, TypeError or ValueError for a row that is none."""
    renamed = [row["previous_address"]] if row.get("previous_address") else []  # a pure rename differs in nothing else
    return _digest([*(row[name] for name in _DONE), _own_calls(row["calls"], row["sink_calls"]), *renamed])


def plan_fingerprint(document: Mapping[str, Any], changes: Iterable[str]) -> str:
    """`sha256:...` over whose plan it is and the fingerprints of its changes. Neither time nor order nor words are in it."""
    return _digest([*(document[name] for name in HEADER), sorted(changes)])


def document_digest(document: Mapping[str, Any]) -> str:
    """`sha256:...` over every field but `digest`, and but what a saved plan adds."""
    return _digest({name: value for name, value in document.items() if name not in ("digest", "inputs", "seal")})


def find_contradiction(document: Mapping[str, Any]) -> str | None:
    """What in the document does not fit its own hashes, in words; None when all of it does.

    Raises KeyError, TypeError, AttributeError or ValueError for what is no plan document.
    """
    rows = document["changes"]
    for row in rows:
        if row["fingerprint"] != change_fingerprint(row):
            return f"what it says of {row['address']!r} is not what that change's fingerprint was made of"
    if document["fingerprint"] != plan_fingerprint(document, (row["fingerprint"] for row in rows)):
        return "its fingerprint is not that of its changes, stack, environment, tenancy and region"
    repeated = [address for address, count in Counter(row["address"] for row in rows).items() if count > 1]
    if repeated:
        return f"{repeated[0]!r} is in it twice"
    actions = Counter(action for row in rows for action in row["actions"])
    if any(document["summary"][action] != actions[action] for action in {*document["summary"], *actions}):
        return "its summary does not count its changes"
    if any(not row["address"].startswith(row["kind"] + "/") for row in rows):
        return "a kind in it is not that of its address"
    return None if document["digest"] == document_digest(document) else "it was edited after it was made"


def _own_calls(calls: Sequence[str], of_sinks: Sequence[str]) -> list[str]:
    """The calls without those of the sinks."""
    left = Counter(of_sinks)
    own = []
    for call in calls:
        if left[call]:
            left[call] -= 1
        else:
            own.append(call)
    if +left:
        raise ValueError("calls of sinks that are not among the calls")
    return own


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(write_json(_sorted(value)).encode("ascii")).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, (list, tuple)) else value

"""The JSON plan: the document, the saved plan that apply takes, and their hashes.

A saved plan has what it was made from, and a seal over every other byte. The seal detects damage and edits, not who wrote the file.

| hash                    | of                                                                                              |
|-------------------------|-------------------------------------------------------------------------------------------------|
| `changes[].fingerprint` | what the change does: address, OCID, region, actions, calls, before, after, sinks, settings, previous address |
| `fingerprint`           | stack, its id, environment, tenancy, region, and the fingerprints of the changes in any order   |
| `digest`                | every field but itself, whatever the layout of the file: an edit that nobody meant to hide      |

Each is computed from what the document itself says. None of them says who wrote it: only making the plan again and comparing fingerprints
says that it would still be done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genai_iac import __version__
from genai_iac.core import ACTIONS, Change, Destination, Invalidation, Plan
from genai_iac.core.errors import StalePlanError
from genai_iac.render.common.attribute_values import expressions, known_part, moment, unknown_paths
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


_GONE, _MADE, _NOTHING_IN_OCI = {"delete", "forget"}, {"create"}, {"deliver"}


def render_gitlab(plan: Plan) -> str:
    """`{"create": 1, "update": 0, "delete": 0}`: resources; one that is replaced counts as made and as gone."""
    actions = [set(change.actions) for change in plan.changes]
    counts = {
        "create": sum(bool(one & _MADE) for one in actions),
        "update": sum(bool(one - _MADE - _GONE - _NOTHING_IN_OCI) for one in actions),
        "delete": sum(bool(one & _GONE) for one in actions),
    }
    return write_json(counts) + "\n"


FORMAT_VERSION = "1.1"  # a new minor adds fields; a new major changes what is there


def render_json(plan: Plan) -> str:
    """The plan document, indented, one line feed at the end."""
    return write_json(plan_document(plan), indent=2) + "\n"


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data. What is not known yet is left out of `after`; `after_unknown` has its dotted path."""
    head = header(plan)
    document = {
        "format_version": FORMAT_VERSION,
        "toolVersion": __version__,
        **head,
        "fingerprint": fingerprint(plan),
        "summary": {action: plan.summary[action] for action in ACTIONS},
        "unchanged": plan.unchanged,
        "owned": plan.owned,
        "changes": [change_document(change) for change in plan.changes],
        "notices": [
            {"address": str(notice.address) if notice.address else None, "text": notice.text} for notice in plan.notices
        ],
    }
    return {**document, "digest": document_digest(document)}


def check_version(document: Mapping[str, Any], what: str) -> None:
    """Raises StalePlanError for a document of another major version, or of 1.0, whose fingerprint bound no sinks and no stack."""
    version = document.get("format_version")
    major = version.partition(".")[0] if isinstance(version, str) else None
    if major != FORMAT_VERSION.partition(".")[0] or version == "1.0":
        raise StalePlanError(
            f"{what} has format version {version}, this genai-iac reads {FORMAT_VERSION}",
            hint="make it again: genai-iac plan --out FILE",
        )


def fingerprint(plan: Plan) -> str:
    """`sha256:...` over whose plan it is and the fingerprints of the changes, whatever their order: equal when the same would be done.

    Neither time nor commit nor last use is in it, so a plan before a merge and the same plan after it agree.
    """
    return plan_fingerprint(header(plan), map(fingerprint_of, plan.changes))


def fingerprint_of(change: Change) -> str:
    """`sha256:...` over what one change does, and where it brings values."""
    return change_fingerprint(_what_is_done(change))


def header(plan: Plan) -> dict[str, Any]:
    """Whose plan it is."""
    return {
        "stack": plan.stack,
        "stack_id": plan.stack_id,
        "environment": plan.environment,
        "tenancy": plan.tenancy,
        "region": plan.region,
    }


def change_document(change: Change) -> dict[str, Any]:
    """One change as the plan document has it."""
    done = _what_is_done(change)
    return {
        "address": done.pop("address"),
        "kind": change.address.kind,
        "fingerprint": fingerprint_of(change),
        **done,
        "after_unknown": [".".join(path) for path in unknown_paths(change.after or {})],
        "reason": change.reason,
        "needs": [str(address) for address in change.needs],
        "losses": [_loss_document(loss) for loss in change.losses],
        "deliver": list(change.deliver),
    }


def _what_is_done(change: Change) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "actions": list(change.actions),
        "calls": list(change.operations),
        "sink_calls": list(change.sink_calls),
        "id": change.id,
        "region": next((call.region for call in change.calls if call.region), None),
        "before": known_part(change.before),
        "after": known_part(change.after),
        "after_expressions": expressions(change.after or {}),
        "sinks": [_sink_document(sink) for sink in change.sinks],
        "settings": known_part(change.settings),
        **({"previous_address": str(change.previous)} if change.previous else {}),
    }


def _sink_document(sink: Destination) -> dict[str, Any]:
    return {
        "type": sink.type,
        "place": sink.place,
        "command": None if sink.command is None else list(sink.command),
        "format": sink.format,
        "secrets": list(sink.roles),
        "roles": dict(sink.roles),
        "settings": known_part(sink.settings),
        "digest": sink.digest,
        "programs": dict(sink.programs),
    }


def _loss_document(loss: Invalidation) -> dict[str, Any]:
    return {
        "secret": loss.secret,
        "how": loss.how,
        "last_used": moment(loss.last_used) if loss.last_used else None,
        "sinks": list(loss.carriers) if loss.looked else None,
        **(_access_document(loss) if loss.key else {}),
        **({"project": True} if loss.project else {}),
    }


_BEFORE_SEAL = b',\n  "seal": "sha256:'
_AFTER_SEAL = b'"\n}\n'
_FORM = re.compile(
    rb"(?P<head>\{.*)" + re.escape(_BEFORE_SEAL) + rb"(?P<seal>[0-9a-f]{64})" + re.escape(_AFTER_SEAL), re.DOTALL
)
_AGAIN = "make it again: genai-iac plan --out FILE"


def _access_document(loss: Invalidation) -> dict[str, Any]:
    assert loss.key is not None
    whose = {"other_key": loss.key.name, "other_key_name": loss.holder} if loss.holder else {"key": str(loss.key)}
    where = {"where": loss.where} if loss.where else {}
    return {**whose, "apis": list(loss.apis), **where, "passing": loss.passing}


def saved_plan(plan: Plan, inputs: Mapping[str, Any]) -> bytes:
    """The plan document with `inputs` (JSON data: what the plan was made from) and `seal`."""
    document = {**plan_document(plan), "inputs": dict(inputs)}
    head = write_json(document, indent=2).removesuffix("\n}").encode("ascii") + _BEFORE_SEAL
    return head + _seal(head).encode("ascii") + _AFTER_SEAL


def read_saved_plan(data: bytes, name: str = "this file") -> Mapping[str, Any]:
    """The document of a saved plan. Raises StalePlanError that names the file: none, altered in any byte, of another version."""
    form = _FORM.fullmatch(data)
    if form is None:
        raise StalePlanError(f"{name} is not a saved plan, or a part of it is missing", hint=_AGAIN)
    if form["seal"].decode("ascii") != _seal(form["head"] + _BEFORE_SEAL):
        raise StalePlanError(f"{name} was changed after it was made: its checksum does not match", hint=_AGAIN)
    try:
        document: dict[str, Any] = json.loads(data)  # an object: it begins with a brace
    except (ValueError, RecursionError) as error:  # a seal is no secret: anybody can put one on anything
        raise StalePlanError(f"{name} is not a saved plan", hint=_AGAIN) from error
    check_version(document, name)
    _check_contents(document, name)
    return document


def _check_contents(document: Mapping[str, Any], name: str) -> None:
    """A seal can be made again by whoever edits the file; what was shown and approved has to be what the hashes are of."""
    try:
        contradiction = find_contradiction(document)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StalePlanError(f"{name} is not a saved plan, or a part of it is missing", hint=_AGAIN) from error
    if contradiction is not None:
        raise StalePlanError(f"{name} was altered after it was made: {contradiction}", hint=_AGAIN)


def _seal(head: bytes) -> str:
    return hashlib.sha256(head + _AFTER_SEAL).hexdigest()

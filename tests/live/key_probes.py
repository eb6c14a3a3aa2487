"""Assumptions about API keys and their secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import oci

from .lab import Lab
from .ledger import probe

_OWNERSHIP = "live-test+0123abc@dev/ApiKey/app#2.l9k3m2x1abc0123456789ab!retain~0123456789abcdef"


def _facts(key: Any) -> tuple[Any, ...]:
    secrets = [(one.key_name, one.key_mask, one.state, one.time_expiry, one.time_created) for one in key.keys]
    return key.id, key.freeform_tags, secrets


@probe("A1", "a list shows tags, masks, states and times as a reading does", "the same")
def lists_are_whole(lab: Lab) -> str:
    key = lab.key().data
    rows = lab.call(lab.keys.list_api_keys, lab.place.compartment, id=key.id).data.items
    read = lab.call(lab.keys.get_api_key, key.id).data
    return "the same" if [_facts(one) for one in rows] == [_facts(read)] else "another"


@probe("A2", "an ownership tag comes back as it was sent, in the answer to the create call too", "unchanged")
def tags_are_kept(lab: Lab) -> str:
    answer = lab.key(tags={"genai-iac": _OWNERSHIP}).data
    read = lab.call(lab.keys.get_api_key, answer.id).data
    kept = [one.freeform_tags.get("genai-iac") == _OWNERSHIP for one in (answer, read)]
    return "unchanged" if all(kept) else "changed"


@probe("A3", "values are shown by the create and renew calls alone", "then alone")
def values_are_shown_once(lab: Lab) -> str:
    answer = lab.key().data
    renewed = lab.renew(answer.id, "one").data
    shown = [one.key is not None for one in (*answer.keys, renewed.keys[0])]
    read = lab.call(lab.keys.get_api_key, answer.id).data
    hidden = [one.key is None for one in (*read.keys, renewed.keys[1])]
    return "then alone" if all(shown) and all(hidden) else "otherwise"


@probe("A4", "a mask stays the same until its secret is renewed, and is another then", "so it is")
def masks_identify(lab: Lab) -> str:
    answer = lab.key().data
    read = lab.call(lab.keys.get_api_key, answer.id).data
    stable = [one.key_mask for one in answer.keys] == [one.key_mask for one in read.keys]
    renewed = lab.renew(answer.id, "one").data.keys[0]
    return "so it is" if stable and renewed.key_mask != answer.keys[0].key_mask else "otherwise"


@probe("A5", "timeCreated is at most 5 s before and 60 s after the Date header of the answer before", "within")
def creation_is_dated(lab: Lab) -> str:
    before = lab.call(lab.keys.list_api_keys, lab.place.compartment, limit=1)
    moment = parsedate_to_datetime(before.headers["date"])
    created = lab.key().data.time_created
    return "within" if -timedelta(seconds=5) <= created - moment <= timedelta(seconds=60) else "outside"


@probe("A6", "every answer has a Date header", "yes")
def answers_are_dated(lab: Lab) -> str:
    answer = lab.key()
    answers = [
        answer,
        lab.call(lab.keys.get_api_key, answer.data.id),
        lab.call(lab.keys.delete_api_key, answer.data.id),
    ]
    return "yes" if all(one.headers.get("date") for one in answers) else "no"


_REPLAYED = ("one key, its values again", "one key, no values", "409 InvalidatedRetryToken")


@probe("A7", "a create call sent again with its retry token makes no second key", _REPLAYED[0], handled=_REPLAYED[1:])
def retry_tokens_are_honoured(lab: Lab) -> str:
    token = f"genai-iac-live-{lab.run}"
    expiry = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0).isoformat()
    first = lab.key(token=token, expiry=expiry).data
    try:
        second = lab.key(token=token, expiry=expiry).data
    except oci.exceptions.ServiceError as error:
        return f"{error.status} {error.code}"
    if second.id != first.id:
        return "two keys"
    return _REPLAYED[0] if second.keys[0].key is not None else _REPLAYED[1]


@probe("A8", "a revoked secret cannot be renewed", "409 Conflict", handled=("done",))
def revoked_is_final(lab: Lab) -> str:
    key = lab.key().data.id
    lab.set_state(key, "one", "REVOKED")
    return lab.outcome(lambda: lab.renew(key, "one"))


@probe("A9", "a renewed secret is ACTIVE, whatever it was", "ACTIVE")
def renewed_is_active(lab: Lab) -> str:
    key = lab.key().data.id
    lab.set_state(key, "two", "INACTIVE")
    lab.renew(key, "two")
    return str(lab.secret(key, "two").state)


@probe("A10", "a key has one or two secrets, whose names differ", "one and two, no more, none twice")
def secrets_of_a_key(lab: Lab) -> str:
    lab.key(("one",))
    said = [lab.outcome(lambda names=names: lab.key(names)) for names in (("a", "b", "c"), ("a", "a"))]
    refused = all(one.startswith("400 ") for one in said)
    return "one and two, no more, none twice" if refused else f"three: {said[0]}; twice: {said[1]}"


_DELETED = ("shown as DELETED", "404, and in no list")


@probe(
    "A11", "a key with active secrets can be deleted, and is then DELETED or gone", _DELETED[0], handled=_DELETED[1:]
)
def deleted_keys(lab: Lab) -> str:
    key = lab.key().data.id
    said = lab.outcome(lab.keys.delete_api_key, key)
    if said != "done":
        return said
    try:
        state = lab.call(lab.keys.get_api_key, key).data.lifecycle_state
    except oci.exceptions.ServiceError as error:
        rows = lab.call(lab.keys.list_api_keys, lab.place.compartment, id=key).data.items
        return _DELETED[1] if error.status == 404 and not rows else f"{error.status}, and listed"
    return _DELETED[0] if state in ("DELETED", "DELETING") else f"shown as {state}"


@probe("A12", "a write with an etag of an earlier version is refused", "412 NoEtagMatch")
def old_etags_are_refused(lab: Lab) -> str:
    key = lab.key().data.id
    etag = lab.call(lab.keys.get_api_key, key).headers["etag"]
    lab.call(lab.keys.update_api_key, key, {"description": "a"})
    return lab.outcome(lab.keys.update_api_key, key, {"description": "b"}, if_match=etag)


@probe("A13", "an update of tags or description leaves the secrets alone", "unchanged")
def updates_keep_secrets(lab: Lab) -> str:
    key = lab.key().data.id
    before = _facts(lab.call(lab.keys.get_api_key, key).data)[2]
    lab.call(lab.keys.update_api_key, key, {"description": "another"})
    return "unchanged" if _facts(lab.call(lab.keys.get_api_key, key).data)[2] == before else "changed"


@probe("A14", "INACTIVE can be undone, REVOKED cannot", "so it is")
def states(lab: Lab) -> str:
    key = lab.key().data.id
    steps = [lab.set_state(key, "one", state) for state in ("INACTIVE", "ACTIVE", "REVOKED", "ACTIVE")]
    return "so it is" if steps[:3] == ["done"] * 3 and steps[3].startswith("409 ") else ", ".join(steps)


@probe("A15", "a renewal or a change of one secret leaves the other alone", "unchanged")
def secrets_are_apart(lab: Lab) -> str:
    key = lab.key().data.id
    before = _facts(lab.call(lab.keys.get_api_key, key).data)[2][1]
    lab.renew(key, "one")
    lab.set_state(key, "one", "INACTIVE")
    return "unchanged" if _facts(lab.call(lab.keys.get_api_key, key).data)[2][1] == before else "changed"


@probe("A16", "an expiry that is past is refused", "400 InvalidParameter")
def past_expiries(lab: Lab) -> str:
    past = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    return lab.outcome(lambda: lab.key(("one",), expiry=past))


@probe("A17", "a list of more than fits is cut, and the next page is named", "two pages")
def lists_have_pages(lab: Lab) -> str:
    lab.key(("one",))
    lab.key(("one",))
    first = lab.call(lab.keys.list_api_keys, lab.place.compartment, limit=1)
    return "two pages" if len(first.data.items) <= 1 and first.headers.get("opc-next-page") else "one page"


@probe("A18", "the limit of keys is `api-key-count` of the service `generative-ai`", "a number")
def limits(lab: Lab) -> str:
    tenancy = lab.place.config["tenancy"]
    said = lab.call(lab.limits.get_resource_availability, "generative-ai", "api-key-count", tenancy).data
    return "a number" if isinstance(said.available, int) else "no number"

"""What one sink is to hold of a key: values from this run's responses, or copied from a sink that has them.

A value is identified by secret name and mask. The mask is not unique in theory, but a wrong match would need two values of one secret
with equal first and last characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from genai_iac.core import (
    Delivery,
    Item,
    LiveResource,
    LiveSecret,
    Record,
    Resource,
    Role,
    Secret,
    SinkContents,
    SinkState,
)
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import DeliveryLog, Memory, Sink, is_of_announcement

_GONE = ("EXPIRED", "REVOKED", "DELETED")  # states of a secret whose value no sink has to keep

NewValues = Mapping[
    str, Secret | None
]  # by secret name; None: it will be created or renewed, and its value is not known yet
# what a sink is known to hold, without values
Values = frozenset[tuple[str, str]]  # secret name and mask


def inspect_sink(sink: Sink, live: LiveResource, memory: Memory | None = None, *, alone: bool = False) -> SinkState:
    """What the sink holds of that key. Raises SinkError.

    Args:
        sink: opened for this key.
        live: the key as listed; its masks decide which records count.
        memory: what this machine delivered; None when no sink of the key is local.
        alone: the key has no other sink.
    """
    return match_live_masks(sink, sink.read(), live, memory, alone=alone)


def match_live_masks(
    sink: Sink, holding: SinkContents | None, live: LiveResource, memory: Memory | None = None, *, alone: bool = False
) -> SinkState:
    """What of a holding fits the live masks. `alone`: callers have what they use from this sink and no other.

    `memory`: what this machine delivered. What a file of this machine lacks and that does not tell of may lie in the same
    file on another machine.

    Args:
        holding: what the sink said; None or another key's contents count as nothing.
    """
    if holding is None or holding.id not in (live.id, ""):
        state = SinkState(sink.roles, sink.readable, {}, place=sink.place, elsewhere=_elsewhere(sink, live, {}, memory))
        return replace(state, outdated=_is_outdated(sink, holding, {}))
    answers = {secret.name: _holds(holding, secret) for secret in live.secrets}
    records = {record.secret: record.role for record in holding.records if answers.get(record.secret)}
    if alone and (arrived := _find_arrival(holding, live)):
        records = {**{name: role for name, role in records.items() if role != "current"}, arrived: "current"}
    unknown = frozenset(name for name, answer in answers.items() if answer is None)
    elsewhere = _elsewhere(sink, live, records, memory)
    # A damaged sink without a live value is simply a sink that lacks it.
    damage = holding.damage if records else ""
    # Shown by `drift`: somebody restored an old file, or another run renewed the secret.
    stale = frozenset(one.secret for one in holding.records if holding.whole and one.secret not in records)
    state = SinkState(sink.roles, sink.readable, records, unknown, sink.place, elsewhere, damage, stale)
    outdated = _is_outdated(sink, holding, records)
    return replace(state, base_url=holding.base_url, project=holding.project, outdated=outdated)


def _is_outdated(sink: Sink, holding: SinkContents | None, records: Mapping[str, Role]) -> bool:
    """Whether callers read as current there what is not, or is of another key: only of a file, which no other machine writes."""
    if holding is None or not (sink.local and holding.whole):
        return False
    return any(one.role == "current" and one.secret not in records for one in holding.records)


def _holds(holding: SinkContents, secret: LiveSecret) -> bool | None:
    """Whether the value is held; None when it cannot be known. A value made long after its announcement is another run's."""
    answer = holding.holds(secret.name, secret.mask)
    if answer is False and not holding.whole and secret.name in holding.lost:
        ours = is_of_announcement(secret, holding.announced.get(secret.name))
        return False if ours or (secret.name, secret.mask) in holding.elsewhere else None
    return answer


def _elsewhere(sink: Sink, live: LiveResource, records: Mapping[str, Role], memory: Memory | None) -> frozenset[str]:
    """Names of secrets that a local sink lacks and that this machine never delivered: another machine may have them."""
    if not sink.local or memory is None:
        return frozenset()
    absent = (secret for secret in live.secrets if secret.name not in records and secret.state not in _GONE)
    return frozenset(secret.name for secret in absent if not memory.knows(secret))


def _find_arrival(holding: SinkContents, live: LiveResource) -> str | None:
    """Name of the newest active secret if its delivery was never confirmed but it has been used since, else None.

    An earlier run delivered it and was killed before it wrote the log. Not where the sink's command has changed since.
    """
    # Only the newest: an older one that is used may have been read before this run's
    # delivery.
    working = [(secret.created, secret) for secret in live.secrets if secret.state == "ACTIVE" and secret.created]
    if not working or holding.elsewhere:
        return None
    _, newest = max(working, key=lambda one: one[0])
    return newest.name if newest.name in holding.lost and newest.has_callers else None


def confirm_arrivals(sink: Sink, holding: SinkContents | None, held: SinkState, live: LiveResource) -> None:
    """Log in the sink the deliveries that were never confirmed and turn out to have arrived. Raises SinkError.

    Args:
        held: the same holding after comparison; an arrival is among its records.
    """
    for secret in live.secrets:
        if holding and secret.name in holding.lost and secret.name in held.records:
            sink.settle(Record(secret.name, secret.mask, held.records[secret.name], secret.expires))


def build_delivery(
    sink: Sink,
    held: SinkState,
    resource: Resource,
    live: LiveResource,
    base_url: str,
    roles: Mapping[str, Role],
    new_values: NewValues,
    sinks: Iterable[Sink],
    project: str | None = None,
) -> Delivery:
    """What the sink is to hold when the secrets have these roles: a value that is not new is kept, or copied from one of the sinks.

    Args:
        sink: the sink to be written.
        held: what it holds now.
        resource: gives the address under which records are kept.
        live: masks and expiries for the records.
        base_url: what consumers call.
        roles: by secret name. Secrets that cannot work again, and roles that the sink does
            not keep, are left out.
        new_values: values of this run's responses; None for a value that a plan predicts.
        sinks: where a value that is not new may be copied from, in order of preference.
        project: OCID for the OpenAI-Project header of consumers.

    Returns:
        The whole contents. What is not in it is removed by the write.
    """
    items = []
    for name, role in roles.items():
        secret = live.secret(name)
        if secret is None or secret.state in _GONE or role not in sink.roles:
            continue
        value = new_values.get(name)
        if name not in new_values and name not in held.records:
            # write-only sink: resend if some sink can give the value, else assume that it has it
            value = next(values_from_sinks(sinks, live.id, secret), None)
            if value is None and name not in held.unknown:
                continue
        items.append(Item(Record(name, secret.mask, role, secret.expires), value))
    return Delivery(resource.address, live.id, base_url, tuple(items), project)


def roles_with_pending(held: SinkState, name: str) -> dict[str, Role]:
    """Current roles plus `name: pending`; {} if the sink cannot store pending values or already has `name`.

    Args:
        name: the secret that was just renewed.
    """
    if "pending" not in held.keeps or name in held.records:
        return {}
    return {**held.records, name: "pending"}


def check_readers(
    sink: Sink, held: SinkState, live: LiveResource, delivery: Delivery, wanted: Mapping[str, Role]
) -> None:
    """Refuse to remove the current value from a sink when there is nothing to replace it with. Raises SinkError.

    Args:
        delivery: what would be written.
        wanted: the roles that were asked for; a current one that the delivery lacks is the
            problem.
    """
    working = {secret.name for secret in live.secrets if secret.state == "ACTIVE"}
    missing = [name for name, role in wanted.items() if role == "current" and name in working]
    if missing and "current" in held.records.values() and delivery.item("current") is None:
        raise SinkError(
            f"{sink.place} was left as it is: no sink can give the value of {missing[0]}",
            hint="plan again: what is not held is delivered anew",
        )


def check_unchanged(sink: Sink, holding: SinkContents | None, live: LiveResource, known: Values) -> None:
    """Refuse to overwrite a value that this run does not know: another run delivered it meanwhile. Raises SinkError.

    Args:
        known: names and masks that the sink had when this run began, and those of this
            run's new values.
    """
    known |= {(secret.name, secret.mask) for secret in live.secrets}
    if holding is not None and any((one.secret, one.mask) not in known for one in holding.records):
        raise SinkError(f"{sink.place} was left as it is: another run delivered there meanwhile", hint="plan again")


def values_from_sinks(sinks: Iterable[Sink], id: str, secret: LiveSecret) -> Iterator[Secret]:
    """The value of that secret of the key from each sink that can give it.

    Lazy: sinks after the first one that has the value are not read.

    Args:
        id: OCID of the key; a sink with another key's contents is skipped.
    """
    for sink in sinks:
        holding = sink.read() if sink.readable else None
        if holding is not None and holding.id == id:
            value = sink.take(secret.name, secret.mask)
            if value is not None:
                yield value


def empty_delivery(resource: Resource, id: str) -> Delivery:
    """What a sink is to hold of a key that no longer exists: nothing."""
    return Delivery(resource.address, id, "", ())


def build_renamed_delivery(holding: SinkContents | None, resource: Resource, id: str) -> Delivery | None:
    """What a sink is to hold when only the address of the key is another one; None when it holds nothing of the key, or has it.

    Items without values: the sink keeps what it holds and changes only the records.
    """
    if holding is None or holding.id not in (id, "") or holding.address == resource.address:
        return None
    return Delivery(resource.address, id, holding.base_url, tuple(Item(record, None) for record in holding.records))


def log_delivered(log: DeliveryLog, entry: Mapping[str, Any], sink: Sink, delivery: Delivery) -> None:
    """Log what a readable sink was given. Never raises SinkError.

    Without the log entry another apply only has less certainty, so this is no failure of the delivery.
    """
    if sink.readable:
        with suppress(SinkError):  # the value is where it belongs; the place itself shows that, too
            log.delivered(entry, sink, delivery)

"""What one sink is to hold of a key: its portion of the values, taken from the mint or copied from a sink that has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

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
from genai_iac.delivery.sinks import Sink

_GONE = ("EXPIRED", "REVOKED", "DELETED")

NewValues = Mapping[str, Secret | None]  # by secret name; None: it will be minted, and its value is not known yet
Values = frozenset[tuple[str, str]]  # secret name and mask


def inspect_sink(sink: Sink, live: LiveResource, *, alone: bool = False) -> SinkState:
    """What the sink holds of that key. Raises SinkError."""
    return match_live_masks(sink, sink.read(), live, alone=alone)


def match_live_masks(sink: Sink, holding: SinkContents | None, live: LiveResource, *, alone: bool = False) -> SinkState:
    """What of a holding fits the live masks. `alone`: callers have what they use from this sink and no other."""
    if holding is None or holding.id not in (live.id, ""):
        return SinkState(sink.roles, sink.readable, {}, place=sink.place)
    answers = {secret.name: holding.holds(secret.name, secret.mask) for secret in live.secrets}
    records = {record.secret: record.role for record in holding.records if answers.get(record.secret)}
    if alone and (arrived := _find_arrival(holding, live)):
        records = {**{name: role for name, role in records.items() if role != "current"}, arrived: "current"}
    unknown = frozenset(name for name, answer in answers.items() if answer is None)
    state = SinkState(sink.roles, sink.readable, records, unknown, sink.place)
    return replace(state, base_url=holding.base_url, project=holding.project)


def _find_arrival(holding: SinkContents, live: LiveResource) -> str | None:
    """The newest value, when it is not known to have arrived and yet is called with: the run that brought it did not live to
    note that. Not where the command is another one by now."""
    working = [(secret.created, secret) for secret in live.secrets if secret.state == "ACTIVE" and secret.created]
    if not working or holding.elsewhere:
        return None
    _, newest = max(working, key=lambda one: one[0])
    return newest.name if newest.name in holding.lost and newest.has_callers else None


def confirm_arrivals(sink: Sink, holding: SinkContents | None, held: SinkState, live: LiveResource) -> None:
    """Let the sink note what it holds after all. Raises SinkError."""
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
    minted: NewValues,
    sinks: Iterable[Sink],
    project: str | None = None,
) -> Delivery:
    """What the sink is to hold when the secrets play these parts: a value that was not minted is kept, or copied from one of the sinks."""
    items = []
    for name, role in roles.items():
        secret = live.secret(name)
        if secret is None or secret.state in _GONE or role not in sink.roles:
            continue
        value = minted.get(name)
        if name not in minted and name not in held.records:
            # a place that cannot be looked into is given the value again where there is one, and believed where not
            value = next(values_from_sinks(sinks, live.id, secret), None)
            if value is None and name not in held.unknown:
                continue
        items.append(Item(Record(name, secret.mask, role, secret.expires), value))
    return Delivery(resource.address, live.id, base_url, tuple(items), project)


def roles_with_pending(held: SinkState, name: str) -> dict[str, Role]:
    """What a sink holds, and that secret as pending unless it has a part there already; nothing where no pending value is kept."""
    if "pending" not in held.keeps or name in held.records:
        return {}
    return {**held.records, name: "pending"}


def check_readers(
    sink: Sink, held: SinkState, live: LiveResource, delivery: Delivery, wanted: Mapping[str, Role]
) -> None:
    """What callers read is only ever replaced, never taken away for want of a value. Raises SinkError."""
    working = {secret.name for secret in live.secrets if secret.state == "ACTIVE"}
    missing = [name for name, role in wanted.items() if role == "current" and name in working]
    if missing and "current" in held.records.values() and delivery.item("current") is None:
        raise SinkError(
            f"{sink.place} was left as it is: no sink can give the value of {missing[0]}",
            hint="plan again: what is not held is delivered anew",
        )


def check_unchanged(sink: Sink, holding: SinkContents | None, live: LiveResource, known: Values) -> None:
    """A value that this run has never heard of was delivered by another one meanwhile, and is newer. Raises SinkError."""
    known |= {(secret.name, secret.mask) for secret in live.secrets}
    if holding is not None and any((one.secret, one.mask) not in known for one in holding.records):
        raise SinkError(f"{sink.place} was left as it is: another run delivered there meanwhile", hint="plan again")


def values_from_sinks(sinks: Iterable[Sink], id: str, secret: LiveSecret) -> Iterator[Secret]:
    """The value of that secret of the key from each sink that can give it."""
    for sink in sinks:
        holding = sink.read() if sink.readable else None
        if holding is not None and holding.id == id:
            value = sink.take(secret.name, secret.mask)
            if value is not None:
                yield value


def empty_delivery(resource: Resource, id: str) -> Delivery:
    """Nothing: what a sink is to hold of a key that is no more."""
    return Delivery(resource.address, id, "", ())

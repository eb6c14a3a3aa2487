"""The OCI writes that a plan's deliveries will make, predicted: sinks are asked and not written.

A plan promises the exact multiset of write calls. The prediction uses the functions
that the apply uses (`build_delivery`, `Sink.calls`); tests/sinks/test_vault.py compares
both (test_the_calls_foretold_are_the_calls_made_and_what_is_read_is_what_was_written).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from genai_iac.core import (
    Address,
    Change,
    Delivery,
    DeliveryPlan,
    Live,
    LiveResource,
    LiveSecret,
    Notice,
    Plan,
    Resource,
)
from genai_iac.core.errors import SinkError
from genai_iac.delivery.contents import (
    build_delivery,
    empty_delivery,
    inspect_sink,
    renamed_portion,
    roles_with_pending,
)
from genai_iac.delivery.service import DeliveryService
from genai_iac.delivery.sinks import Sink

BaseUrl = Callable[[str, str], str]  # of a region and an ApiKey's `endpoint`


def predict_sink_calls(
    plan: Plan, desk: DeliveryService, resources: Mapping[Address, Resource], live: Live, base_url: BaseUrl
) -> Plan:
    """The plan with the `sink_calls` of each change, and what has to be known of them. Raises SinkError when a sink cannot be asked.

    Args:
        plan: ordered; each change gets the names of its Vault operations.
        desk: opens and reads the sinks.
        resources: the declared ones.
        live: keys as they are now.
        base_url: of a region and an `endpoint`; part of the contents, so it decides whether
            a write is needed.
    """
    told = tuple(
        _with_calls(change, desk, resources[change.address], live, base_url)
        if change.address in resources and resources[change.address].settings.get("deliverTo")
        else change
        for change in plan.changes
    )
    return replace(plan, changes=told, notices=(*plan.notices, *_lingering(told, desk, resources)))


def _with_calls(change: Change, desk: DeliveryService, resource: Resource, live: Live, base_url: BaseUrl) -> Change:
    """The change with predicted record calls (a rename) and sink calls (a delivery or an emptying)."""
    renames = {
        sink.place: renamed for sink in desk.sinks(resource, change.id) if (renamed := _rename(change, sink, resource))
    }
    record_calls = tuple(
        call
        for sink in desk.sinks(resource, change.id)
        if sink.place in renames
        for call in sink.calls(renames[sink.place])
    )
    return replace(
        change, sink_calls=tuple(_of_change(change, desk, resource, live, base_url, renames)), record_calls=record_calls
    )


def _rename(change: Change, sink: Sink, resource: Resource) -> Delivery | None:
    """What the sink will be written with for a rename; None when nothing is renamed or the sink has the new address."""
    if change.previous is None or change.id is None:
        return None
    return renamed_portion(sink.read(), resource, change.id)


def _of_change(
    change: Change,
    desk: DeliveryService,
    resource: Resource,
    live: Live,
    base_url: BaseUrl,
    renames: Mapping[str, Delivery],
) -> Iterator[str]:
    before = live.one(change.address)
    if change.empties:
        assert change.id is not None
        for sink in desk.sinks(resource, change.id):
            yield from _of_emptying(sink, resource, change.id)
    elif change.deliver and change.handover is not None:
        seen = _foresee(change, before, resource)
        sinks = desk.sinks(resource, seen.id or None)
        sources = [*sinks, *desk.former(resource, seen.id)] if seen.id else sinks
        for sink in sinks:
            project = desk.project_name(resource)
            deliveries = tuple(_deliveries(sink, sources, resource, seen, change, change.handover, base_url, project))
            renamed = renames.get(sink.place)
            # Predicted as one row of writes, because the second depends on what the first leaves;
            # then the first is cut off.
            done = len(sink.calls(renamed)) if renamed else 0  # the records come first, and are written already by then
            yield from sink.calls(*filter(None, [renamed]), *deliveries)[done:]


def _of_emptying(sink: Sink, resource: Resource, id: str) -> tuple[str, ...]:
    """The calls that remove the key's values from the sink; none when it holds something else."""
    try:
        holding = sink.read()
    except SinkError:
        return ()  # it will be left alone, and that will be reported
    return sink.calls(empty_delivery(resource, id)) if holding is not None and holding.id == id else ()


def _lingering(
    changes: Iterable[Change], desk: DeliveryService, resources: Mapping[Address, Resource]
) -> Iterator[Notice]:
    """Notices for compartments to be deleted that still contain a Vault secret.

    OCI deletes a Vault secret after a day at the earliest, and a compartment only when it
    is empty.
    """
    going = {change.id: change.address for change in changes if change.ends}
    for change in changes:
        for place in desk.compartments(resources[change.address]) if change.ends and change.sink_calls else ():
            if place in going:
                text = f"what {change.address} was delivered to is in it, and OCI keeps that for a day more: destroy again then"
                yield Notice(text, going[place])


def _deliveries(
    sink: Sink,
    sources: list[Sink],
    resource: Resource,
    seen: LiveResource,
    change: Change,
    handover: DeliveryPlan,
    base_url: BaseUrl,
    project: str | None,
) -> Iterator[Delivery]:
    """The one or two writes of a delivery: first with the pending value, then with the final roles."""
    held = inspect_sink(sink, seen)
    # None as value: it will exist, and nobody knows it yet.
    new_values = dict.fromkeys(change.new_secrets)
    staged = roles_with_pending(held, handover.prove) if handover.prove is not None else {}
    for roles in (staged, handover.roles):
        if roles:
            url = base_url(seen.region or "", resource.settings.get("endpoint", "actions/v1"))
            yield build_delivery(sink, held, resource, seen, url, roles, new_values, sources, project)


def _foresee(change: Change, before: LiveResource | None, resource: Resource) -> LiveResource:
    """The key as it will be when its values are delivered: a new value has a mask that nobody knows yet."""
    fresh = {name: LiveSecret(name, "ACTIVE", "", None, None, None) for name in change.new_secrets}
    if before is None or "create" in change.actions:
        address = change.address
        return LiveResource(
            address.kind, "", {}, "", address.name, resource.region, "ACTIVE", {}, None, secrets=tuple(fresh.values())
        )
    return replace(before, secrets=tuple(fresh.get(secret.name, secret) for secret in before.secrets))

"""The OCI writes that a plan's deliveries will make, predicted from the sinks without writing, and the sinks as a reviewer sees them.

A plan promises the exact multiset of write calls. The prediction uses the functions that the apply uses (`build_delivery`,
`Sink.calls`); tests/sinks/test_vault.py compares both
(test_the_calls_predicted_are_the_calls_made_and_what_is_read_is_what_was_written).

`deliverTo` decides who gets a secret. So a plan names each sink and has a digest of its settings and of the local programs that it
runs; both are part of the plan's fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from genai_iac.core import (
    Address,
    Change,
    Delivery,
    DeliveryPlan,
    Destination,
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
    build_renamed_delivery,
    empty_delivery,
    inspect_sink,
    roles_with_pending,
)
from genai_iac.delivery.service import DeliveryService
from genai_iac.delivery.sinks import SINKS, Sink, digest_file, named_files

BaseUrl = Callable[[str, str], str]  # of a region and an ApiKey's `endpoint`


def predict_sink_calls(
    plan: Plan, service: DeliveryService, resources: Mapping[Address, Resource], live: Live, base_url: BaseUrl
) -> Plan:
    """The plan with the `sink_calls` of each change, and what has to be known of them. Raises SinkError when a sink cannot be asked.

    Args:
        plan: ordered; each change gets the names of its Vault operations.
        service: opens and reads the sinks.
        resources: the declared ones.
        live: keys as they are now.
        base_url: of a region and an `endpoint`; part of the contents, so it decides whether
            a write is needed.
    """
    predicted = tuple(
        _with_calls(change, service, resources[change.address], live, base_url)
        if change.address in resources and resources[change.address].settings.get("deliverTo")
        else change
        for change in plan.changes
    )
    return replace(plan, changes=predicted, notices=(*plan.notices, *_lingering(predicted, service, resources)))


def _with_calls(change: Change, service: DeliveryService, resource: Resource, live: Live, base_url: BaseUrl) -> Change:
    """The change with predicted record calls (a rename) and sink calls (a delivery or an emptying)."""
    renames = {
        sink.place: renamed
        for sink in service.sinks(resource, change.id)
        if (renamed := _rename(change, sink, resource))
    }
    record_calls = tuple(
        call
        for sink in service.sinks(resource, change.id)
        if sink.place in renames
        for call in sink.calls(renames[sink.place])
    )
    return replace(
        change,
        sink_calls=tuple(_of_change(change, service, resource, live, base_url, renames)),
        record_calls=record_calls,
    )


def _rename(change: Change, sink: Sink, resource: Resource) -> Delivery | None:
    """What the sink will be written with for a rename; None when nothing is renamed or the sink has the new address."""
    if change.previous is None or change.id is None:
        return None
    return build_renamed_delivery(sink.read(), resource, change.id)


def _of_change(
    change: Change,
    service: DeliveryService,
    resource: Resource,
    live: Live,
    base_url: BaseUrl,
    renames: Mapping[str, Delivery],
) -> Iterator[str]:
    before = live.one(change.address)
    if change.empties:
        assert change.id is not None
        for sink in service.sinks(resource, change.id):
            yield from _of_emptying(sink, resource, change.id)
    elif change.deliver and change.handover is not None:
        seen = _planned_key(change, before, resource)
        sinks = service.sinks(resource, seen.id or None)
        sources = [*sinks, *service.former(resource, seen.id)] if seen.id else sinks
        for sink in sinks:
            project = service.project_name(resource)
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
    changes: Iterable[Change], service: DeliveryService, resources: Mapping[Address, Resource]
) -> Iterator[Notice]:
    """Notices for compartments to be deleted that still contain a Vault secret.

    OCI deletes a Vault secret after a day at the earliest, and a compartment only when it
    is empty.
    """
    going = {change.id: change.address for change in changes if change.ends}
    for change in changes:
        for place in service.compartments(resources[change.address]) if change.ends and change.sink_calls else ():
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


def _planned_key(change: Change, before: LiveResource | None, resource: Resource) -> LiveResource:
    """The key as it will be when its values are delivered: a new value has a mask that nobody knows yet."""
    fresh = {name: LiveSecret(name, "ACTIVE", "", None, None, None) for name in change.new_secrets}
    if before is None or "create" in change.actions:
        address = change.address
        return LiveResource(
            address.kind, "", {}, "", address.name, resource.region, "ACTIVE", {}, None, secrets=tuple(fresh.values())
        )
    return replace(before, secrets=tuple(fresh.get(secret.name, secret) for secret in before.secrets))


_BOUND_ELSEWHERE = ("deliverTo", "grants")  # as sinks, and as the statements that they become
_DETAILS = ("command", "format")  # fields of their own


Digest = Callable[[Path], str | None]  # of a local file


def with_destinations(
    plan: Plan, service: DeliveryService, resources: Mapping[Address, Resource], digest: Digest | None = None
) -> Plan:
    """The plan with the sinks that each change writes or empties, and with the settings that are never sent.

    Asks no sink and calls nothing: on a snapshot it says the same. `digest`: one that remembers, for who makes many plans at
    one moment. Raises SinkError for a sink that cannot be opened.

    Args:
        plan: without destinations.
        service: opens the sinks; opening touches nothing.
        resources: the declared ones; a change of an undeclared resource writes no sink.
    """
    # a thousand keys may name one script
    describe = _Describer(service, _file_sinks(resources.values()), digest or cache(digest_file))
    return replace(plan, changes=tuple(describe.change(one, resources.get(one.address)) for one in plan.changes))


class _Describer:
    """Describes the sinks of one plan; digests of files are computed once per plan."""

    def __init__(self, service: DeliveryService, outputs: frozenset[str], digest: Digest) -> None:
        self._service = service
        self._outputs = outputs
        self._digest = digest

    def change(self, change: Change, resource: Resource | None) -> Change:
        if resource is None:
            return replace(change, sinks=(), settings={})
        settings = {name: value for name, value in resource.settings.items() if name not in _BOUND_ELSEWHERE}
        sinks = tuple(self._destinations(change, resource)) if change.deliver or change.empties else ()
        return replace(change, sinks=sinks, settings={**settings, "deletion": resource.deletion})

    def _destinations(self, change: Change, resource: Resource) -> Iterable[Destination]:
        entries = resource.settings.get("deliverTo", ())
        for entry, sink in zip(entries, self._service.sinks(resource, change.id), strict=True):
            ((word, settings),) = entry.items()
            yield self._describe(change, sink, word, settings)

    def _describe(self, change: Change, sink: Sink, word: str, settings: Mapping[str, Any]) -> Destination:
        whole = {**_defaults(sink), **settings}
        roles = change.handover.roles if change.handover and not change.empties else {}
        command, form = whole.get("command"), whole.get("format")
        return Destination(
            type=word,
            place=sink.place,
            command=tuple(map(str, command)) if isinstance(command, (list, tuple)) else None,
            format=form if isinstance(form, str) else None,
            roles={name: role for name, role in roles.items() if role in sink.roles},
            # Settings of a third party's sink may hold a token, so only their digest is shown.
            settings={name: value for name, value in whole.items() if name not in _DETAILS} if word in SINKS else None,
            digest="sha256:" + hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest(),
            programs={
                name: self._digest(Path(self._service.root, name))
                for command in sink.commands
                for name in named_files(command, self._service.root, self._outputs)
            },
        )


def _defaults(sink: Sink) -> dict[str, Any]:
    """A default that is written out is no difference.

    Two manifests that mean the same must have the same digest.
    """
    settings: Mapping[str, Mapping[str, Any]] = sink.schema.get("properties", {})
    return {name: schema["default"] for name, schema in settings.items() if "default" in schema}


def _file_sinks(resources: Iterable[Resource]) -> frozenset[str]:
    """Normal paths of the files that sinks write: such a file is no program, even when a command names it."""
    entries = (entry for resource in resources for entry in resource.settings.get("deliverTo", ()))
    return frozenset(os.path.normpath(entry["file"]["path"]) for entry in entries if "file" in entry)

"""Where a plan's changes bring values: the sinks as a reviewer has to see them, and the bytes of the programs that they run.

`deliverTo` decides who gets a secret. A reviewer approves a plan, so the plan names
each sink and has a digest of its settings and of the local programs that it runs; both
are part of the plan's fingerprint.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from genai_iac.core import Address, Change, Destination, Plan, Resource
from genai_iac.delivery.service import DeliveryService
from genai_iac.delivery.sinks import SINKS, Sink, digest_file, named_files

_BOUND_ELSEWHERE = ("deliverTo", "grants")  # as sinks, and as the statements that they become
_DETAILS = ("command", "format")  # fields of their own


Digest = Callable[[Path], str | None]  # of a local file


def with_destinations(
    plan: Plan, desk: DeliveryService, resources: Mapping[Address, Resource], digest: Digest | None = None
) -> Plan:
    """The plan with the sinks that each change writes or empties, and with the settings that are never sent.

    Asks no sink and calls nothing: on a snapshot it says the same. `digest`: one that remembers, for who makes many plans at
    one moment. Raises SinkError for a sink that cannot be opened.

    Args:
        plan: without destinations.
        desk: opens the sinks; opening touches nothing.
        resources: the declared ones; a change of an undeclared resource writes no sink.
    """
    # a thousand keys may name one script
    describe = _Describer(desk, _file_sinks(resources.values()), digest or cache(digest_file))
    return replace(plan, changes=tuple(describe.change(one, resources.get(one.address)) for one in plan.changes))


class _Describer:
    """Describes the sinks of one plan; digests of files are computed once per plan."""

    def __init__(self, desk: DeliveryService, outputs: frozenset[str], digest: Digest) -> None:
        self._desk = desk
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
        for entry, sink in zip(entries, self._desk.sinks(resource, change.id), strict=True):
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
                name: self._digest(Path(self._desk.root, name))
                for command in sink.commands
                for name in named_files(command, self._desk.root, self._outputs)
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

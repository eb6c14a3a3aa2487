"""From a step to a change: what was and what will be, and the ownership tag in the calls that send tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from genai_iac.core import (
    LEAK_TAG,
    OWNERSHIP_TAG,
    Address,
    Call,
    Change,
    Invalidation,
    LiveResource,
    Owner,
    Resource,
    SinkState,
    Value,
)
from genai_iac.resource_types import ResourceType, Step


def make_change(
    address: Address,
    step: Step,
    live: LiveResource | None,
    after: Mapping[str, Value] | None,
    held: Sequence[SinkState] = (),
) -> Change:
    """The change that a step makes to what is live, or that makes it. `held` is what the sinks of a live key hold."""
    return Change(
        address=address,
        actions=step.actions,
        reason="; ".join(step.reasons),
        before=None if live is None else shown_attributes(live),
        after=after,
        calls=step.calls,
        id=None if live is None else live.id,
        losses=tuple(_locate(loss, held) for loss in step.losses),
        deliver=step.deliver,
        handover=step.handover,
    )


def _locate(loss: Invalidation, held: Sequence[SinkState]) -> Invalidation:
    """The loss with the places that carry the value; with those that may where none is known to."""
    sure = tuple(sink.place for sink in held if loss.secret in sink.records)
    perhaps = tuple(sink.place for sink in held if loss.secret in sink.unknown)
    return replace(loss, carriers=sure or perhaps, looked=bool(held) and bool(sure or not perhaps))


def shown_attributes(live: LiveResource) -> dict[str, Any]:
    """A live resource's attributes as plans show them: without our own mark."""
    tags = {key: value for key, value in live.tags.items() if key not in (OWNERSHIP_TAG, LEAK_TAG)}
    return {**live.attributes, "freeformTags": tags, **({"region": live.region} if live.region else {})}


def tag_step(kind: ResourceType, desired: Resource, live: LiveResource, step: Step, owner: Owner) -> Step:
    """The step with the ownership tag, bound to the resource's own OCID, in each call that sends tags.

    What the names in a policy came to stays in it: only a call that writes the statements puts something else there.
    """
    names = live.mark.names if live.mark else ""
    seal = owner.with_names(owner.seal(desired.address, live.id, desired.deletion), names)
    return replace(
        step,
        calls=tuple(
            _with_mark(call, live, seal)
            if call.operation == kind.update_operation or "freeformTags" in call.body
            else call
            for call in step.calls
        ),
    )


def _with_mark(call: Call, live: LiveResource, seal: str) -> Call:
    tags = call.body.get("freeformTags", live.tags)
    assert isinstance(tags, Mapping)
    return replace(call, body={**call.body, "freeformTags": {**tags, OWNERSHIP_TAG: seal}})

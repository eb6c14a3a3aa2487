"""From a step to a change: before and after, and the ownership tag in the calls that send tags."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from genai_iac.core import (
    LEAK_TAG,
    OWNERSHIP_TAG,
    RENAMED,
    REPLACES,
    Address,
    Call,
    Change,
    Invalidation,
    Live,
    LiveResource,
    Owner,
    Resource,
    SinkState,
    Value,
)
from genai_iac.references.names import tag_renamed
from genai_iac.resource_types import ResourceType, Step

# operations after which a tag of the first form no longer fits
_MOVES = ("ChangeApiKeyCompartment", "MoveCompartment")


def make_change(
    address: Address,
    step: Step,
    live: LiveResource | None,
    after: Mapping[str, Value] | None,
    held: Sequence[SinkState] = (),
    idle: timedelta = timedelta(hours=24),
) -> Change:
    """The change that a step makes to what is live, or that makes it. `held` is what the sinks of a live key hold.

    Args:
        address: the address from now on; a rename's old one is in `live.mark.former`.
        step: what the resource type or the rotation decided.
        live: None when the resource is to be created.
        after: the attributes as they will be; None for a deletion or a forget.
        idle: for how long a secret must have been unused to be out of use.
    """
    return Change(
        address=address,
        actions=step.actions,
        reason="; ".join(step.reasons),
        before=None if live is None else shown_attributes(live),
        after=after,
        calls=step.calls,
        id=None if live is None else live.id,
        losses=tuple(replace(_locate(loss, held), idle=idle) for loss in step.losses),
        deliver=step.deliver,
        handover=step.handover,
        previous=live.mark.former if after is not None and live is not None and live.mark else None,
    )


def _locate(loss: Invalidation, held: Sequence[SinkState]) -> Invalidation:
    """The loss with the places that carry the value; with those that may where none is known to."""
    sure = tuple(sink.place for sink in held if loss.secret in sink.records)
    perhaps = tuple(sink.place for sink in held if loss.secret in sink.unknown)
    # False makes the guard's message say "perhaps": a write-only sink cannot be asked.
    return replace(loss, carriers=sure or perhaps, looked=bool(held) and bool(sure or not perhaps))


def shown_attributes(live: LiveResource) -> dict[str, Any]:
    """A live resource's attributes as plans show them: without our own mark.

    Used for `before`, and for the comparison that a saved plan is bound to.
    """
    hidden = (OWNERSHIP_TAG, LEAK_TAG, RENAMED, REPLACES)
    tags = {key: value for key, value in live.tags.items() if key not in hidden}
    return {**live.attributes, "freeformTags": tags, **({"region": live.region} if live.region else {})}


def tag_step(
    kind: ResourceType, desired: Resource, live: LiveResource, step: Step, owner: Owner, declared: Container[Address]
) -> Step:
    """The step with the ownership tag, bound to the resource's own OCID, in each call that sends tags. `declared` has all addresses.

    What the names in a policy came to stays in it: only a call that writes the statements puts something else there.

    Args:
        kind: the resource type; names the operation by which the resource is updated.
        declared: decides whether a former name is still in use by another resource.
    """
    mark = live.mark
    seal = owner.seal(desired.address, live.id, desired.deletion, mark.origin if mark else "")
    seal = owner.with_names(seal, mark.names if mark else "")
    return replace(
        step,
        calls=tuple(
            _with_mark(call, desired, live, seal, declared)
            # Every update writes the tag. So a tag of the first form is replaced by the next
            # update, whatever that is about.
            if call.operation == kind.update_operation or "freeformTags" in call.body
            else call
            for call in step.calls
        ),
    )


def bind_again(kind: ResourceType, live: LiveResource, step: Step, owner: Owner) -> Step:
    """The step with an update that writes the ownership tag, where it has none and the tag would not hold otherwise.

    That is a move of a resource whose tag is of the first form, bound to the compartment that it leaves; and a tag that names
    the stack otherwise than it is called now.

    Without it a key moved by its manifest and then removed from the manifests could not be
    recognised, and would stay (tests/plan_apply/test_identity.py,
    test_a_key_of_an_earlier_release_is_bound_to_its_ocid_when_it_is_moved).
    """
    mark = live.mark
    if mark is None or any(call.operation == kind.update_operation for call in step.calls):
        return step
    moves = any(call.operation in _MOVES for call in step.calls)
    why = "" if owner.names(mark) else "its ownership tag names the stack otherwise"
    if "create" in step.actions or not (why or (moves and mark.bound_to_place)):
        return step
    call = Call(kind.update_operation, {"freeformTags": dict(live.tags)}, live.id, live.region)
    actions = step.actions if "update" in step.actions else ("update", *step.actions)
    # First, because a run that is killed after the move would leave a tag that no longer
    # fits.
    return replace(step, actions=actions, calls=(call, *step.calls), reasons=(*step.reasons, *filter(None, [why])))


def delete_superseded(kind: ResourceType, step: Step, live: Live, address: Address) -> Step:
    """The step with the deletion of what earlier runs replaced, or created beside another run, and did not live to delete.

    A replacement is a create, a delivery and a delete. A run killed before the delete
    leaves both resources; the successor's tag `genai-iac-replaces` names the old one, so
    the next plan finds it.
    """
    replaced = [one for one in live.superseded if one.mark and one.mark.address == address]
    duplicates = [one for one in live.duplicates if one.mark and one.mark.address == address]
    old = [*replaced, *duplicates]
    if not old:
        return step
    gone = [kind.remove(one) for one in old]
    deletions = tuple(call for one in gone for call in one.calls)
    # a policy's name may be wanted by a call of this step; the values of a replaced key work until its successor's are delivered
    calls = (*step.calls, *deletions) if kind.creates_secrets else (*deletions, *step.calls)
    return replace(
        step,
        actions=tuple(dict.fromkeys((*step.actions, "delete"))),
        calls=calls,
        losses=(*step.losses, *(loss for one in gone for loss in one.losses)),
        reasons=(
            *step.reasons,
            *(f"an earlier run created its successor and did not delete {one.name}" for one in replaced[:1]),
            *(f"two applies created it at once; nobody used {one.id}" for one in duplicates),
        ),
    )


def _with_mark(call: Call, desired: Resource, live: LiveResource, seal: str, declared: Container[Address]) -> Call:
    tags = call.body.get("freeformTags", live.tags)
    assert isinstance(tags, Mapping)
    return replace(
        call, body={**call.body, "freeformTags": {**tag_renamed(tags, desired, live, declared), OWNERSHIP_TAG: seal}}
    )

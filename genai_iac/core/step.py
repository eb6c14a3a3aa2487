"""The inputs and the result of a comparison: the actions and calls that change one live resource to its declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from genai_iac.core import (
    Action,
    Address,
    Call,
    DeliveryPlan,
    Invalidation,
    LiveResource,
    LiveSecret,
    Resource,
    SinkState,
    Value,
)


class DiffContext(Struct, frozen=True):
    """Inputs of `ResourceType.change`.

    Everything a resource type may know besides the two resources. It has no client and no
    clock, so that a comparison gives the same answer for the same inputs.
    """

    now: datetime  # the tenancy's clock
    same: Callable[[Value, Any], bool]  # desired against live; a value not known yet is never the same
    same_statements: Callable[[Sequence[Value], Sequence[str], str], bool]  # desired, live, the policy's compartment
    held: tuple[SinkState, ...] = ()  # what each sink of this key holds
    request: RotationRequest | None = None  # what a person asks of this key's rotation
    idle: Callable[[LiveSecret], bool] = lambda secret: secret.last_used is None  # nobody has used it for long enough
    outdated: Callable[[Sequence[Value], LiveResource], str] = lambda *_: ""  # why a policy must be written again


class RotationRequest(Struct, frozen=True):
    """What `rotate` asks: begin or go on now, take it back, or the incident order for a secret that leaked.

    Source: the options of `genai-iac rotate`. A scheduled run has none.
    """

    what: Literal["begin", "abort", "leaked"]  # begin: rotate or continue; abort: return to the older secret
    secret: str = ""  # the leaked one; empty for the other two
    revokes: bool = False  # the leaked one is permanently revoked, not deactivated and renewed


class Step(Struct, frozen=True):
    """What has to be done to one resource: the actions, their calls, and why.

    Falsy when there is nothing to do; `notes` are reported either way.
    """

    actions: tuple[Action, ...] = ()  # empty: nothing to do
    calls: tuple[Call, ...] = ()  # in order; what takes a value away comes last
    reasons: tuple[str, ...] = ()  # for people; joined with `; `
    losses: tuple[Invalidation, ...] = ()  # secrets that stop working, for the guard
    deliver: tuple[str, ...] = ()  # names of the secrets that have to reach the sinks
    handover: DeliveryPlan | None = None
    notes: tuple[str, ...] = ()  # become notices of the plan

    def __bool__(self) -> bool:
        return bool(self.actions)


def changed_fields(
    fields: Iterable[str], desired: Resource, live: LiveResource, facts: DiffContext
) -> dict[str, Value]:
    """The desired values of those of the fields that the manifest mentions and that live has otherwise.

    Args:
        fields: names in the API's spelling.
        live: attributes that the manifest does not mention are not compared: their live
            value is kept.
    """
    wanted = ((name, desired.attributes[name]) for name in fields if name in desired.attributes)
    return {name: value for name, value in wanted if not facts.same(value, live.attributes.get(name))}


def changed_tags(desired: Resource, live: LiveResource) -> dict[str, str] | None:
    """The whole tag map to send when a declared tag differs (the service replaces the map), else None. Undeclared tags are kept.

    Returns:
        A map for the body of an update. `planning/changes.py` puts the ownership tag into
            it.
    """
    wanted = declared_tags(desired)
    if not _tags_differ(desired, live) and deletion_of(live) == desired.deletion and former_address(live) is None:
        return None
    return {**live.tags, **wanted}


def declared_tags(desired: Resource) -> dict[str, str]:
    """The tags that the manifests mention."""
    wanted = desired.attributes.get("freeformTags") or {}
    assert isinstance(wanted, Mapping)
    return {key: str(value) for key, value in wanted.items()}


def deletion_of(live: LiveResource) -> str:
    """What the live ownership tag says is to happen once nothing declares the resource.

    A resource without the tag is never deleted by a plan, so `delete` is only a default.
    """
    return live.mark.deletion if live.mark else "delete"


def why_changed(fields: Mapping[str, Value], desired: Resource, live: LiveResource) -> tuple[str, ...]:
    """The reasons of an update, for people.

    Args:
        fields: the result of `changed_fields`.
    """
    former = former_address(live)
    reasons = [f"renamed from {former}"] if former else []
    names = [*fields, *(["tags"] if _tags_differ(desired, live) else [])]
    if names:
        plural = len(names) > 1 or names[0].endswith("s")
        reasons.append(f"{' and '.join(names)} differ{'' if plural else 's'} from the manifest")
    if deletion_of(live) != desired.deletion:
        # no attribute shows it: the ownership tag keeps it for the time when no manifest declares the resource
        reasons.append(f"deletion is {desired.deletion}, and {deletion_of(live)} in its ownership tag")
    return tuple(reasons)


def _tags_differ(desired: Resource, live: LiveResource) -> bool:
    return any(live.tags.get(key) != value for key, value in declared_tags(desired).items())


def former_address(live: LiveResource) -> Address | None:
    """The address in its ownership tag, when previousNames gave the resource another one since."""
    return live.mark.former if live.mark else None

"""What differs although no call can make it so: a change to look at, which has no actions."""

from __future__ import annotations

from collections.abc import Mapping

from genai_iac.errors import PlanError
from genai_iac.kinds import declared_tags
from genai_iac.model import Address, Change, LiveResource, Resource, Value
from genai_iac.plan.changes import shown
from genai_iac.plan.facts import Comparer
from genai_iac.plan.inputs import Inputs
from genai_iac.resolve import Resolver


def make_stuck_change(
    address: Address, error: PlanError, inputs: Inputs, resolver: Resolver, comparer: Comparer
) -> Change:
    """The difference, value by value. Of two live resources with one address none is looked into."""
    desired, group = inputs.resources.get(address), inputs.live.owned.get(address, ())
    live = group[0] if group and (len(group) > 1 or inputs.recognises(group[0])) else None
    before = None if live is None else shown(live)
    after: Mapping[str, Value] | None = None
    if desired is not None:
        after = before if len(group) > 1 else _wanted(desired, live, resolver, comparer)
    return Change(address, (), error.message, before, after, id=None if live is None else live.id)


def _wanted(
    desired: Resource, live: LiveResource | None, resolver: Resolver, comparer: Comparer
) -> Mapping[str, Value]:
    """What the attributes should be, as far as that can be told; undeclared ones, and statements that mean the same, are as live."""

    def told(name: str, value: Value) -> Value:
        try:
            resolved = resolver.value(value)
            if live and isinstance(resolved, list):  # statements
                is_now = live.attributes[name]
                return is_now if comparer.same_statements(resolved, is_now, live.compartment) else resolved
            return resolved
        except PlanError:
            return value

    before = shown(live) if live else {}
    wanted = {name: told(name, value) for name, value in desired.attributes.items()}
    return {**before, **wanted, "freeformTags": {**before.get("freeformTags", {}), **declared_tags(desired)}}

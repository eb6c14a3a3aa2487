"""Renames as a plan sees them: previous names that fit two live resources, and what looks like a rename that nobody declared.

OCI has no rename of a manifest address. Without `metadata.previousNames` a new name is a new resource: a new key, new secrets and an
outage for its callers. So plans look for renames that were not declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from genai_iac.core import Address, Live, LiveResource, Notice, Owner, Resource, Value
from genai_iac.core.errors import PlanError
from genai_iac.planning.diff_context import PlanInputs
from genai_iac.references.names import place_of
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import RESOURCE_TYPES


def check_previous(desired: Resource, group: Sequence[LiveResource], inputs: PlanInputs) -> None:
    """Raises PlanError when more than one live resource could be the renamed one.

    Args:
        group: the live resources of the address itself.

    Raises:
        PlanError: with the previous names to remove.
    """
    undeclared = [old for old in desired.previous if old not in inputs.resources]
    left = [one for old in undeclared for one in inputs.live.owned.get(old, ())]
    several = [*group, *left] if group and left else [*group]
    if len(several) > 1 and (left or any(one.mark and one.mark.former for one in several)):
        found = " and ".join(f"{_tagged(one)} ({one.id})" for one in several)
        raise PlanError(
            f"{place_of(desired)}: {desired.address} and its previous names are several live resources: {found}",
            hint=_choose(desired, left),
        )


def describe_other_stack_names(live: Live, owner: Owner) -> Iterator[Notice]:
    """What carries the stack's id under another name: a renamed stack, or a copied directory whose id was left as it is.

    Nothing distinguishes the two, and the plan of a copy would rename and replace what the original has.
    """
    marks = [one.mark for group in live.owned.values() for one in group if one.mark is not None and one.mark.stack_id]
    several = Counter(mark.owner for mark in marks if not owner.names(mark))
    for name, count in sorted(several.items()):
        yield Notice(
            f"{count} of {len(marks)} resources with this spec.id {'belongs' if count == 1 else 'belong'} to stack {name}: apply "
            f"brings a renamed stack to its new name; if these manifests are a copy of {name}'s, give them a spec.id of their "
            f"own first, else this plan changes or deletes what {name} has"
        )


def _choose(desired: Resource, left: Sequence[LiveResource]) -> str:
    names = [one.mark.address.name for one in left if one.mark]
    if names:
        return f"remove {' and '.join(names)} from previousNames: the plan then deletes what nobody declares; or declare it"
    return f"leave in previousNames the one name that became {desired.address}"


def _tagged(one: LiveResource) -> Address:
    assert one.mark is not None
    return one.mark.former or one.mark.address


def find_lookalikes(inputs: PlanInputs, resolver: Resolver) -> Mapping[Address, Address]:
    """Resources to be made that equal exactly one live resource that nothing declares any more, and are its only equal.

    Returns:
        New address to old one. Pairs only: of two equal candidates neither is proposed
        (tests/plan_apply/test_renames.py, test_what_is_alike_twice_is_not_reported).
    """
    owned, resources = inputs.live.owned, inputs.resources
    gone = {address: group[0] for address, group in owned.items() if address not in resources and len(group) == 1}
    made = [one for address, one in resources.items() if address not in owned] if gone else []
    pairs = [(one.address, old) for one in made for old in _find_like(one, gone, resolver)]
    news, olds = Counter(new for new, _ in pairs), Counter(old for _, old in pairs)
    return {new: old for new, old in pairs if news[new] == olds[old] == 1}


def describe_lookalikes(lookalikes: Mapping[Address, Address], inputs: PlanInputs) -> Iterator[Notice]:
    """One notice for each.

    Args:
        lookalikes: from `find_lookalikes`.
    """
    for new, old in lookalikes.items():
        text = f"{old}, which nothing declares any more, has the same settings: if it was renamed, {_how(new, old, inputs)}"
        yield Notice(f"{text}; as it is, {old} is removed and {new} is created", new)


def suggest_rename(error: PlanError, lookalikes: Mapping[Address, Address], inputs: PlanInputs) -> PlanError:
    """The error with the previousNames to add as what to do next, when it names a resource that was probably renamed.

    Args:
        error: from the ordering; its text names the addresses of the cycle.
    """
    ways = [_how(new, old, inputs) for new, old in lookalikes.items() if str(new) in error.message]
    if not ways:
        return error
    return PlanError(error.message, hint=f"if this is a rename, {' and '.join(ways)}; else {error.hint}")


def _how(new: Address, old: Address, inputs: PlanInputs) -> str:
    return f"add previousNames: [{old.name}] to the metadata of {new} ({inputs.resources[new].source})"


def _find_like(desired: Resource, gone: Mapping[Address, LiveResource], resolver: Resolver) -> Iterator[Address]:
    """Undeclared live resources of the same kind, region and compartment with the same name or the same settings."""
    kind = desired.address.kind
    wanted = {name: _known(value, resolver) for name, value in desired.attributes.items()}
    place, name = wanted["compartmentId"], wanted[RESOURCE_TYPES[kind].name_field]
    for old, live in gone.items():
        same_place = (kind, desired.region, place) == (live.kind, live.region, live.compartment)
        if same_place and (name == live.name or _is_like(desired.address, old, live, {**wanted, "name": name})):
            yield old


def _is_like(new: Address, old: Address, live: LiveResource, wanted: Mapping[str, Value]) -> bool:
    """Whether both have their default names, and all else that is declared is the same."""
    by_default = (wanted["name"], live.name) == (new.name, old.name)
    return by_default and all(_same(key, wanted.get(key), live) for key in ("secrets", "statements", "description"))


def _same(key: str, wanted: Value, live: LiveResource) -> bool:
    is_now = live.attributes.get(key)
    if key == "secrets" and isinstance(wanted, Mapping):
        return set(wanted) == {secret.name for secret in live.secrets}
    return wanted is None or wanted == is_now


def _known(value: Value, resolver: Resolver) -> Value:
    try:
        return resolver.value(value)
    except PlanError:
        return value

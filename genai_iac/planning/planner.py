"""The plan as a whole: changes drafted for each resource, checked for what the service would refuse, ordered, and limited to targets.

A draft is a change without `needs`. All drafts are made before any is checked against the others, so that one error hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import CONTENTS_TAG, OWNERSHIP_TAG, Address, Change, LiveResource, Notice, Plan, Resource, Value
from genai_iac.core.errors import PlanError, PlanErrors
from genai_iac.planning.changes import bind_again, delete_superseded, make_change, tag_step
from genai_iac.planning.conflicts import (
    check_name,
    check_ownership,
    check_place,
    duplicate,
    find_lost_places,
    make_unappliable_change,
)
from genai_iac.planning.diff_context import DiffContextBuilder, PlanInputs
from genai_iac.planning.ordering import order_changes
from genai_iac.planning.planned_state import predict_state
from genai_iac.planning.preflight import check_changes
from genai_iac.planning.renaming import (
    check_previous,
    describe_lookalikes,
    describe_other_stack_names,
    find_lookalikes,
    suggest_rename,
)
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import NOT_DECLARED, RESOURCE_TYPES, idle_time
from genai_iac.resource_types.compartment import record_contents


class Planner:
    """Collects errors and notices while it drafts.

    Used once. `errors` make `make_plan` raise; `notices` go into the plan.
    """

    def __init__(self, inputs: PlanInputs) -> None:
        inputs = replace(inputs, resources=record_contents(inputs.resources, inputs.live, inputs.owner))
        self.inputs, self.live, self.ids = inputs, inputs.live, inputs.live.ids
        self.resolver = Resolver(inputs.resources, self.live.tree, self.ids)
        self.errors: list[PlanError] = []
        self.stuck: list[Change] = []  # what differs although no call can make it so
        self.notices: list[Notice] = []
        self.comparer = DiffContextBuilder(inputs, self.resolver, self.notices.append)

    def for_desired(self) -> Iterator[Change]:
        """

        Yields:
            A draft per declared resource that differs, in dependency order. An error becomes a
                change without actions.
        """
        for resource in self.inputs.resources.values():
            # Bound as a default: a lambda that captured the loop's variable would see its last
            # value.
            yield from self._collect(resource.address, lambda resource=resource: self._draft(resource))  # type: ignore[misc]

    @cached_property
    def lookalikes(self) -> Mapping[Address, Address]:
        """By new address the undeclared live one that it seems to be the new name of."""
        return find_lookalikes(self.inputs, self.resolver)

    def note_lookalikes(self) -> None:
        """What is probably a rename, and how to write it."""
        self.notices.extend(describe_lookalikes(self.lookalikes, self.inputs))

    def for_undeclared(self) -> Iterator[Change]:
        """Drafts for what the owner's tag is on and no manifest declares: deletions and forgets.

        Notices name what carries the tag and is not touched.
        """
        for address, group in self.live.owned.items():
            if address not in self.inputs.resources:
                yield from self._collect(address, lambda address=address, group=group: self._removal(address, group))  # type: ignore[misc]
        for resource in self.live.mismatched:
            self._note_mismatched(resource)
        self._note_name()
        self.notices.extend(describe_other_stack_names(self.live, self.inputs.owner))

    def look_ahead(self, drafts: Sequence[Change]) -> None:
        """What the service would refuse of all this.

        Args:
            drafts: all of them; the checks look at the tenancy after the whole plan.
        """
        try:
            future = predict_state(self.inputs.resources, self.live.tree, self.ids)
            self.errors.extend(find_lost_places(self.inputs.resources.values(), self.live.tree, future.tree))
            errors, notices = check_changes(drafts, future, self.live, self.inputs.directory, self.inputs.limits)
        except PlanError as error:
            if not self.errors:  # else it is what was told already, of the resource that it is about
                self.errors.append(error)
        else:
            self.errors.extend(errors)
            self.notices.extend(notices)

    def ordered(self, drafts: Sequence[Change]) -> tuple[Change, ...]:
        """The changes in an order that works; as they are when there is none.

        A cycle between changes that look like renames gets the advice to declare them as
        renames.
        """
        try:
            return order_changes(drafts, self.inputs.resources, self.resolver)
        except PlanError as error:
            self.errors.append(suggest_rename(error, self.lookalikes, self.inputs))
            return tuple(drafts)

    def _collect(self, address: Address, draft: Callable[[], Change | None]) -> Iterator[Change]:
        """Run one draft; keep its error, so that the other resources are planned all the same."""
        try:
            change = draft()
        except PlanError as error:
            self.errors.append(error)
            self.stuck.append(make_unappliable_change(address, error, self.inputs, self.resolver, self.comparer))
        else:
            if change is not None:
                yield change

    def _draft(self, desired: Resource) -> Change | None:
        """The change of one declared resource, or None when it is as declared. Raises PlanError for a conflict."""
        kind = RESOURCE_TYPES[desired.address.kind]
        group = self.live.owned.get(desired.address, ())
        check_previous(desired, group, self.inputs)
        check_ownership(desired, group)
        check_place(desired, self.resolver, self.live)
        check_name(kind, desired, group[0] if group else None, self.resolver, self.inputs)
        if not group:
            self._note_lost_values(desired)
            return make_change(desired.address, kind.create(desired), None, self._after_create(desired))
        live = group[0]
        step = bind_again(kind, live, kind.change(desired, live, self.comparer.facts(desired)), self.inputs.owner)
        step = delete_superseded(kind, step, self.live, desired.address)
        self.notices.extend(Notice(note, desired.address) for note in step.notes)
        if not step:
            return None
        if "create" in step.actions:
            del self.ids[desired.address]  # its successor has another OCID: what refers to it is not known yet
        return make_change(
            desired.address,
            tag_step(kind, desired, live, step, self.inputs.owner, self.inputs.resources),
            live,
            kind.after(desired, live, step, self.resolver.value),
            self.inputs.held.get(desired.address, ()),
            idle_time(desired),
        )

    def _removal(self, address: Address, group: tuple[LiveResource, ...]) -> Change | None:
        """The deletion of what nothing declares any more, None when it is left alone.

        Only what the tag certainly was made for is deleted: a copied tag deletes nothing
        (tests/plan_apply/test_ownership.py, test_a_copied_mark_deletes_nothing).
        """
        owner = self.inputs.owner
        # --claim-name takes what manifests declare. A deletion needs more than an equal name.
        if any(one.mark and owner.shares_name(one.mark) for one in group):
            return None  # of that name, and claimed by no manifest: it may be another stack's
        fitting = [one for one in group if one.mark and owner.fits(one.mark, one)]
        # `moved` is a person's word (--delete-moved) or a destroy's.
        if address in self.inputs.moved and len(group) == 1:
            fitting = list(group)
        if len(fitting) > 1:
            raise duplicate(address, tuple(fitting))
        for one in group:
            if one not in fitting:
                self._note_moved(one)
        if not fitting:
            return None
        live = fitting[0]
        kind = RESOURCE_TYPES[live.kind]
        if live.mark and live.mark.deletion == "retain":
            tags = {key: value for key, value in live.tags.items() if key not in (OWNERSHIP_TAG, CONTENTS_TAG)}
            return make_change(address, kind.forget(live, tags), live, None)
        step = delete_superseded(kind, kind.remove(live), self.live, address)
        return make_change(address, step, live, None, self.inputs.held.get(address, ()))

    def _after_create(self, desired: Resource) -> Mapping[str, Value]:
        """The attributes of a resource to be created, with references filled in where they are known."""
        resolved = self.resolver.value(desired.attributes)
        assert isinstance(resolved, Mapping)
        return {**resolved, **({"region": desired.region} if desired.region else {})}

    def _note_lost_values(self, desired: Resource) -> None:
        if "deliverTo" in desired.settings and not desired.settings["deliverTo"]:
            self.notices.append(Notice("no deliverTo: the values of its secrets will be lost", desired.address))

    def _note_moved(self, moved: LiveResource) -> None:
        """An ownership tag of the first form does not distinguish a resource that was moved from one that somebody tagged."""
        assert moved.mark is not None
        address = moved.mark.address
        self._note(
            f"{moved.kind} {moved.name} ({moved.id}) has the ownership tag of {address}, "
            "made for another compartment, so it is not deleted; "
            f"if it was moved, declare it again or delete it with --delete-moved {address}",
            address,
        )

    def _note_mismatched(self, resource: LiveResource) -> None:
        assert resource.mark is not None
        address = resource.mark.address
        self._note(
            f"{resource.kind} {resource.name} ({resource.id}) has the ownership tag of {address}, "
            "made for another resource, so it is not changed; "
            f"remove its tag {OWNERSHIP_TAG}, or if it is this stack's: genai-iac import {address} {resource.id}",
            address,
        )

    def _note_name(self) -> None:
        """Whether what is declared may be there already, from before the Stack had an id."""
        owner, others = self.inputs.owner, (*self.live.others, *self.live.beyond)
        marks = [one.mark for one in others if one.mark is not None and owner.shares_name(one.mark)]
        for address in dict.fromkeys(mark.address for mark in marks):
            if address in self.inputs.resources and address not in self.live.owned:
                self._note(
                    f"a resource carries the ownership tag of {address} of {owner.name} without an id: if it is this stack's from "
                    "before it had one, --claim-name takes it",
                    address,
                )

    def _note(self, text: str, address: Address) -> None:
        self.notices.append(Notice(text, address))


class PlanComparison(Struct, frozen=True):
    """Live against desired, whether or not it can be made so.

    `plan` is one to look at when there are `refusals`: in no order, and with what no call can change, which has no actions.

    `drift` and `plan` of a refused stack show it; `apply` uses `make_plan`, which raises.
    """

    plan: Plan
    refusals: tuple[PlanError, ...]  # empty: `make_plan` returns the plan


def make_plan(inputs: PlanInputs) -> Plan:
    """What has to change for live to be as desired, in an order that works.

    Raises PlanError that names everything that stands in the way: two live resources with one address, a name that is
    taken, a compartment that is not there, a change that OCI has no call for, a policy that it would refuse.

    Args:
        inputs: desired, live and everything else that decides.
    """
    compared = compare(inputs)
    if compared.refusals:
        raise compared.refusals[0] if len(compared.refusals) == 1 else PlanErrors(compared.refusals)
    return compared.plan


def make_destroy_plan(inputs: PlanInputs) -> Plan:
    """The plan in which nothing is declared any more: everything that carries the owner's tag is deleted, children first.

    Args:
        inputs: as for `make_plan`. What is declared and recognised is deleted even when it
            was moved.

    Returns:
        A plan of deletes and forgets. What is not declared and does not fit its tag is
            left, with a notice.
    """
    declared = inputs.resources
    ours = {address for address in declared if (one := inputs.live.one(address)) and inputs.recognises(one)}
    plan = make_plan(replace(inputs, resources={}, moved=inputs.moved | ours))
    changes = tuple(replace(change, reason=_reason_of_destroy(change, declared)) for change in plan.changes)
    return replace(plan, changes=changes, unchanged=0)


def _reason_of_destroy(change: Change, declared: Mapping[Address, Resource]) -> str:
    """What is declared goes because everything goes, and not because a manifest is missing."""
    return (
        change.reason.replace(NOT_DECLARED, "destroyed with its stack") if change.address in declared else change.reason
    )


def compare(inputs: PlanInputs) -> PlanComparison:
    """All that differs, and all that stands in the way of changing it: what would make `make_plan` raise hides nothing else.

    A plan without differences skips the checks of what would be written; it reads no
    groups.
    """
    live = inputs.live
    planner = Planner(inputs)
    drafts = [*planner.for_desired(), *planner.for_undeclared()]
    if drafts:
        planner.note_lookalikes()
        planner.look_ahead(drafts)
    changes = (*planner.ordered(drafts), *planner.stuck)
    touched = {change.address for change in changes}
    plan = Plan(
        stack=inputs.stack.name,
        environment=inputs.stack.environment,
        tenancy=live.tenancy,
        region=inputs.stack.region,
        changes=changes,
        unchanged=sum(address not in touched for address in inputs.resources),
        owned=sum(map(len, live.owned.values())),
        notices=tuple(planner.notices),
        stack_id=inputs.stack.id,
    )
    return PlanComparison(plan, tuple(planner.errors))


def filter_plan(plan: Plan, targets: Iterable[Address], known: Iterable[Address]) -> Plan:
    """The plan with only the targets' changes and what they need, and a notice that says how many were left out.

    Raises PlanError for a target that neither manifests nor tenancy know.

    Args:
        plan: ordered, with `needs`.
        targets: none keeps the whole plan.
        known: addresses of the manifests and of the tenancy: an unchanged one is no error.
    """
    wanted = set(targets)
    if not wanted:
        return plan
    by_address = {change.address: change for change in plan.changes}
    unknown = wanted - set(known) - set(by_address)
    if unknown:
        raise PlanError(
            f"--target {', '.join(map(str, sorted(unknown)))}: no such resource",
            hint="write Kind/name as the plan does",
        )
    kept: set[Address] = set()
    todo = [address for address in wanted if address in by_address]
    while todo:
        address = todo.pop()
        if address not in kept:
            kept.add(address)
            # Needs come along, else the part would fail where it refers to something that is not
            # there yet.
            todo.extend(by_address[address].needs)
    left_out = len(by_address) - len(kept)
    notices = plan.notices
    if left_out:
        notices = (
            *notices,
            Notice(f"--target: {left_out} other change{'s are' if left_out > 1 else ' is'} left out of this plan"),
        )
    return replace(plan, changes=tuple(change for change in plan.changes if change.address in kept), notices=notices)

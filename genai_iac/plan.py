"""From desired and live to a plan. Pure: same inputs, same plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from genai_iac import policy as language
from genai_iac.compiled import find_staleness, names_anything
from genai_iac.errors import PlanError, PlanErrors
from genai_iac.future import Future, foresee
from genai_iac.kinds import KINDS, Facts, Kind, Step, Wish, declared_tags, idle_time
from genai_iac.model import (
    LEAKED,
    TAG,
    Address,
    Call,
    Change,
    ExistingCompartment,
    Held,
    Live,
    LiveResource,
    LiveSecret,
    Notice,
    Owner,
    Plan,
    Resource,
    Stack,
    Value,
)
from genai_iac.ordering import order_changes
from genai_iac.preflight import Limits, check_changes
from genai_iac.resolve import Resolver


@dataclass(frozen=True)
class Inputs:
    """Everything a plan is made of."""

    stack: Stack
    resources: Mapping[Address, Resource]  # in dependency order
    live: Live
    owner: Owner
    directory: language.Directory
    held: Mapping[Address, tuple[Held, ...]] = field(default_factory=dict)  # what the sinks of each live key hold
    wishes: Mapping[Address, Wish] = field(default_factory=dict)  # what `rotate` asks
    moved: frozenset[Address] = frozenset()  # undeclared, marked elsewhere, and meant to be deleted all the same
    limits: Limits = field(default_factory=Limits)  # how much the tenancy can hold
    born: Callable[[str], datetime | None] = lambda _: None  # when the group of that OCID was made, if it is known


@dataclass(frozen=True)
class Comparison:
    """Live against desired, whether or not it can be made so.

    `plan` is one to look at when there are `refusals`: in no order, and with what no call can change, which has no actions.
    """

    plan: Plan
    refusals: tuple[PlanError, ...]


def make_plan(inputs: Inputs) -> Plan:
    """What has to change for live to be as desired, in an order that works.

    Raises PlanError that names everything that stands in the way: two live resources with one address, a name that is
    taken, a compartment that is not there, a change that OCI has no call for, a policy that it would refuse.
    """
    compared = compare(inputs)
    if compared.refusals:
        raise compared.refusals[0] if len(compared.refusals) == 1 else PlanErrors(compared.refusals)
    return compared.plan


def compare(inputs: Inputs) -> Comparison:
    """All that differs, and all that stands in the way of changing it: what would make `make_plan` raise hides nothing else."""
    live = inputs.live
    ids = _ids(live)
    planner = _Planner(inputs, Resolver(inputs.resources, live.tree, ids), ids)
    drafts = [*planner.for_desired(), *planner.for_undeclared()]
    if drafts:
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
    )
    return Comparison(plan, tuple(planner.errors))


def make_destroy_plan(inputs: Inputs) -> Plan:
    """The plan in which nothing is declared any more: everything that carries the owner's mark goes, innermost first."""
    declared = inputs.resources
    ours = {address for address in declared if (one := inputs.live.one(address)) and _recognised(inputs, one)}
    plan = make_plan(replace(inputs, resources={}, moved=inputs.moved | ours))
    return replace(plan, unchanged=0)


def _ids(live: Live) -> dict[Address, str]:
    return {address: group[0].id for address, group in live.owned.items() if len(group) == 1}


class _Planner:
    """One planning: collects errors and notices while it drafts."""

    def __init__(self, inputs: Inputs, resolver: Resolver, ids: dict[Address, str]) -> None:
        self.inputs, self.live, self.resolver, self.ids = inputs, inputs.live, resolver, ids
        self.errors: list[PlanError] = []
        self.stuck: list[Change] = []  # what differs although no call can make it so
        self.notices: list[Notice] = []

    def for_desired(self) -> Iterator[Change]:
        for resource in self.inputs.resources.values():
            yield from self._collect(resource.address, lambda resource=resource: self._draft(resource))  # type: ignore[misc]

    def for_undeclared(self) -> Iterator[Change]:
        for address, group in self.live.owned.items():
            if address not in self.inputs.resources:
                yield from self._collect(address, lambda address=address, group=group: self._removal(address, group))  # type: ignore[misc]
        for stray in self.live.strays:
            self._note_stray(stray)

    def look_ahead(self, drafts: Sequence[Change]) -> None:
        """What the service would refuse of all this."""
        try:
            future = foresee(self.inputs.resources, self.live.tree, self.ids)
            errors, notices = check_changes(drafts, future, self.live, self.inputs.directory, self.inputs.limits)
        except PlanError as error:
            if not self.errors:  # else it is what was told already, of the resource that it is about
                self.errors.append(error)
        else:
            self.errors.extend(errors)
            self.notices.extend(notices)

    def ordered(self, drafts: Sequence[Change]) -> tuple[Change, ...]:
        """The changes in an order that works; as they are when there is none."""
        try:
            return order_changes(drafts, self.inputs.resources, self.resolver)
        except PlanError as error:
            self.errors.append(error)
            return tuple(drafts)

    def _collect(self, address: Address, draft: Callable[[], Change | None]) -> Iterator[Change]:
        try:
            change = draft()
        except PlanError as error:
            self.errors.append(error)
            self.stuck.append(self._stuck(address, error))
        else:
            if change is not None:
                yield change

    def _stuck(self, address: Address, error: PlanError) -> Change:
        """What differs, value by value, although no call can make it so. Of two resources with one address none is looked into."""
        desired, group = self.inputs.resources.get(address), self.live.owned.get(address, ())
        live = group[0] if group and (len(group) > 1 or _recognised(self.inputs, group[0])) else None
        before = None if live is None else shown(live)
        after: Mapping[str, Value] | None = None
        if desired is not None:
            after = before if len(group) > 1 else self._wanted(desired, live)
        return Change(address, (), error.message, before, after, id=None if live is None else live.id)

    def _wanted(self, desired: Resource, live: LiveResource | None) -> Mapping[str, Value]:
        """What the attributes should be, as far as that can be told; undeclared ones, and statements that mean the same, are as live."""
        is_now = shown(live) if live else {}
        wanted = {name: self._told(name, value, live) for name, value in desired.attributes.items()}
        return {**is_now, **wanted, "freeformTags": {**is_now.get("freeformTags", {}), **declared_tags(desired)}}

    def _told(self, name: str, value: Value, live: LiveResource | None) -> Value:
        try:
            told = self.resolver.value(value)
            if live and isinstance(told, list) and self._same_statements(told, live.attributes[name], live.compartment):
                return list(live.attributes[name])
            return told
        except PlanError:
            return value

    def _draft(self, desired: Resource) -> Change | None:
        kind = KINDS[desired.address.kind]
        group = self.live.owned.get(desired.address, ())
        if len(group) > 1:
            raise _duplicate(desired.address, group)
        if group and not _recognised(self.inputs, group[0]):
            raise _copied(desired, group[0])
        self._check_place(desired)
        self._check_name(kind, desired, group[0] if group else None)
        if not group:
            self._note_lost_values(desired)
            return self._change(desired.address, kind.create(desired), None, self._after_create(desired))
        live = group[0]
        step = kind.change(desired, live, self._facts(desired))
        self.notices.extend(Notice(note, desired.address) for note in step.notes)
        if not step:
            return None
        if "create" in step.actions:
            del self.ids[desired.address]  # its successor has another OCID: what refers to it is not known yet
        return self._change(
            desired.address,
            self._sealed(kind, desired, live, step),
            live,
            kind.after(desired, live, step, self.resolver.value),
        )

    def _removal(self, address: Address, group: tuple[LiveResource, ...]) -> Change | None:
        owner = self.inputs.owner
        fitting = [one for one in group if one.mark and owner.fits(one.mark, one.id, one.compartment)]
        if address in self.inputs.moved and len(group) == 1:
            fitting = list(group)
        if len(fitting) > 1:
            raise _duplicate(address, tuple(fitting))
        for one in group:
            if one not in fitting:
                self._note_stray(one)
        if not fitting:
            return None
        live = fitting[0]
        kind = KINDS[live.kind]
        if live.mark and live.mark.deletion == "retain":
            tags = {key: value for key, value in live.tags.items() if key != TAG}
            return self._change(address, kind.forget(live, tags), live, None)
        return self._change(address, kind.remove(live), live, None)

    def _change(
        self, address: Address, step: Step, live: LiveResource | None, after: Mapping[str, Value] | None
    ) -> Change:
        return Change(
            address=address,
            actions=step.actions,
            reason="; ".join(step.reasons),
            before=None if live is None else shown(live),
            after=after,
            calls=step.calls,
            id=None if live is None else live.id,
            losses=step.losses,
            deliver=step.deliver,
            handover=step.handover,
        )

    def _after_create(self, desired: Resource) -> Mapping[str, Value]:
        resolved = self.resolver.value(desired.attributes)
        assert isinstance(resolved, Mapping)
        return {**resolved, **({"region": desired.region} if desired.region else {})}

    def _sealed(self, kind: Kind, desired: Resource, live: LiveResource, step: Step) -> Step:
        """The step with the owner mark, bound to the resource's own OCID, in each call that sends tags."""
        seal = self.inputs.owner.seal(desired.address, live.id, desired.deletion)
        return replace(
            step,
            calls=tuple(
                _with_mark(call, live, seal)
                if call.operation == kind.update_operation or "freeformTags" in call.body
                else call
                for call in step.calls
            ),
        )

    def _facts(self, desired: Resource) -> Facts:
        held = self.inputs.held.get(desired.address, ())
        wish = self.inputs.wishes.get(desired.address)
        idle = idle_time(desired)
        return Facts(
            self.live.now,
            self._same,
            self._same_statements,
            held,
            wish,
            lambda secret: self._is_idle(secret, idle),
            self._outdated,
        )

    def _same(self, desired: Value, live: Any) -> bool:
        return bool(self.resolver.value(desired) == live)

    def _same_statements(self, desired: Sequence[Value], live: Sequence[str], attached: str) -> bool:
        resolved = self.resolver.value(desired)
        assert isinstance(resolved, list)
        if not all(isinstance(statement, str) for statement in resolved):
            return False
        names = {name.casefold() for name in KINDS["Policy"].names_compartments({"statements": resolved})}
        if names & self._reborn:
            return False  # OCI compiled the name to the compartment that goes
        return resolved == list(live) or language.same(resolved, live, self.inputs.directory, attached)

    def _outdated(self, desired: Sequence[Value], live: LiveResource) -> str:
        """Why a policy that reads as it should has to be written again; notes what writing would not mend."""
        if self._future is None or not names_anything(desired):
            return ""
        found = find_staleness(live, self._future, self.inputs.directory, self._born)
        if found.note and live.mark:
            self.notices.append(Notice(found.note, live.mark.address))
        return found.reason

    @cached_property
    def _future(self) -> Future | None:
        """What will be; None when something is wrong that is told elsewhere."""
        try:
            return foresee(self.inputs.resources, self.live.tree, _ids(self.live))
        except PlanError:
            return None

    def _born(self, id: str) -> datetime | None:
        return self._births.get(id) or self.inputs.born(id)

    @cached_property
    def _births(self) -> Mapping[str, datetime | None]:
        return {one.id: one.created for one in self.live.found}

    @cached_property
    def _reborn(self) -> set[str]:
        """Names of compartments that go while another takes the name."""
        owned, resources = self.live.owned, self.inputs.resources
        gone = {address for address in owned if address.kind == "Compartment" and address not in resources}
        made = {address for address in resources if address.kind == "Compartment" and address not in owned}
        names = {str(self.resolver.value(resources[address].attributes["name"])).casefold() for address in made}
        return names & {one.name.casefold() for address in gone for one in owned[address]}

    def _is_idle(self, secret: LiveSecret, idle: timedelta) -> bool:
        return secret.last_used is None or self.live.now - secret.last_used >= idle

    def _check_place(self, desired: Resource) -> None:
        place = desired.attributes["compartmentId"]
        where = desired.places.get("compartment") or desired.places.get("parent") or desired.source
        try:
            resolved = self.resolver.value(place)
        except PlanError as error:
            raise PlanError(f"{where}: {desired.address}: {error.message}", hint=error.hint) from error
        if isinstance(place, str | ExistingCompartment) and resolved not in self.live.tree:
            raise PlanError(
                f"{where}: {desired.address}: the compartment {place} is not in the tenancy {self.live.tenancy}",
                hint="correct the OCID, or declare the compartment and name it by its metadata.name",
            )

    def _check_name(self, kind: Kind, desired: Resource, own: LiveResource | None) -> None:
        """Refuse a name that something not ours has already: nothing is taken over silently."""
        name = self.resolver.value(desired.attributes[kind.name_field])
        if own is not None and own.name == name:
            return
        place = self.resolver.value(desired.attributes["compartmentId"])
        for other in self.live.others:
            if (
                other.kind == kind.name
                and other.name == name
                and other.compartment == place
                and other.region == desired.region
            ):
                raise _taken(desired, other, name)

    def _note_lost_values(self, desired: Resource) -> None:
        if "deliverTo" in desired.settings and not desired.settings["deliverTo"]:
            self.notices.append(
                Notice("no deliverTo: the values of its secrets will be shown to nobody and lost", desired.address)
            )

    def _note_stray(self, stray: LiveResource) -> None:
        assert stray.mark is not None
        self.notices.append(
            Notice(
                f"{stray.kind} {stray.name} ({stray.id}) carries the mark of {stray.mark.address}, made for another place: left alone; "
                f"if it was moved, declare it again or delete it with --delete-moved {stray.mark.address}",
                stray.mark.address,
            )
        )


def shown(live: LiveResource) -> dict[str, Any]:
    """A live resource's attributes as plans show them: without our own mark."""
    tags = {key: value for key, value in live.tags.items() if key not in (TAG, LEAKED)}
    return {**live.attributes, "freeformTags": tags, **({"region": live.region} if live.region else {})}


def _with_mark(call: Call, live: LiveResource, seal: str) -> Call:
    tags = call.body.get("freeformTags", live.tags)
    assert isinstance(tags, Mapping)
    return replace(call, body={**call.body, "freeformTags": {**tags, TAG: seal}})


def _duplicate(address: Address, group: Iterable[LiveResource]) -> PlanError:
    ids = " and ".join(one.id for one in group)
    return PlanError(
        f"two live resources carry the mark of {address}: {ids}",
        hint=f"delete the one that is not meant, or remove its tag {TAG}, then plan again",
    )


def _recognised(inputs: Inputs, live: LiveResource) -> bool:
    """Whether the mark was made for that very resource, as far as can be told once it may have been moved."""
    return live.mark is not None and inputs.owner.recognises(live.mark, live.id)


def _copied(desired: Resource, live: LiveResource) -> PlanError:
    return PlanError(
        f"{desired.source}: {live.kind} {live.name} ({live.id}) carries the mark of {desired.address}, which was made for another resource",
        hint=f"remove its tag {TAG}, or if it is yours adopt it: genai-iac import {desired.address} {live.id}",
    )


def _taken(desired: Resource, other: LiveResource, name: object) -> PlanError:
    where = desired.places.get("name") or desired.places.get("displayName") or desired.source
    if other.lifecycle == "DELETING":
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} ({other.id}) is still being deleted",
            hint="wait until it is gone, then plan again",
        )
    if other.mark is not None:
        return PlanError(
            f"{where}: {desired.address}: {other.kind} {name} exists and belongs to {other.mark.owner} ({other.id})",
            hint=f"choose another name, or take it over: genai-iac import {desired.address} {other.id}",
        )
    return PlanError(
        f"{where}: {desired.address}: {other.kind} {name} exists and is not this stack's ({other.id})",
        hint=f"choose another name, or adopt it: genai-iac import {desired.address} {other.id}",
    )

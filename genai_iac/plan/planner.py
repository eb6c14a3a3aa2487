"""One planning, resource by resource: what is declared, then what is ours and no longer declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from genai_iac.errors import PlanError
from genai_iac.future import foresee
from genai_iac.kinds import KINDS
from genai_iac.model import TAG, Address, Change, LiveResource, Notice, Resource, Value
from genai_iac.ordering import order_changes
from genai_iac.plan.changes import make_change, seal_step
from genai_iac.plan.facts import Comparer
from genai_iac.plan.inputs import Inputs
from genai_iac.plan.refusals import check_mark, check_name, check_place, duplicate
from genai_iac.plan.stuck import make_stuck_change
from genai_iac.preflight import check_changes
from genai_iac.resolve import Resolver


class Planner:
    """Collects errors and notices while it drafts."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs, self.live, self.ids = inputs, inputs.live, inputs.live.ids
        self.resolver = Resolver(inputs.resources, self.live.tree, self.ids)
        self.errors: list[PlanError] = []
        self.stuck: list[Change] = []  # what differs although no call can make it so
        self.notices: list[Notice] = []
        self.comparer = Comparer(inputs, self.resolver, self.notices.append)

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
            self.stuck.append(make_stuck_change(address, error, self.inputs, self.resolver, self.comparer))
        else:
            if change is not None:
                yield change

    def _draft(self, desired: Resource) -> Change | None:
        kind = KINDS[desired.address.kind]
        group = self.live.owned.get(desired.address, ())
        check_mark(desired, group, self.inputs)
        check_place(desired, self.resolver, self.live)
        check_name(kind, desired, group[0] if group else None, self.resolver, self.live)
        if not group:
            self._note_lost_values(desired)
            return make_change(desired.address, kind.create(desired), None, self._after_create(desired))
        live = group[0]
        step = kind.change(desired, live, self.comparer.facts(desired))
        self.notices.extend(Notice(note, desired.address) for note in step.notes)
        if not step:
            return None
        if "create" in step.actions:
            del self.ids[desired.address]  # its successor has another OCID: what refers to it is not known yet
        return make_change(
            desired.address,
            seal_step(kind, desired, live, step, self.inputs.owner),
            live,
            kind.after(desired, live, step, self.resolver.value),
            self.inputs.held.get(desired.address, ()),
        )

    def _removal(self, address: Address, group: tuple[LiveResource, ...]) -> Change | None:
        owner = self.inputs.owner
        fitting = [one for one in group if one.mark and owner.fits(one.mark, one.id, one.compartment)]
        if address in self.inputs.moved and len(group) == 1:
            fitting = list(group)
        if len(fitting) > 1:
            raise duplicate(address, tuple(fitting))
        for one in group:
            if one not in fitting:
                self._note_stray(one)
        if not fitting:
            return None
        live = fitting[0]
        kind = KINDS[live.kind]
        if live.mark and live.mark.deletion == "retain":
            tags = {key: value for key, value in live.tags.items() if key != TAG}
            return make_change(address, kind.forget(live, tags), live, None)
        return make_change(address, kind.remove(live), live, None, self.inputs.held.get(address, ()))

    def _after_create(self, desired: Resource) -> Mapping[str, Value]:
        resolved = self.resolver.value(desired.attributes)
        assert isinstance(resolved, Mapping)
        return {**resolved, **({"region": desired.region} if desired.region else {})}

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

"""What a kind may look at when it compares live with desired: values, statements by their meaning, age, use, the sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from genai_iac import policy as language
from genai_iac.compiled import find_staleness, names_anything
from genai_iac.errors import PlanError
from genai_iac.future import Future, foresee
from genai_iac.kinds import KINDS, Facts, idle_time
from genai_iac.model import LiveResource, LiveSecret, Notice, Resource, Value
from genai_iac.plan.inputs import Inputs
from genai_iac.resolve import Resolver


class Comparer:
    """Finds the facts of one planning; `note` is told what a reader should know besides."""

    def __init__(self, inputs: Inputs, resolver: Resolver, note: Callable[[Notice], None]) -> None:
        self._inputs, self._live, self._resolver, self._note = inputs, inputs.live, resolver, note

    def facts(self, desired: Resource) -> Facts:
        """What the kind of a declared resource may look at."""
        held = self._inputs.held.get(desired.address, ())
        wish = self._inputs.wishes.get(desired.address)
        idle = idle_time(desired)
        return Facts(
            self._live.now,
            self._same,
            self.same_statements,
            held,
            wish,
            lambda secret: self._is_idle(secret, idle),
            self._outdated,
        )

    def _same(self, desired: Value, live: Any) -> bool:
        return bool(self._resolver.value(desired) == live)

    def same_statements(self, desired: Sequence[Value], live: Sequence[str], attached: str) -> bool:
        """Whether statements mean the same, seen from the compartment that their policy is attached to. Raises PlanError."""
        resolved = self._resolver.value(desired)
        assert isinstance(resolved, list)
        if not all(isinstance(statement, str) for statement in resolved):
            return False
        names = {name.casefold() for name in KINDS["Policy"].names_compartments({"statements": resolved})}
        if names & self._reborn:
            return False  # OCI compiled the name to the compartment that goes
        return resolved == list(live) or language.same(resolved, live, self._inputs.directory, attached)

    def _outdated(self, desired: Sequence[Value], live: LiveResource) -> str:
        """Why a policy that reads as it should has to be written again; notes what writing would not mend."""
        if self._future is None or not names_anything(desired):
            return ""
        found = find_staleness(live, self._future, self._inputs.directory, self._born)
        if found.note and live.mark:
            self._note(Notice(found.note, live.mark.address))
        return found.reason

    @cached_property
    def _future(self) -> Future | None:
        """What will be; None when something is wrong that is told elsewhere."""
        try:
            return foresee(self._inputs.resources, self._live.tree, self._live.ids)
        except PlanError:
            return None

    def _born(self, id: str) -> datetime | None:
        return self._births.get(id) or self._inputs.born(id)

    @cached_property
    def _births(self) -> Mapping[str, datetime | None]:
        return {one.id: one.created for one in self._live.found}

    @cached_property
    def _reborn(self) -> set[str]:
        """Names of compartments that go while another takes the name."""
        owned, resources = self._live.owned, self._inputs.resources
        gone = {address for address in owned if address.kind == "Compartment" and address not in resources}
        made = {address for address in resources if address.kind == "Compartment" and address not in owned}
        names = {str(self._resolver.value(resources[address].attributes["name"])).casefold() for address in made}
        return names & {one.name.casefold() for address in gone for one in owned[address]}

    def _is_idle(self, secret: LiveSecret, idle: timedelta) -> bool:
        return secret.last_used is None or self._live.now - secret.last_used >= idle

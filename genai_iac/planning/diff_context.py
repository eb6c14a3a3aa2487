"""Builds the DiffContext of each resource: comparison of values and statements, time, use, sink states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac import iam_policy as language
from genai_iac.core import Address, Live, LiveResource, LiveSecret, Notice, Owner, Resource, SinkState, Stack, Value
from genai_iac.core.errors import PlanError
from genai_iac.planning.planned_state import PlannedState, predict_state
from genai_iac.planning.policy_staleness import find_stale_names, names_anything
from genai_iac.planning.preflight import ServiceLimits
from genai_iac.references.resolver import Resolver
from genai_iac.resource_types import DiffContext, RotationRequest, idle_time


class PlanInputs(Struct, frozen=True):
    """Desired, live, and what else decides. Nothing is asked of the tenancy but the groups that a comparison needs.

    Collected by `cli/planning.py` and by the Python API. Two plans of equal inputs are
    equal.
    """

    stack: Stack
    resources: Mapping[Address, Resource]  # in dependency order
    live: Live  # one reading of the tenancy
    owner: Owner
    directory: language.Directory  # names of groups to OCIDs; may make a request when asked
    held: Mapping[Address, tuple[SinkState, ...]] = field(default_factory=dict)  # what the sinks of each live key hold
    requests: Mapping[Address, RotationRequest] = field(default_factory=dict)  # what `rotate` asks
    moved: frozenset[Address] = frozenset()  # undeclared, marked elsewhere, and meant to be deleted all the same
    base_url: Callable[[str, str], str] | None = None  # of a region and a key's `endpoint`; None: not known
    limits: ServiceLimits = field(default_factory=ServiceLimits)  # how much the tenancy can hold
    # when the group of that OCID was made, if it is known
    created_at: Callable[[str], datetime | None] = lambda _: None

    def recognises(self, live: LiveResource) -> bool:
        """Whether the mark was made for that very resource, as far as can be known once it may have been moved.

        Weaker than `Owner.fits`; see `Owner.recognises`.
        """
        return live.mark is not None and self.owner.recognises(live.mark, live)


class DiffContextBuilder:
    """Finds the facts of one planning; `note` is called with what a reader should know besides.

    Args:
        inputs: what is compared.
        resolver: with the OCIDs that live has. What is replaced later in the plan is
            removed from it by the planner.
        note: called with each notice.
    """

    def __init__(self, inputs: PlanInputs, resolver: Resolver, note: Callable[[Notice], None]) -> None:
        self._inputs, self._live, self._resolver, self._note = inputs, inputs.live, resolver, note

    def facts(self, desired: Resource) -> DiffContext:
        """What the kind of a declared resource may look at.

        Args:
            desired: its address selects the sink states and the request.
        """
        # A changed project or endpoint reaches consumers through the sinks, so it is a delivery
        # and not a change of the key (tests/plan_apply/test_projects.py,
        # test_another_base_url_is_delivered_and_nothing_is_renewed).
        held = tuple(self._with_damage(sink, desired) for sink in self._inputs.held.get(desired.address, ()))
        request = self._inputs.requests.get(desired.address)
        idle = idle_time(desired)
        return DiffContext(
            self._live.now,
            self._same,
            self.same_statements,
            held,
            request,
            lambda secret: self._is_idle(secret, idle),
            self._outdated,
        )

    def _with_damage(self, sink: SinkState, desired: Resource) -> SinkState:
        """The sink with why it has to be written again when it gives consumers another project or base URL."""
        if not (sink.readable and sink.base_url and self._inputs.base_url) or sink.damage or sink.former:
            return sink
        project = self._resolver.value(desired.settings.get("project"))
        if project != sink.project:
            return replace(sink, damage="the project differs" if project else "it names a project")
        url = self._inputs.base_url(desired.region or "", desired.settings.get("endpoint", "actions/v1"))
        return sink if _same_url(url, sink.base_url) else replace(sink, damage="the base URL differs")

    def _same(self, desired: Value, live: Any) -> bool:
        """Whether a desired value, with its references filled in, equals the live one.

        An unknown reference equals nothing.
        """
        return bool(self._resolver.value(desired) == live)

    def same_statements(self, desired: Sequence[Value], live: Sequence[str], attached: str) -> bool:
        """Whether statements mean the same, seen from the compartment that their policy is attached to. Raises PlanError.

        Args:
            desired: statements, possibly with references.
            live: the statements of the live policy.
            attached: OCID of the compartment where the policy is attached; names in statements
                are resolved from there.

        Raises:
            PlanError: a value does not fit its placeholder in a statement.
        """
        resolved = self._resolver.value(desired)
        assert isinstance(resolved, list)
        if not all(isinstance(statement, str) for statement in resolved):
            return False
        # Text first: parsing a thousand policies is what an empty plan would spend its time on.
        return resolved == list(live) or language.is_equivalent(resolved, live, self._inputs.directory, attached)

    def _outdated(self, desired: Sequence[Value], live: LiveResource) -> str:
        """Why a policy that reads as it should has to be written again; notes what writing would not fix."""
        if self._future is None or not names_anything(desired):
            return ""
        found = find_stale_names(live, self._future, self._inputs.directory, self._created_at)
        if found.note and live.mark:
            self._note(Notice(found.note, live.mark.address))
        return found.reason

    @cached_property
    def _future(self) -> PlannedState | None:
        """What will be; None when something is wrong that is reported elsewhere."""
        try:
            return predict_state(self._inputs.resources, self._live.tree, self._live.ids)
        except PlanError:
            return None

    def _created_at(self, id: str) -> datetime | None:
        """When the thing behind an OCID was created: from this reading, or from a lookup of a group."""
        return self._births.get(id) or self._inputs.created_at(id)

    @cached_property
    def _births(self) -> Mapping[str, datetime | None]:
        return {one.id: one.created for one in self._live.found}

    def _is_idle(self, secret: LiveSecret, idle: timedelta) -> bool:
        """Whether nobody used the secret for `idle`. Never used counts as idle."""
        return secret.last_used is None or self._live.now - secret.last_used >= idle


def _same_url(one: str, other: str) -> bool:
    """Whether both are one address. An emulator answers at another port after a restart: there only the paths count."""
    parts = urlsplit(one), urlsplit(other)
    local = all(part.scheme == "http" for part in parts)
    return parts[0].path == parts[1].path if local else one == other

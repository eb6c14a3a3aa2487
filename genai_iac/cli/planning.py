"""A plan as the verbs need it: made, narrowed, judged by the guards, with what a rendering shows around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from genai_iac.cli.choices import read_addresses
from genai_iac.cli.workspace import Workspace
from genai_iac.compiled import digest_groups
from genai_iac.errors import GuardError
from genai_iac.future import foresee
from genai_iac.guard import Overrides, check_plan
from genai_iac.kinds import Wish
from genai_iac.model import Address, Live, Notice, Plan
from genai_iac.plan import Inputs, make_destroy_plan, make_plan
from genai_iac.render.surroundings import Surroundings
from genai_iac.saved import bind_inputs
from genai_iac.targets import narrow_plan


@dataclass(frozen=True)
class Asked:
    """What the verb's own flags ask of the plan."""

    targets: frozenset[Address] = frozenset()
    parallelism: int = 10
    full_scan: bool = False
    moved: frozenset[Address] = frozenset()
    overrides: Overrides = field(default_factory=Overrides)
    wishes: Mapping[Address, Wish] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        target: tuple[str, ...],
        parallelism: int,
        full_scan: bool,
        delete_moved: tuple[str, ...],
        allow_destroy: int | None,
        accept_outage: tuple[str, ...],
        *,
        everything: bool = False,
    ) -> Asked:
        """The flags of `planning_flags` and `guard_flags`. Raises UsageError."""
        overrides = Overrides(allow_destroy, read_addresses("--accept-outage", accept_outage), everything)
        return cls(
            read_addresses("--target", target),
            parallelism,
            full_scan,
            read_addresses("--delete-moved", delete_moved),
            overrides,
        )


@dataclass(frozen=True)
class Draft:
    """A plan with the reading it was made on."""

    workspace: Workspace
    asked: Asked
    live: Live
    plan: Plan
    refusal: GuardError | None  # why apply would not carry it out

    @property
    def inputs(self) -> dict[str, Any]:
        """What a saved plan is bound to."""
        manifest = self.workspace.manifest
        return bind_inputs(
            self.workspace.path,
            manifest.stack.environment,
            manifest.variables,
            manifest.files,
            self.live,
            self._groups(),
            targets=map(str, self.asked.targets),
            moved=map(str, self.asked.moved),
            full_scan=self.asked.full_scan,
        )

    def _groups(self) -> dict[Address, str]:
        """What the groups mean that the policies to be written name."""
        resources = self.workspace.manifest.resources
        written = [one.address for one in self.plan.changes if one.address.kind == "Policy" and one.after is not None]
        future = foresee(resources, self.live.tree, self.live.ids) if written else None
        return digest_groups(written, future, self.workspace.directory(self.live)) if future else {}

    @property
    def around(self) -> Surroundings:
        """What a rendering may show beside the plan."""
        from genai_iac.cli.surroundings import describe_surroundings

        return describe_surroundings(self.workspace, self.live, self.plan)


def make_draft(workspace: Workspace, asked: Asked, *, destroy: bool = False) -> Draft:
    """Read the tenancy and plan. A refusal of the guards is kept beside the plan, and noted in it."""
    live = workspace.read(parallelism=asked.parallelism, full_scan=asked.full_scan)
    make: Callable[[Inputs], Plan] = make_destroy_plan if destroy else make_plan
    # what is to be destroyed is destroyed whatever its sinks hold
    inputs = workspace.inputs(live, moved=asked.moved, wishes=asked.wishes, look_into_sinks=not destroy)
    plan = make(inputs)
    plan = replace(plan, notices=(*plan.notices, *map(Notice, workspace.blind_spots())))
    resources = workspace.manifest.resources
    plan = workspace.foretell(narrow_plan(plan, asked.targets, {*resources, *live.owned}), live)
    try:
        check_plan(plan, resources, live, asked.overrides)
    except GuardError as refusal:
        notices = tuple(Notice(f"apply will be {line}") for line in str(refusal).splitlines())
        return Draft(workspace, asked, live, replace(plan, notices=(*plan.notices, *notices)), refusal)
    return Draft(workspace, asked, live, plan, None)

"""A plan as the commands need it: made, limited to its targets, judged by the guards, with what a rendering shows around it.

Names of policies are unique in the tenancy, while policies are listed one compartment at a time. So when a plan creates a policy, the
compartments that were not read are listed too, and a policy there that has its name is in the reading; an empty plan makes no request
for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.analysis.outages import find_access_losses, find_project_losses, keep_admitted
from genai_iac.analysis.reach import ReachFinder
from genai_iac.cli.command_hints import complete_notice
from genai_iac.cli.options import read_addresses
from genai_iac.cli.session import Session
from genai_iac.cli.unignored_files import find_unignored, note_unignored
from genai_iac.core import OWNERSHIP_TAG, Address, Live, LiveResource, Notice, Plan, Resource, read_ownership_tag
from genai_iac.core.errors import GuardError, PlanError, ServiceFailure, suggest
from genai_iac.delivery import with_destinations
from genai_iac.iam_policy import compare
from genai_iac.import_export.snapshot import Snapshot
from genai_iac.oci_client import OciClient
from genai_iac.planning import PlanInputs, make_destroy_plan, make_plan
from genai_iac.planning.guards import Overrides, check_plan, find_outdated_files, is_ci, refuse_file_sinks
from genai_iac.planning.plan_file import digest_inputs
from genai_iac.planning.planned_state import predict_state
from genai_iac.planning.planner import filter_plan
from genai_iac.planning.policy_staleness import digest_groups
from genai_iac.references.resolver import Resolver
from genai_iac.render.common.attribute_values import moment_for_people
from genai_iac.render.plan.context import PlanContext, SecretExpiry
from genai_iac.render.plan.differences import Edit, line_edits
from genai_iac.resource_types import RESOURCE_TYPES, RotationRequest

_FRESH = timedelta(days=2)  # of a snapshot: the workflows take one every night
_MOST = 500  # requests; with more compartments than that, only a 409 reports it


def add_taken_names(live: Live, resources: Mapping[Address, Resource], provider: OciClient, parallelism: int) -> Live:
    """The reading with these policies among what is not ours. Those that may not be listed are left out."""
    names = {name.casefold() for name in _new_names(live, resources)}
    # Compartments that the reading covered have been compared already.
    asked = sorted({*live.tree.nodes} - {*live.places}) if names else []
    if not asked or len(asked) > _MOST:
        return live
    with ThreadPoolExecutor(max_workers=max(parallelism, 2), thread_name_prefix="read") as pool:
        found = [one for rows in pool.map(lambda place: _list(provider, place), asked) for one in rows]
    taken = (one for one in found if one.name.casefold() in names)
    return replace(live, others=(*live.others, *taken))


def _new_names(live: Live, resources: Mapping[Address, Resource]) -> Iterator[str]:
    resolver = Resolver.of(resources, live)
    for address, resource in resources.items():
        if address.kind != "Policy":
            continue
        try:
            name = resolver.value(resource.attributes["name"])
        except PlanError:
            continue  # the plan reports it
        one = live.one(address)
        if isinstance(name, str) and (one is None or one.name != name):
            yield name


def _list(provider: OciClient, place: str) -> list[LiveResource]:
    kind = RESOURCE_TYPES["Policy"]
    try:
        rows = provider.read_all(kind.listing.operation, place, **kind.listing.parameters)
    except ServiceFailure:
        return []
    found = [kind.read(row, None) for row in rows if row.get("lifecycleState") not in ("DELETED", "FAILED")]
    return [replace(one, mark=read_ownership_tag(one.tags.get(OWNERSHIP_TAG))) for one in found]


def describe_context(workspace: Session, live: Live, plan: Plan) -> PlanContext:
    """Gather it from the manifests, the reading and the sinks' names; calls nothing."""
    resources = workspace.manifest.resources
    touched = {change.address for change in plan.changes if change.invalidates}
    return PlanContext(
        now=live.now,
        sources={address: resource.source for address, resource in resources.items()},
        sinks={
            address: [sink.place for sink in workspace.deliveries.sinks(resource)]
            for address, resource in resources.items()
        },
        compare_texts=_compare_statements,
        names={id: live.tree.path(id) for id in live.tree.nodes},
        needs={address: sorted(workspace.manifest.graph.needs(address)) for address in resources},
        expiries=[
            SecretExpiry(address, secret.name, secret.expires, secret.state == "ACTIVE")
            for address, group in sorted(live.owned.items())
            for one in group
            for secret in one.secrets
            if secret.expires is not None and secret.state in ("ACTIVE", "INACTIVE") and address not in touched
        ],
    )


def _compare_statements(before: Sequence[str], after: Sequence[str]) -> Sequence[Edit]:
    """Statements as the policy language sees them: only what differs in meaning, an edit token by token."""
    if not before or not after:
        return line_edits(before, after)
    changes = compare(before, after, None, "")
    return [Edit(change.before, change.after, ", ".join(map(str, change.tokens))) for change in changes]


class PlanOptions(Struct, frozen=True):
    """What the verb's own flags ask of the plan."""

    targets: frozenset[Address] = frozenset()  # empty: everything
    parallelism: int = 10  # concurrent requests
    full_scan: bool = False  # every compartment and region, not only those the manifests name
    moved: frozenset[Address] = frozenset()  # `--delete-moved`: deleted although the ownership tag was made elsewhere
    overrides: Overrides = field(default_factory=Overrides)  # guards that may be passed
    requests: Mapping[Address, RotationRequest] = field(default_factory=dict)  # from `rotate`; by API key
    claims: bool = False  # of what carries the stack's name and no id

    @classmethod
    def of(
        cls,
        target: tuple[str, ...],
        parallelism: int,
        full_scan: bool,
        delete_moved: tuple[str, ...],
        allow_destroy: int | None,
        accept_outage: tuple[str, ...],
        claim_name: bool = False,
        allow_file_sinks: bool = False,
        *,
        everything: bool = False,
    ) -> PlanOptions:
        """The flags of `planning_flags` and `guard_flags`. Raises UsageError."""
        outages = read_addresses("--accept-outage", accept_outage)
        overrides = Overrides(allow_destroy, outages, everything, allow_file_sinks=allow_file_sinks)
        return cls(
            read_addresses("--target", target),
            parallelism,
            full_scan,
            read_addresses("--delete-moved", delete_moved),
            overrides,
            claims=claim_name,
        )

    @property
    def shaping_words(self) -> tuple[str, ...]:
        """The options that a command for the same plan repeats."""
        return (
            *(word for address in sorted(self.targets) for word in ("--target", str(address))),
            *(word for address in sorted(self.moved) for word in ("--delete-moved", str(address))),
            *(["--full-scan"] if self.full_scan else []),
            *(["--claim-name"] if self.claims else []),
        )

    @property
    def guard_words(self) -> tuple[str, ...]:
        """The options that let the same guarded changes pass."""
        allowed = self.overrides
        return (
            *(["--allow-destroy", str(allowed.allow_destroy)] if allowed.allow_destroy is not None else []),
            *(word for address in sorted(allowed.accept_outage) for word in ("--accept-outage", str(address))),
            *(["--allow-file-sinks"] if allowed.allow_file_sinks else []),
        )


class PlannedRun(Struct, frozen=True):
    """A plan with the reading it was made on."""

    workspace: Session  # manifests and connection
    asked: PlanOptions  # what shaped the plan
    live: Live  # the reading that the plan compares with
    plan: Plan
    refusal: GuardError | None  # why apply would not carry it out
    outdated: tuple[Notice, ...] = ()  # what apply leaves broken: values in files that no longer work

    @property
    def shown(self) -> Plan:
        """The plan as it is shown: the commands in its notices have the options and the PATH of this run."""
        flags, path = self.workspace.flags, self.workspace.path
        return replace(self.plan, notices=tuple(complete_notice(one, flags, path) for one in self.plan.notices))

    @property
    def inputs(self) -> dict[str, Any]:
        """What a saved plan is bound to."""
        manifest = self.workspace.manifest
        return digest_inputs(
            self.workspace.path,
            manifest.stack.environment,
            manifest.variables,
            manifest.files,
            self.live,
            self._groups(),
            targets=map(str, self.asked.targets),
            moved=map(str, self.asked.moved),
            full_scan=self.asked.full_scan,
            claims=self.asked.claims,
        )

    def _groups(self) -> dict[Address, str]:
        """What the groups mean that the policies to be written name."""
        resources = self.workspace.manifest.resources
        written = [one.address for one in self.plan.changes if one.address.kind == "Policy" and one.after is not None]
        future = predict_state(resources, self.live.tree, self.live.ids) if written else None
        return digest_groups(written, future, self.workspace.directory(self.live)) if future else {}

    @property
    def around(self) -> PlanContext:
        """What a rendering may show beside the plan."""

        return describe_context(self.workspace, self.live, self.plan)


def make_draft(workspace: Session, asked: PlanOptions, *, destroy: bool = False) -> PlannedRun:
    """Read the tenancy and plan. A refusal of the guards is kept beside the plan, and noted in it."""
    workspace = replace(workspace, owner=replace(workspace.owner, claims=asked.claims))
    live = workspace.read(parallelism=asked.parallelism, full_scan=asked.full_scan)
    # A destroy gives no names, and a snapshot has no one to ask.
    if workspace.snapshot is None and not destroy:
        live = add_taken_names(live, workspace.manifest.resources, workspace.provider, asked.parallelism)
    make: Callable[[PlanInputs], Plan] = make_destroy_plan if destroy else make_plan
    # what is to be destroyed is destroyed whatever its sinks hold
    inputs = workspace.inputs(live, moved=asked.moved, requests=asked.requests, look_into_sinks=not destroy)
    plan = make(inputs)
    notes = (*_age_notes(workspace.snapshot), *workspace.unread_scope(), *live.unread)
    plan = replace(plan, notices=(*plan.notices, *map(Notice, notes)))
    resources = workspace.manifest.resources
    if not destroy:
        unignored = find_unignored(Path(workspace.manifest.stack.root), resources)
        plan = replace(plan, notices=(*plan.notices, *note_unignored(resources, unignored)))
    future = predict_state({} if destroy else resources, live.tree, live.ids) if plan else None
    finder = ReachFinder(future, live) if future else None
    plan = keep_admitted(plan, finder) if finder else plan
    known = {*resources, *live.owned}
    plan = with_destinations(filter_plan(plan, asked.targets, known), workspace.deliveries, resources)
    plan = workspace.predict_sink_calls(plan, live)
    plan = find_access_losses(plan, resources, finder) if finder else plan
    plan = find_project_losses(plan, resources, live, inputs.held)
    # A run for some keys ends well whatever the files of others show: their own changes may be left out of this plan.
    held = {address: sinks for address, sinks in inputs.held.items() if not asked.targets or address in asked.targets}
    outdated = () if destroy else tuple(find_outdated_files(plan, held))
    lost = {loss.key for change in plan.changes for loss in change.losses if loss.key and not loss.holder}
    plan = replace(plan, notices=(*plan.notices, *outdated, *_note_unknown(asked, known | lost)))
    refusal = _check_guards(workspace, asked, plan, live)
    if refusal is not None:
        notices = tuple(Notice(f"apply will be {line}") for line in str(refusal).splitlines())
        plan = replace(plan, notices=(*plan.notices, *notices))
    return PlannedRun(workspace, asked, live, plan, refusal, outdated)


def _note_unknown(asked: PlanOptions, known: Set[Address]) -> Iterator[Notice]:
    """A typo in a flag that allows something. No error: the same command run again after it did its work ends well."""
    for flag, addresses in (("--accept-outage", asked.overrides.accept_outage), ("--delete-moved", asked.moved)):
        for address in sorted(addresses - known):
            near = suggest(str(address), map(str, known))
            yield Notice(f"{flag} {address}: no such resource{near and f'; {near}'}")


def _check_guards(workspace: Session, asked: PlanOptions, plan: Plan, live: Live) -> GuardError | None:
    """Why apply would not carry the plan out, every reason at once."""
    lines: list[str] = []
    try:
        check_plan(plan, workspace.manifest.resources, live, asked.overrides)
    # All reasons at once: one after another would need a run for each.
    except GuardError as refusal:
        lines += str(refusal).splitlines()
    if is_ci(os.environ) and not workspace.is_emulated and not asked.overrides.allow_file_sinks:
        lines += refuse_file_sinks(plan, workspace.manifest.resources)
    return GuardError("\n".join(lines)) if lines else None


def _age_notes(snapshot: Snapshot | None) -> list[str]:
    """A sentence on a snapshot that is older than two days by this machine's clock; none for a tenancy."""
    if snapshot is None or datetime.now(UTC) - snapshot.now <= _FRESH:
        return []
    taken = moment_for_people(snapshot.now)
    return [
        f"the snapshot was taken at {taken}: what changed since is not known, and expirations are counted from then"
    ]

"""What `drift` reads and compares: live against manifests, the sinks, and a base revision.

The manifests of the base revision are read from git without a work tree.
"""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from genai_iac.analysis.drift import HandEdits, Side, find_drift, find_unmanaged
from genai_iac.cli.command_hints import complete_notice
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.session import Session, open_session, read_pairs
from genai_iac.core import Address, Live, Notice, SinkState
from genai_iac.core.errors import EditedSinkError, ManifestError, Problem, SinkError, UsageError
from genai_iac.delivery import look_at_sinks
from genai_iac.manifest import Manifest
from genai_iac.planning import compare
from genai_iac.render.drift import DriftReport
from genai_iac.resource_types import HandEdit, find_hand_edits

_ENDINGS = (".yaml", ".yml", ".json")  # manifests and variable files


def load_manifest_at(flags: GlobalOptions, path: str, revision: str) -> Manifest | None:
    """The manifests of PATH at that revision with the variables of this run; None when there were none.

    Raises UsageError outside git, ManifestError when they were wrong.
    """
    from genai_iac.manifest import load
    from genai_iac.repository.git import find_repository

    if path == "-":
        raise UsageError("standard input has no earlier revision", hint="give the directory of the manifests")
    repository = find_repository(Path(path))
    names = {file: repository.name(file) for file in (Path(path), *flags.var_file)}
    inside = names[Path(path)]
    if inside is None:
        raise UsageError(f"{path} is outside the git work tree {repository.root}")
    wanted = [name for name in names.values() if name is not None]
    with repository.laid_out(repository.commit(revision), wanted, _ENDINGS) as folder:
        if not _has_manifests(folder / inside, flags.env):
            return None
        # Variable files outside the repository have no earlier revision: today's content is
        # used.
        files = [folder / name if name and (folder / name).is_file() else file for file, name in names.items()][1:]
        try:
            return load(
                str(folder / inside),
                environment=flags.env,
                variables=read_pairs(flags.var),
                variable_files=files,
                environ=os.environ,
            )
        except ManifestError as error:
            raise ManifestError(_as_of(revision, folder, problem) for problem in error.problems) from error


def _has_manifests(place: Path, environment: str | None) -> bool:
    if environment and not any((place / "environments" / f"{environment}{ending}").exists() for ending in _ENDINGS[:2]):
        return place.is_file()
    return place.is_file() or any(place.rglob("*.yaml")) or any(place.rglob("*.yml"))


def _as_of(revision: str, folder: Path, problem: Problem) -> Problem:
    from msgspec.structs import replace

    # The temporary directory is gone when the message is read.
    name = problem.source.file.removeprefix(f"{folder}{os.sep}")
    return replace(problem, source=replace(problem.source, file=f"{revision}:{name}"))


def make_report(
    flags: GlobalOptions, path: str, base: str | None, *, unmanaged: bool, full_scan: bool, parallelism: int
) -> DriftReport:
    """Read, compare, gather. Sinks are read: one that was emptied or edited is drift as well.

    One that cannot be asked (no right to, no such program here) is reported and no drift.
    """
    earlier = load_manifest_at(flags, path, base) if base else None
    with open_session(flags, path) as workspace:
        also = tuple(earlier.resources.values()) if earlier else ()
        live = workspace.read(parallelism=parallelism, full_scan=full_scan, also=also)
        compared = compare(workspace.inputs(live, look_into_sinks=False))
        before = _compare_before(workspace, live, earlier) if base else None
        resources = workspace.manifest.resources
        edits, unasked = _find_edits(workspace, live)
        notices = (*compared.plan.notices, *unasked, *map(Notice, live.unread))
        return DriftReport(
            plan=replace(compared.plan, notices=tuple(complete_notice(one, flags, path) for one in notices)),
            base=base,
            now=live.now,
            differences=find_drift((compared.plan, resources), before, edits),
            refusals=compared.refusals,
            unmanaged=find_unmanaged(live) if unmanaged else None,
            sources={address: resource.source for address, resource in resources.items()},
            names={id: live.tree.path(id) for id in (live.tenancy, *live.tree.nodes)},
        )


def _find_edits(workspace: Session, live: Live) -> tuple[HandEdits, list[Notice]]:
    """What somebody did to each live key and its sinks, and which sinks could not be asked."""
    deliveries, edits, unasked = (
        workspace.deliveries_for(live),
        dict[Address, tuple[str, tuple[HandEdit, ...]]](),
        list[Notice](),
    )
    for address, resource in workspace.manifest.resources.items():
        key = live.one(address) if address.kind == "ApiKey" else None
        if key is None or key.region != resource.region:
            continue  # one that is to be replaced is reported as that
        held: tuple[SinkState, ...] = ()
        edited: tuple[HandEdit, ...] = ()
        try:
            held = look_at_sinks(deliveries, resource, key) if resource.settings.get("deliverTo") else ()
        except EditedSinkError as error:
            edited = ((("deliverTo",), error.message, "as it was delivered"),)
        except SinkError as error:
            unasked.append(Notice(f"a sink could not be asked: {error}", address))
        edits[address] = (key.id, (*edited, *find_hand_edits(resource, key, held)))
    return edits, unasked


def _compare_before(workspace: Session, live: Live, earlier: Manifest | None) -> Side:
    if earlier is None:
        return compare(replace(workspace.inputs(live, look_into_sinks=False), resources={})).plan, {}
    inputs = replace(workspace, manifest=earlier).inputs(live, look_into_sinks=False)
    return compare(inputs).plan, earlier.resources

"""The steps of `export` and `import`.

`export` reads a tenancy and creates manifests from it; it writes nothing there. `import` reads one resource, checks that it may be adopted,
and writes the ownership tag with the etag that was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.cli.command_hints import complete_commands
from genai_iac.cli.output_files import write_new_files
from genai_iac.cli.session import Session
from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    CompartmentTree,
    Live,
    LiveResource,
    Owner,
    Resource,
    read_ownership_tag,
)
from genai_iac.core.address import making_change_of
from genai_iac.core.errors import ManifestError, Problem, ServiceFailure, UsageError
from genai_iac.execute.calls import LIFECYCLE_TIMEOUT
from genai_iac.import_export.export import (
    Export,
    choose_owner,
    export_live,
    export_resource,
    name_resources,
    read_owner,
)
from genai_iac.import_export.importing import check_free, check_resource_type, import_change, is_adopted
from genai_iac.manifest import load
from genai_iac.oci_client import OciClient
from genai_iac.oci_client.read_tenancy import read_live
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.manifests import manifest_files, yaml_document
from genai_iac.resource_types import RESOURCE_TYPES

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MOST_ROUNDS = 20


class Exported(Struct, frozen=True):
    """What was found and how it is reported."""

    live: Live
    export: Export
    environment: str | None

    @property
    def files(self) -> dict[str, str]:
        """The manifests by file name."""
        return manifest_files(self.export, self.environment)


def export_tenancy(
    provider: OciClient,
    compartment: str | None,
    stack: str | None,
    environment: str | None,
    *,
    full_scan: bool,
    parallelism: int,
) -> Exported:
    """Read the compartment and all below it (the tenancy when None) and write it as manifests of that stack and environment.

    Without a stack they are of the one that owns all of it, else of one named after the compartment. Raises UsageError for what
    is no name, and for no compartment.
    """
    given, region = read_owner(stack, environment), provider.region

    def choose(tree: CompartmentTree) -> list[str]:
        top = _find(tree, compartment)
        return [id for id in (tree.tenancy, *tree.nodes) if tree.contains(top, id)]

    nobody = Owner(provider.tenancy, "")
    live = read_live(provider, nobody, {}, region=region, parallelism=parallelism, full_scan=full_scan, choose=choose)
    top = _find(live.tree, compartment)
    owner = given or choose_owner(live.found, environment) or read_owner(_name_stack(live.tree, top), environment)
    assert owner is not None
    return Exported(live, _settle(live, top, owner, region), owner.partition("@")[2] or None)


def write_export(exported: Exported, folder: Path) -> list[str]:
    """Write the files and the schema they name; answers their names. Raises UsageError before the first when one is there."""
    import json

    from genai_iac.render.manifests import SCHEMA
    from genai_iac.schema import build_schemas

    schema = json.dumps(build_schemas()["document.schema.json"], indent=2, ensure_ascii=False) + "\n"
    files = {**exported.files, SCHEMA: schema}
    write_new_files(folder, files)
    return list(files)


def _find(tree: CompartmentTree, compartment: str | None) -> str:
    if compartment in (None, "tenancy", "/"):
        return tree.tenancy
    assert compartment is not None
    names = [name for name in compartment.split("/") if name]
    found = compartment if compartment in tree else tree.find(names) if compartment.startswith("/") else None
    if found is None:
        raise UsageError(
            f"--compartment {compartment}: there is no such compartment, or this identity may not see it",
            hint="write its path from the root (/a/b) or its OCID",
        )
    return found


def _name_stack(tree: CompartmentTree, top: str) -> str:
    names = tree.names(top)
    return _NOT_IN_NAMES.sub("-", names[-1].lower()).strip("-")[:63].strip("-") if names else "exported"


def _settle(live: Live, top: str, owner: str, region: str) -> Export:
    """The export whose manifests load: what cannot be declared is left out, statements that no reference fits keep their OCIDs."""
    refused: dict[str, str] = {}
    literal: frozenset[str] = frozenset()
    for _ in range(_MOST_ROUNDS):
        export = export_live(live, top, owner, region, refused, literal)
        problems = _load(export, owner)
        if not problems:
            return export
        for id, problem in problems.items():
            if id in literal or not id.startswith("ocid1.policy."):
                refused[id] = f"no manifest can declare it: {problem.message}"
        literal |= problems.keys()
    raise UsageError("the tenancy cannot be exported as manifests", hint="export a single compartment")


def _load(export: Export, owner: str) -> dict[str, Problem]:
    """What keeps the manifests from loading, by the OCID of the resource that is reported there."""
    with TemporaryDirectory(prefix="genai-iac-") as made:
        folder = Path(made)
        files = manifest_files(export, owner.partition("@")[2] or None)
        write_new_files(folder, files)
        try:
            load(made, environment=owner.partition("@")[2] or None)
        except ManifestError as error:
            return {
                _culprit(folder, problem, export): _without(folder, problem) for problem in reversed(error.problems)
            }
    return {}


def _without(folder: Path, problem: Problem) -> Problem:
    """The problem as it is said outside: the folder is gone by then."""
    return replace(problem, message=problem.message.replace(f"{folder}/", ""))


def _culprit(folder: Path, problem: Problem, export: Export) -> str:
    """The OCID in the comment above the document that the problem is in."""
    lines = Path(problem.source.file).read_text(encoding="utf-8").splitlines()[: problem.source.line]
    known = {one.live.id for one in export.exported}
    for line in reversed(lines):
        if line.startswith("# ") and line[2:] in known:
            return line[2:]
    raise UsageError(f"the export does not load: {problem.message} ({Path(problem.source.file).relative_to(folder)})")


def adopt_resource(workspace: Session, address: Address, ocid: str, say: Callable[[str], None]) -> None:
    """Adopt it and say so; what no manifest declares is reported as one. Raises UsageError, GuardError, ServiceFailure."""
    # The OCID's type is compared before anything is read: a wrong pair must not cost a
    # scan.
    check_resource_type(address, ocid)
    live = workspace.read()
    desired = workspace.manifest.resources.get(address)
    found, etag = _get(workspace, address, ocid, desired, live)
    if desired is None:
        raise UsageError(
            f"no manifest declares {address}",
            hint=f"declare it, then import again:\n{_paste(workspace, address, found, live)}",
        )
    check_free(address, ocid, live)
    named = f"{found.kind} {escape_control(found.name, NAME_LIMIT)} ({escape_control(found.id, NAME_LIMIT)})"
    if is_adopted(desired, found, workspace.owner):
        say(f"{named} is {address} of {workspace.owner.name} already; nothing to do.\n")
        return
    call = import_change(desired, found, workspace.owner)
    with making_change_of(address):
        try:
            # With the etag of the resource as it was checked: a change in between ends in 412 and
            # adopts nothing.
            workspace.provider.write(call.operation, id=call.id, body=dict(call.body), region=call.region, etag=etag)
        except ServiceFailure as failure:
            # The answer of an attempt was lost, and the next is refused because the first one changed the etag.
            if not failure.uncertain or not is_adopted(
                desired, _get(workspace, address, ocid, desired, live)[0], workspace.owner
            ):
                raise
    say(f"{named} is {address} of {workspace.owner.name} now.\n{_what_next(workspace, desired, found)}")


def _get(
    workspace: Session, address: Address, ocid: str, desired: Resource | None, live: Live
) -> tuple[LiveResource, str | None]:
    """The resource and its etag. A key is looked for where it is declared, then in every region that was read."""
    kind = RESOURCE_TYPES[address.kind]
    regions: list[str | None] = [None]
    if kind.listing.reach == "compartment and region":
        # Likeliest first, each region once.
        regions = list(dict.fromkeys([_region_in(ocid), desired.region if desired else None, *live.regions]))
    for region in (one for one in regions if one is not None or len(regions) == 1):
        try:
            reply = workspace.provider.get(kind.get_operation, ocid, region)
        except ServiceFailure as failure:
            # 404 in one region may only mean that the key is in another; the last region's
            # answer is the final one.
            if failure.status != 404 or region == regions[-1]:
                raise
            continue
        found = kind.read(reply.data, region)
        # What the Console made a moment ago changes its state, and with it its etag, by itself (tests/crash/test_streams_and_signals.py).
        pauses = workspace.provider.stop.pauses(LIFECYCLE_TIMEOUT)
        while found.in_transition and next(pauses, False):
            reply = workspace.provider.get(kind.get_operation, ocid, region)
            found = kind.read(reply.data, region)
        return replace(found, mark=read_ownership_tag(found.tags.get(OWNERSHIP_TAG))), reply.etag
    raise UsageError(f"{ocid} cannot be found", hint="declare its region")


def _region_in(ocid: str) -> str | None:
    """The region that an OCID spells out; None when it has a code or nothing."""
    region = ocid.split(".")[3] if ocid.count(".") >= 4 else ""
    return region if region.count("-") >= 2 else None


def _paste(workspace: Session, address: Address, found: LiveResource, live: Live) -> str:
    owner = workspace.owner.name
    names = name_resources((one for group in live.owned.values() for one in group), owner)
    exported = export_resource(
        replace(found, mark=None), {**names, found.id: address}, live, workspace.manifest.stack.region, owner
    )
    return yaml_document(exported.document)


def _what_next(workspace: Session, desired: Resource, found: LiveResource) -> str:
    lines = []
    if found.kind == "ApiKey":
        lines.append(
            "OCI showed the values of its secrets once, when they were created, so they cannot be delivered now."
        )
        if desired.settings.get("deliverTo"):
            lines.append(
                "They count as undelivered: the plan renews the unused ones that no other machine can hold, and reports the others."
            )
    plan = complete_commands("genai-iac plan", workspace.flags, workspace.path)
    return "\n".join([*lines, f"See what still differs: {plan}"]) + "\n"

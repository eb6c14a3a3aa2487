"""What `export` reads of a tenancy and the manifests it makes of that. Reads only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from genai_iac.cli.output_files import write_new_files
from genai_iac.core import CompartmentTree, Live, Owner
from genai_iac.core.errors import ManifestError, Problem, UsageError
from genai_iac.import_export.export import Export, choose_owner, export_live
from genai_iac.manifest import load
from genai_iac.oci_client import OciClient
from genai_iac.oci_client.read_tenancy import read_live
from genai_iac.render.manifests import manifest_files

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Exported:
    """What was found and how it is reported."""

    live: Live
    export: Export
    environment: str | None

    @property
    def files(self) -> dict[str, str]:
        """The manifests by file name."""
        return manifest_files(self.export, self.environment)


def export_tenancy(
    provider: OciClient, compartment: str | None, stack: str | None, region: str, *, full_scan: bool, parallelism: int
) -> Exported:
    """Read the compartment and all below it (the tenancy when None) and tell it as manifests. Raises UsageError for no compartment."""

    def choose(tree: CompartmentTree) -> list[str]:
        top = _find(tree, compartment)
        return [id for id in (tree.tenancy, *tree.nodes) if tree.contains(top, id)]

    nobody = Owner(provider.tenancy, "")
    live = read_live(provider, nobody, {}, region=region, parallelism=parallelism, full_scan=full_scan, choose=choose)
    top = _find(live.tree, compartment)
    owner = stack or choose_owner(live.found) or _name_stack(live.tree, top)
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
    known = {one.live.id for one in export.told}
    for line in reversed(lines):
        if line.startswith("# ") and line[2:] in known:
            return line[2:]
    raise UsageError(f"the export does not load: {problem.message} ({Path(problem.source.file).relative_to(folder)})")

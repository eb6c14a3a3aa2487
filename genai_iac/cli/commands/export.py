"""`export`: manifests of what lives, with names for OCIDs. Reads only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from genai_iac.cli.output_files import write_new_files
from genai_iac.core import CompartmentTree, Live, Owner
from genai_iac.core.errors import ManifestError, Problem, UsageError
from genai_iac.import_export.export import Export, choose_owner, export_live
from genai_iac.manifest import load
from genai_iac.oci_client import OciClient
from genai_iac.oci_client.read_tenancy import read_live
from genai_iac.render.manifests import manifest_files

# A compartment's name becomes a stack name: only what `metadata.name` allows.
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_MOST_ROUNDS = 20  # loads of the export; each round excludes what the previous one could not load


@dataclass(frozen=True)
class Exported:
    """What was found and how it is reported."""

    live: Live  # the reading
    export: Export  # its resources as documents, and what is left out with the reasons
    environment: str | None  # of the ownership tags; None: they name none

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

    # No stack has an empty name: every resource counts as not owned, so all of them are
    # found.
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
    # The manifest loader is the judge: what an export may contain is defined nowhere else,
    # so the two cannot disagree.
    for _ in range(_MOST_ROUNDS):
        export = export_live(live, top, owner, region, refused, literal)
        problems = _load(export, owner)
        if not problems:
            return export
        for id, problem in problems.items():
            # A policy gets a second chance with OCIDs in place of references before it is left out.
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
    # Every exported document has a comment with its resource's OCID; the nearest one above
    # the problem is the culprit's.
    for line in reversed(lines):
        if line.startswith("# ") and line[2:] in known:
            return line[2:]
    raise UsageError(f"the export does not load: {problem.message} ({Path(problem.source.file).relative_to(folder)})")


@click.command("export")
@click.option(
    "--compartment", metavar="C", help="Only this one and all below it: a path (/a/b) or an OCID [the whole tenancy]."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write files into this directory; nothing there is overwritten [standard output].",
)
@click.option("--stack", metavar="NAME", help="The stack to export for: NAME or NAME@environment.")
@click.option("--full-scan", is_flag=True, help="Look for API keys in every subscribed region.")
@click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Concurrent API calls.")
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context, compartment: str | None, out: Path | None, stack: str | None, full_scan: bool, parallelism: int
) -> int:
    """Export existing resources as manifests. What is not marked yet is adopted with the import lines above each document."""
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.session import open_provider
    from genai_iac.render.common.phrases import count
    from genai_iac.render.common.sanitize import escape_control
    from genai_iac.render.manifests import manifest_text

    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    with open_provider(flags) as provider:
        exported = export_tenancy(
            provider,
            compartment,
            _owner(stack, flags.env),
            provider.region,
            full_scan=full_scan,
            parallelism=parallelism,
        )
    if out is None:
        output.say(manifest_text(exported.export))
    else:
        for name in write_export(exported, out):
            output.say(f"{escape_control(str(out / name))}\n")
    told, left_out = exported.export.told, exported.export.left_out
    output.note(f"{count(len(told), 'resource')} exported, {len(left_out)} skipped; ")
    elsewhere = "" if full_scan else " (--full-scan: in every subscribed region)"
    output.note(f"API keys were looked for in {', '.join(exported.live.regions)}{elsewhere}.\n")
    if exported.environment:
        output.note(f"They carry the marks of an environment: plan with --env {exported.environment}.\n")
    # The tag has a digest of the stack's id, from which the id cannot be computed.
    if any(one.live.mark and one.live.mark.stack_id for one in told):
        output.note(
            "Their Stack has an id, of which the tags have a digest only: add spec.id, or the plan takes them for another stack's.\n"
        )
    return 0


def _owner(stack: str | None, environment: str | None) -> str | None:
    import re

    from genai_iac.core.errors import UsageError

    if stack is None:
        return None
    owner = f"{stack}@{environment}" if environment and "@" not in stack else stack
    name = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    if not re.fullmatch(f"{name}(@{name})?", owner):
        raise UsageError(f"--stack {stack}: a name has small letters, digits and -", hint="for example --stack chat")
    return owner

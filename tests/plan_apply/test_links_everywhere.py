"""Every path that a verb writes, found by running it, then run again with a link to the outside at that path: nothing outside changes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from conftest import Project

from genai_iac.cli import cli

MANIFEST = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: app}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
    compartment: /
    secrets: [{name: one}, {name: two}]
    rotation: {every: 30d, overlap: 2d, idle: 24h}
    deliverTo:
      - file: {path: secrets/app.env}
      - file: {path: secrets/deep/app.json, format: json}
      - file: {path: raw/app.key, format: raw}
      - exec: {command: [/usr/bin/env, cat]}
"""
TEST = "tests: [{name: one key, manifests: stack.yaml, expect: {changes: {ApiKey/app: [create]}}}]\n"
EVERY_STACK = ("plan", "status", "expiry", "drift", "lint", "validate", "doctor")
UGLY = "kind: {kind}\napiVersion: genai-iac/v1\nspec: {spec}\nmetadata: {{name: dev}}\n"
APPLY = ("--local", "apply", "stack.yaml", "--auto-approve")
PLAN = ("--local", "plan", "stack.yaml", "--out")


@dataclass(frozen=True)
class Writer:
    """A command that writes, and what is run before it."""

    command: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()


WRITERS = {
    "apply": Writer(APPLY),
    "apply again": Writer(APPLY, (APPLY,)),
    "rotate": Writer(("--local", "rotate", "ApiKey/app", "stack.yaml", "--auto-approve"), (APPLY,)),
    "destroy": Writer(("--local", "destroy", "stack.yaml", "--auto-approve", "--allow-destroy", "9"), (APPLY,)),
    "saved plan": Writer((*PLAN, "out/plan.json")),
    **{f"plan as {form}": Writer((*PLAN, f"{form}=out/plan")) for form in ("text", "json", "markdown", "html", "terraform-json", "gitlab")},
    "snapshot": Writer(("--local", "snapshot", "stack.yaml", "--out", "out/snapshot.json")),
    "schemas": Writer(("schema", "--out", "schemas/all")),
    "init": Writer(("init", "new/stack")),
    "export": Writer(("--local", "export", "--compartment", "/", "--out", "out/exported"), (APPLY,)),
    "fmt of a folder": Writer(("fmt", ".")),
    "fmt of a file": Writer(("fmt", "stack.yaml")),
    "fmt of a folder below": Writer(("fmt", "below/stack")),
    "fmt of a file below": Writer(("fmt", "below/stack/stack.yaml")),
    "apply with an audit file": Writer((*APPLY, "--audit", "logs/audit.jsonl")),
    "destroy, its audit file there": Writer(
        ("--local", "destroy", "stack.yaml", "--auto-approve", "--allow-destroy", "9", "--audit", "logs/audit.jsonl"),
        ((*APPLY, "--audit", "logs/audit.jsonl"),),
    ),
    "rotate with an audit file": Writer(
        ("--local", "rotate", "ApiKey/app", "stack.yaml", "--auto-approve", "--audit", "logs/audit.jsonl"), (APPLY,)
    ),
    **{f"{verb} of all stacks": Writer(("--local", verb, "below", "--all", "--out-dir", "out/all")) for verb in EVERY_STACK},
    "apply of all stacks": Writer(("--local", "apply", "below", "--all", "--out-dir", "out/all", "--auto-approve")),
    "report": Writer(("report", "out", "--out", "report.html"), (("--local", "status", "below", "--all", "--out-dir", "out"),)),
    "tests of manifests": Writer(("test", ".", "--junit", "out/tests.xml")),
    "another database": Writer(("local", "env", "--db", "state/other.db")),
    "database forgotten": Writer(("local", "reset", "--db", "state/other.db"), (("local", "env", "--db", "state/other.db"),)),
}  # fmt: skip
# what a database and the notes may leave for a moment, so that no comparison of before and after shows it
PASSING = tuple(
    f".genai-iac/{name}" for name in ("local.db-wal", "local.db-shm", "local.db-journal", "deliveries.lock", "oci")
)


def tree(folder: Path) -> Mapping[str, tuple[int, bytes | str]]:
    """Mode and content of everything below."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for one in (folder, *folder.rglob("*")):
        content = str(one.readlink()) if one.is_symlink() else "" if one.is_dir() else one.read_bytes()
        found[str(one.relative_to(folder))] = (one.lstat().st_mode, content)
    return found


def checkout(folder: Path) -> Project:
    project = Project(folder)
    project.write(MANIFEST)
    project.write(UGLY.format(kind="Stack", spec="{region: us-chicago-1}"), "below/stack/stack.yaml")
    project.write(UGLY.format(kind="Environment", spec="{variables: {}}"), "below/stack/environments/dev.yaml")
    project.write(TEST, "app.test.yaml")
    for name in ("out", "logs"):
        (folder / name).mkdir()
    return project


def prepared(folder: Path, writer: Writer) -> Project:
    project = checkout(folder)
    for command in writer.before:
        project.run(*command)
    return project


def written(folder: Path, writer: Writer) -> list[str]:
    """What the command makes, changes or removes, and the directories on the way to it."""
    project = prepared(folder, writer)
    before = tree(folder)
    project.run(*writer.command)
    after = tree(folder)
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    assert changed
    above = [str(parent) for name in changed for parent in Path(name).parents]
    passing = PASSING if any(name.startswith(".genai-iac") for name in changed) else ()
    return sorted({*changed, *above, *passing} - {"."})


def put_link(place: Path, target: Path, kind: str) -> None:
    """A link in the place of what is there (or of nothing) to a copy of it, to something else, or to nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    there = place.exists()
    if kind == "copy" and there:
        shutil.move(place, target)
    elif there:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    if kind == "folder":
        target.mkdir()
        (target / "config").write_text("the user's own\n")
    elif kind == "file":
        target.write_text("the user's own\n")
    place.symlink_to(target)


KINDS = ("copy", "folder", "file", "missing")


@pytest.mark.parametrize("name", WRITERS)
def test_no_link_leads_a_write_outside(tmp_path: Path, name: str) -> None:
    """One kind of link at each path, another one at the next."""
    (tmp_path / "first").mkdir()
    for number, path in enumerate(written(tmp_path / "first", WRITERS[name])):
        check_link(tmp_path / "run", WRITERS[name], path, KINDS[number % 4])


@pytest.mark.matrix
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRITERS)
def test_no_link_of_any_kind_leads_a_write_outside(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "first").mkdir()
    for path in written(tmp_path / "first", WRITERS[name]):
        check_link(tmp_path / "run", WRITERS[name], path, kind)


def check_link(folder: Path, writer: Writer, path: str, kind: str) -> None:
    """Run the command in a checkout with that link at that path: what is outside stays as it is."""
    start, outside = folder.parent / "start", folder / "outside"
    if not start.exists():
        prepared(start, writer)
    shutil.copytree(start, folder / "checkout")
    outside.mkdir()
    project = Project(folder / "checkout")
    put_link(project.path / path, outside / "target", kind)
    before = tree(outside)
    ran = project.run(*writer.command, code=None)
    assert tree(outside) == before, (path, kind, ran.out, ran.err)
    assert "Traceback" not in ran.err and "defect" not in ran.err, (path, kind, ran.err)
    shutil.rmtree(folder)


def test_every_option_that_names_a_written_file_is_tried() -> None:
    def options(command: click.Command) -> Iterator[str]:
        for parameter in command.params:
            yield from (
                name for name in parameter.opts if name in ("--db", "-o") or isinstance(parameter.type, click.Path)
            )
        for below in getattr(command, "commands", {}).values():
            yield from options(below)

    context = click.Context(cli)
    found = {name for verb in cli.list_commands(context) for name in options(cli.get_command(context, verb))}
    read_only = {"--var-file", "--approved", "--snapshot"}
    tried = {word for writer in WRITERS.values() for word in writer.command if word.startswith("--")}
    assert {name for name in found - read_only if name.startswith("--")} <= tried

"""A checkout that holds links: nothing outside of it is written, whatever path of ours they stand at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Project

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
  secrets: [{name: one, expires: 30d}]
  deliverTo: [{file: {path: secrets/app.env}}, {exec: {command: [/usr/bin/env, cat]}}]
"""
FOLDERS = (".genai-iac", ".genai-iac/oci")
FILES = (
    *(f".genai-iac/local.db{end}" for end in ("", "-wal", "-shm", "-journal", ".key")),
    *(f".genai-iac/oci/{name}" for name in ("config", "administrator.pem")),
    *(f".genai-iac/deliveries.{end}" for end in ("json", "lock")),
    "secrets/app.env",
)


def contents(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """Mode and bytes of everything below."""
    found = {str(one.relative_to(folder)): one for one in (folder, *folder.rglob("*"))}
    return {name: (one.stat().st_mode, b"" if one.is_dir() else one.read_bytes()) for name, one in found.items()}


@pytest.fixture
def user_directory(tmp_path: Path) -> Path:
    """A directory beside the checkout with what a user has in such places."""
    folder = tmp_path / "outside"
    (folder / "oci").mkdir(parents=True)
    for name in ("config", "local.db", "administrator.pem", "oci/config", "file"):
        (folder / name).write_text("the user's own\n")
    folder.chmod(0o755)
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Project:
    project = Project(tmp_path / "checkout")
    project.write(MANIFEST)
    return project


def link(project: Project, name: str, target: Path) -> None:
    place = project.path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize("target", ["", "oci", "missing"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_linked_folder_is_refused(checkout: Project, user_directory: Path, name: str, target: str) -> None:
    link(checkout, name, user_directory / target)
    before = contents(user_directory)
    for verb in (("plan",), ("apply", "--auto-approve")):
        ran = checkout.run("--local", *verb, code=None)
    assert ran.code != 0 and contents(user_directory) == before
    assert "symbolic link" in ran.out + ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("target", ["file", "missing", "oci"])
@pytest.mark.parametrize("name", FILES)
def test_a_linked_file_is_refused_or_replaced(checkout: Project, user_directory: Path, name: str, target: str) -> None:
    link(checkout, name, user_directory / target)
    before = contents(user_directory)
    ran = checkout.run("--local", "apply", "--auto-approve", code=None)
    assert contents(user_directory) == before and "Traceback" not in ran.err
    if ran.code:
        assert name.rpartition("/")[2] in ran.out + ran.err


def test_a_control_token_is_not_written_through_a_link(checkout: Project, user_directory: Path) -> None:
    link(checkout, ".genai-iac/local.db.control-token", user_directory / "missing")
    checkout.environ["GENAI_IAC_CONTROL_TOKEN"] = ""
    ran = checkout.run("local", "serve", "--port", "0", code=1)
    assert "control-token is a symbolic link" in ran.err and not (user_directory / "missing").exists()


WRITING = {
    "saved plan": ("--local", "plan", "stack.yaml", "--out"),
    "snapshot": ("--local", "snapshot", "stack.yaml", "--out"),
    "schemas": ("schema", "--out"),
    "starter": ("init",),
    "database": ("local", "env", "--db"),
}


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
@pytest.mark.parametrize("below", ["out", "deep/out", "deep/../out"])
def test_what_flags_name_is_not_written_through_a_linked_folder(
    checkout: Project, user_directory: Path, command: tuple[str, ...], below: str
) -> None:
    (checkout.path / "deep").mkdir()
    link(checkout, below, user_directory)
    before = contents(user_directory)
    ran = checkout.run(*command, f"{below}/new", code=1)
    assert "symbolic link" in ran.err and contents(user_directory) == before
    ran = checkout.run(*command, str(checkout.path / below / "new"), code=1)
    assert "symbolic link" in ran.err and contents(user_directory) == before


@pytest.mark.parametrize("command", list(WRITING.values())[:2], ids=list(WRITING)[:2])
def test_a_linked_file_is_not_written(checkout: Project, user_directory: Path, command: tuple[str, ...]) -> None:
    link(checkout, "plan.json", user_directory / "file")
    before = contents(user_directory)
    assert "symbolic link" in checkout.run(*command, "plan.json", code=1).err
    assert contents(user_directory) == before


def test_the_folder_of_ours_loses_the_access_of_others(checkout: Project) -> None:
    for name in (".genai-iac", ".genai-iac/oci"):
        (checkout.path / name).mkdir()
        (checkout.path / name).chmod(0o777)
    checkout.run("--local", "apply", "--auto-approve")
    assert {(checkout.path / name).stat().st_mode & 0o777 for name in (".genai-iac", ".genai-iac/oci")} == {0o700}

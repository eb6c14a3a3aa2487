"""The release's archives: the same bytes twice, and an sdist with all that its tests need."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from genai_iac import __version__

NAMES = {f"genai_iac-{__version__}.tar.gz", f"genai_iac-{__version__}-py3-none-any.whl"}
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the files are those that git knows")


@pytest.fixture(scope="module")
def checked() -> str:
    """What `ci/build --check` prints: it has built twice."""
    ran = subprocess.run([sys.executable, ROOT / "ci/build", "--check"], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "ci/build", folder], check=True, timeout=300, capture_output=True)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.matrix
def test_two_builds_have_the_same_bytes(checked: str) -> None:
    assert set(re.findall(r"^[0-9a-f]{64} (\S+) twice the same$", checked, re.MULTILINE)) == NAMES


def test_the_archives_hold_what_they_should(built: dict[str, bytes]) -> None:
    assert set(built) == NAMES
    sdist, wheel = (next(data for name, data in built.items() if name.endswith(end)) for end in (".gz", ".whl"))
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        members = archive.getmembers()
    inside = {member.name.partition("/")[2] for member in members}
    assert {"CHANGELOG.md", "docs/rotation.md", "schemas/plan.schema.json", "tests/conftest.py", ".ci/run"} <= inside
    known = subprocess.run(["git", "ls-files", "tests", "docs", "schemas"], cwd=ROOT, capture_output=True, text=True)
    assert set(known.stdout.splitlines()) <= inside
    assert len({member.mtime for member in members}) == 1 and {member.uid for member in members} == {0}
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        names = archive.namelist()
        assert len({entry.date_time for entry in archive.infolist()}) == 1
    packaged = {
        "__init__.pyi",
        "py.typed",
        "templates/stack.yml",
        "templates/runtime.txt",
        "emulator/storage/schema.sql",
    }
    assert {f"genai_iac/{name}" for name in packaged} <= set(names)
    assert [name for name in names if name.startswith(("tests", "docs"))] == []


def test_the_release_workflow_publishes_what_it_built_and_holds_no_password() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text()
    whole = yaml.load(text, yaml.BaseLoader)
    assert whole["permissions"] == {} and "secrets." not in text
    jobs = whole["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["attest", "publish"]
    assert jobs["publish"]["environment"] == "pypi" and set(jobs["publish"]["needs"]) == {"build", "attest"}
    lines = [line.strip() for line in text.splitlines() if "uses:" in line]
    assert all(re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines), lines


def test_zizmor_finds_nothing_in_our_own_workflows() -> None:
    program = Path(sys.executable).parent / "zizmor"
    command = [program, "--offline", "--pedantic", "--no-progress", "--color=never", ROOT / ".github"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (ran.returncode, ran.stdout) == (0, "No findings to report. Good job!\n"), ran.stdout

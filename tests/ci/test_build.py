"""The release's archives: the same bytes twice, and an sdist with all that its tests need."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, load_script

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
        metadata = Parser().parsestr(archive.read(f"genai_iac-{__version__}.dist-info/METADATA").decode())
    assert metadata["Author"] == "The genai-iac authors"
    assert metadata.get_all("Project-URL") is None, "this build was told no address"
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
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


def test_a_release_names_its_repository_and_no_other(tmp_path: Path) -> None:
    build = load_script("build")
    for name in ("README.md", "pyproject.toml", "genai_iac/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    for folder in ("ci", "examples/ci", "examples/team", "examples/quickstart"):
        (tmp_path / folder).mkdir(parents=True)
    build.name_repository(tmp_path, "https://git.example/team/genai-iac")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    assert set(project["urls"]) == {"Homepage", "Documentation", "Changelog", "Issues"}
    assert all(place.startswith("https://git.example/team/genai-iac") for place in project["urls"].values())
    page = (tmp_path / project["readme"]).read_text()
    assert f"](https://git.example/team/genai-iac/blob/v{__version__}/docs/rotation.md)" in page
    assert f"](https://git.example/team/genai-iac/tree/v{__version__}/examples/team)" in page
    assert re.findall(r"\]\((?!https://)", page) == []
    assert (tmp_path / "README.md").read_bytes() == (ROOT / "README.md").read_bytes()
    for wrong in ("http://git.example/a/b", "https://git.example", 'https://git.example/a/b"'):
        with pytest.raises(SystemExit, match="https://HOST/OWNER/NAME"):
            build.name_repository(tmp_path, wrong)


def test_no_address_of_a_repository_is_in_the_project() -> None:
    assert "urls" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    release = yaml.load((ROOT / ".github/workflows/release.yml").read_text(), yaml.BaseLoader)
    (step,) = [step for step in release["jobs"]["build"]["steps"] if step["name"] == "Build"]
    assert step["env"] == {"REPOSITORY_URL": "${{ github.server_url }}/${{ github.repository }}"}


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

"""The pre-commit hooks run on what `init` writes; the container file builds from files that are there and installs what the jobs use."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml
from conftest import ROOT, Project

HOOKS = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / "examples/ci/pre-commit/.pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
}
CONTAINER = (ROOT / "examples/ci/container/Containerfile").read_text()
BROKEN = {
    "genai-iac-fmt": ("kind: Compartment\nmetadata: {name: chat}", "metadata: {name: chat}\nkind: Compartment", 2),
    "genai-iac-validate": ("region: us-chicago-1", "regoin: us-chicago-1", 1),
    "genai-iac-lint": (
        "compartment: chat\n  description: chat-app may",
        "compartment: gone\n  description: chat-app may",
        1,
    ),
}


@pytest.fixture
def begun(offline: Project) -> Project:
    """A directory in which `init` was run."""
    offline.run("init")
    return offline


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_passes_what_init_writes(begun: Project, hook: str) -> None:
    program, *arguments = HOOKS[hook]["entry"].split()
    assert program == "genai-iac"
    begun.run(*arguments)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_stops_what_is_wrong(begun: Project, hook: str) -> None:
    before, after, code = BROKEN[hook]
    text = (begun.path / "stack.yaml").read_text()
    assert text.count(before) == 1
    begun.write(text.replace(before, after))
    begun.run(*HOOKS[hook]["entry"].split()[1:], code=code)


def test_hooks_are_for_manifests() -> None:
    for hook in HOOKS.values():
        assert hook["language"] == "system" and hook["pass_filenames"] is False
        assert re.search(hook["files"], "environments/prod.yaml") and re.search(hook["files"], "stack.yml")


def test_the_container_is_built_of_what_the_package_needs() -> None:
    copied = {name for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE) for name in line.split()[:-1]}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"pyproject.toml", "genai_iac", "requirements.lock", project["readme"], *project["license-files"]} == copied


def test_the_container_takes_no_package_by_name_alone() -> None:
    """Every pip line names hashes, or a file of this build and no index."""
    lines = re.findall(r"pip (install|wheel) (.*?)(?: \\)?$", CONTAINER, re.MULTILINE)
    assert len(lines) == 4
    (program,) = re.findall(r"^RUN (awk .*) > build.txt", CONTAINER, re.MULTILINE)
    build = subprocess.run(["sh", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for verb, arguments in lines:
        hashed = re.search(r"--require-hashes --requirement (\S+)$", arguments)
        if hashed:
            pinned = build if hashed[1] == "build.txt" else (ROOT / hashed[1]).read_text()
            names = re.findall(r"^(\S+)==", pinned, re.MULTILINE)
            assert "--hash=sha256:" in pinned and (
                names == ["setuptools"] if hashed[1] == "build.txt" else len(names) > 9
            )
        else:
            alone = "--no-index" if verb == "install" else "--no-build-isolation"
            assert "--no-deps" in arguments and alone in arguments
            assert arguments.split()[-1] in (".", "/wheels/*.whl")


def test_the_container_has_the_programs_of_the_jobs() -> None:
    installed = re.search(r"--no-install-recommends (.*)", CONTAINER)
    assert installed
    jobs = (ROOT / "examples/ci/gitlab/.gitlab-ci.yml").read_text()
    used = {name for name in ("curl", "git", "jq") if re.search(rf"\b{name} -", jobs)} | {"git"}
    assert used <= set(installed[1].split())


def test_the_container_runs_as_nobody_in_particular() -> None:
    last = CONTAINER.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9][0-9]+$", last, re.MULTILINE)
    assert "useradd --create-home --uid 10001" in last and "\nUSER 10001\n" in last


def test_the_interpreter_is_one_that_is_supported() -> None:
    images = re.findall(r"^FROM docker.io/library/python:3\.(\d+)-slim", CONTAINER, re.MULTILINE)
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert images and len(set(images)) == 1 and int(images[0]) >= int(oldest.rpartition(".")[2])

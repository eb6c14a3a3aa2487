"""Checkouts as they are: names that git quotes, shallow clones, umask 0000, ConfigMap mounts, other locales, no HOME, no user entry.

Reports: open-gsd/gsd-core 4081 and ruby-git/ruby-git 418 (names), DOMjudge/domjudge-packaging 137 and woodpecker-ci/plugin-git 322
(umask), stefanprodan/mgob 10 and influxdata/telegraf 3999 (ConfigMap), Azure/azure-cli 7019 and openshift/oc 474 (locale, home).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from commands.stacks import commit, git
from conftest import ROOT, Project

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: app}\nspec: {region: us-chicago-1}\n"
KEY = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
  compartment: /
  description: "Débogage – 日本語 ✓ 😀"
  secrets: [{name: one, expires: 30d}]
  deliverTo: [{file: {path: secrets/app.env}}]
"""
APPLY = ("--local", "apply", "--auto-approve")


def words(text: str) -> str:
    return " ".join(text.split())


NAMES = (
    "größe", "with space", "日本", 'q"uote', "back\\slash", "tab\tx", "new\nline", "'single'", "$(touch x)", "*", "a;b",
    "--flag", "e\u0301", "\U0001f600", "x" * 200, "trailing ", "%41", "#hash", "\x7f",
)  # fmt: skip


def stacks_named(project: Project, *names: str) -> None:
    for number, name in enumerate(names):
        project.write(STACK.replace("app", f"s{number}"), f"stacks/{name}/stack.yaml")


def listed(project: Project) -> list[str]:
    """The folders of the stacks that changed since the commit before."""
    text = project.run("stacks", "--changed-since", "HEAD~1", "--format", "json").out
    return sorted(one["path"] for one in json.loads(text)["stacks"])


def test_every_name_that_git_quotes_is_listed_as_it_is(offline: Project) -> None:
    stacks_named(offline, *NAMES)
    offline.write(STACK, "stacks/unchanged/stack.yaml")
    commit(offline.path)
    for name in NAMES:
        file = offline.path / f"stacks/{name}/stack.yaml"
        file.write_text(file.read_text() + "# changed\n")
    commit(offline.path)
    assert listed(offline) == sorted(f"stacks/{name}" for name in NAMES)
    matrix = json.loads(offline.run("stacks", "--changed-since", "HEAD~1", "--format", "matrix").out)
    assert len(matrix["include"]) == len(NAMES)
    lines = offline.run("stacks", "--changed-since", "HEAD~1").out.splitlines()
    assert len(lines) == len(NAMES), "a name with a line break is one line"


@pytest.mark.parametrize("name", NAMES)
def test_a_renamed_manifest_is_a_change(offline: Project, name: str) -> None:
    stacks_named(offline, name, "other")
    commit(offline.path)
    git(offline.path, "mv", f"stacks/{name}/stack.yaml", f"stacks/{name}/main.yaml")
    commit(offline.path)
    assert listed(offline) == [f"stacks/{name}"]


def test_names_that_are_no_utf8_are_listed(offline: Project) -> None:
    folder = os.fsencode(offline.path) + b"/stacks/caf\xe9"
    Path(os.fsdecode(folder)).mkdir(parents=True)
    Path(os.fsdecode(folder), "stack.yaml").write_text(STACK)
    commit(offline.path)
    Path(os.fsdecode(folder), "stack.yaml").write_text(STACK + "# changed\n")
    ran = offline.run("stacks", "--changed-since", "HEAD")
    assert len(ran.out.splitlines()) == 1 and "caf" in ran.out and ran.out.isascii()
    assert json.loads(offline.run("stacks", "--changed-since", "HEAD", "--format", "json").out)["stacks"]


def test_a_quoting_setting_of_git_changes_nothing(offline: Project) -> None:
    stacks_named(offline, "größe")
    commit(offline.path)
    for setting in ("core.quotePath", "status.relativePaths", "diff.noprefix", "diff.mnemonicPrefix"):
        git(offline.path, "config", setting, "true")
    offline.write(STACK + "# changed\n", "stacks/größe/stack.yaml")
    commit(offline.path)
    assert listed(offline) == ["stacks/größe"]


@pytest.mark.parametrize("how", [("--depth=1",), ("--depth=1", "--no-single-branch"), ("--shallow-exclude=first",)])
def test_the_hint_for_a_shallow_clone_is_to_fetch_its_history(
    offline: Project, tmp_path: Path, how: tuple[str, ...]
) -> None:
    stacks_named(offline, "one")
    commit(offline.path)
    git(offline.path, "tag", "first")
    for number in range(2):
        offline.write(str(number), "README.md")
        commit(offline.path)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", *how, f"file://{offline.path}", str(clone))
    reported = words(Project(clone).run("stacks", "--changed-since", "HEAD~2", code=1).err)
    assert (
        "git fetch --unshallow" in reported and "fetch-depth: 0" in reported and "Needed a single revision" in reported
    )


@pytest.fixture
def loose(tmp_path: Path) -> Project:
    """A checkout that a runner made with umask 0000."""
    project = Project(tmp_path / "checkout")
    project.write(STACK + KEY)
    return project


def loosen(project: Project, mode: int) -> None:
    for one in (project.path, *project.path.rglob("*")):
        one.chmod(mode if one.is_dir() else mode & 0o666)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_work_goes_on_in_a_checkout_that_others_may_write_to(loose: Project, mode: int) -> None:
    loosen(loose, mode)
    before = os.umask(0)
    try:
        loose.run(*APPLY)
    finally:
        os.umask(before)
    modes = {name: (loose.path / name).stat().st_mode & 0o777 for name in ("secrets", "secrets/app.env", ".genai-iac")}
    assert modes == {"secrets": 0o700, "secrets/app.env": 0o600, ".genai-iac": 0o700}
    loose.run(*APPLY)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o702])
@pytest.mark.parametrize("folder", ["secrets", "secrets/deep"])
def test_a_folder_of_secrets_that_others_may_write_to_is_refused_before_a_value_is_created(
    loose: Project, mode: int, folder: str
) -> None:
    loose.write((STACK + KEY).replace("secrets/app.env", "secrets/deep/app.env"))
    loose.write("*\n", f"{folder}/.gitignore")
    (loose.path / folder).chmod(mode)
    ran = loose.run(*APPLY, code=1)
    assert f"other users may write to {folder}" in ran.err and f"chmod go-w {folder}" in ran.err
    assert not (loose.path / "secrets/deep/app.env").exists()
    (loose.path / folder).chmod(mode & 0o755)
    loose.run(*APPLY)
    assert "CreateApiKey" not in loose.run("--local", "plan").out, "the refusal left no key behind"


def test_what_to_do_about_the_umask_is_documented_and_shipped() -> None:
    assert "umask 0000" in (ROOT / "docs/sinks.md").read_text()
    assert "FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR" in (ROOT / "examples/ci/gitlab/.gitlab-ci.yml").read_text()


def mount(folder: Path, files: dict[str, str], stamp: str = "..2026_11_28_12_00_00.1") -> None:
    """Lay files out as the kubelet mounts a ConfigMap: each a link through `..data` to a directory with the time in its name."""
    (folder / stamp).mkdir(parents=True)
    for name, text in files.items():
        (folder / stamp / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(stamp)
    (folder / "..data_tmp").rename(folder / "..data")


def test_a_config_map_is_read_once(offline: Project) -> None:
    mount(offline.path / "cm", {"stack.yaml": STACK, "key.yaml": KEY})
    assert "1 resource in 2 files" in offline.run("validate", "cm").out
    assert "1 resource in 2 files" in Project(offline.path / "cm").run("validate").out
    assert offline.run("stacks", "cm").out == "cm\tapp\n"


def test_a_config_map_that_is_updated_is_read_as_it_is_then(offline: Project) -> None:
    mount(offline.path / "cm", {"stack.yaml": STACK})
    mount(offline.path / "cm", {"stack.yaml": STACK.replace("app", "other") + KEY}, "..2026_11_29_12_00_00.2")
    assert "stack other, 1 resource in 1 file" in offline.run("validate", "cm").out


def test_a_config_map_that_is_mounted_below_is_read_once(offline: Project) -> None:
    offline.write(STACK)
    mount(offline.path / "keys", {"key.yaml": KEY})
    assert "1 resource in 2 files" in offline.run("validate").out


def test_one_file_of_a_config_map(offline: Project) -> None:
    mount(offline.path / "cm", {"stack.yaml": STACK + KEY})
    assert "1 resource in 1 file" in offline.run("validate", "cm/stack.yaml").out


@pytest.mark.parametrize(
    "joined",
    [
        f"---\n# Source: chart/templates/a.yaml\n---\n{STACK}---\n...\n---\n# end\n",
        f"# only a comment\n---\n---\n---\n{STACK}",
        f"{STACK}...\n---\nnull\n---\n~\n---\n",
        f"\n\n---\r\n{STACK}\r\n---\r\n",
    ],
)
def test_chart_output_with_empty_documents(offline: Project, joined: str) -> None:
    offline.write(joined, "all.yaml")
    assert "stack app" in offline.run("validate", "all.yaml").out


LOCALES: tuple[dict[str, str], ...] = (
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "cp1252:strict"},
    {"LC_ALL": "xx_YY.NOTHING"},
    {"LANG": "ja_JP.SJIS", "PYTHONIOENCODING": "shift_jis:strict"},
    {"PYTHONIOENCODING": "utf-16"},
)


def run_process(
    project: Project, *arguments: str, environ: Mapping[str, str] | None = None, another: bool = False
) -> subprocess.CompletedProcess[bytes]:
    command = [*(ANOTHER if another else ()), sys.executable, "-m", "genai_iac", *arguments]
    around = {**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})}
    return subprocess.run(command, cwd=project.path, env=around, capture_output=True, timeout=300, check=False)


@pytest.mark.parametrize("environ", LOCALES, ids=lambda environ: " ".join(environ.values()))
def test_no_locale_breaks_a_file_or_ends_in_a_traceback(offline: Project, environ: dict[str, str]) -> None:
    offline.write(STACK + KEY)
    plan = ("--local", "plan", "--out", "markdown=p.md", "--out", "json=p.json")
    ran = run_process(offline, *plan, environ=environ)
    assert ran.returncode == 0 and b"Traceback" not in ran.stderr and b"defect" not in ran.stderr, ran.stderr
    assert "日本語" in (offline.path / "p.md").read_text(encoding="utf-8")
    assert json.loads((offline.path / "p.json").read_text(encoding="utf-8"))
    ran = run_process(offline, "--local", "plan", "--format", "json", environ=environ)
    if "utf-16" not in environ.values():  # who asks for UTF-16 gets it
        assert json.loads(ran.stdout.decode("utf-8"))
    ran = run_process(offline, "validate", "größe", environ=environ)
    assert ran.returncode == 1 and b"Traceback" not in ran.stderr and b"defect" not in ran.stderr


def test_without_a_home(offline: Project) -> None:
    offline.write(STACK + KEY)
    for home in ("", "/no/such/home", "relative"):
        assert run_process(offline, "--local", "plan", environ={"HOME": home}).returncode == 0
    ran = run_process(offline, "plan", environ={"HOME": ""})
    assert ran.returncode == 1 and b"Traceback" not in ran.stderr and b".oci/config" in ran.stderr


# another user, who may read what root may: the Python that runs the tests may lie in root's home
ANOTHER = (
    *("setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--no-new-privs"),
)


@pytest.fixture
def foreign() -> Iterator[Project]:
    """A checkout where everybody gets to, and a machine on which a process can run without an entry in the user database."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become another user")
    with TemporaryDirectory(prefix="genai-iac-reports-") as made:
        project = Project(Path(made).resolve())
        project.write(STACK + KEY)
        project.path.chmod(0o755)
        probe = [*ANOTHER, sys.executable, "-c", "import genai_iac, oci"]
        if subprocess.run(probe, cwd="/", check=False, capture_output=True).returncode:
            pytest.skip("another user cannot run this Python")
        yield project


@pytest.mark.parametrize("home", ["/", "/no/such/home", None])
def test_a_user_without_an_entry(foreign: Project, home: str | None) -> None:
    for one in (foreign.path, *foreign.path.rglob("*")):
        os.chown(one, 54321, 54321)
    environ = {"HOME": home} if home else {}
    ran = run_process(foreign, *APPLY, environ=environ, another=True)
    assert ran.returncode == 0, ran.stderr
    ran = run_process(foreign, "plan", environ=environ, another=True)
    assert ran.returncode == 1 and b"Traceback" not in ran.stderr and b"defect" not in ran.stderr


def test_a_checkout_that_cannot_be_written_says_what_and_why(foreign: Project) -> None:
    foreign.write((STACK + KEY).replace("  ", "    "))  # for fmt to have something to do
    assert run_process(foreign, "validate", another=True).returncode == 0
    for verb in (("--local", "plan"), APPLY, ("schema", "--out", "schemas"), ("init", "new"), ("fmt", ".")):
        ran = run_process(foreign, *verb, another=True)
        text = ran.stderr.decode()
        assert ran.returncode == 1 and "Permission denied" in text, (verb, text)
        assert "Traceback" not in text and "defect" not in text

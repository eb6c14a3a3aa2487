"""Shell blocks that call Oracle's own command line: each works as it stands, against the local emulator.

`oci-cli` needs other versions of this project's dependencies, so it has an environment of its own: name its executable in
GENAI_IAC_TEST_OCI_CLI, or have `oci` on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Project, Tenancy
from plan_apply.manifests import compartment, key, stack
from vault_sink.vault_setups import built_in

from documentation.pages import BIN
from documentation.test_walk import free_port
from genai_iac.emulator import shell_exports

CLI = os.environ.get("GENAI_IAC_TEST_OCI_CLI") or shutil.which("oci")
needs_oci = pytest.mark.skipif(
    CLI is None or shutil.which("jq") is None,
    reason="needs oci-cli and jq: name oci-cli's executable in GENAI_IAC_TEST_OCI_CLI, or have `oci` on the PATH",
)
STOP = "trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT\n"
OPEN = 'open() { curl --fail --silent --show-error --output page.html "$1"; }\n'  # a browser
# what a person does in the first of two terminals, and waits for
SERVE = re.compile(r"^(genai-iac local serve .*)$", re.MULTILINE)
UNTIL_UP = "until curl --silent --output answer http://127.0.0.1:4180/; do sleep 0.1; kill -0 $!; done"

Shell = Callable[..., str]


def oci_blocks() -> dict[str, list[str]]:
    """By page: the shell blocks with a command of `oci`, as scripts."""
    found: dict[str, list[str]] = {}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for text in re.findall(r"^```(?:sh|console)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
            script = re.sub(r"^\$ ", "", text, flags=re.MULTILINE)
            if re.search(r"(^|[(|]\s*)oci ", script, re.MULTILINE):
                found.setdefault(page.relative_to(ROOT / "docs").as_posix(), []).append(script)
    return found


@pytest.fixture
def shell(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Runs a script in bash, with genai-iac and oci in PATH; what it prints on standard output."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "oci").symlink_to(str(CLI))
    path = os.pathsep.join([str(programs), str(BIN), os.environ["PATH"]])

    def run(script: str, **environ: str) -> str:
        command = ["bash", "-euo", "pipefail", "-c", STOP + OPEN + script]
        environment = {**os.environ, **environ, "PATH": path}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
        assert ran.returncode == 0 and "Error" not in ran.stderr, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    return run


def test_these_are_all() -> None:
    """A page with another one needs a test of it here."""
    assert {page: len(blocks) for page, blocks in oci_blocks().items()} == {"local-tenancy.md": 2, "sinks.md": 1}


@needs_oci
@pytest.mark.matrix
def test_the_emulator_is_started_and_used(shell: Shell, tmp_path: Path) -> None:
    script, _ = oci_blocks()["local-tenancy.md"]
    script, servers = SERVE.subn(rf"\1 > served 2>&1 &\n{UNTIL_UP}", script)
    listing = "oci iam compartment list"
    assert servers == 1 and listing in script
    # a new tenancy has no compartment but the root, and then the command prints nothing
    shown = shell(script.replace(listing, f"{listing} --include-root").replace("4180", str(free_port())))
    assert '"name": "local"' in shown and "<html" in (tmp_path / "page.html").read_text()


@needs_oci
@pytest.mark.matrix
@pytest.mark.regions("eu-frankfurt-1")
def test_a_command_goes_to_another_region(shell: Shell, tenancy: Tenancy) -> None:
    _, script = oci_blocks()["local-tenancy.md"]
    exporting, *commands = script.splitlines()
    assert exporting == 'eval "$(genai-iac local env --region us-chicago-1)"' and len(commands) == 3
    # this tenancy is in memory: its exports are those that `local env --region` prints of a file
    tenancy.forget_calls()
    exports = shell_exports(tenancy.url, tenancy.config_file, "us-chicago-1")
    shell("\n".join(commands).replace("OCID", tenancy.tenancy), **exports)
    asked = [(call["operation"], call["region"], call["status"]) for call in tenancy.calls()]
    assert asked == [
        ("ListApiKeys", "us-chicago-1", 200),
        ("ListApiKeys", "eu-frankfurt-1", 200),
        ("CreateCompartment", tenancy.control("GET", "health")["homeRegion"], 200),
    ]


@needs_oci
@pytest.mark.matrix
def test_a_consumer_reads_the_value_of_a_vault_secret(shell: Shell, tenancy: Tenancy, project: Project) -> None:
    section = (ROOT / "docs/sinks.md").read_text().partition("\n## vault\n")[2]
    there, example = built_in(tenancy), re.search(r"```yaml\n(.*?)```", section, re.DOTALL)
    assert example
    (script,), text = oci_blocks()["sinks.md"], example[1]
    for kind in ("vault", "key"):
        placeholder = f"ocid1.{kind}.oc1.us-chicago-1.example"
        text, script = text.replace(placeholder, there[kind]), script.replace(placeholder, there[kind])
    written: dict[str, Any] = yaml.safe_load(text)
    project.write(stack(compartment("chat"), key("chat-app", compartment="chat", **written)))
    project.run("apply", "--auto-approve")
    shown = shell(script, **shell_exports(tenancy.url, tenancy.config_file, "us-chicago-1"))
    assert re.fullmatch(r"sk-\w+\n", shown)

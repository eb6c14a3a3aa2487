"""Every example: applied, planned again, used by an unchanged OpenAI client, destroyed; what is not ours stays."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import oci
import openai
import pytest
from conftest import ROOT, Project, Tenancy

from genai_iac.emulator import running

from .curl_lines import MESSAGES, assert_serves, client, read_dotenv
from .sdk_helpers import REGION, apply_exactly, assert_settled, compartments, keys, plan, planned_calls, policies

RUNS = [("quickstart", ()), ("team", ("--env", "dev")), ("team", ("--env", "prod"))]
DESTROY = ("--local", "destroy", "--auto-approve", "--accept-outage", "ApiKey/chat-app")
REGIONS = (REGION, "eu-frankfurt-1")


@pytest.fixture
def examples(project: Project) -> Project:
    shutil.copytree(ROOT / "examples", project.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("secrets"))
    return project


def test_no_example_is_left_out() -> None:
    """Every folder with manifests; `ci` holds workflows, `kustomize` an overlay (test_kustomize.py), `sink-package` a sink
    (tests/sinks/test_sink_package.py)."""
    stacks = {path.parent.name for path in (ROOT / "examples").glob("*/stack.yaml")}
    assert {example for example, _ in RUNS} == stacks
    assert {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()} == stacks | {
        "ci",
        "kustomize",
        "sink-package",
    }


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize(("example", "flags"), RUNS)
def test_applied_planned_again_and_destroyed(
    examples: Project, tenancy: Tenancy, example: str, flags: tuple[str, ...]
) -> None:
    foreign = make_foreign(tenancy)
    apply_exactly(examples, tenancy, *flags, example)
    assert examples.run("plan", "--detailed-exitcode", *flags, example).out.endswith("No changes.\n")
    destroy(examples, *flags, example)
    assert holdings(tenancy) == foreign


@pytest.mark.regions("eu-frankfurt-1")
def test_two_environments_share_a_tenancy(examples: Project, tenancy: Tenancy) -> None:
    foreign = make_foreign(tenancy)
    apply_exactly(examples, tenancy, "--env", "dev", "team")
    dev = holdings(tenancy)
    apply_exactly(examples, tenancy, "--env", "prod", "team")
    assert_settled(examples, "--env", "dev", "team")
    destroy(examples, "--env", "prod", "team")
    assert holdings(tenancy) == dev
    destroy(examples, "--env", "dev", "team")
    assert holdings(tenancy) == foreign


def destroy(examples: Project, *arguments: str) -> None:
    """Everything goes, and says so."""
    assert "0 changed, " in examples.run("destroy", "--auto-approve", *arguments).out
    assert examples.run("destroy", "--auto-approve", *arguments).out.endswith("No changes.\n")


def make_foreign(tenancy: Tenancy) -> dict[str, object]:
    """Things that are not ours, some under the very names the examples use further down; answers everything there is."""
    identity = tenancy.client("identity")
    details = oci.identity.models.CreateCompartmentDetails(
        compartment_id=tenancy.tenancy, name="someone", description="Not ours", freeform_tags={"genai-iac": "no mark"}
    )
    other = identity.create_compartment(details).data.id
    identity.get_compartment(other)
    identity.create_policy(
        oci.identity.models.CreatePolicyDetails(
            compartment_id=tenancy.tenancy,
            name="somebody",
            description="Not ours",
            statements=["allow any-user to inspect tenancies in tenancy"],
        )
    )
    for region in REGIONS:
        tenancy.client("generative_ai", region).create_api_key(
            oci.generative_ai.models.CreateApiKeyDetails(
                compartment_id=other,
                display_name="chat-app",
                key_details=[{"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}],
            )
        )
    return holdings(tenancy)


def holdings(tenancy: Tenancy) -> dict[str, object]:
    """Everything in the tenancy, as data."""
    found = {**compartments(tenancy), **policies(tenancy), **keys(tenancy, *REGIONS)}
    return {id: oci.util.to_dict(one) for id, one in found.items()}


@pytest.mark.parametrize("prefix", ["/20231130/actions/v1", "/openai/v1"])
def test_the_delivered_file_opens_the_endpoint(examples: Project, tenancy: Tenancy, prefix: str) -> None:
    examples.run("apply", "--auto-approve", "quickstart")
    given = read_dotenv(examples.path / "quickstart/secrets/chat-app.env")
    assert given["OPENAI_BASE_URL"] == f"{tenancy.url}/r/{REGION}/20231130/actions/v1"
    url = given["OPENAI_BASE_URL"].replace("/20231130/actions/v1", prefix)
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_STANDBY"):
        assert_serves(url, given[name])
    with client(url, given["OPENAI_API_KEY"]) as refused, pytest.raises(openai.AuthenticationError):
        refused.chat.completions.create(model="openai.gpt-oss-20b", messages=MESSAGES)


def test_the_policy_is_what_admits_the_key(examples: Project, tenancy: Tenancy) -> None:
    examples.run("apply", "--auto-approve", "quickstart")
    given = read_dotenv(examples.path / "quickstart/secrets/chat-app.env")
    assert_serves(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    manifest = examples.path / "quickstart/stack.yaml"
    whole = manifest.read_text()
    manifest.write_text(whole[: whole.rindex("---\n", 0, whole.index("kind: Policy"))])
    assert planned_calls(plan(examples, "quickstart")) == {"DeletePolicy": 1}
    examples.run("apply", "--auto-approve", "quickstart", code=3)  # the key was used a moment ago
    examples.run("apply", "--auto-approve", "--accept-outage", "ApiKey/chat-app", "quickstart")
    with client(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"]) as refused:
        with pytest.raises(openai.AuthenticationError):
            refused.chat.completions.create(model="openai.gpt-oss-120b", messages=MESSAGES)
        with pytest.raises(openai.AuthenticationError):
            refused.responses.create(model="openai.gpt-oss-120b", input="Hello")
    manifest.write_text(whole)
    examples.run("apply", "--auto-approve", "quickstart")
    assert_serves(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])


def test_the_delivered_file_outlives_the_server(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/quickstart", tmp_path / "quickstart")
    db, port = tmp_path / "tenancy/local.db", free_port()
    db.parent.mkdir()
    with running(db, port) as server:
        tool = {"GENAI_IAC_ENDPOINT": server.url, "GENAI_IAC_CONFIG_FILE": str(server.config_file)}
        project = Project(tmp_path, tool)
        project.run("apply", "--auto-approve", "quickstart")
        given = read_dotenv(tmp_path / "quickstart/secrets/chat-app.env")
        assert_serves(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    with running(db, port):
        assert_serves(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
        assert_settled(project, "quickstart")
        project.run("destroy", "--auto-approve", "--accept-outage", "ApiKey/chat-app", "quickstart")
        with (
            client(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"]) as gone,
            pytest.raises(openai.AuthenticationError),
        ):
            gone.responses.create(model="openai.gpt-oss-120b", input="Hello")


def test_the_local_flag_keeps_a_tenancy_between_runs(offline: Project) -> None:
    shutil.copytree(ROOT / "examples/quickstart", offline.path / "quickstart")
    assert "Call a model" in offline.run("--local", "apply", "--auto-approve", "quickstart").out
    assert "No changes." in offline.run("--local", "plan", "quickstart").out
    assert (offline.path / ".genai-iac").stat().st_mode & 0o777 == 0o700
    given = read_dotenv(offline.path / "quickstart/secrets/chat-app.env")
    with running(offline.path / ".genai-iac/local.db") as served:
        assert_serves(f"{served.url}/r/{REGION}/20231130/actions/v1", given["OPENAI_API_KEY"])
    assert "3 destroyed" in offline.run(*DESTROY, "quickstart").out


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

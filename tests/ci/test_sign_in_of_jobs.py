"""Jobs that store no OCI key: GitHub's and GitLab's own tokens are exchanged, an OCI DevOps build is a resource principal."""

from __future__ import annotations

import configparser
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from plan_apply.test_token_exchange import CLIENT_SECRET, ISSUER, github, make_jwt

from .repository import Hosted
from .shell import Ended, run_script
from .test_gitlab_jobs import JOBS, Project

BUILD_SPEC = yaml.safe_load((ROOT / "examples/ci/oci-devops/build_spec.yaml").read_text())
KEY = generate_private_key(public_exponent=65537, key_size=2048)
SUBJECT = "repo:acme/access:environment:genai-iac-apply"


@pytest.fixture
def trusting(hosted: Hosted) -> Hosted:
    """The tenancy trusts the issuer of the jobs' tokens."""
    hosted.tenancy.control("POST", "principals", {"name": "ci", "groups": ["Administrators"]})
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    rules = [{"rule": "sub eq repo:acme/access:environment:*", "principal": "ci"}]
    trust = {"clientId": "app", "clientSecret": CLIENT_SECRET, "issuer": ISSUER, "publicKey": pem, "rules": rules}
    hosted.tenancy.control("POST", "trusts", trust)
    hosted.tenancy.forget_calls()
    return hosted


def test_github_jobs_sign_in_with_their_own_token(trusting: Hosted) -> None:
    hosted, runner = trusting, trusting.runner
    runner.secrets = {name: {"OCI_CLIENT_SECRET": CLIENT_SECRET} for name in runner.secrets}
    runner.variables = {
        "GENAI_IAC_AUTH": "token_exchange",
        "GENAI_IAC_DOMAIN_URL": hosted.tenancy.url,
        "GENAI_IAC_CLIENT_ID": "app",
    }
    hosted.edit("Chat workloads", "Chat")
    from commands.stacks import commit

    commit(hosted.project.path)
    with github(make_jwt(KEY, sub=SUBJECT)) as url:
        runner.token_source = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token"}
        run = hosted.push()
    assert run.result == "success", run.log
    assert {call["principal"] for call in hosted.tenancy.calls() if call["operation"] != "ExchangeToken"} == {"ci"}
    assert [name for name in hosted.tenancy.writes() if name != "ExchangeToken"] == ["UpdateCompartment"]
    homes = list(runner.folder.rglob(".oci/*"))
    assert {file.name for file in homes} == {"client-secret"} and {file.stat().st_mode & 0o777 for file in homes} == {
        0o600
    }


def test_gitlab_jobs_sign_in_with_their_own_token(trusting: Hosted, tmp_path: Path) -> None:
    signing_in = [
        name for name, job in JOBS.items() if isinstance(job, dict) and "OCI_CONFIG_" in str(job.get("script"))
    ]
    assert {JOBS[name]["extends"] for name in signing_in} == {".sign in", ".scheduled"}
    (variable,) = JOBS[".sign in"]["id_tokens"]
    secret = tmp_path / "client-secret"
    secret.write_text(CLIENT_SECRET)
    variables: dict[str, Any] = JOBS["variables"]
    keyless = {
        "GENAI_IAC_AUTH": variables["GENAI_IAC_AUTH"],
        "GENAI_IAC_CLIENT_SECRET_FILE": variables["GENAI_IAC_CLIENT_SECRET_FILE"].replace(
            "$OCI_CLIENT_SECRET", str(secret)
        ),
        "GENAI_IAC_DOMAIN_URL": trusting.tenancy.url,
        "GENAI_IAC_CLIENT_ID": "app",
        variable: make_jwt(KEY, sub=SUBJECT),
    }
    gitlab = Project(trusting, tmp_path / "jobs")
    trusting.edit("Chat workloads", "Chat")
    for name in ("plan", "apply"):
        ended = gitlab.run(name, **keyless)
        assert ended.code == 0, ended.log
    assert "UpdateCompartment" in trusting.tenancy.writes()


def build(hosted: Hosted, place: Path, **given: str) -> tuple[Ended, dict[str, str]]:
    """Run the steps of the build in one directory, as a resource principal; what the last step that ran exported."""
    parser = configparser.ConfigParser(default_section="", interpolation=None)
    parser.read(hosted.tenancy.config_file)
    profile = parser["builder"]
    shutil.copytree(hosted.project.path, place / "workspace", ignore=shutil.ignore_patterns(".git"))
    environ = {
        "PATH": f"{hosted.runner.folder / 'bin'}:/usr/bin:/bin",
        "HOME": str(place),
        "GENAI_IAC_ENDPOINT": hosted.tenancy.url,
        "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
        "OCI_RESOURCE_PRINCIPAL_RPST": profile["security_token_file"],
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": profile["key_file"],
        "OCI_RESOURCE_PRINCIPAL_REGION": "us-ashburn-1",
        **BUILD_SPEC["env"]["variables"],
        "PYTHON": "python",
        **given,
    }
    script = "\n".join(step["command"] for step in BUILD_SPEC["steps"])
    exported = "".join(f'\nprintf "%s" "${name}" > ../{name}' for name in BUILD_SPEC["env"]["exportedVariables"])
    ended = run_script(script + exported, ("-e",), place / "workspace", environ)
    files = {name: place / name for name in BUILD_SPEC["env"]["exportedVariables"]}
    return ended, {name: file.read_text() for name, file in files.items() if file.exists()}


def test_an_oci_devops_build_plans_and_applies_as_a_resource_principal(hosted: Hosted, tmp_path: Path) -> None:
    hosted.tenancy.control("POST", "principals", {"name": "builder", "groups": ["Administrators"], "session": True})
    hosted.edit("Chat workloads", "Chat")
    planned, exported = build(hosted, tmp_path / "plan", STACK="chat")
    assert planned.code == 0, planned.log
    assert hosted.tenancy.writes() == []
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", exported["PLAN_FINGERPRINT"])
    said = json.loads((tmp_path / "plan/workspace/plan.json").read_text())
    assert said["fingerprint"] == exported["PLAN_FINGERPRINT"]
    applied, _ = build(hosted, tmp_path / "apply", STACK="chat", APPROVED=exported["PLAN_FINGERPRINT"])
    assert applied.code == 0, applied.log
    assert hosted.tenancy.writes() == ["UpdateCompartment"]

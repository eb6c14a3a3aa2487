"""Oracle's own command line, unchanged, with nothing but the exported environment.

It needs other versions of this project's dependencies, so it has an environment of its own: name its executable in
GENAI_IAC_TEST_OCI_CLI, or have `oci` on the PATH."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from genai_iac.emulator import running, shell_exports

from .clients import CHAT_ANY, CHICAGO, Clients, holds

CLI = os.environ.get("GENAI_IAC_TEST_OCI_CLI") or shutil.which("oci")
pytestmark = pytest.mark.skipif(CLI is None, reason="oci-cli is not installed; see this file's first lines")

Oci = Callable[..., Any]


@pytest.fixture(scope="module")
def oci() -> Iterator[Oci]:
    """Runs a command against a tenancy; its JSON, or the ServiceError it printed."""
    with running() as tenancy:
        environment = {**os.environ, **shell_exports(tenancy.url, tenancy.config_file), "TENANCY": tenancy.tenancy}

        def run(*arguments: str) -> Any:
            command = [str(CLI), *(tenancy.tenancy if item == "ROOT" else item for item in arguments)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
            if "ServiceError" in done.stderr:
                return json.loads(done.stderr.partition("ServiceError:\n")[2])
            assert done.returncode == 0, done.stderr
            assert "Warning" not in done.stderr, done.stderr
            return json.loads(done.stdout) if done.stdout.strip() else None

        yield run


@holds("9.12", "P07", "P09")
def test_a_compartment_a_policy_and_a_key_come_and_go(oci: Oci) -> None:
    made = oci(
        "iam",
        "compartment",
        "create",
        "-c",
        "ROOT",
        "--name",
        "cli",
        "--description",
        "d",
        "--wait-for-state",
        "ACTIVE",
    )["data"]
    assert made["lifecycle-state"] == "ACTIVE"
    listed = oci("iam", "compartment", "list", "--include-root", "--all")["data"]
    assert {item["name"] for item in listed} == {"local", "cli"}

    details = json.dumps([{"keyName": "one", "timeExpiry": "2099-01-01T00:00:00Z"}])
    key = oci(
        "generative-ai",
        "api-key",
        "create",
        "--compartment-id",
        made["id"],
        "--display-name",
        "k",
        "--key-details",
        details,
    )["data"]
    assert key["keys"][0]["key"].startswith("sk-")
    found = oci("generative-ai", "api-key-collection", "list-api-keys", "-c", made["id"])["data"]["items"]
    assert [item["id"] for item in found] == [key["id"]]
    renewal = json.dumps({"keyName": "one", "timeExpiry": "2098-01-01T00:00:00Z"})
    renewed = oci("generative-ai", "api-key", "renew", "--api-key-id", key["id"], "--details", renewal)["data"]
    assert renewed["keys"][0]["key"] != key["keys"][0]["key"]

    policy = oci(
        "iam",
        "policy",
        "create",
        "-c",
        "ROOT",
        "--name",
        "p",
        "--description",
        "d",
        "--statements",
        json.dumps([CHAT_ANY]),
    )
    ocid = policy["data"]["id"]
    refused = oci(
        "iam", "policy", "update", "--policy-id", ocid, "--description", "x", "--if-match", "stale", "--force"
    )
    assert (refused["status"], refused["code"]) == (412, "NoEtagMatch")
    updated = oci(
        "iam", "policy", "update", "--policy-id", ocid, "--statements", json.dumps([CHAT_ANY]), "--version-date", "",
        "--if-match", policy["etag"], "--force",
    )  # fmt: skip
    assert updated["data"]["statements"] == [CHAT_ANY]
    oci("generative-ai", "api-key", "delete", "--api-key-id", key["id"], "--force")
    gone = oci("iam", "compartment", "delete", "-c", made["id"], "--force", "--wait-for-state", "SUCCEEDED")
    assert gone["data"]["status"] == "SUCCEEDED"


def test_the_exported_region_is_the_one_that_commands_reach() -> None:
    """`--region` of oci-cli changes no endpoint that it is given; `local env --region` and `--endpoint` do."""
    with running() as tenancy:
        made = Clients(tenancy).key(tenancy.tenancy)
        exports = shell_exports(tenancy.url, tenancy.config_file, CHICAGO)
        listing = ("generative-ai", "api-key-collection", "list-api-keys", "-c", tenancy.tenancy)
        elsewhere = f"{tenancy.url}/r/eu-frankfurt-1"
        for flags, expected in (((), [made.id]), (("--endpoint", elsewhere), [])):
            done = subprocess.run(
                [str(CLI), *flags, *listing], env={**os.environ, **exports}, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stderr
            found = json.loads(done.stdout)["data"]["items"] if done.stdout.strip() else []
            assert [item["id"] for item in found] == expected

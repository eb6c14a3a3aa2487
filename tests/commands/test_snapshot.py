"""A plan made on a snapshot is the plan made at that time, with no credentials, no network and no SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Project, Tenancy
from plan_apply.sdk_helpers import client

from .stacks import STACK, edited

ALONE = {"GENAI_IAC_ENDPOINT": "", "GENAI_IAC_CONFIG_FILE": "/nonexistent", "OCI_CLI_CONFIG_FILE": "/nonexistent"}
EDITS = {
    "nothing": STACK,
    "a description": edited("Chat workloads", "Chat"),
    "an expiry": edited("expires: 90d", "expires: 2030-01-01T00:00:00Z"),
    "a statement that has to be compared": edited("read generative-ai-family", "use generative-ai-family"),
    "a statement in other words": edited("allow group readers to", "Allow  group READERS to"),
    "a key more": STACK
    + "---\n"
    + STACK.split("---\n")[2].replace("name: app", "name: other").replace("app.env", "other.env"),
    "a policy less": STACK.rpartition("---\n")[0],
    "another stack": edited("{name: chat}\nspec:\n  region", "{name: talk}\nspec:\n  region")
    .replace("  description: Chat w", "  name: talk\n  description: Chat w")
    .replace("in compartment chat", "in compartment talk")
    .replace("app.env", "talk.env")
    .replace("name: access", "name: talk-access"),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_plan_is_the_live_one(applied: Project, edit: str, form: str) -> None:
    applied.run("snapshot", "--out", "snapshot.json")
    applied.write(EDITS[edit])
    arguments = ("plan", "--format", form)
    live = applied.run(*arguments).out
    offline = Project(applied.path, ALONE).run(*arguments, "--snapshot", "snapshot.json").out
    if edit == "an expiry":  # a snapshot does not say what the sinks hold
        live = live.replace("still in file", "perhaps still in file")
        if form == "json":
            assert _without_losses(offline) == _without_losses(live)
            return
    assert offline == live


def _without_losses(text: str) -> dict[str, Any]:
    """The plan, fingerprints included, without what only a look into the sinks tells."""
    document: dict[str, Any] = json.loads(text)
    del document["digest"]
    for change in document["changes"]:
        del change["losses"]
    return document


def test_it_needs_neither_network_nor_sdk(applied: Project) -> None:
    applied.run("snapshot", "--out", "snapshot.json")
    (applied.path / "home").mkdir()
    program = (
        "import socket, sys\n"
        "def refuse(*arguments, **named): raise AssertionError('a connection')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from genai_iac.cli import main\n"
        "try: main(['plan', '--snapshot', 'snapshot.json'])\n"
        "finally: print('sdk' if 'oci' in sys.modules else 'no sdk')\n"
    )
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(applied.path / "home"), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], cwd=applied.path, env=environ, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout.splitlines()[-2:]) == (0, ["No changes.", "no sdk"]), ran.stderr


def test_no_secret_and_no_mask_is_in_it(applied: Project, tenancy: Tenancy) -> None:
    applied.run("snapshot", "--out", "snapshot.json")
    text = (applied.path / "snapshot.json").read_text()
    values = [
        line.partition("=")[2].strip("'\"") for line in (applied.path / "secrets/app.env").read_text().splitlines()
    ]
    secrets = [value for value in values if value.startswith("sk-")]
    assert secrets
    rows = client(tenancy, "generative_ai", "us-chicago-1").list_api_keys(_place(applied)).data.items
    masks = [item.key_mask for key in rows for item in key.keys]
    assert masks
    assert [one for one in (*secrets, *masks) if one in text] == []


def test_of_strangers_only_what_a_plan_may_need_is_in_it(applied: Project, tenancy: Tenancy) -> None:
    import oci

    details = oci.identity.models.CreateCompartmentDetails(
        compartment_id=tenancy.tenancy, name="theirs", description="what nobody needs to know", freeform_tags={"a": "b"}
    )
    client(tenancy, "identity").create_compartment(details)
    snapshot = json.loads(applied.run("snapshot", "--out", "-").out)
    (stranger,) = [row for row in snapshot["resources"] if row["name"] == "theirs"]
    assert (stranger["attributes"], stranger["tags"]) == ({"compartmentId": tenancy.tenancy, "name": "theirs"}, {})


def test_what_it_did_not_look_into_is_said(applied: Project, tenancy: Tenancy) -> None:
    import oci

    details = oci.identity.models.CreateCompartmentDetails(
        compartment_id=tenancy.tenancy, name="theirs", description="x"
    )
    client(tenancy, "identity").create_compartment(details)
    applied.run("snapshot", "--out", "snapshot.json")
    applied.write(
        edited("  compartment: chat\n  description: app", "  compartment: /theirs\n  description: app")
        .replace("in compartment chat", "in compartment theirs")
        .replace("  grants:\n    - {apiKey: app, apis: [chat]}\n", "")
    )
    out = " ".join(applied.run("plan", "--snapshot", "snapshot.json").out.split())
    assert "the snapshot did not look into the compartment /theirs: what is there already is not known" in out
    applied.run("snapshot", "--full-scan", "--out", "snapshot.json")
    assert "did not look into" not in applied.run("plan", "--snapshot", "snapshot.json").out


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"format": "genai-iac snapshot"}', "\0"])
def test_what_is_no_snapshot_is_refused(offline: Project, damage: str) -> None:
    offline.write(STACK)
    offline.write(damage, "snapshot.json")
    assert (
        "--snapshot snapshot.json is not a snapshot" in offline.run("plan", "--snapshot", "snapshot.json", code=1).err
    )


def test_another_version_is_refused(applied: Project) -> None:
    text = applied.run("snapshot", "--out", "-").out
    applied.write(text.replace('"format_version": "1.0"', '"format_version": "2.0"'), "snapshot.json")
    assert "version 2.0" in applied.run("plan", "--snapshot", "snapshot.json", code=1).err


def test_another_tenancy_than_the_pinned_one_is_refused(applied: Project) -> None:
    applied.run("snapshot", "--out", "snapshot.json")
    applied.write(edited("  region: us", "  tenancy: ocid1.tenancy.oc1..another\n  region: us"))
    assert "the snapshot is of" in " ".join(applied.run("plan", "--snapshot", "snapshot.json", code=3).err.split())


def test_it_makes_no_saved_plan(applied: Project) -> None:
    applied.run("snapshot", "--out", "snapshot.json")
    assert "for reading" in applied.run("plan", "--snapshot", "snapshot.json", "--out", "saved", code=1).err
    assert not (applied.path / "saved").exists()


def _place(project: Project) -> str:
    rows = json.loads(project.run("snapshot", "--out", "-").out)["resources"]
    return str(next(row["id"] for row in rows if row["kind"] == "Compartment" and row["name"] == "chat"))


def test_the_same_reading_is_the_same_file(applied: Project, tenancy: Tenancy, tmp_path: Path) -> None:
    first, second = (json.loads(applied.run("snapshot", "--out", "-").out) for _ in range(2))
    assert {**first, "now": None} == {**second, "now": None}
    assert tenancy.writes() == []


def test_a_newer_minor_version_with_more_in_it_is_read() -> None:
    import json

    secret = {"name": "one", "state": "active", "created": None, "expires": None, "last_used": None, "colour": "red"}
    row = {"kind": "ApiKey", "id": "ocid1.key", "attributes": {}, "compartment": "t", "name": "k", "region": "us-chicago-1",
           "lifecycle": "ACTIVE", "tags": {}, "created": None, "secrets": [secret], "weight": 3}  # fmt: skip
    document = {"format": "genai-iac snapshot", "format_version": "1.7", "tenancy": "t", "home_region": "us-ashburn-1",
                "now": "2026-11-28T00:00:00+00:00", "regions": [], "places": [], "groups": None, "dynamic_groups": None,
                "extra": 1, "resources": [row, {**row, "kind": "Novelty"}]}  # fmt: skip
    from genai_iac.import_export.snapshot import read_snapshot

    read = read_snapshot(json.dumps(document).encode())
    assert [one.kind for one in read.resources] == ["ApiKey"] and read.resources[0].secrets[0].name == "one"


@pytest.mark.parametrize(("taken", "noted"), [("2026-01-02T03:04:05Z", True), ("2999-01-01T00:00:00Z", False)])
def test_a_plan_on_an_old_snapshot_says_when_it_was_taken(offline: Project, taken: str, noted: bool) -> None:
    offline.write("apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n")
    lists: dict[str, Any] = {"regions": [], "places": [], "resources": []}
    about = {"format": "genai-iac snapshot", "format_version": "1.0", "home_region": "us-chicago-1", "now": taken}
    offline.write(json.dumps({**about, **lists, "tenancy": "ocid1.tenancy.oc1..aaaa"}), "snapshot.json")
    for form in ("text", "json", "markdown"):
        said = offline.run("plan", "--snapshot", "snapshot.json", "--format", form).out
        assert (f"the snapshot was taken at {taken}" in said) is noted


def test_hints_about_input_files_are_commands_that_help(offline: Project) -> None:
    """What was given in place of a saved plan is no PATH of manifests, and a snapshot is not written to a dash."""
    offline.write("{}", "plan.json")
    assert "next: make it again: genai-iac plan --out FILE\n" in offline.run("apply", "plan.json", code=1).err
    assert "genai-iac snapshot --out FILE\n" in offline.run("plan", "--snapshot", "-", code=1).err

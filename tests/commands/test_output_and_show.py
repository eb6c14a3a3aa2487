"""`output` and `show`: what other tools and people need of resources, and never a secret."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Project

from .stacks import STACK, edited

SECRET = re.compile(r"OPENAI_API_KEY='?([^'\n]+)")


def values_in_sink(project: Project) -> list[str]:
    return SECRET.findall((project.path / "secrets/app.env").read_text())


@pytest.mark.parametrize("form", ["text", "json", "env"])
def test_every_format_has_the_ocid_and_no_secret(applied: Project, form: str) -> None:
    ran = applied.run("output", "--format", form)
    assert "ocid1.generativeaiapikey." in ran.out
    assert "/20231130/actions/v1" in ran.out
    values = values_in_sink(applied)
    assert values
    assert not any(value in ran.out for value in values)


@pytest.mark.parametrize("endpoint", ["actions/v1", "openai/v1"])
def test_the_base_url_is_the_one_that_is_delivered(project: Project, endpoint: str) -> None:
    key_alone = STACK.partition("---\napiVersion: genai-iac/v1\nkind: Policy")[0]
    project.write(edited("  description: The app's", f"  description: The app's\n  endpoint: {endpoint}", key_alone))
    project.run("apply", "--auto-approve")
    delivered = re.findall(r"^OPENAI_BASE_URL=(\S+)", (project.path / "secrets/app.env").read_text(), re.MULTILINE)
    assert [project.run("output", "ApiKey/app.baseUrl").out.strip()] == delivered
    assert project.run("show", "ApiKey/app", "-o", "json").json["baseUrl"] == delivered[0]


def test_a_name_that_is_no_address_is_not_taken_for_the_path(offline: Project) -> None:
    told = offline.run("output", "app", "prod", code=1).err
    assert "'app' is not an address" in told and "next: write Kind/name" in told


def test_json_has_sinks_masks_and_roles(applied: Project) -> None:
    document = applied.run("output", "-o", "json").json
    key = document["outputs"]["ApiKey/app"]
    assert document["format_version"] == "1.0"
    assert document["stack"] == "chat"
    assert document["region"] == "us-chicago-1"
    assert key["sinks"][0]["type"] == "file"
    assert key["secrets"]["key-one"]["role"] == "current"
    assert key["secrets"]["key-one"]["mask"]
    assert document["outputs"]["Compartment/chat"]["path"].endswith("chat")


def test_env_lines_are_read_by_a_shell(applied: Project) -> None:
    lines = applied.run("output", "-o", "env").out
    ran = subprocess.run(
        ["sh", "-c", f'{lines}\nprintf %s "$APIKEY_APP_BASE_URL|$COMPARTMENT_CHAT_ID"'], capture_output=True, text=True
    )
    url, _, ocid = ran.stdout.partition("|")
    assert url.startswith("http")
    assert ocid.startswith("ocid1.compartment.")
    assert all(len(shlex.split(line)) == 1 for line in lines.splitlines())


def test_one_field_is_printed_alone(applied: Project) -> None:
    out = applied.run("output", "ApiKey/app.id").out
    assert re.fullmatch(r"ocid1\.generativeaiapikey\.\S+\n", out)
    assert applied.run("output", "ApiKey/app.secrets.key-one.state").out == "ACTIVE\n"


def test_the_region_is_not_taken_for_a_secret_because_a_dotenv_file_has_the_base_url(applied: Project) -> None:
    for verb in ("output", "plan", "status", "drift"):
        assert "[secret]" not in applied.run(verb, "-o", "json").out


@pytest.mark.parametrize("name", ["ApiKey/absent", "ApiKey/app.password", "ApiKey/app.id.deeper", "ApiKey/ap"])
def test_an_unknown_output_is_an_error_that_lists_those_there_are(applied: Project, name: str) -> None:
    ran = applied.run("output", name, code=1)
    assert name in ran.err
    assert "ApiKey/app" in ran.err


def test_what_is_not_created_yet_says_so(project: Project) -> None:
    project.write(
        STACK.replace("    - allow group readers to read generative-ai-family in compartment chat\n", "").replace(
            "  statements:\n", ""
        )
    )
    assert "does not exist yet" in project.run("output", "ApiKey/app", code=1).err
    assert project.run("output").out == ""


def test_a_first_argument_that_is_no_name_is_the_path(applied: Project) -> None:
    assert applied.run("output", str(applied.path), "-o", "json").json["outputs"]


def test_show_prints_all_of_a_key(applied: Project) -> None:
    document = applied.run("show", "ApiKey/app", "-o", "json").json
    assert document["declared"]["source"].startswith("stack.yaml:")
    assert document["declared"]["needs"] == ["Compartment/chat"]
    assert document["declared"]["neededBy"] == ["Policy/access"]
    assert document["live"]["id"].startswith("ocid1.generativeaiapikey.")
    assert {one["secret"] for one in document["secrets"]} == {"key-one", "key-two"}
    assert document["sinks"][0]["type"] == "file"
    assert any("chat" in line for line in document["access"])
    assert "change" not in document


@pytest.mark.parametrize("address", ["Compartment/chat", "ApiKey/app", "Policy/access"])
def test_show_has_all_that_is_declared_as_manifests_write_it(applied: Project, address: str) -> None:
    """What is known only after apply was left out, or null: the statements of a grant."""
    declared = applied.run("show", address, "-o", "json").json["declared"]
    assert "null" not in json.dumps(declared["attributes"]) and "compartmentId" in declared["attributes"]
    if address == "Policy/access":
        (statement,) = (one for one in declared["attributes"]["statements"] if "generativeaiapikey" in one)
        assert "request.principal.id = '${ApiKey/app.id}'" in statement
    if address == "ApiKey/app":
        assert declared["attributes"]["compartmentId"] == "${Compartment/chat.id}"


def test_show_has_the_pending_change(applied: Project) -> None:
    file = applied.path / "stack.yaml"
    file.write_text(STACK.replace("app may chat", "app may chat a lot"))
    assert applied.run("show", "Policy/access", "-o", "json").json["change"]["actions"] == ["update"]


@pytest.mark.parametrize("address", ["ApiKey/app", "Policy/access", "Compartment/chat"])
def test_show_as_text_has_the_ocid_and_no_secret(applied: Project, address: str) -> None:
    out = applied.run("show", address).out
    assert "id: ocid1." in out
    assert not any(value in out for value in values_in_sink(applied))


def test_show_of_nothing_lists_what_there_is(applied: Project) -> None:
    assert "ApiKey/app" in applied.run("show", "ApiKey/none", code=1).err


def test_plan_json_is_the_json_format(applied: Project) -> None:
    assert applied.run("plan", "--json").json["changes"] == []


def complete(project: Project, words: str) -> list[str]:
    environ = {**os.environ, **project.environ}
    environ |= {
        "_GENAI_IAC_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    code = "from genai_iac.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['genai-iac']; {code}"],
        cwd=project.path,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert not ran.stderr
    return [line.partition(",")[2] for line in ran.stdout.splitlines()]


def test_the_shell_completes_environments_addresses_and_profiles(offline: Project) -> None:
    offline.write(STACK)
    for name in ("dev", "prod"):
        text = f"apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {{name: {name}}}\nspec: {{}}\n"
        offline.write(text, f"environments/{name}.yaml")
    config = offline.write("[DEFAULT]\nuser=x\n[staging]\nuser=y\n", "config")
    offline.environ["GENAI_IAC_CONFIG_FILE"] = str(config)
    assert complete(offline, "genai-iac plan --env ") == ["dev", "prod"]
    assert complete(offline, "genai-iac --env p") == ["prod"]
    assert complete(offline, "genai-iac plan --target ApiKey/") == ["ApiKey/app"]
    assert complete(offline, "genai-iac show Com") == ["Compartment/chat"]
    assert complete(offline, "genai-iac rotate A") == ["ApiKey/app"]
    assert complete(offline, "genai-iac plan --profile s") == ["staging"]


def test_broken_manifests_complete_nothing_and_say_nothing(offline: Project) -> None:
    offline.write("kind: [")
    assert complete(offline, "genai-iac show ") in ([], [""])


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": ""}, False),
    ],
)
def test_force_color_colours_a_pipe(
    applied: Project, environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    applied.environ.update(environ)
    Path(applied.path / "stack.yaml").write_text(STACK.replace("app may chat", "changed"))
    assert ("\x1b[" in applied.run("plan").out) == coloured

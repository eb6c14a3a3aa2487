"""Projects: managed like everything else, and named by the calls that a key's callers and the tool itself make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import oci
import pytest
from conftest import Project, Tenancy

from .curl_lines import read_dotenv
from .curl_lines import works as answers
from .manifests import Document, compartment, document, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    REGION,
    apply_exactly,
    assert_settled,
    changes,
    client,
    everything,
    only,
    plan,
    projects,
)

SINK = {"file": {"path": "secrets/app.env"}}
MODEL = "openai.gpt-oss-120b"
# what an application does: the openai SDK with its environment and nothing else
PROGRAM = f"""
import openai
client = openai.OpenAI(max_retries=0)
assert client.chat.completions.create(model="{MODEL}", messages=[dict(role="user", content="hi")]).choices
assert client.responses.create(model="{MODEL}", input="hi").output_text
"""


def project_document(name: str, /, **spec: Any) -> Document:
    return document("Project", name, {"compartment": "home", **spec})


def caller(**spec: Any) -> list[Document]:
    """A key whose callers name the project `chat`, and the policy that lets it chat and respond."""
    return [
        compartment("home"),
        key("app", secrets=2, **{"deliverTo": [SINK], "project": "chat", **spec}),
        policy("access", grants=[{"apiKey": "app", "apis": ["chat", "responses"]}]),
    ]


def works(environment: dict[str, str]) -> bool:
    """Whether an application with that environment and nothing else gets answers of both APIs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run([sys.executable, "-c", PROGRAM], env={**kept, **environment}, check=False).returncode == 0


def test_made_changed_moved_and_destroyed(project: Project, tenancy: Tenancy) -> None:
    homes = [compartment("home"), compartment("other")]
    project.write(stack(*homes, project_document("chat", description="Chat", tags={"team": "a"})))
    apply_exactly(project, tenancy)
    made = only(projects(tenancy))
    assert (made.display_name, made.description, made.freeform_tags["team"]) == ("chat", "Chat", "a")
    config = {"conversationsRetentionInHours": 24}
    project.write(
        stack(*homes, project_document("chat", displayName="Chat 2", compartment="other", conversationConfig=config))
    )
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["Project/chat"]["calls"] == [
        "UpdateGenerativeAiProject",
        "ChangeGenerativeAiProjectCompartment",
    ]
    changed = client(tenancy, "generative_ai", REGION).get_generative_ai_project(made.id).data
    assert changed.display_name == "Chat 2" and changed.conversation_config.conversations_retention_in_hours == 24
    project.write(stack(*homes))
    apply_exactly(project, tenancy)
    assert projects(tenancy) == {}


def test_what_the_service_fills_into_a_configuration_is_no_difference(project: Project, tenancy: Tenancy) -> None:
    config = {"conversationsRetentionInHours": 24}
    project.write(stack(compartment("home"), project_document("chat", conversationConfig=config)))
    apply_exactly(project, tenancy)
    made = only(projects(tenancy))
    details = oci.generative_ai.models.UpdateGenerativeAiProjectDetails(
        conversation_config=oci.generative_ai.models.ConversationConfig(
            conversations_retention_in_hours=24, responses_retention_in_hours=48
        )
    )
    service = client(tenancy, "generative_ai", REGION)
    service.update_generative_ai_project(made.id, details)
    assert_settled(project)
    config = {"conversationsRetentionInHours": 12}
    project.write(stack(compartment("home"), project_document("chat", conversationConfig=config)))
    apply_exactly(project, tenancy)
    kept = service.get_generative_ai_project(made.id).data.conversation_config
    assert (kept.conversations_retention_in_hours, kept.responses_retention_in_hours) == (12, 48)


def test_a_change_by_hand_is_drift_and_is_taken_back(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), project_document("chat", description="Chat")))
    apply_exactly(project, tenancy)
    details = oci.generative_ai.models.UpdateGenerativeAiProjectDetails(description="Mine")
    client(tenancy, "generative_ai", REGION).update_generative_ai_project(only(projects(tenancy)).id, details)
    assert "Project/chat" in project.run("drift", code=2).out
    apply_exactly(project, tenancy)
    assert only(projects(tenancy)).description == "Chat"


@pytest.mark.regions("eu-frankfurt-1")
def test_another_region_is_another_project(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), project_document("chat")))
    apply_exactly(project, tenancy)
    project.write(stack(compartment("home"), project_document("chat", region="eu-frankfurt-1")))
    apply_exactly(project, tenancy)
    assert projects(tenancy) == {} and only(projects(tenancy, "eu-frankfurt-1")).display_name == "chat"


def test_one_made_by_hand_is_imported_and_exported(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home")))
    apply_exactly(project, tenancy)
    home = next(row for row in everything(client(tenancy, "identity").list_compartments, tenancy.tenancy))
    details = oci.generative_ai.models.CreateGenerativeAiProjectDetails(
        compartment_id=home.id,
        display_name="chat",
        conversation_config=oci.generative_ai.models.ConversationConfig(responses_retention_in_hours=5),
    )
    made = client(tenancy, "generative_ai", REGION).create_generative_ai_project(details).data
    exported = project.run("export", "--compartment", "/home", "--full-scan").out
    assert "kind: Project" in exported and "responsesRetentionInHours: 5" in exported
    project.write(
        stack(compartment("home"), project_document("chat", conversationConfig={"responsesRetentionInHours": 5}))
    )
    project.run("import", "Project/chat", made.id)
    assert_settled(project)


def test_both_apis_answer_an_application_with_nothing_but_what_was_delivered(
    project: Project, tenancy: Tenancy
) -> None:
    tenancy.settings(projectRequired=True)
    rotation = {"every": "30d", "overlap": "1d", "idle": "1h", "verify": {"model": MODEL, "api": "responses"}}
    project.write(stack(*caller(rotation=rotation), project_document("chat")))
    project.run(*APPROVED)
    seen = set()
    for _ in range(3):
        given = read_dotenv(project.path / "secrets/app.env")
        assert given["OPENAI_PROJECT_ID"] == only(projects(tenancy)).id
        assert given["OPENAI_BASE_URL"].endswith("/openai/v1")
        assert works(given)
        seen.add(given["OPENAI_API_KEY"])
        tenancy.advance("2d")
        project.run(*APPROVED)
        assert_settled(project)
        tenancy.advance("31d")
        project.run("rotate", "ApiKey/app", "--auto-approve")
    assert len(seen) == 3
    assert not works({**given, "OPENAI_PROJECT_ID": ""}), "the setting does demand it"


def test_a_new_project_and_an_old_key_reach_the_sinks_in_one_apply(project: Project, tenancy: Tenancy) -> None:
    documents = caller()
    del documents[1]["spec"]["project"]
    project.write(stack(*documents))
    apply_exactly(project, tenancy)
    before = read_dotenv(project.path / "secrets/app.env")
    assert "OPENAI_PROJECT_ID" not in before and before["OPENAI_BASE_URL"].endswith("/20231130/actions/v1")
    project.write(stack(*caller(), project_document("chat")))
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["actions"] == ["deliver"]
    after = read_dotenv(project.path / "secrets/app.env")
    assert after["OPENAI_PROJECT_ID"] == only(projects(tenancy)).id and after["OPENAI_BASE_URL"].endswith("/openai/v1")
    assert after["OPENAI_API_KEY"] == before["OPENAI_API_KEY"], "nothing is renewed"
    project.write(stack(*documents))
    project.run(*APPROVED)
    assert read_dotenv(project.path / "secrets/app.env") == before


def test_a_replaced_project_reaches_the_sinks_in_the_same_apply(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*caller(), project_document("chat")))
    apply_exactly(project, tenancy)
    details = client(tenancy, "generative_ai", REGION)
    details.delete_generative_ai_project(only(projects(tenancy)).id)
    apply_exactly(project, tenancy)
    assert read_dotenv(project.path / "secrets/app.env")["OPENAI_PROJECT_ID"] == only(projects(tenancy)).id


def edits_that_end_the_project(made: str) -> dict[str, tuple[list[Document], tuple[str, ...]]]:
    """What the manifests become, and the verb: in each the project goes whose OCID callers have been told."""
    other, apply = project_document("other"), APPROVED
    return {
        "for another one": ([*caller(project="other"), other], apply),
        "for none": ([compartment("home"), key("app", secrets=2, deliverTo=[SINK]), caller()[2]], apply),
        "for another region": ([*caller(), project_document("chat", region="eu-frankfurt-1")], apply),
        "named by its OCID": (caller(project=made), apply),
        "alone": ([*caller(), project_document("chat")], ("destroy", "--auto-approve", "--target", "Project/chat")),
    }


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("edit", edits_that_end_the_project(""))
def test_a_project_that_callers_name_does_not_go_by_the_way(project: Project, tenancy: Tenancy, edit: str) -> None:
    """Their values stay valid and policies admit them, and each call is refused: they name what is no longer there."""
    project.write(stack(*caller(), project_document("chat")))
    project.run(*APPROVED)
    given = read_dotenv(project.path / "secrets/app.env")
    documents, verb = edits_that_end_the_project(given["OPENAI_PROJECT_ID"])[edit]
    project.write(stack(*documents))
    guard = "takes /openai/v1 from ApiKey/app, whose secret key-one was last used"
    if verb == APPROVED:
        assert "will be refused" not in project.run("plan").out, "nobody has called yet"
    assert answers(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    tenancy.forget_calls()
    said = " ".join(project.run(*verb, code=3).err.split())
    assert (
        guard in said
        and "its callers name this project: keep it declared until" in said
        and "; if that is meant: --accept-outage ApiKey/app" in said
    )
    assert tenancy.writes() == []
    if verb == APPROVED:
        shown = project.run("plan").out
        assert "callers of ApiKey/app name this project, and get an error at /openai/v1 without it" in shown
        tenancy.advance("25h")
        assert "will be refused" not in project.run("plan").out, "idle for a day"
    project.run(*verb, "--accept-outage", "ApiKey/app")
    assert given["OPENAI_PROJECT_ID"] not in {one.id for one in projects(tenancy).values()}


def test_a_project_that_goes_with_its_key_is_no_loss_of_its_own(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*caller(), project_document("chat")))
    project.run(*APPROVED)
    given = read_dotenv(project.path / "secrets/app.env")
    assert answers(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    said = project.run("destroy", "--auto-approve", code=3).err
    assert "Project/chat" not in said and "ApiKey/app: deleting it permanently stops key-one" in said


def test_a_project_by_ocid_and_by_reference(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*caller(project="${Project/chat.id}"), project_document("chat")))
    apply_exactly(project, tenancy)
    made = only(projects(tenancy)).id
    assert read_dotenv(project.path / "secrets/app.env")["OPENAI_PROJECT_ID"] == made
    project.write(stack(*caller(project=made), project_document("chat")))
    assert_settled(project)


@pytest.mark.parametrize("layout", ["dotenv", "json"])
def test_every_file_format_has_it(project: Project, tenancy: Tenancy, layout: str) -> None:
    sink = {"file": {"path": f"secrets/app.{layout}", "format": layout}}
    project.write(stack(*caller(deliverTo=[sink]), project_document("chat")))
    apply_exactly(project, tenancy)
    text = (project.path / f"secrets/app.{layout}").read_text(encoding="utf-8")
    if layout == "json":
        assert json.loads(text)["OPENAI_PROJECT_ID"] == only(projects(tenancy)).id
    else:
        assert f"\nOPENAI_PROJECT_ID={only(projects(tenancy)).id}\n" in text


def test_status_shows_the_project(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*caller(), project_document("chat")))
    project.run(*APPROVED)
    assert "project Project/chat" in project.run("status").out
    reported = project.run("status", "--format", "json").json["secrets"]
    assert {secret["project"] for secret in reported} == {"Project/chat"}


def test_an_unknown_project_is_reported_where_it_is_named(project: Project) -> None:
    project.write(stack(*caller(project="chad"), project_document("chat")))
    ran = project.run("validate", code=1)
    assert "no Project is called chad" in ran.err and "did you mean chat?" in ran.err


def test_an_identity_that_may_not_list_projects_still_plans_a_stack_without_any(
    project: Project, tenancy: Tenancy
) -> None:
    project.write(stack(compartment("home")))
    tenancy.control(
        "POST",
        "faults",
        [
            {
                "operation": "ListGenerativeAiProjects",
                "nth": 1,
                "count": 100,
                "when": "before",
                "effect": {"status": 404, "code": "NotAuthorizedOrNotFound", "message": "no"},
            }
        ],
    )
    assert len(plan(project)["changes"]) == 1
    project.write(stack(compartment("home"), project_document("chat")))
    project.run("plan", code=1)


# Base URLs


@pytest.mark.parametrize(("endpoint", "path"), [("openai/v1", "/openai/v1"), ("actions/v1", "/20231130/actions/v1")])
def test_the_base_url_is_the_one_asked_for(project: Project, tenancy: Tenancy, endpoint: str, path: str) -> None:
    documents = caller(endpoint=endpoint)
    del documents[1]["spec"]["project"]
    project.write(stack(*documents))
    apply_exactly(project, tenancy)
    given = read_dotenv(project.path / "secrets/app.env")
    assert given["OPENAI_BASE_URL"].endswith(path) and works(given)


def test_another_base_url_is_delivered_and_nothing_is_renewed(project: Project, tenancy: Tenancy) -> None:
    documents = caller(endpoint="actions/v1")
    del documents[1]["spec"]["project"]
    project.write(stack(*documents))
    apply_exactly(project, tenancy)
    before = read_dotenv(project.path / "secrets/app.env")
    documents[1]["spec"]["endpoint"] = "openai/v1"
    project.write(stack(*documents))
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["actions"] == ["deliver"]
    assert "the base URL differs" in changes(planned)["ApiKey/app"]["reason"]
    after = read_dotenv(project.path / "secrets/app.env")
    assert after == {**before, "OPENAI_BASE_URL": after["OPENAI_BASE_URL"]} != before


OCI_URL = "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com/openai/v1"
FOREIGN = [
    "https://inference.generativeai.example.com/openai/v1",
    "https://evil.oraclecloud.com.example.com/generativeai/v1",
    "https://objectstorage.us-chicago-1.oraclecloud.com/p/x/generativeai",
    "https://generativeai.oraclecloud.com.evil.example/openai/v1",
    "https://notgenerativeai.us-chicago-1.oci.oraclecloud.com/openai/v1",
]


def with_endpoint(url: str) -> str:
    documents = caller(endpoint=url)
    del documents[1]["spec"]["project"]
    return stack(*documents)


def test_a_whole_url_of_the_service_is_delivered_as_it_is(project: Project, tenancy: Tenancy) -> None:
    project.write(with_endpoint(OCI_URL + "/"))
    apply_exactly(project, tenancy)
    assert read_dotenv(project.path / "secrets/app.env")["OPENAI_BASE_URL"] == OCI_URL


@pytest.mark.parametrize("url", FOREIGN)
def test_a_host_that_is_not_of_the_service_is_refused_unless_the_command_line_allows_it(
    project: Project, tenancy: Tenancy, url: str
) -> None:
    project.write(with_endpoint(url))
    ran = project.run(*APPROVED, code=3)
    assert "--allow-endpoint-host" in ran.err and tenancy.writes() == []
    host = url.split("/")[2]
    assert len(project.run("plan", "--format", "json", "--allow-endpoint-host", host).json["changes"]) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://inference.generativeai.us-chicago-1.oci.oraclecloud.com/openai/v1",
        "https://user:pass@inference.generativeai.us-chicago-1.oci.oraclecloud.com/openai/v1",
        "https://169.254.169.254/openai/v1",
        "https://localhost/openai/v1",
        "https://x.oraclecloud.com/v1?a=b",
        "openai/v2",
        "ftp://x.oraclecloud.com/",
    ],
)
def test_what_is_no_endpoint_is_no_manifest(project: Project, url: str) -> None:
    project.write(with_endpoint(url))
    assert "endpoint" in project.run("validate", code=1).err


def test_the_secret_of_an_emulator_is_never_sent_to_the_url(project: Project, tenancy: Tenancy) -> None:
    """`verify` and the check of the retired value call the emulator: a connection to the named host would not answer."""
    rotation = {"every": "30d", "overlap": "1d", "idle": "1h", "verify": {"model": MODEL}}
    documents = caller(endpoint=OCI_URL, rotation=rotation)
    del documents[1]["spec"]["project"]
    project.write(stack(*documents))
    project.run(*APPROVED)
    tenancy.advance("31d")
    tenancy.forget_calls()
    project.run("rotate", "ApiKey/app", "--auto-approve")
    assert [call["operation"] for call in tenancy.calls()].count("ChatCompletions") == 1

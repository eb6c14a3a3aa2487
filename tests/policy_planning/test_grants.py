"""A grant becomes the narrowest statements: this key, these models, the compartment of the key, the lowest verb that lets it call."""

from __future__ import annotations

from conftest import Project, Tenancy

from .stacks import api_key, compartment, plan_of, policy, stack

GRANT = {"apiKey": "a", "apis": ["chat", "responses"], "models": ["openai.gpt-oss-120b", "openai.gpt-oss-20b"]}
HOME = (compartment("chat"), api_key("a", "chat"), api_key("b", "chat"))


def test_one_statement_an_api_with_key_place_and_models(project: Project) -> None:
    project.write(stack((), *HOME, grants=[GRANT]))
    project.run("apply", "--auto-approve")
    said = project.run("access", "--format", "json").json
    texts = [one["text"] for row in said["after"] if row["model"] == "openai.gpt-oss-120b" for one in row["by"]]
    key, place = (texts[0].partition(word)[2].split(end)[0] for word, end in (("principal.id = '", "'"), (" id ", " ")))
    narrowed = (
        f"in compartment id {place} where all {{request.principal.type = 'generativeaiapikey', "
        f"request.principal.id = '{key}', target.model.id in ('openai.gpt-oss-120b', 'openai.gpt-oss-20b')}}"
    )
    assert texts == [
        f"allow any-user to use generative-ai-chat {narrowed}",
        f"allow any-user to manage generative-ai-response {narrowed}",
    ]
    assert key.startswith("ocid1.generativeaiapikey.oc1.us-chicago-1.")
    assert place.startswith("ocid1.compartment.oc1..")


def test_it_lets_in_nobody_else(project: Project) -> None:
    project.write(stack((), *HOME, grants=[GRANT]))
    rows = project.run("access", "--format", "json").json["after"]
    assert {(row["address"], row["api"], row["model"], row["compartment"]) for row in rows} == {
        ("ApiKey/a", api, model, "/chat") for api in GRANT["apis"] for model in GRANT["models"]
    }


def test_a_grant_is_silent_to_lint(offline: Project) -> None:
    secrets = [{"name": "one", "expires": "90d"}, {"name": "two", "expires": "150d"}]
    key = api_key("a", "chat", secrets=secrets, deliverTo=[{"exec": {"command": ["keep", "a"]}}])
    offline.write(stack((), compartment("chat"), key, grants=[GRANT]))
    assert offline.run("lint").out == "Lint: nothing found.\n"


def test_a_grant_says_the_same_as_its_statements_written_out(project: Project) -> None:
    project.write(stack((), *HOME, grants=[GRANT]))
    project.run("apply", "--auto-approve")
    key = "request.principal.id = '${ApiKey/a.id}', request.principal.type = 'generativeaiapikey'"
    where = f"where all {{target.model.id in ('openai.gpt-oss-20b', 'openai.gpt-oss-120b'), {key}}}"
    written = [
        f"Allow any-user to MANAGE generative-ai-response in compartment chat {where}",
        f"Allow any-user to use generative-ai-chat in compartment ${{Compartment/chat.name}} {where}",
    ]
    project.write(stack((), *HOME, policy("p", statements=written)))
    assert plan_of(project)["changes"] == []


PROFILE = "ocid1.generativeairoutingprofile.oc1.us-chicago-1.aaaa"


def test_a_routing_profile_brings_its_own_permission(project: Project, tenancy: Tenancy) -> None:
    grant = {"apiKey": "a", "models": [PROFILE, "openai.gpt-oss-120b"]}
    project.write(stack((), compartment("home"), api_key("a", "home"), grants=[grant]))
    project.run("apply", "--auto-approve")
    said = project.run("access", "--format", "json").json
    by = {row["model"]: [one["text"] for one in row["by"]] for row in said["after"]}
    assert any("read generative-ai-routing-profile" in text for text in by[PROFILE])
    assert not any("routing-profile in" in text for text in by["openai.gpt-oss-120b"])
    assert project.run("plan").out.endswith("No changes.\n")


def test_a_profile_without_its_permission_is_no_access(project: Project, tenancy: Tenancy) -> None:
    condition = f"where all {{request.principal.type = 'generativeaiapikey', target.model.id = '{PROFILE}'}}"
    statements = [f"allow any-user to use generative-ai-chat in tenancy {condition}"]
    project.write(stack(statements, compartment("home"), api_key("a", "home")))
    project.run("apply", "--auto-approve")
    assert project.run("access", "--format", "json").json["after"] == []


def test_a_pattern_of_models_is_pointed_to_a_statement(offline: Project) -> None:
    offline.write(stack((), policy("p", grants=[{"apiKey": "k", "models": ["openai.*"]}])))
    assert "target.model.id = /openai.*/" in offline.run("validate", code=1).err

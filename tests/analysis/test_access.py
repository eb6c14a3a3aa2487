"""What is said of a key is what it may do: held against calls of that key to the local emulator."""

from __future__ import annotations

from itertools import product
from typing import Any

import openai
import pytest
from conftest import Project, Tenancy
from plan_apply.curl_lines import MESSAGES, client, read_dotenv
from policy_planning.stacks import api_key, compartment, make_compartment, make_dynamic_group, make_group, policy, stack

from genai_iac.analysis.model_sets import ModelSet

KEYS = "request.principal.type = 'generativeaiapikey'"
OWN = "request.principal.id = '${ApiKey/app.id}'"
MODELS = ("xai.grok-4", "xai.grok-3", "openai.gpt-oss-20b")


def chat(place: str, *conditions: str) -> str:
    return f"allow any-user to use generative-ai-chat in {place} where all {{{', '.join((KEYS, *conditions))}}}"


STATEMENTS: dict[str, list[str]] = {
    "by name": [chat("compartment chat", OWN, "target.model.id = 'xai.grok-4'")],
    "by id": [chat("compartment id ${Compartment/chat.id}", OWN)],
    "in the tenancy": [chat("tenancy")],
    "elsewhere": [chat("compartment other")],
    "above": [chat("compartment top")],
    "another key": [chat("tenancy", "request.principal.id = 'ocid1.generativeaiapikey.oc1.us-chicago-1.other'")],
    "by compartment": [chat("tenancy", "request.principal.compartment.id = '${Compartment/chat.id}'")],
    "any but one": [chat("tenancy", "target.model.id != 'xai.grok-3'")],
    "a pattern": [chat("tenancy", "target.model.id = /xai.*/"), chat("tenancy", "target.model.id = 'xai.grok-4'")],
    "not in": [chat("tenancy", "target.model.id not in ('xai.grok-3', 'xai.grok-4')")],
    "two": [chat("tenancy", "target.model.id = 'xai.grok-4'"), chat("tenancy", "target.model.id = 'xai.grok-3'")],
    "family": [f"allow any-user to use generative-ai-family in tenancy where all {{{KEYS}}}"],
    "responses": [f"allow any-user to manage generative-ai-response in tenancy where all {{{KEYS}}}"],
    "responses, too little": [f"allow any-user to use generative-ai-response in tenancy where all {{{KEYS}}}"],
    "a group": ["allow group Administrators to use generative-ai-chat in tenancy"],
    "denied": [
        chat("tenancy"),
        f"deny any-user to use generative-ai-chat in tenancy where all {{{KEYS}, target.model.id = 'xai.grok-4'}}",
    ],
    "both a pattern and not": [chat("tenancy", "target.model.id = /xai.*/", "target.model.id != 'xai.grok-4'")],
    "two patterns": [chat("tenancy", "target.model.id = /xai.*/"), chat("tenancy", "target.model.id = /*-4/")],
    "a pattern of our own probe": [chat("tenancy", "target.model.id = /*model*/")],
    "the region's key": [chat("tenancy", "request.region = 'ord'")],
    "another region": [chat("tenancy", "request.region = 'fra'")],
    "the compartment's name": [chat("tenancy", "target.compartment.name = 'chat'")],
    "another name": [chat("tenancy", "target.compartment.name = 'other'")],
    "a user's": [chat("tenancy", "request.user.name = 'ann'")],
    "denied by a pattern": [
        chat("tenancy"),
        f"deny any-user to use generative-ai-chat in tenancy where all {{{KEYS}, target.model.id = /xai.*/}}",
    ],
    "a date that is past": [chat("tenancy", "request.utc-timestamp before '2020-01-01T00:00:00Z'")],
    "a date that has come": [chat("tenancy", "request.utc-timestamp after '2020-01-01T00:00:00Z'")],
    "nothing": ["allow group Administrators to read buckets in tenancy"],
}


@pytest.fixture
def chatting(project: Project, tenancy: Tenancy) -> Project:
    tenancy.settings(denyStatements=True)
    return project


def manifest(statements: list[str], **spec: Any) -> str:
    places = [compartment("top"), compartment("chat", parent="top"), compartment("other")]
    statements = [text.replace("compartment chat ", "compartment top:chat ") for text in statements]
    return stack(statements, *places, api_key("app", "chat", deliverTo=[{"file": {"path": "app.env"}}]), **spec)


@pytest.mark.parametrize("statements", [*STATEMENTS.values()], ids=[*STATEMENTS])
def test_what_is_said_is_what_the_key_may_do(chatting: Project, statements: list[str]) -> None:
    chatting.write(manifest(statements))
    predicted = chatting.run("access", "--format", "json").json
    assert predicted["before"] == []
    chatting.run("apply", "--auto-approve")
    said = chatting.run("access", "--format", "json").json
    assert without_texts(said["before"]) == without_texts(said["after"]) == without_texts(predicted["after"])
    assert said["granted"] == said["taken"] == []
    held = read_dotenv(chatting.path / "app.env")
    done = {(api, model) for api, model in product(("chat", "responses"), MODELS) if may(held, api, model)}
    assert {(api, model) for api, model in product(("chat", "responses"), MODELS) if is_said(said, api, model)} == done


def may(held: dict[str, str], api: str, model: str) -> bool:
    with client(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"]) as called:
        try:
            if api == "chat":
                called.chat.completions.create(model=model, messages=MESSAGES)  # type: ignore[arg-type]
            else:
                called.responses.create(model=model, input="Hello")
        except (openai.AuthenticationError, openai.NotFoundError, openai.BadRequestError):
            return False
    return True


def is_said(said: dict[str, Any], api: str, model: str) -> bool:
    rows = [row for row in said["after"] if row["api"] == api]
    return any(not row["dependsOn"] and ModelSet(row["model"], tuple(row["exceptModels"])).holds(model) for row in rows)


def without_texts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**row, **{side: [(one["policy"], one["statement"]) for one in row[side]] for side in ("by", "deniedBy")}}
        for row in rows
    ]


def test_it_is_said_in_plain_words(chatting: Project) -> None:
    chatting.write(manifest([], grants=[{"apiKey": "app", "apis": ["chat", "responses"], "models": ["xai.grok-4"]}]))
    out = " ".join(chatting.run("access").out.split())
    assert "ApiKey/app may call chat with xai.grok-4 in compartment /top/chat - Policy/p statement 1" in out
    assert "ApiKey/app may call responses with xai.grok-4 in compartment /top/chat - Policy/p statement 2" in out
    assert "That is once it is applied: 2 granted, 0 taken away; see --diff." in out


@pytest.mark.parametrize("places", [{"name": "renamed"}, {"parent": "other"}], ids=["renamed", "moved"])
def test_where_a_key_is_grants_and_takes_nothing(chatting: Project, places: dict[str, str]) -> None:
    text = manifest([chat("tenancy", OWN)])
    chatting.write(text)
    chatting.run("apply", "--auto-approve")
    around = [compartment("top"), compartment("chat", **{"parent": "top", **places}), compartment("other")]
    key = api_key("app", "chat", deliverTo=[{"file": {"path": "app.env"}}])
    chatting.write(stack([chat("tenancy", OWN)], *around, key))
    assert chatting.run("access", "--diff").out == "No change in what keys may do.\n"
    assert f"compartment {'/top/renamed' if 'name' in places else '/other/chat'}" in chatting.run("access").out


def test_the_text_names_what_is_ours_by_its_address_and_json_by_its_ocid(chatting: Project) -> None:
    chatting.write(manifest([chat("compartment id ${Compartment/chat.id}", OWN)]))
    chatting.run("apply", "--auto-approve")
    said = " ".join(chatting.run("access").out.split())
    assert "compartment id Compartment/chat where" in said and "'ApiKey/app'" in said and "ocid1." not in said
    (row,) = chatting.run("access", "--format", "json").json["after"]
    assert "ocid1.compartment." in row["by"][0]["text"] and "ocid1.generativeaiapikey." in row["by"][0]["text"]


def test_what_depends_on_any_of_two_conditions_is_not_said_to_depend_on_both(chatting: Project) -> None:
    either = "any {request.networksource.name = 'office', request.utc-timestamp.day-of-week = 'monday'}"
    chatting.write(manifest([chat("tenancy", "target.model.id = 'xai.grok-4'", either)]))
    (row,) = [row for row in chatting.run("access", "--format", "json").json["after"] if row["api"] == "chat"]
    assert row["dependsOn"] == [either]
    network, day = either.removeprefix("any {").removesuffix("}").split(", ")
    chatting.write(manifest([chat("tenancy", network), chat("tenancy", day)]))
    (row,) = [row for row in chatting.run("access", "--format", "json").json["after"] if row["api"] == "chat"]
    assert row["dependsOn"] == [either]


@pytest.mark.parametrize("what", ["use generative-ai-chat", "{GENERATIVE_AI_CHAT}"])
@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_what_a_dynamic_group_is_given_or_denied_is_said_to_be_left_out(
    chatting: Project, tenancy: Tenancy, what: str, effect: str
) -> None:
    make_dynamic_group(tenancy, "keys")
    chatting.write(manifest([f"{effect} dynamic-group keys to {what} in tenancy", chat("tenancy")]))
    assert "statement 1 is for a dynamic group" in chatting.run("access").out


def test_a_key_that_nothing_lets_in_is_reported(chatting: Project) -> None:
    chatting.write(manifest(STATEMENTS["nothing"]))
    assert "ApiKey/app may call nothing: no statement lets it in" in chatting.run("access").out


def test_diff_is_what_the_change_grants_and_takes(chatting: Project) -> None:
    models = ["xai.grok-4", "xai.grok-3"]
    chatting.write(manifest([], grants=[{"apiKey": "app", "models": models}]))
    chatting.run("apply", "--auto-approve")
    assert chatting.run("access", "--diff").out == "No change in what keys may do.\n"
    chatting.write(
        manifest(
            ["allow group Administrators to read buckets in tenancy"],
            grants=[{"apiKey": "app", "apis": ["chat", "responses"], "models": models[:1]}],
        )
    )
    lines = [
        " ".join(line.split()) for line in chatting.run("access", "--diff").out.replace("\n      ", " ").splitlines()
    ]
    assert lines == [
        "- ApiKey/app may call chat with xai.grok-3 in compartment /top/chat - Policy/p statement 1",
        "+ ApiKey/app may call responses with xai.grok-4 in compartment /top/chat - Policy/p statement 3",
        "",
        "Access: 1 granted, 1 taken away.",
    ]
    chatting.write(stack((), compartment("top"), compartment("other"), compartment("chat", parent="top")))
    gone = chatting.run("access", "--diff", "--format", "json").json
    assert (len(gone["taken"]), gone["granted"], gone["after"]) == (2, [], [])


def test_policies_of_others_count_and_are_listed_by_name(chatting: Project, tenancy: Tenancy) -> None:
    import oci

    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="theirs", description="Theirs", statements=[chat("tenancy")]
    )
    tenancy.client("identity").create_policy(details)
    chatting.write(manifest(STATEMENTS["nothing"]))
    assert "with any model in compartment /top/chat - policy theirs statement 1" in " ".join(
        chatting.run("access").out.split()
    )


def test_a_moved_key_is_listed_where_it_will_be(chatting: Project) -> None:
    chatting.write(manifest(STATEMENTS["elsewhere"]))
    chatting.run("apply", "--auto-approve")
    text = manifest(STATEMENTS["elsewhere"]).replace("compartment: chat", "compartment: other")
    chatting.write(text)
    (row,) = chatting.run("access", "--diff", "--format", "json").json["granted"]
    assert (row["api"], row["compartment"]) == ("chat", "/other")


def test_one_key_of_several(chatting: Project) -> None:
    more = api_key("bot", "tenancy")
    chatting.write(stack((), more, api_key("app", "tenancy"), grants=[{"apiKey": "app"}, {"apiKey": "bot"}]))
    said = chatting.run("access", "--address", "ApiKey/bot", "--format", "json").json
    assert said["keys"] == ["ApiKey/bot"]
    assert {row["address"] for row in said["after"]} == {"ApiKey/bot"}
    printed = chatting.run("access", "--address", "ApiKey/bto", code=1).err
    assert "the stack has ApiKey/app, ApiKey/bot" in " ".join(printed.split())


def test_a_policy_compiled_to_what_is_gone_grants_nothing(chatting: Project, tenancy: Tenancy) -> None:
    """The compartment was moved away and made again: the text reads the same and the key may call nothing, until it is written again."""
    import oci

    old, new = make_compartment(tenancy, "old"), make_compartment(tenancy, "new")
    child = make_compartment(tenancy, "child", old)
    texts = [
        chat("compartment child"),
        "allow any-user to read buckets in compartment child where request.user.id = 'a'",
    ]
    chatting.write(stack(texts, compartment="/old"))
    chatting.run("apply", "--auto-approve")
    tenancy.client("identity").move_compartment(
        child, oci.identity.models.MoveCompartmentDetails(target_compartment_id=new)
    )
    make_compartment(tenancy, "child", old)
    chatting.write(stack(texts, api_key("app", "/old/child"), compartment="/old"))
    said = chatting.run("access", "--format", "json").json
    assert [row["api"] for row in said["granted"]] == ["chat"]


def test_no_groups_are_asked_for(chatting: Project, tenancy: Tenancy) -> None:
    make_group(tenancy, "ops")
    chatting.write(manifest([chat("tenancy")]))
    chatting.run("apply", "--auto-approve")
    tenancy.forget_calls()
    chatting.run("access")
    assert {call["operation"] for call in tenancy.calls()} <= {
        "ListRegionSubscriptions",
        "ListCompartments",
        "ListPolicies",
        "ListApiKeys",
        "ListGenerativeAiProjects",
    }


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_renderings_of_the_plan_show_it(chatting: Project, form: str) -> None:
    chatting.write(manifest([], grants=[{"apiKey": "app", "models": ["xai.grok-4"]}]))
    shown = chatting.run("plan", "--format", form).out
    assert "ApiKey/app may call chat with xai.grok-4 in compartment /top/chat" in shown
    chatting.write(stack([], compartment("top"), policy("q", statements=STATEMENTS["nothing"])))
    assert "may call" not in chatting.run("plan", "--format", form).out


def test_from_any_model_to_one_nothing_is_granted(chatting: Project) -> None:
    chatting.write(manifest([], grants=[{"apiKey": "app"}]))
    chatting.run("apply", "--auto-approve")
    one = manifest([], grants=[{"apiKey": "app", "models": ["openai.gpt-oss-120b"]}])
    chatting.write(one)
    found = chatting.run("access", "--diff", "--format", "json").json
    assert found["granted"] == []
    assert {(row["model"], *row["exceptModels"]) for row in found["taken"]} == {(None, "openai.gpt-oss-120b")}
    chatting.run("apply", "--auto-approve")
    chatting.write(manifest([], grants=[{"apiKey": "app"}]))
    found = chatting.run("access", "--diff", "--format", "json").json
    assert found["taken"] == []
    assert {(row["model"], *row["exceptModels"]) for row in found["granted"]} == {(None, "openai.gpt-oss-120b")}


@pytest.mark.parametrize(
    "condition",
    [
        "request.utc-timestamp.day-of-week = 'monday'",
        "target.resource.tag.team.name = 'a'",
        "request.networksource.name = 'office'",
    ],
)
def test_what_cannot_be_decided_is_what_it_depends_on(chatting: Project, condition: str) -> None:
    chatting.write(manifest([chat("tenancy", condition)]))
    (row,) = chatting.run("access", "--format", "json").json["after"]
    assert row["dependsOn"] == [condition]
    out = " ".join(chatting.run("access").out.split())
    assert f"depending on {condition}" in out


def test_a_statement_is_quoted_and_a_deny_is_named(chatting: Project) -> None:
    deny = f"deny any-user to use generative-ai-chat in tenancy where all {{{KEYS}, target.model.id = 'xai.grok-4'}}"
    chatting.write(manifest([chat("tenancy"), deny]))
    out = " ".join(chatting.run("access").out.split())
    assert deny in out
    assert "with any model but xai.grok-4" in out
    assert "denied by Policy/p statement 2" in out
    assert out.index("Now: ApiKey/app may call nothing") < out.index("Once it is applied:")


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_policies_of_every_ancestor_count(chatting: Project, tenancy: Tenancy, effect: str) -> None:
    """The key's compartment is two below; what is attached in between reaches it."""
    import oci

    top = make_compartment(tenancy, "a")
    make_compartment(tenancy, "b", top)
    text = f"{effect} any-user to use generative-ai-chat in compartment a where {KEYS}"
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=top, name="between", description="Between", statements=[text]
    )
    tenancy.client("identity").create_policy(details)
    own = [chat("tenancy")] if effect == "deny" else STATEMENTS["nothing"]
    chatting.write(stack(own, compartment("chat", parent="/a/b"), api_key("app", "chat")))
    rows = chatting.run("access", "--format", "json").json["after"]
    assert [row["api"] for row in rows] == (["chat"] if effect == "allow" else [])


def test_a_statement_for_a_dynamic_group_is_said_to_be_left_out(chatting: Project, tenancy: Tenancy) -> None:
    import oci

    details = oci.identity.models.CreateDynamicGroupDetails(
        compartment_id=tenancy.tenancy,
        name="keys",
        description="-",
        matching_rule="ALL {resource.type = 'generativeaiapikey'}",
    )
    tenancy.client("identity").create_dynamic_group(details)
    chatting.write(manifest(["allow dynamic-group keys to use generative-ai-chat in tenancy"]))
    (gap,) = chatting.run("access", "--format", "json").json["gaps"]
    assert gap.startswith("Policy/p statement 1 is for a dynamic group")

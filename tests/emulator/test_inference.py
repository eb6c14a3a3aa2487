"""The inference endpoints, driven by OpenAI's own client under both of OCI's prefixes."""

import json

import oci
import openai
import pytest

from genai_iac.emulator.http.responses import NOT_AUTHENTICATED_TEXT

from .clients import CHAT_ANY, CHICAGO, FRANKFURT, MODEL, Clients, chat, holds
from .signed import send

PREFIXES = ["/20231130/actions/v1", "/openai/v1"]
RESPONSES_ANY = CHAT_ANY.replace("use generative-ai-chat", "manage generative-ai-response")
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def value(shared: Clients) -> str:
    """A secret that may chat and respond."""
    shared.policy("inference", CHAT_ANY, RESPONSES_ANY)
    return str(shared.key(shared.compartment("inference")).keys[0].key)


@holds("9.1", "9.12")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_chat_whole_and_streamed(shared: Clients, value: str, prefix: str) -> None:
    client = shared.openai(value, prefix=prefix)
    answer = client.chat.completions.create(model=MODEL, messages=HELLO)  # type: ignore[arg-type]
    said = answer.choices[0].message.content
    assert said is not None
    assert "local emulator" in said
    assert "hello" in said
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=HELLO,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == said
    assert chunks[-1].usage == answer.usage
    assert len(chunks) > 5


@holds("9.1", "9.12")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_responses_whole_and_streamed(shared: Clients, value: str, prefix: str) -> None:
    client = shared.openai(value, prefix=prefix)
    answer = client.responses.create(model=MODEL, input="hello")
    assert "local emulator" in answer.output_text
    assert answer.status == "completed"
    with client.responses.stream(model=MODEL, input=[{"role": "user", "content": "hello"}]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == answer.output_text
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert "response.output_text.delta" in kinds


@pytest.mark.parametrize("prefix", PREFIXES)
def test_models_are_those_the_key_may_use(shared: Clients, value: str, prefix: str) -> None:
    assert MODEL in {model.id for model in shared.openai(value, prefix=prefix).models.list()}
    with pytest.raises(openai.AuthenticationError):
        shared.openai("sk-nothing", prefix=prefix).models.list()


@holds("K08", "9.6")
def test_a_key_works_only_where_a_policy_admits_it(fresh: Clients) -> None:
    ocid = fresh.compartment("k08")
    key = fresh.key(ocid)
    client = fresh.openai(key.keys[0].key)
    with pytest.raises(openai.AuthenticationError):
        chat(client)
    # no setting lets a key pass
    fresh.control("POST", "settings", {"enforceIam": False})
    with pytest.raises(openai.AuthenticationError):
        chat(client)
    statement = f"{CHAT_ANY[:-1]}, request.principal.id='{key.id}'}}"
    policy = fresh.policy("one-key", statement)
    assert chat(client)
    with pytest.raises(openai.AuthenticationError):
        client.responses.create(model=MODEL, input="x")
    other = fresh.key(ocid)
    with pytest.raises(openai.AuthenticationError):
        chat(fresh.openai(other.keys[0].key))
    fresh.identity().update_policy(policy.id, {"statements": [statement, RESPONSES_ANY]})
    assert client.responses.create(model=MODEL, input="x").output_text


def test_group_statements_never_match_a_key(fresh: Clients) -> None:
    fresh.policy("group", "allow group Administrators to manage generative-ai-family in tenancy")
    key = fresh.key(fresh.compartment("grouped"))
    with pytest.raises(openai.AuthenticationError):
        chat(fresh.openai(key.keys[0].key))


def test_the_compartment_of_the_key_is_what_counts(fresh: Clients) -> None:
    left, right = fresh.compartment("left"), fresh.compartment("right")
    fresh.policy("left", CHAT_ANY.replace("in tenancy", "in compartment left"))
    key = fresh.key(left)
    client = fresh.openai(key.keys[0].key)
    assert chat(client)
    fresh.ai().change_api_key_compartment(key.id, {"compartmentId": right})
    with pytest.raises(openai.AuthenticationError):
        chat(client)


@holds("9.6")
def test_a_key_is_of_its_region(shared: Clients, value: str) -> None:
    with pytest.raises(openai.AuthenticationError):
        chat(shared.openai(value, region=FRANKFURT))
    key = shared.key(shared.compartment("germany"), region=FRANKFURT)
    assert chat(shared.openai(key.keys[0].key, region=FRANKFURT))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer sk-" + "x" * 48, "Basic x", "Bearer \u00ff"])
def test_errors_speak_to_both_kinds_of_client(shared: Clients, header: str) -> None:
    body = json.dumps({"model": MODEL, "messages": HELLO}).encode()
    headers = {"authorization": header, "content-type": "application/json"}
    reply = send(shared.tenancy.url, "POST", f"/r/{CHICAGO}/openai/v1/chat/completions", body, headers)
    assert reply.status == 401
    assert (reply.code, reply.json["message"]) == ("NotAuthenticated", NOT_AUTHENTICATED_TEXT)
    assert reply.json["error"]["message"] == NOT_AUTHENTICATED_TEXT
    assert reply.json["error"]["code"] == "NotAuthenticated"


def test_models_that_are_none_and_bodies_that_are_wrong(shared: Clients, value: str) -> None:
    client = shared.openai(value)
    with pytest.raises(openai.NotFoundError):
        chat(client, "nobody.knows-1")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="meta.llama-3.3-70b-instruct", input="x")
    for messages in ([], [{"content": "x"}], ["x"], None):
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=MODEL, messages=messages)  # type: ignore[arg-type]
    parts = [{"role": "user", "content": [{"type": "text", "text": "in parts"}]}]
    answer = client.chat.completions.create(model=MODEL, messages=parts)  # type: ignore[arg-type]
    assert "in parts" in (answer.choices[0].message.content or "")


def test_a_project_can_be_demanded_for_responses(fresh: Clients) -> None:
    fresh.policy("inference", CHAT_ANY, RESPONSES_ANY)
    compartment = fresh.compartment("project")
    client = fresh.openai(fresh.key(compartment).keys[0].key)
    fresh.control("POST", "settings", {"projectRequired": True})
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model=MODEL, input="x")
    assert chat(client)
    details = oci.generative_ai.models.CreateGenerativeAiProjectDetails(compartment_id=compartment, display_name="chat")
    project = fresh.ai().create_generative_ai_project(details).data
    assert client.with_options(project=project.id).responses.create(model=MODEL, input="x")
    with pytest.raises(openai.BadRequestError):
        client.with_options(project=project.id + "x").responses.create(model=MODEL, input="x")


def test_a_refused_call_is_no_use(shared: Clients, value: str) -> None:
    key = shared.key(shared.compartment("unused"))
    with pytest.raises(openai.NotFoundError):
        chat(shared.openai(key.keys[0].key), "nobody.knows-1")
    assert shared.ai().get_api_key(key.id).data.keys[0].time_last_used is None


def test_calls_are_logged_without_what_was_said(shared: Clients, value: str) -> None:
    chat(shared.openai(value), text="a-secret-question")
    logged = shared.calls()[-1]
    assert (logged["service"], logged["operation"], logged["status"]) == (
        "generative-ai-inference",
        "ChatCompletions",
        200,
    )
    assert "a-secret-question" not in json.dumps(logged)
    assert value not in json.dumps(shared.calls())

"""IAM-signed calls of the inference endpoints: OpenAI's client with a signer, and the OCI SDK's own actions."""

import json
from typing import Any

import httpx
import oci
import openai
import pytest

from genai_iac import vocabulary

from .clients import CHAT_ANY, CHICAGO, MODEL, Clients, refusal
from .signed import call as send_signed

models = oci.generative_ai_inference.models
COHERE = "cohere.command-a-03-2025"
TOOL = {"type": "object", "properties": {"q": {"type": "string", "minLength": 2}}, "required": ["q"]}


class Signer(httpx.Auth):
    """Signs as oci-openai and oci-genai-auth do: with the OCI SDK's signer, over the request as it is sent."""

    requires_request_body = True

    def __init__(self, config: dict[str, Any]) -> None:
        self._signer = oci.signer.Signer(config["tenancy"], config["user"], config["fingerprint"], config["key_file"])

    def auth_flow(self, request: httpx.Request) -> Any:
        from oci._vendor import requests

        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        plain = requests.Request(request.method, str(request.url), headers=headers, data=request.content or None)
        request.headers.update(self._signer.do_request_sign(plain.prepare()).headers)
        yield request


def signed_openai(clients: Clients, compartment: str | None) -> openai.OpenAI:
    headers = {} if compartment is None else {"opc-compartment-id": compartment, "CompartmentId": compartment}
    web = httpx.Client(auth=Signer(clients.config()), headers=headers)
    url = f"{clients.tenancy.url}/r/{CHICAGO}/openai/v1"
    return openai.OpenAI(api_key="unused", base_url=url, http_client=web, max_retries=0)


def on_demand(model: str) -> Any:
    return models.OnDemandServingMode(model_id=model)


def generic(text: str = "hello", **more: Any) -> Any:
    content = [models.TextContent(text=text)]
    return models.GenericChatRequest(messages=[models.UserMessage(content=content)], **more)


def native(clients: Clients, request: Any, model: str = MODEL, compartment: str | None = None) -> Any:
    details = models.ChatDetails(
        compartment_id=compartment or clients.root, serving_mode=on_demand(model), chat_request=request
    )
    return clients.inference().chat(details)


def test_openai_clients_may_sign_instead_of_giving_a_key(shared: Clients) -> None:
    with signed_openai(shared, shared.compartment("signed")) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])
        assert "hello" in (answer.choices[0].message.content or "")
        response = client.responses.create(model=MODEL, input="hello")
        assert client.responses.retrieve(response.id) == response
        assert MODEL in {model.id for model in client.models.list()}
        assert len(client.embeddings.create(model="cohere.embed-v4.0", input="x").data) == 1
    assert shared.calls()[-1]["principal"] == "administrator"


def test_policies_of_groups_decide_by_compartment_and_model(fresh: Clients) -> None:
    left, right = fresh.compartment("left"), fresh.compartment("right")
    user = fresh.principal("dev", "devs")
    condition = "where target.model.id = 'xai.grok-4'"
    fresh.policy("devs", f"allow group devs to use generative-ai-chat in compartment left {condition}")
    asked: Any = [{"role": "user", "content": "hello"}]
    with signed_openai(user, left) as client:
        assert client.chat.completions.create(model=MODEL, messages=asked)
        for refused in ({"model": "openai.gpt-4.1"}, {"extra_headers": {"opc-compartment-id": right}}):
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(**{"model": MODEL, "messages": asked, **refused})  # type: ignore[arg-type]
    with signed_openai(user, None) as client, pytest.raises(openai.BadRequestError, match="opc-compartment-id"):
        client.chat.completions.create(model=MODEL, messages=asked)
    assert native(user, generic(), compartment=left).status == 200
    assert refusal(native, user, generic(), compartment=right)[:2] == (404, "NotAuthorizedOrNotFound")
    assert refusal(native, user, generic(), "openai.gpt-4.1", left)[0] == 404


def test_a_signature_that_is_wrong_is_401_for_both_kinds_of_client(shared: Clients) -> None:
    headers = {"authorization": 'Signature version="1"', "content-type": "application/json"}
    with httpx.Client(headers=headers) as client:
        reply = client.post(f"{shared.tenancy.url}/openai/v1/chat/completions", content=b"{}")
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "NotAuthenticated"


@pytest.mark.parametrize(
    "path", ["/openai/v1/models/no-such-model", "/openai/v1/nothing", "/20231130/actions/v1/nothing"]
)
def test_a_404_has_the_error_object_that_openai_clients_read(shared: Clients, path: str) -> None:
    reply = send_signed(shared, "GET", path, extra={"opc-compartment-id": shared.root})
    assert reply.status == 404
    assert set(reply.json) == {"code", "message", "error"}
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


def test_one_model_is_fetched_by_those_who_may_use_it(shared: Clients) -> None:
    shared.policy("inference", CHAT_ANY)
    client = shared.openai(str(shared.key(shared.compartment("models")).keys[0].key), prefix="/openai/v1")
    assert client.models.retrieve(MODEL).owned_by == "xai"
    for name in ("xai.no-such-model", "cohere.embed-v4.0"):  # the second exists, but the key may not embed
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve(name)
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=[{"role": "user", "content": "x"}])
    assert "2026-05-15" in raw.headers["model-retirement-info"]
    raw = client.chat.completions.with_raw_response.create(
        model="openai.gpt-oss-120b", messages=[{"role": "user", "content": "x"}]
    )
    assert "model-retirement-info" not in raw.headers


def test_generic_chat(shared: Clients) -> None:
    answer = native(shared, generic("hello", num_generations=2)).data
    assert answer.model_id == MODEL
    assert [choice.index for choice in answer.chat_response.choices] == [0, 1]
    choice = answer.chat_response.choices[0]
    assert "hello" in choice.message.content[0].text
    assert choice.finish_reason == "stop"
    assert answer.chat_response.usage.total_tokens > 2
    cut = native(shared, generic("hello", max_tokens=2)).data.chat_response.choices[0]
    assert (cut.finish_reason, cut.message.content[0].text) == ("length", "This is ")
    tools = [models.FunctionDefinition(name="search", parameters=TOOL)]
    for choice_made in (models.ToolChoiceRequired(), models.ToolChoiceFunction(name="search")):
        choice = native(shared, generic(tools=tools, tool_choice=choice_made)).data.chat_response.choices[0]
        assert choice.finish_reason == "tool_calls"
        assert (choice.message.tool_calls[0].name, json.loads(choice.message.tool_calls[0].arguments)) == (
            "search",
            {"q": "aa"},
        )
    schema = models.ResponseJsonSchema(name="x", schema=TOOL)
    form = models.JsonSchemaResponseFormat(json_schema=schema)
    assert json.loads(
        native(shared, generic(response_format=form)).data.chat_response.choices[0].message.content[0].text
    ) == {"q": "aa"}


def test_generic_chat_goes_on_after_a_tool(shared: Clients) -> None:
    call = models.FunctionCall(id="call_1", name="search", arguments="{}")
    messages = [
        models.SystemMessage(content=[models.TextContent(text="be brief")]),
        models.UserMessage(content=[models.TextContent(text="hello")]),
        models.AssistantMessage(tool_calls=[call]),
        models.ToolMessage(tool_call_id="call_1", content=[models.TextContent(text="nine results")]),
    ]
    answer = native(shared, models.GenericChatRequest(messages=messages)).data
    assert "nine results" in answer.chat_response.choices[0].message.content[0].text


def test_generic_chat_is_streamed(shared: Clients) -> None:
    events = [json.loads(event.data) for event in native(shared, generic("hello", is_stream=True)).data.events()]
    text = "".join(part["text"] for event in events for part in event.get("message", {}).get("content", []))
    assert "hello" in text
    assert events[-1]["finishReason"] == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_cohere_chat(shared: Clients, stream: bool) -> None:
    request = models.CohereChatRequest(
        message="hello", chat_history=[models.CohereUserMessage(message="before")], is_stream=stream
    )
    answer = native(shared, request, COHERE)
    if stream:
        last = json.loads([event.data for event in answer.data.events()][-1])
        assert "hello" in last["text"]
        assert last["finishReason"] == "COMPLETE"
    else:
        assert "hello" in answer.data.chat_response.text
        assert answer.data.chat_response.finish_reason == "COMPLETE"


def test_cohere_v2_chat_calls_tools(shared: Clients) -> None:
    message = models.CohereUserMessageV2(content=[models.CohereTextContentV2(text="hello")])
    plain = native(shared, models.CohereChatRequestV2(messages=[message]), COHERE).data.chat_response
    assert "hello" in plain.message.content[0].text
    tool = models.CohereToolV2(type="FUNCTION", function=models.Function(name="search", parameters=TOOL))
    request = models.CohereChatRequestV2(messages=[message], tools=[tool], tools_choice="REQUIRED")
    answer = native(shared, request, COHERE).data.chat_response
    assert answer.finish_reason == "TOOL_CALL"
    assert answer.message.tool_calls[0].function["name"] == "search"


def test_scripts_answer_native_calls_too(fresh: Clients) -> None:
    rules = [{"match": {"text": "fail"}, "status": 429, "times": 1}, {"answer": "scripted"}]
    fresh.control("POST", "inference", rules)
    assert native(fresh, generic()).data.chat_response.choices[0].message.content[0].text == "scripted"
    assert refusal(native, fresh, generic("fail"))[0] == 429
    assert native(fresh, generic("fail")).status == 200


def test_texts_are_embedded(shared: Clients) -> None:
    def embed(*texts: str, **more: Any) -> Any:
        details = models.EmbedTextDetails(
            inputs=list(texts), compartment_id=shared.root, serving_mode=on_demand("cohere.embed-v4.0"), **more
        )
        return shared.inference().embed_text(details).data

    near, same, far = embed("red apple", "red apples apple", "blue sky").embeddings
    assert len(near) == 1536
    assert sum(a * a for a in near) == pytest.approx(1)
    assert (
        sum(a * b for a, b in zip(near, same, strict=True)) > sum(a * b for a, b in zip(near, far, strict=True)) + 0.3
    )
    assert embed("red apple", output_dimensions=256, is_echo=True).inputs == ["red apple"]
    assert len(embed("x", output_dimensions=256).embeddings[0]) == 256
    for wrong in ({"embedding_types": ["int8"]}, {"output_dimensions": 9999}):
        assert refusal(embed, "x", **wrong)[0] == 400
    assert refusal(embed, *["x"] * 97)[0] == 400
    assert refusal(embed)[0] == 400


def test_openai_embeddings(shared: Clients) -> None:
    with signed_openai(shared, shared.root) as client:
        packed = client.embeddings.create(model="cohere.embed-english-v3.0", input=["a b", "c"])
        plain = client.embeddings.create(model="cohere.embed-english-v3.0", input=["a b", "c"], encoding_format="float")
        assert [len(item.embedding) for item in packed.data] == [1024, 1024]
        assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
        assert client.embeddings.create(model="cohere.embed-v4.0", input=[1, 2], dimensions=8).usage.total_tokens == 1
        for wrong in ({"input": []}, {"input": ""}, {"model": MODEL}, {"dimensions": 5000}):
            with pytest.raises(openai.BadRequestError):
                client.embeddings.create(**{"model": "cohere.embed-v4.0", "input": "x", **wrong})  # type: ignore[arg-type]


def test_texts_are_ranked(shared: Clients) -> None:
    details = models.RerankTextDetails(
        input="red apple",
        documents=["blue sky", "a red apple", "apple pie"],
        compartment_id=shared.root,
        serving_mode=on_demand("cohere.rerank.3-5"),
        top_n=2,
        is_echo=True,
    )
    ranks = shared.inference().rerank_text(details).data.document_ranks
    assert [(rank.index, rank.document.text) for rank in ranks] == [(1, "a red apple"), (2, "apple pie")]
    assert ranks[0].relevance_score == 1


@pytest.mark.parametrize(
    ("request_made", "model"),
    [
        (generic(), COHERE),
        (models.CohereChatRequest(message="x"), MODEL),
        (generic(), "cohere.embed-v4.0"),
        (generic(is_echo=True), MODEL),
        (generic(num_generations=0), MODEL),
        (generic(tool_choice=models.ToolChoiceRequired()), MODEL),
        (models.GenericChatRequest(messages=[]), MODEL),
        (models.CohereChatRequest(message=""), COHERE),
    ],
)
def test_native_requests_that_are_wrong_are_refused(shared: Clients, request_made: Any, model: str) -> None:
    assert refusal(native, shared, request_made, model)[0] == 400


def test_the_control_plane_lists_models(shared: Clients) -> None:
    client = shared.ai()
    found = client.list_models(shared.root).data.items
    grok = next(model for model in found if model.display_name == MODEL)
    assert (grok.vendor, grok.capabilities, grok.lifecycle_state, grok.type) == ("xai", ["CHAT"], "ACTIVE", "BASE")
    assert grok.time_on_demand_retired.date().isoformat() == "2026-05-15"
    assert client.get_model(grok.id).data.display_name == MODEL
    assert native(shared, generic(), grok.id).data.model_id == grok.id
    assert {m.vendor for m in client.list_models(shared.root, vendor="cohere").data.items} == {"cohere"}
    embedding = client.list_models(shared.root, capability=["TEXT_EMBEDDINGS"]).data.items
    assert {model.display_name for model in embedding} >= {"cohere.embed-v4.0"}
    listed = {model.display_name: (*model.capabilities, model.time_on_demand_retired) for model in found}
    known = vocabulary.models().values()
    assert {name: (capability, day and day.date()) for name, (capability, day) in listed.items()} == {
        model.name: (model.capability, model.retired) for model in known
    }, "there is one list of models"
    assert len(client.list_models(shared.root, limit=2).data.items) == 2
    everything = oci.pagination.list_call_get_all_results(client.list_models, shared.root, limit=2).data
    assert [model.id for model in everything] == [model.id for model in found]
    assert refusal(client.get_model, grok.id[:-1] + "z")[0] == 404
    assert client.list_models(shared.root, display_name=MODEL).data.items[0].id == grok.id


def test_models_are_listed_by_those_who_may(fresh: Clients) -> None:
    user = fresh.principal("dev", "devs")
    assert refusal(user.ai().list_models, fresh.root)[0] == 404
    fresh.policy("devs", "allow group devs to inspect generative-ai-model in tenancy")
    assert user.ai().list_models(fresh.root).data.items

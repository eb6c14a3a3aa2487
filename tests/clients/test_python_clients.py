"""Real clients, unmodified, against the emulator: plain answers, tools and structured output.

`pip install 'genai-iac[clients]'`, then `pytest tests/clients -m matrix -rA` prints the table of the run. A client that is
not installed is skipped: some of them cannot be installed beside each other (oci-openai needs openai below 3)."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, Field

from .conftest import MODEL, Place

# the clients' own deprecations are not ours
pytestmark = [pytest.mark.matrix, pytest.mark.filterwarnings("default")]


class Person(BaseModel):
    """A person."""

    name: str = Field(min_length=2)
    age: int = Field(ge=18)


SMALLEST = Person(name="aa", age=18)


def test_openai_python(place: Place) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI() as client:
        chat = client.chat.completions.parse(
            model=MODEL, messages=[{"role": "user", "content": "who"}], response_format=Person
        )
        assert chat.choices[0].message.parsed == SMALLEST
        assert client.responses.parse(model=MODEL, input="who", text_format=Person).output_parsed == SMALLEST
        tool = openai.pydantic_function_tool(Person)
        called = client.chat.completions.parse(
            model=MODEL, messages=[{"role": "user", "content": "who"}], tools=[tool], tool_choice="required"
        )
        assert called.choices[0].message.tool_calls[0].function.parsed_arguments == SMALLEST


@pytest.mark.parametrize("mode", ["TOOLS", "JSON", "JSON_SCHEMA"])
def test_instructor(place: Place, mode: str) -> None:
    instructor = pytest.importorskip("instructor")
    import openai

    with openai.OpenAI() as plain:
        client = instructor.from_openai(plain, mode=instructor.Mode[mode])
        if mode == "JSON":  # the mode has no schema, so the answer must be scripted
            place.script({"answer": SMALLEST.model_dump()})
        messages = [{"role": "user", "content": "who"}]
        found = client.chat.completions.create(model=MODEL, messages=messages, response_model=Person)
        assert isinstance(found, Person)  # of a class of instructor's own
        assert found.model_dump() == SMALLEST.model_dump()


def test_pydantic_ai(place: Place) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

    for kind in (OpenAIChatModel, OpenAIResponsesModel):
        agent = pydantic_ai.Agent(kind(MODEL), output_type=Person)

        @agent.tool_plain
        def lookup(name: str) -> str:
            """Look somebody up."""
            return f"{name or 'nobody'} is 44"

        assert agent.run_sync("who").output == SMALLEST
        text = pydantic_ai.Agent(kind(MODEL)).run_sync("hello").output
        assert "hello" in text


def test_openai_agents(place: Place) -> None:
    agents = pytest.importorskip("agents")
    agents.set_tracing_disabled(True)

    @agents.function_tool
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    for api in ("chat_completions", "responses"):
        agents.set_default_openai_api(api)
        place.script(
            {"match": {"role": "user"}, "toolCalls": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
            {"match": {"role": "tool", "text": "rain in Oslo"}, "answer": "take an umbrella"},
        )
        agent = agents.Agent(name="a", instructions="be brief", model=MODEL, tools=[weather])
        assert asyncio.run(agents.Runner.run(agent, "the weather?")).final_output == "take an umbrella"
        place.script()
        structured = agents.Agent(name="b", model=MODEL, output_type=Person)
        assert asyncio.run(agents.Runner.run(structured, "who")).final_output == SMALLEST


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
@pytest.mark.parametrize("responses", [False, True])
def test_langchain_openai(place: Place, method: str, responses: bool) -> None:
    chat = pytest.importorskip("langchain_openai")
    model = chat.ChatOpenAI(model=MODEL, use_responses_api=responses)
    assert model.with_structured_output(Person, method=method).invoke("who") == SMALLEST
    assert "hello" in str(model.invoke("hello").content)
    assert "".join(str(part.text) for part in model.stream("hello"))


def test_langchain_openai_embeddings(place: Place) -> None:
    chat = pytest.importorskip("langchain_openai")
    embeddings = chat.OpenAIEmbeddings(model="cohere.embed-v4.0", check_embedding_ctx_length=False)
    assert [len(vector) for vector in embeddings.embed_documents(["a", "b"])] == [1536, 1536]


def test_litellm_with_an_openai_key(place: Place) -> None:
    litellm = pytest.importorskip("litellm")
    answer = litellm.completion(
        f"openai/{MODEL}",
        messages=[{"role": "user", "content": "who"}],
        response_format=Person,
        api_base=place.base_url,
    )
    assert Person.model_validate_json(answer.choices[0].message.content) == SMALLEST


@pytest.mark.parametrize("stream", [False, True])
def test_litellm_with_oci_signatures(place: Place, stream: bool) -> None:
    litellm = pytest.importorskip("litellm")
    answer = litellm.completion(
        "oci/xai.grok-4",
        messages=[{"role": "user", "content": "hello"}],
        stream=stream,
        api_base=f"{place.native_url}/chat",
        oci_signer=place.signer(),
        oci_region="us-chicago-1",
        oci_compartment_id=place.compartment,
        oci_serving_mode="ON_DEMAND",
    )
    if stream:
        assert "hello" in "".join(part.choices[0].delta.content or "" for part in answer)
    else:
        assert "hello" in answer.choices[0].message.content


def test_llama_index(place: Place) -> None:
    llms = pytest.importorskip("llama_index.llms.openai_like", reason="needs llama-index-llms-openai-like")
    import openai
    from llama_index.core.llms import ChatMessage

    if int(openai.__version__.partition(".")[0]) >= 3:
        pytest.skip("llama-index-llms-openai needs openai below 3")

    model = llms.OpenAILike(model=MODEL, api_base=place.base_url, api_key=place.key, is_chat_model=True)
    assert "hello" in str(model.chat([ChatMessage(role="user", content="hello")]))


def test_aisuite(place: Place) -> None:
    aisuite = pytest.importorskip("aisuite")
    client = aisuite.Client({"openai": {"api_key": place.key, "base_url": place.base_url}})
    answer = client.chat.completions.create(model=f"openai:{MODEL}", messages=[{"role": "user", "content": "hello"}])
    assert "hello" in answer.choices[0].message.content


def test_oci_openai(place: Place) -> None:
    oci_openai = pytest.importorskip("oci_openai")
    import openai

    if int(openai.__version__.partition(".")[0]) >= 3:
        pytest.skip("oci-openai 1.1.0 needs openai below 3")

    auth = oci_openai.OciUserPrincipalAuth(config_file=str(place.clients.tenancy.config_file))
    client = oci_openai.OciOpenAI(base_url=place.base_url, auth=auth, compartment_id=place.compartment)
    answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}])
    assert "hello" in answer.choices[0].message.content


def test_oci_genai_auth(place: Place) -> None:
    auth = pytest.importorskip("oci_genai_auth")
    import httpx
    import openai

    signing = auth.OciUserPrincipalAuth(config_file=str(place.clients.tenancy.config_file))
    headers = {"opc-compartment-id": place.compartment}
    with httpx.Client(auth=signing, headers=headers) as web:
        client = openai.OpenAI(api_key="unused", base_url=place.base_url, http_client=web)
        assert "hello" in client.responses.create(model=MODEL, input="hello").output_text


def _langchain_oci(place: Place, model: str, **more: Any) -> Any:
    langchain_oci = pytest.importorskip("langchain_oci")
    return langchain_oci.ChatOCIGenAI(
        model_id=model,
        service_endpoint=place.root,
        compartment_id=place.compartment,
        auth_file_location=str(place.clients.tenancy.config_file),
        **more,
    )


@pytest.mark.parametrize("model", ["xai.grok-4", "meta.llama-3.3-70b-instruct", "cohere.command-r-plus-08-2024"])
def test_langchain_oci(place: Place, model: str) -> None:
    chat = _langchain_oci(place, model)
    assert "hello" in str(chat.invoke("hello").content)
    assert "hello" in "".join(str(part.content) for part in chat.stream("hello"))


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_langchain_oci_structured_output(place: Place, method: str) -> None:
    chat = _langchain_oci(place, "xai.grok-4")
    if method == "function_calling":  # langchain-oci leaves the choice of the tool to the model
        place.script({"toolCalls": [{"name": "Person", "arguments": SMALLEST.model_dump()}]})
    assert chat.with_structured_output(Person, method=method).invoke("who") == SMALLEST


def test_langchain_oci_embeddings(place: Place) -> None:
    langchain_oci = pytest.importorskip("langchain_oci")
    embeddings = langchain_oci.OCIGenAIEmbeddings(
        model_id="cohere.embed-v4.0",
        service_endpoint=place.root,
        compartment_id=place.compartment,
        auth_file_location=str(place.clients.tenancy.config_file),
    )
    assert len(embeddings.embed_query("hello")) == 1536

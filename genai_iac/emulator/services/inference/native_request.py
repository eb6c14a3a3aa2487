"""The body of OCI's own chat action, in its three formats, read into the same request as Chat Completions.

GENERIC and COHEREV2 are OpenAI's shapes under other names, so they are renamed and then read by the one reader that
checks them; COHERE (V1) has a message and a history of its own."""

from typing import Any

from genai_iac.emulator.http.requests import as_object, choice, items, optional_items, optional_text, read_flag, text
from genai_iac.emulator.http.responses import invalid
from genai_iac.emulator.services.inference.chat import ChatRequest, read_chat_request
from genai_iac.emulator.services.inference.prompt import (
    Body,
    Conversation,
    Prompt,
    Tool,
    read_count,
    read_json_format,
    read_stop,
    read_tool,
)

FORMATS = ("GENERIC", "COHERE", "COHEREV2")  # values of `apiFormat`
_LONG = 10_000_000
_RENAMED = {
    "maxTokens": "max_tokens", "maxCompletionTokens": "max_completion_tokens", "topP": "top_p", "temperature": "temperature",
    "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty", "seed": "seed", "stop": "stop",
    "stopSequences": "stop", "numGenerations": "n", "isStream": "stream", "metadata": "metadata", "logitBias": "logit_bias",
    "prediction": "prediction", "isParallelToolCalls": "parallel_tool_calls",
}  # fmt: skip
_SEPARATE = ("apiFormat", "messages", "tools", "toolChoice", "toolsChoice", "responseFormat", "streamOptions")
_WITHOUT_EFFECT = (
    "topK", "reasoningEffort", "verbosity", "serviceTier", "documents", "citationOptions", "isStrictToolsEnabled",
    "thinking", "priority", "safetyMode", "truncation", "promptTruncation", "maxInputTokens", "citationQuality",
    "isForceSingleStep",
)  # fmt: skip
_REFUSED = ("isEcho", "logProbs", "isLogProbsEnabled", "webSearchOptions", "isSearchQueriesOnly", "isRawPrompting")
# parameters of the COHERE format beside the renamed ones
_COHERE_V1 = ("apiFormat", "message", "chatHistory", "tools", "toolResults", "preambleOverride", "responseFormat")
# Cohere's names of types to those of JSON Schema
_TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}


def read_native_request(body: Body, model: str) -> ChatRequest:
    """The request in a `chatRequest`; ServiceError 400 for what is wrong or cannot be honoured."""
    kind = choice(body, "apiFormat", FORMATS)
    if model.startswith("cohere.") != kind.startswith("COHERE") and not model.startswith("ocid1."):
        raise invalid(f"Model {model} does not take apiFormat {kind}.")
    for name, value in body.items():
        known = _COHERE_V1 if kind == "COHERE" else _SEPARATE
        if name in _REFUSED and value not in (None, False):
            raise invalid(f"{name} is not supported by the emulator.")
        if name not in (*known, *_RENAMED, *_WITHOUT_EFFECT, *_REFUSED):
            raise invalid(f"chatRequest has no {name} in apiFormat {kind}.")
    return _read_cohere(body, model) if kind == "COHERE" else read_chat_request(_rename(body), model)


def _rename(body: Body) -> dict[str, Any]:
    """A GENERIC or COHEREV2 request in OpenAI's words."""
    renamed = {_RENAMED[name]: value for name, value in body.items() if name in _RENAMED and value is not None}
    if isinstance(renamed.get("stop"), list) and not renamed["stop"]:
        del renamed["stop"]
    renamed["messages"] = [_rename_message(as_object(message, "messages")) for message in items(body, "messages")]
    renamed["tools"] = [_rename_tool(as_object(tool, "tools")) for tool in optional_items(body, "tools")]
    renamed["tool_choice"] = _rename_choice(body.get("toolChoice") or body.get("toolsChoice"))
    renamed["response_format"] = _rename_format(as_object(body.get("responseFormat") or {}, "responseFormat"))
    options = as_object(body.get("streamOptions") or {}, "streamOptions")
    if options:
        renamed["stream_options"] = {"include_usage": options.get("isIncludeUsage")}
    return renamed


def _rename_message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    renamed: dict[str, Any] = {
        "role": str(message.get("role", "")).lower(),
        "content": [_rename_part(as_object(part, "content")) for part in content]
        if isinstance(content, list)
        else content,
    }
    if renamed["content"] == []:
        renamed["content"] = None
    if message.get("toolCalls"):
        renamed["tool_calls"] = [
            _rename_call(as_object(call, "toolCalls")) for call in optional_items(message, "toolCalls")
        ]
    if message.get("toolCallId"):
        renamed["tool_call_id"] = message["toolCallId"]
    return renamed


def _rename_part(part: dict[str, Any]) -> dict[str, Any]:
    kind = str(part.get("type", "")).lower()
    return (
        {"type": "image_url", "image_url": part.get("imageUrl")} if kind.startswith("image") else {**part, "type": kind}
    )


def _rename_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {"name": call.get("name"), "arguments": call.get("arguments")}
    return {"id": call.get("id"), "type": "function", "function": function}


def _rename_tool(tool: dict[str, Any]) -> dict[str, Any]:
    return {"type": str(tool.get("type", "")).lower(), "function": tool.get("function") or tool}


def _rename_choice(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value.lower() if value else None
    kind = str(as_object(value, "toolChoice").get("type", "")).lower()
    return {"type": "function", "function": {"name": value.get("name")}} if kind == "function" else kind


def _rename_format(form: dict[str, Any]) -> dict[str, Any] | None:
    if not form:
        return None
    kind = str(form.get("type", "")).lower()
    if kind == "json_object" and form.get("schema"):  # COHEREV2 gives a schema with JSON_OBJECT
        return {"type": "json_schema", "json_schema": {"name": "schema", "schema": form["schema"]}}
    return {"type": kind, "json_schema": form.get("jsonSchema")}


def _read_cohere(body: Body, model: str) -> ChatRequest:
    texts = [preamble] if (preamble := optional_text(body, "preambleOverride", most=_LONG)) else []
    for entry in optional_items(body, "chatHistory"):
        said = as_object(entry, "chatHistory")
        choice(said, "role", ("USER", "CHATBOT", "SYSTEM", "TOOL"))
        texts.append(optional_text(said, "message", most=_LONG) or "")
    results = [as_object(result, "toolResults") for result in optional_items(body, "toolResults")]
    message = text(body, "message", most=_LONG, least=0 if results else 1)
    texts += [message] if message else []
    texts += [str(result.get("outputs")) for result in results]
    called = tuple(str(as_object(result.get("call"), "toolResults.call").get("name")) for result in results)
    form = as_object(body.get("responseFormat") or {}, "responseFormat")
    schema = read_json_format(str(form.get("type", "text")).lower(), form, "responseFormat")
    if schema is not None and form.get("schema"):
        schema = read_json_format("json_schema", {"name": "schema", **form}, "responseFormat")
    prompt = Prompt(
        model,
        Conversation(tuple(texts), "tool" if results else "user", called),
        tuple(_read_cohere_tool(as_object(tool, "tools")) for tool in optional_items(body, "tools")),
        schema=schema,
        stop=read_stop(body, "stopSequences"),
        max_tokens=read_count(body, "maxTokens"),
    )
    return ChatRequest(prompt, 1, read_flag(body, "isStream"), usage_streamed=False)


def _read_cohere_tool(tool: dict[str, Any]) -> Tool:
    definitions = as_object(tool.get("parameterDefinitions") or {}, "parameterDefinitions")
    properties = {
        name: {"type": _TYPES.get(str(as_object(item, name).get("type")).lower(), "string")}
        for name, item in definitions.items()
    }
    required = [name for name, item in definitions.items() if item.get("isRequired") is True]
    return read_tool(
        {**tool, "parameters": {"type": "object", "properties": properties, "required": required}}, "tools"
    )

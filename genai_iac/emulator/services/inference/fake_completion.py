"""What every model here answers: a script's answer, the demanded tool or JSON, or else that no model was run."""

import json
from dataclasses import replace

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.services.inference.prompt import Completion, Prompt, Tool, ToolCall
from genai_iac.emulator.services.inference.scripted_answers import ScriptedAnswer, match_script
from genai_iac.emulator.services.inference.smallest_value import UnfittingSchema, smallest_value
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import make_etag

_QUOTED = 200  # characters of the question that the answer repeats
_CHARACTERS = 4  # to a token


def complete(call: OperationContext, prompt: Prompt) -> Completion:
    """The answer to a prompt; 400 when no value is found for a schema that it demands."""
    # Scripts first: an application's test decides what the model says.
    script = match_script(call.connection, prompt)
    completion = _from_script(script) if script is not None else _without_script(prompt)
    asked = sum(count_tokens(text) for text in prompt.conversation.texts)
    return _limit(replace(completion, prompt_tokens=max(1, asked)), prompt)


def count_tokens(text: str) -> int:
    """A made-up but steady number of tokens: one for every four characters begun."""
    return -(-len(text) // _CHARACTERS)


def split_words(text: str) -> list[str]:
    """The text in the pieces a stream brings, which joined give it back."""
    words = text.split(" ")
    return [word if position == 0 else f" {word}" for position, word in enumerate(words)]


def completion_text(question: str) -> str:
    """The text of an answer that nothing else is demanded of."""
    asked = question if len(question) <= _QUOTED else question[:_QUOTED] + "…"
    return f"This is the genai-iac local emulator; no model was run. You said: {asked}"


def _from_script(script: ScriptedAnswer) -> Completion:
    calls = tuple(ToolCall(_call_id(), name, arguments) for name, arguments in script.tool_calls)
    return Completion(script.text, calls, error=script.error, delay=script.delay)


def _without_script(prompt: Prompt) -> Completion:
    tool = _demanded_tool(prompt)
    if tool is not None:
        arguments = _smallest_json({"type": "object", **tool.parameters}, f"the arguments of tool {tool.name}")
        return Completion(tool_calls=(ToolCall(_call_id(), tool.name, arguments),))
    if prompt.schema is not None:
        return Completion(_smallest_json(prompt.schema, "the response format"))
    texts = prompt.conversation.texts
    return Completion(completion_text(texts[-1] if texts else ""))


def _demanded_tool(prompt: Prompt) -> Tool | None:
    """The tool named; for `required`, the first that was not called yet, so that an agent's loop comes to its end."""
    if prompt.choice.mode != "required":
        return None
    if prompt.choice.name is not None:
        return next(tool for tool in prompt.tools if tool.name == prompt.choice.name)
    fresh = [tool for tool in prompt.tools if tool.name not in prompt.conversation.called]
    return fresh[0] if fresh else prompt.tools[-1]


def _smallest_json(schema: dict[str, object], what: str) -> str:
    try:
        return json.dumps(smallest_value(schema), ensure_ascii=False)
    except UnfittingSchema as error:
        raise invalid(
            f"The emulator finds no value for {what}: {error}. Script an answer with POST /_local/inference."
        ) from None


def _limit(completion: Completion, prompt: Prompt) -> Completion:
    """The completion as `stop` and the token limit leave it, with its tokens counted."""
    if completion.error is not None:
        return completion
    text = completion.text
    for stop in prompt.stop:
        text = text.partition(stop)[0]
    room = None if prompt.max_tokens is None else prompt.max_tokens * _CHARACTERS
    kept = text[:room]
    calls: list[ToolCall] = []
    for call in completion.tool_calls:
        left = None if room is None else max(0, room - len(kept) - sum(len(item.arguments) for item in calls))
        calls.append(replace(call, arguments=call.arguments[:left]))
    said = count_tokens(kept) + sum(count_tokens(call.arguments) for call in calls)
    cut = kept != text or any(
        left.arguments != right.arguments for left, right in zip(calls, completion.tool_calls, strict=True)
    )
    return replace(completion, text=kept, tool_calls=tuple(calls), cut=cut, completion_tokens=max(1, said))


def _call_id() -> str:
    return f"call_{make_etag()[:24]}"

"""What every model of the emulator answers: a script's answer, the demanded tool or JSON, or a text that says that no model was run.

A script has rules from model and text to an answer, which a user gives for an application under test. It is kept in the database, so
that a script posted at one server answers in every process that has the same file open.
"""

import json
import sqlite3
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.emulator.http.responses import ServiceError, invalid
from genai_iac.emulator.services.inference.prompt import Completion, Prompt, Tool, ToolCall
from genai_iac.emulator.services.inference.smallest_value import UnfittingSchema, smallest_value
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.database import encode_json
from genai_iac.emulator.storage.resources import make_etag
from genai_iac.emulator.storage.time_format import parse_duration

MAX_RULES = 1_000  # of one database
# members of a rule; any other is a 400, so that a misspelled one is noticed
_RULE = ("match", "answer", "toolCalls", "status", "code", "message", "retryAfter", "delay", "times", "used")
_MATCH = ("model", "text", "role")  # members of `match`
# `code` where a rule gives the status only
_STATUS_CODES = {401: "NotAuthenticated", 404: "NotAuthorizedOrNotFound", 429: "TooManyRequests"}


class ScriptedAnswer(Struct, frozen=True):
    """What a rule answers. `tool_calls` are names with their arguments as JSON text; `delay` is real milliseconds."""

    text: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    error: ServiceError | None = None
    delay: int = 0


class ScriptRule(Struct, frozen=True):
    """One rule, checked: what it matches, what it answers, and how many times (None: always)."""

    model: str  # glob
    text: str
    role: str | None  # of the last message; None: any
    answer: ScriptedAnswer
    times: int | None  # None: always
    source: dict[str, Any] = field(default_factory=dict)

    def matches(self, prompt: Prompt) -> bool:
        """Whether this rule is for that prompt: the model by glob, the last message by a part of its text."""
        said = prompt.conversation
        last = said.texts[-1] if said.texts else ""
        return (
            fnmatchcase(prompt.model, self.model)
            and self.text.casefold() in last.casefold()
            and self.role in (None, said.last_role)
        )


def add_scripts(connection: sqlite3.Connection, value: Any) -> None:
    """Store one rule (object) or several (list) behind those that are there; ServiceError 400 when any is wrong."""
    rules = [read_rule(item) for item in (value if isinstance(value, list) else [value])]
    if len(rules) + len(list_scripts(connection)) > MAX_RULES:
        raise invalid(f"There may be at most {MAX_RULES} rules; DELETE removes them.")
    connection.executemany(
        "INSERT INTO inference_scripts (rule) VALUES (?)", [(encode_json(rule.source),) for rule in rules]
    )


def list_scripts(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """All rules in order, with how often each has answered."""
    rows = connection.execute("SELECT rule, used FROM inference_scripts ORDER BY seq")
    return [{**json.loads(row["rule"]), "used": row["used"]} for row in rows]


def remove_scripts(connection: sqlite3.Connection) -> None:
    """Remove them all."""
    connection.execute("DELETE FROM inference_scripts")


def match_script(connection: sqlite3.Connection, prompt: Prompt) -> ScriptedAnswer | None:
    """The answer of the first rule that matches and is not used up; it has then answered once more."""
    for row in connection.execute("SELECT seq, rule, used FROM inference_scripts ORDER BY seq").fetchall():
        rule = read_rule(json.loads(row["rule"]))
        if rule.matches(prompt) and (rule.times is None or row["used"] < rule.times):
            connection.execute("UPDATE inference_scripts SET used = used + 1 WHERE seq = ?", (row["seq"],))
            return rule.answer
    return None


def read_rule(value: Any) -> ScriptRule:
    """A rule from its JSON; ServiceError 400 says what is wrong with it."""
    if not isinstance(value, dict):
        raise invalid('A rule is an object such as {"match": {"text": "weather"}, "answer": "Rain."}.')
    _refuse_unknown(value, _RULE, "A rule")
    match = value.get("match", {})
    if not isinstance(match, dict) or not all(isinstance(part, str) for part in match.values()):
        raise invalid("match is an object of texts: model, text, role.")
    _refuse_unknown(match, _MATCH, "match")
    source = {name: part for name, part in value.items() if name != "used"}
    return ScriptRule(
        match.get("model", "*"),
        match.get("text", ""),
        match.get("role"),
        _read_answer(value),
        _read_times(value),
        source,
    )


def _read_answer(value: dict[str, Any]) -> ScriptedAnswer:
    delay = _read_delay(value)
    if "status" in value:
        if "answer" in value or "toolCalls" in value:
            raise invalid("A rule answers with status or with answer and toolCalls, not with both.")
        return ScriptedAnswer(error=_read_error(value), delay=delay)
    answer = value.get("answer", "")
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    calls = value.get("toolCalls", [])
    if not isinstance(calls, list):
        raise invalid('toolCalls is a list such as [{"name": "search", "arguments": {"q": "rain"}}].')
    if "answer" not in value and not calls:
        raise invalid("A rule needs answer, toolCalls or status.")
    return ScriptedAnswer(text, tuple(_read_call(item) for item in calls), delay=delay)


def _read_call(item: Any) -> tuple[str, str]:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
        raise invalid("Every one of toolCalls needs a name.")
    _refuse_unknown(item, ("name", "arguments"), "A tool call")
    arguments = item.get("arguments", {})
    # a text is taken as it is: broken JSON is what some applications must be tried with
    return item["name"], arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _read_error(value: dict[str, Any]) -> ServiceError:
    status = value["status"]
    if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
        raise invalid("status is an HTTP status from 400 to 599.")
    code = str(
        value.get("code", _STATUS_CODES.get(status, "InternalServerError" if status >= 500 else "InvalidParameter"))
    )
    headers = {"retry-after": str(value["retryAfter"])} if "retryAfter" in value else {}
    return ServiceError(status, code, str(value.get("message", "Scripted by the local emulator.")), headers)


def _read_delay(value: dict[str, Any]) -> int:
    try:
        return parse_duration(value.get("delay", 0))
    except ValueError as error:
        raise invalid(f"delay: {error}.") from None


def _read_times(value: dict[str, Any]) -> int | None:
    times = value.get("times")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise invalid("times is a whole number from 1.")
    return times


def _refuse_unknown(value: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = set(value) - set(known)
    if unknown:
        raise invalid(f"{what} has no {', '.join(sorted(unknown))}; it has {', '.join(known)}.")


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
    most = None if prompt.max_tokens is None else prompt.max_tokens * _CHARACTERS
    kept = text[:most]
    calls: list[ToolCall] = []
    for call in completion.tool_calls:
        left = None if most is None else max(0, most - len(kept) - sum(len(item.arguments) for item in calls))
        calls.append(replace(call, arguments=call.arguments[:left]))
    said = count_tokens(kept) + sum(count_tokens(call.arguments) for call in calls)
    cut = kept != text or any(
        left.arguments != right.arguments for left, right in zip(calls, completion.tool_calls, strict=True)
    )
    return replace(completion, text=kept, tool_calls=tuple(calls), cut=cut, completion_tokens=max(1, said))


def _call_id() -> str:
    return f"call_{make_etag()[:24]}"

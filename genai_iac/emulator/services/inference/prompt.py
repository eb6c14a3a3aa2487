"""What a model is asked and what comes back, whichever API the request came by.

Chat Completions, Responses and the native chat action each read their own body into a `Prompt`; all of them show a
`Completion` in their own form."""

from dataclasses import dataclass, field
from typing import Any

from genai_iac.emulator.http.errors import ServiceError


@dataclass(frozen=True)
class Tool:
    """A function the caller offers: its name and the JSON schema of its arguments."""

    name: str
    parameters: dict[str, Any]  # JSON Schema


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool that the answer asks for. `arguments` is JSON text."""

    id: str  # the tool's answer repeats it
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolChoice:
    """Which tool must be called. `mode` is none, auto or required; `name` is the tool that is demanded, if one is."""

    mode: str = "auto"
    name: str | None = None  # None: any tool


@dataclass(frozen=True)
class Conversation:
    """What was said so far. `texts` has every message's text, in order; `called` the names of the tools called."""

    texts: tuple[str, ...] = ()
    last_role: str = "user"  # of the last message; scripts may ask for it
    called: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """One question to a model. `schema` is the JSON schema that the answer's text must fit, when JSON is asked for."""

    model: str
    conversation: Conversation
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    schema: dict[str, Any] | None = None
    stop: tuple[str, ...] = ()  # texts at which the answer is cut
    max_tokens: int | None = None


@dataclass(frozen=True)
class Completion:
    """One answer. `cut`: the token limit ended it. `error`: a script wants this error in the answer's place.

    `delay` is in real milliseconds."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    cut: bool = False
    prompt_tokens: int = 1
    completion_tokens: int = 1
    error: ServiceError | None = None
    delay: int = 0

"""Using a delivered value, as an application would: through the unchanged OpenAI SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai

MESSAGES = [{"role": "user", "content": "Hello"}]


@contextmanager
def client(url: str, value: str) -> Iterator[openai.OpenAI]:
    """An OpenAI client that tells each refusal at once."""
    with openai.OpenAI(base_url=url, api_key=value, max_retries=0) as unchanged:
        yield unchanged


def works(url: str, value: str) -> bool:
    """Whether the value opens the endpoint."""
    with client(url, value) as called:
        try:
            return bool(called.chat.completions.create(model="openai.gpt-oss-120b", messages=MESSAGES).choices)  # type: ignore[arg-type]
        except openai.AuthenticationError:
            return False


def assert_serves(url: str, value: str) -> None:
    """Both APIs answer, whole and streaming."""
    with client(url, value) as served:
        whole = served.chat.completions.create(model="openai.gpt-oss-120b", messages=MESSAGES)  # type: ignore[arg-type]
        assert whole.choices[0].message.content
        chunks = list(served.chat.completions.create(model="openai.gpt-oss-120b", messages=MESSAGES, stream=True))  # type: ignore[arg-type]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert served.responses.create(model="openai.gpt-oss-120b", input="Hello").output_text
        events = list(served.responses.create(model="openai.gpt-oss-120b", input="Hello", stream=True))
        assert events[0].type == "response.created" and events[-1].type == "response.completed"


def read_dotenv(path: Path) -> dict[str, str]:
    """The assignments of a delivered dotenv file, which is private."""
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name: value.strip("'\"") for name, _, value in (line.partition("=") for line in lines)}

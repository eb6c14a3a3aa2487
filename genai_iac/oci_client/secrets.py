"""The only code that handles plaintext: from a response into `Secret`s at once, from a `Secret` into a request and nowhere else.

tests/core/test_secret.py lists this module among the few that open a value.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from genai_iac.core import Secret

CONTENT = "content"  # under which the text of a Vault secret is found in `Reply.secrets`

E = TypeVar("E", bound=BaseException)


def extract_secrets(data: Any) -> dict[str, Secret]:
    """Take every value out of an answer: those of an API key by secret name, that of a secret bundle as CONTENT.

    Args:
        data: a parsed body; values are removed from it in place.
    """
    if not isinstance(data, dict):
        return {}
    return {**dict(_take_from_key(data)), **dict(_take_from_bundle(data))}


def reveal_for_request(argument: Any) -> Any:
    """An argument for the SDK: a `Secret` in it becomes what Vault takes, base64 of its UTF-8.

    Returns:
        The argument itself when it holds no `Secret`; else a copy.
    """
    if isinstance(argument, Secret):
        return base64.b64encode(argument.reveal().encode()).decode("ascii")
    if isinstance(argument, Mapping):
        return {name: reveal_for_request(value) for name, value in argument.items()}
    return argument


def forget_frames(error: E) -> E:
    """The error without the frames it passed through, nor those of its causes: the SDK's hold requests and answers with plaintext.

    Args:
        error: of the SDK. Its text is redacted elsewhere; its frames cannot be.
    """
    seen: list[BaseException | None] = [None]
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and not any(one is other for other in seen):
            seen.append(one)
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__]
    return error


def _take_from_key(data: dict[str, Any]) -> Iterator[tuple[str, Secret]]:
    keys = data.get("keys")
    for item in keys if isinstance(keys, list) else ():
        value = item.pop("key", None) if isinstance(item, dict) else None
        if value:
            yield str(item.get("keyName")), Secret(str(value))


def _take_from_bundle(data: dict[str, Any]) -> Iterator[tuple[str, Secret]]:
    bundle = data.get("secretBundleContent")
    if isinstance(bundle, dict):
        yield CONTENT, _decode(str(bundle.pop("content", "")))


def _decode(encoded: str) -> Secret:
    # what another hand stored may be any bytes; it is only ever looked at to see that it is not ours
    try:
        return Secret.document(str(base64.b64decode(encoded), "utf-8", "replace"))
    except ValueError:
        return Secret("")

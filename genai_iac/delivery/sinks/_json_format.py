"""Contents as one JSON object: the values under the names that consumers read, the records under a name of ours."""

from __future__ import annotations

import json
from typing import Any

from genai_iac.core import Secret
from genai_iac.delivery.sinks._contents import (
    PROJECT_VARIABLE,
    Contents,
    Unreadable,
    contents_from_data,
    head_as_data,
    item_as_data,
    record_from_data,
    variables,
)

_OURS = "genai-iac"
_BASE_URL = "OPENAI_BASE_URL"


def render(contents: Contents) -> Secret:
    """The whole text, the same for the same contents."""
    names = variables(contents.records)
    return Secret(
        json.dumps(
            {
                **{name: item.value.reveal() for name, item in zip(names, contents.items, strict=True) if item.value},
                _BASE_URL: contents.base_url,
                **({PROJECT_VARIABLE: contents.project} if contents.project else {}),
                _OURS: {**head_as_data(contents), "records": [item_as_data(item) for item in contents.items]},
            },
            indent=2,
        )
        + "\n"
    )


def parse(text: Secret) -> Contents | Unreadable | None:
    """The contents of a text that `render` made; None for an empty one."""
    if not text.reveal().strip():
        return None
    # an exception of the parser carries the whole text with it, so it must end here
    try:
        data = json.loads(text.reveal())
    except (ValueError, RecursionError):
        return Unreadable("is not JSON that genai-iac wrote", ours=False)
    if not (isinstance(data, dict) and isinstance(data.get(_OURS), dict)):
        return Unreadable("was not written by genai-iac", ours=False)
    try:
        return _contents(data, data[_OURS])
    except (ValueError, KeyError, TypeError):
        return Unreadable("was written by genai-iac and changed by another hand", ours=True)


def _contents(data: dict[str, Any], head: dict[str, Any]) -> Contents:
    records = list(head["records"])
    names = variables(record_from_data(record) for record in records)
    beside = {PROJECT_VARIABLE: head["project"]} if head.get("project") else {}
    if any(data.get(name) != value for name, value in beside.items()):
        raise ValueError
    if set(data) != {*names, *beside, _BASE_URL, _OURS} or not all(isinstance(data[name], str) for name in names):
        raise ValueError
    return contents_from_data(head, data[_BASE_URL], records, (Secret(data[name]) for name in names))

"""Contents as a dotenv file: a shell, python-dotenv and container runtimes read the values, the records are comments.

Read strictly: a line that `render` would not have written makes the file unreadable, so that nothing of another hand is overwritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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

_MARK = "# genai-iac: "
_NOTE = "# Written whole at every delivery: keep other variables in another file."
_BASE_URL = "OPENAI_BASE_URL"
_BARE = re.compile(r"[A-Za-z0-9_.,:/@%+=^-]+", re.ASCII)  # every reader takes these as they stand
_QUOTED = re.compile(r"'[ -&(-\[\]-~]*'", re.ASCII)  # a shell and python-dotenv agree on these between single quotes


def render(contents: Contents) -> Secret | None:
    """The whole text, the same for the same contents; None when a value has characters that the readers of such files disagree on."""
    lines = list(_lines(contents))
    return None if None in lines else Secret("".join(f"{line}\n" for line in lines))


def parse(text: Secret) -> Contents | Unreadable | None:
    """The contents of a text that `render` made; None for an empty one."""
    if not text.reveal().strip():
        return None
    head, *rest = text.reveal().removesuffix("\n").split("\n")
    # an exception raised in here has the text in its frames, so it must end here
    try:
        whose = _data(head)
    except ValueError:
        return Unreadable("was not written by genai-iac", ours=False)
    try:
        return _contents(whose, rest)
    except (ValueError, IndexError):
        return Unreadable("was written by genai-iac and changed by another hand", ours=True)


def _lines(contents: Contents) -> Iterator[str | None]:
    yield _comment(head_as_data(contents))
    yield _NOTE
    yield _assignment(_BASE_URL, contents.base_url)
    if contents.project:
        yield _assignment(PROJECT_VARIABLE, contents.project)
    for name, item in zip(variables(contents.records), contents.items, strict=True):
        assert item.value is not None
        yield _comment(item_as_data(item))
        line = _assignment(name, item.value.reveal())
        yield f"# {line}" if line and item.record.role == "inactive" else line


def _comment(data: dict[str, Any]) -> str:
    return _MARK + json.dumps(data)


def _assignment(name: str, value: str) -> str | None:
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    return f"{name}='{value}'" if _QUOTED.fullmatch(f"'{value}'") else None


def _contents(whose: Any, rest: list[str]) -> Contents:
    note, base_url, *pairs = rest
    if isinstance(whose, dict) and whose.get("project") and _value(pairs.pop(0), PROJECT_VARIABLE) != whose["project"]:
        raise ValueError
    if note != _NOTE or len(pairs) % 2:
        raise ValueError
    records = [_data(line) for line in pairs[::2]]
    names = variables(record_from_data(record) for record in records)
    values = [_value(line.removeprefix("# "), name) for name, line in zip(names, pairs[1::2], strict=True)]
    contents = contents_from_data(whose, _value(base_url, _BASE_URL), records, map(Secret, values))
    if any(
        line.startswith("# ") != (record["role"] == "inactive")
        for record, line in zip(records, pairs[1::2], strict=True)
    ):
        raise ValueError
    return contents


def _data(line: str) -> Any:
    if not line.startswith(_MARK):
        raise ValueError
    try:
        return json.loads(line.removeprefix(_MARK))
    except RecursionError:
        raise ValueError from None


def _value(line: str, name: str) -> str:
    found, equals, form = line.partition("=")
    if found != name or not equals or not (_BARE.fullmatch(form) or _QUOTED.fullmatch(form)):
        raise ValueError
    return form[1:-1] if form.startswith("'") else form

"""Writes contents as a dotenv file: a shell, python-dotenv and container runtimes read the values, the records are comments.

What is read back is reported in `_dotenv_reader`: nothing there depends on the wording of the comment below the first line.

docs/formats.md shows an example. Readers of dotenv files differ in quoting, so only
values that all of them read alike are written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from genai_iac.core import Secret
from genai_iac.delivery.sinks._contents import Contents, head_as_data, item_as_data

# begins every record; readers find ours by it
MARK = "# genai-iac: "
_NOTE = "# Written by genai-iac at every delivery. Lines that begin with '# genai-iac:' are its records: keep them."
_BARE = re.compile(r"[A-Za-z0-9_.,:/@%+=^-]+", re.ASCII)  # every reader takes these as they stand
_QUOTED = re.compile(r"'[ -&(-\[\]-~]*'", re.ASCII)  # a shell and python-dotenv agree on these between single quotes


def render(contents: Contents, kept: Secret | None = None) -> Secret | None:
    """The whole text, the same for the same contents; None when a value has characters that the readers of such files disagree on.

    `kept`: lines of the file that belong to other keys or to other programs; they follow as they are.

    Args:
        contents: with all values filled in.

    Returns:
        The text as one `Secret`, so that it cannot be printed by accident.
    """
    lines = list(_lines(contents))
    if None in lines:
        return None
    return Secret.document("".join(f"{line}\n" for line in lines) + (kept.reveal() if kept else ""))


def _lines(contents: Contents) -> Iterator[str | None]:
    names = contents.names
    yield _comment(head_as_data(contents))
    yield _NOTE
    yield _assignment(names.base_url, contents.base_url)
    if contents.project:
        yield _assignment(names.project, contents.project)
    whose = {"address": str(contents.address), "id": contents.id, "owner": contents.owner}
    for name, item in zip(names.of_records(contents.records), contents.items, strict=True):
        assert item.value is not None
        yield _comment({**item_as_data(item), **whose})  # a record tells whose it is even when the first line is lost
        line = _assignment(name, item.value.reveal())
        # A comment: an inactive value must not reach a process that loads the file.
        yield f"# {line}" if line and item.record.role == "inactive" else line


def _comment(data: dict[str, Any]) -> str:
    return MARK + json.dumps(data)


def _assignment(name: str, value: str) -> str | None:
    """`NAME=value` or `NAME='value'`; None when readers would disagree on it."""
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    return f"{name}='{value}'" if _QUOTED.fullmatch(f"'{value}'") else None

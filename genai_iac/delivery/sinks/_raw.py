"""Records that lie apart from their value: for places that hold the current value and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from genai_iac.core import Item, Secret
from genai_iac.delivery.sinks._contents import (
    Contents,
    Unreadable,
    contents_from_head,
    head_as_data,
    is_whole,
    item_as_data,
    newer_format,
    record_from_data,
    text_of,
)

OURS = "genai-iac"  # the member that holds the records


def render_records(contents: Contents, held: Contents | None = None) -> Secret:
    """The record of the current value, and that of the value held before: either may lie in the place when it is read.

    Args:
        held: what the place has before this write.
    """
    items = [item for one in (contents, held) if one for item in one.items if item.record.role == "current"]
    rows = [item_as_data(item) for item in items if item.value is not None]
    unique = [row for index, row in enumerate(rows) if row not in rows[:index]]
    return Secret.document(json.dumps({OURS: {**head_as_data(contents), "records": unique}}, indent=2) + "\n")


def read_records(text: Secret, value: Secret | None) -> Contents | Unreadable | None:
    """The contents of a place with that value; None when it has none. A line end behind the value is not content.

    Args:
        text: the records.
        value: the value in the place; None when the place is empty.

    Returns:
        Contents with at most one item; damaged when the value matches no record.
    """
    try:
        data = json.loads(text.reveal().removeprefix("\ufeff"))
        return newer_format(data[OURS]) or _contents(data[OURS], value)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unreadable(
            "has records beside it that another hand changed",
            ours=True,
            hint="put them back as they were: the value may be intact",
        )


def _contents(head: Any, value: Secret | None) -> Contents | None:
    contents = contents_from_head(head)
    if value is None:
        return None
    # Editors and `echo` add a line end. That is no change of the value.
    forms = (value, Secret(value.reveal().removeprefix("\ufeff").rstrip("\r\n")))
    for row in list(head["records"]):
        record, digest = record_from_data(row), text_of(row, "digest")
        for form in forms:
            if is_whole(record, form, digest):
                return replace(contents, items=(Item(record, form),))
    return replace(contents, damage="its value was changed")

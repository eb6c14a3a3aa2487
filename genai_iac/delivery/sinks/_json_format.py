"""The JSON format: one object with the values under the names that consumers read, and the records under a name of genai-iac.

A file that genai-iac wrote, now or in an earlier version, is read by its records alone. With `format: raw` the place holds the current
value and nothing else, so the records are in a JSON file beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from genai_iac.core import Item, Record, Secret
from genai_iac.delivery.sinks._base import DEFAULT_NAMES
from genai_iac.delivery.sinks._contents import (
    Contents,
    Unreadable,
    contents_from_head,
    head_as_data,
    is_plain_address,
    is_whole,
    item_as_data,
    newer_format,
    record_from_data,
    text_of,
)

OURS = "genai-iac"  # field with the records; everything else in the object is for consumers


def render(contents: Contents) -> Secret:
    """The whole text, the same for the same contents.

    Args:
        contents: with all values. An inactive value has a field too, under a name that no
            consumer reads.
    """
    names = contents.names.of_records(contents.records)
    return Secret.document(
        json.dumps(
            {
                **{name: item.value.reveal() for name, item in zip(names, contents.items, strict=True) if item.value},
                contents.names.base_url: contents.base_url,
                **({contents.names.project: contents.project} if contents.project else {}),
                OURS: {
                    **head_as_data(contents),
                    "records": [
                        {**item_as_data(item), "name": name} for name, item in zip(names, contents.items, strict=True)
                    ],
                },
            },
            indent=2,
        )
        + "\n"
    )


def read_json(text: Secret) -> Contents | Unreadable | None:
    """The contents of the text; None for an empty one. Spaces, line ends and a byte order mark are not content."""
    plain = text.reveal().removeprefix("\ufeff")
    if not plain.strip():
        return None
    # an exception of the parser carries the whole text with it, so it must end here
    try:
        data = json.loads(plain)
    except (ValueError, RecursionError):
        text.register_words()
        return Unreadable(
            "is not JSON that genai-iac wrote",
            ours=False,
            hint="if genai-iac did write it, make it JSON again; else move it away, or deliver to another place",
        )
    _remember(data)
    if not (isinstance(data, dict) and isinstance(data.get(OURS), dict)):
        return Unreadable("was not written by genai-iac", ours=False)
    try:
        return newer_format(data[OURS]) or _contents(data, data[OURS])
    except (ValueError, KeyError, TypeError):
        return Unreadable(
            "was written by genai-iac and its records were changed by another hand",
            ours=True,
            hint=f"put the field {OURS!r} back as it was: the values beside it may be intact",
        )


def _remember(data: Any) -> None:
    """Whoever wrote it: what is in it beside our records and the address may be a value, and no error may quote it."""
    members = data.items() if isinstance(data, dict) else [("", data)]
    head = data.get(OURS) if isinstance(data, dict) else None
    # to cover the endpoint that our record has would cover the region everywhere, whatever name it has
    recorded = [head.get("base_url"), head.get("project")] if isinstance(head, dict) else []
    for name, value in members:
        if name == OURS or (isinstance(value, str) and value in recorded):
            continue
        if name not in (DEFAULT_NAMES.base_url, DEFAULT_NAMES.project) or not is_plain_address(value):
            Secret.document(value if isinstance(value, str) else json.dumps(value)).register_words()


def _contents(data: Mapping[str, Any], head: Mapping[str, Any]) -> Contents | Unreadable:
    base_url = data.get(DEFAULT_NAMES.base_url, "")
    contents = contents_from_head(head, base_url if isinstance(base_url, str) else "")
    rows = list(head["records"])
    records = [record_from_data(row) for row in rows]
    names = _names_of(contents, rows, records)
    strange = sorted(set(data) - {OURS, contents.names.base_url, *names} - set(contents.names.all))
    if strange:
        return Unreadable(
            f"has fields that genai-iac did not write: {', '.join(strange)[:200]!r}",
            ours=True,
            hint="move them to another place; what else is in it is intact",
        )
    pairs = zip(rows, records, names, strict=True)
    items = tuple(item for row, record, name in pairs if (item := _item(data.get(name), row, record)))
    return replace(contents, items=items, damage=_damage(contents, data, names, len(items)))


def _names_of(contents: Contents, rows: list[Any], records: list[Record]) -> tuple[str, ...]:
    if all("name" in row for row in rows):
        return tuple(text_of(row, "name") for row in rows)
    return contents.names.of_records(records)  # format 1 does not have them


def _item(value: Any, row: Mapping[str, Any], record: Record) -> Item | None:
    digest = text_of(row, "digest")
    if not isinstance(value, str) or not is_whole(record, Secret(value), digest):
        return None
    return Item(record, Secret(value))


def _damage(contents: Contents, data: Mapping[str, Any], names: tuple[str, ...], whole: int) -> str:
    if whole < len(names):
        return "a value was changed or is missing"
    wanted = {contents.names.base_url: contents.base_url}
    wanted |= {contents.names.project: contents.project} if contents.project else {}
    changed = sorted(name for name, value in wanted.items() if data.get(name) != value)
    left = sorted(set(data) & set(contents.names.all) - {*names, *wanted})
    return f"{(changed or left)[0]} was changed" if changed or left else ""


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
        return newer_format(data[OURS]) or _contents_beside(data[OURS], value)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Unreadable(
            "has records beside it that another hand changed",
            ours=True,
            hint="put them back as they were: the value may be intact",
        )


def _contents_beside(head: Any, value: Secret | None) -> Contents | None:
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

"""What a place holds for one key: values in memory as `Secret`s, records as plain data. Both formats beside this file speak of it."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

from genai_iac.core import Address, Delivery, Item, Record, Role, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import Context
from genai_iac.delivery.sinks._redact import redact_text

_VARIABLES: Mapping[Role, str] = {
    "current": "OPENAI_API_KEY",
    "standby": "OPENAI_API_KEY_STANDBY",
    "pending": "OPENAI_API_KEY_PENDING",
    "inactive": "OPENAI_API_KEY_INACTIVE",
}
_FORMAT = 1
PROJECT_VARIABLE = "OPENAI_PROJECT_ID"


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything in one place, for one key of one owner. What was read, or is about to be written, has every value."""

    owner: str
    address: Address
    id: str
    base_url: str
    items: tuple[Item, ...]
    project: str | None = None  # the OCID that consumers send as OpenAI-Project

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(item.record for item in self.items)

    @property
    def holding(self) -> SinkContents:
        return SinkContents(self.address, self.id, self.records, self.base_url, project=self.project)

    def value(self, secret: str, mask: str) -> Secret | None:
        """The value held for that secret under that mask, or None."""
        found = (item.value for item in self.items if item.record.secret == secret and item.record.mask == mask)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why text is not contents: told without quoting any of it."""

    why: str
    ours: bool  # it was written by genai-iac and changed by another hand


def fill_delivery(delivery: Delivery, held: Contents | None, context: Context, place: str) -> Contents:
    """The contents that a delivery asks for: an item without a value takes the one held. Raises SinkError when it is not held."""
    draft = draft_contents(delivery, context)
    return replace(draft, items=tuple(_fill(item, held, place) for item in draft.items))


def draft_contents(delivery: Delivery, context: Context) -> Contents:
    """The contents that a delivery asks for, as far as they are known before values are kept or minted."""
    items = sort_items(delivery.items)
    return Contents(context.owner, delivery.address, delivery.id, delivery.base_url, items, delivery.project)


def sort_items(items: Iterable[Item]) -> tuple[Item, ...]:
    """In the order in which they are kept: what consumers read comes first."""
    roles = get_args(Role)
    return tuple(sorted(items, key=lambda item: (roles.index(item.record.role), item.record.secret)))


def check_contents(found: Contents | Unreadable | None, context: Context, place: str) -> Contents | None:
    """The contents when they are of this key. Raises SinkError when the place holds something else, which is never overwritten."""
    if isinstance(found, Unreadable):
        raise SinkError(
            f"{place} {found.why}",
            hint="move it away: the next apply delivers again"
            if found.ours
            else "move it away, or deliver to another place",
        )
    if found:
        check_tenant(found.owner, found.address, found.id, context, place)
    return found


def check_tenant(owner: str, address: Address, key: str, context: Context, place: str) -> None:
    """Raise SinkError when a place holds the secrets of another key, stack or environment."""
    if key == context.id or (owner, address) == (context.owner, context.address):
        return
    held = redact_text(f"{address} of {owner or 'another stack'}", None).replace("\n", " ")
    raise SinkError(
        f"{place} holds the secrets of {held}, not those of {context.address} of {context.owner}",
        hint="give each key and each environment a place of its own, or move the old one away once nothing reads it",
    )


def same_value(one: Secret | None, other: Secret | None) -> bool:
    """Whether both are there and equal, in constant time."""
    return one is not None and other is not None and one == other


def variables(records: Iterable[Record]) -> tuple[str, ...]:
    """The name under which each value is kept. Consumers read the first two; a second one of a kind gets a number."""
    seen: Counter[Role] = Counter()
    names = []
    for record in records:
        seen[record.role] += 1
        names.append(_VARIABLES[record.role] + (f"_{seen[record.role]}" if seen[record.role] > 1 else ""))
    return tuple(names)


def head_as_data(contents: Contents) -> dict[str, Any]:
    """Whose the contents are, as JSON data."""
    return {
        "format": _FORMAT,
        "address": str(contents.address),
        "id": contents.id,
        "owner": contents.owner,
        **({"project": contents.project} if contents.project else {}),
    }


def item_as_data(item: Item) -> dict[str, Any]:
    """The record of an item, as JSON data, with a digest that ties it to its value."""
    assert item.value is not None
    return {**record_as_data(item.record), "digest": _digest(item.record, item.value)}


def record_as_data(record: Record) -> dict[str, Any]:
    """A record as JSON data; moments as RFC 3339 in UTC."""
    return {
        "secret": record.secret,
        "mask": record.mask,
        "role": record.role,
        "expires": record.expires.astimezone(UTC).isoformat().replace("+00:00", "Z") if record.expires else None,
    }


def contents_from_data(head: Any, base_url: Any, records: Iterable[Any], values: Iterable[Secret]) -> Contents:
    """Contents from JSON data; a value that is not the one its record was written with is left out. Raises ValueError."""
    _check(isinstance(head, dict) and head.get("format") == _FORMAT and isinstance(base_url, str))
    project = head.get("project")
    _check(project is None or isinstance(project, str))
    pairs = [(data, Item(record_from_data(data), value)) for data, value in zip(records, values, strict=True)]
    return Contents(
        owner=_text(head, "owner"),
        address=Address.parse(_text(head, "address")),
        id=_text(head, "id"),
        base_url=base_url,
        items=tuple(item for data, item in pairs if _is_whole(item, _text(data, "digest"))),
        project=project,
    )


def record_from_data(data: Any) -> Record:
    """A record from JSON data. Raises ValueError."""
    _check(isinstance(data, dict) and "expires" in data)
    role, expires = data.get("role"), data["expires"]
    _check(role in get_args(Role) and (expires is None or isinstance(expires, str)))
    moment = datetime.fromisoformat(expires) if expires else None
    _check(moment is None or moment.tzinfo is not None)
    return Record(_text(data, "secret"), _text(data, "mask"), role, moment)


def _fill(item: Item, held: Contents | None, place: str) -> Item:
    if item.value is not None:
        return item
    record = item.record
    value = held.value(record.secret, record.mask) if held else None
    if value is None:
        raise SinkError(
            f"{place} does not hold {record.secret} ({record.mask}), so it cannot be kept; nothing was written",
            hint="plan again: what is not held is delivered anew",
        )
    return replace(item, value=value)


def _digest(record: Record, value: Secret) -> str:
    # beside the value itself a digest gives nothing away, and it shows an edit by hand
    return hashlib.sha256("\0".join((record.secret, record.mask, value.reveal())).encode()).hexdigest()


def _is_whole(item: Item, digest: str) -> bool:
    assert item.value is not None
    return hmac.compare_digest(digest.encode(), _digest(item.record, item.value).encode())


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    _check(isinstance(value, str))
    return str(value)


def _check(good: bool) -> None:
    if not good:
        raise ValueError("not what a sink writes")

"""What one place holds for one key: values as `Secret`s, records as plain data.

File, Vault and raw forms share this model, so a value moves between sinks without being parsed by more than one reader.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Delivery, Item, Record, Role, Secret, SinkContents
from genai_iac.core.errors import EditedSinkError, SinkError
from genai_iac.delivery.sinks._base import DEFAULT_NAMES, Context, Names
from genai_iac.delivery.sinks._program import redact_text

FORMAT = 2  # what is written; docs/formats.md says what each one looks like
READABLE = (1, 2)  # what is read
# Strict on purpose: what does not match is treated as a possible credential and covered
# in output.
_PLAIN_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9-]{1,40}\.)*[A-Za-z0-9-]{1,40}(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]{0,30})*"
    r"|ocid1\.[a-z0-9]{1,40}(?:\.[a-z0-9_-]{0,80}){3,4}"
)


class Contents(Struct, frozen=True):
    """Everything in one place, for one key of one owner. What was read, or is about to be written, has every value.

    `items` are in the order of roles: current, standby, pending, inactive.
    """

    owner: str  # `stack` or `stack@environment`
    address: Address
    id: str  # the key's OCID
    base_url: str
    items: tuple[Item, ...]  # sorted by role, then name
    names: Names = DEFAULT_NAMES  # under which the values lie in the place
    project: str | None = None  # the OCID that consumers send as OpenAI-Project
    damage: str = ""  # what another hand changed beside the values, as a reader found it; not compared

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and self._compared() == other._compared()

    def __hash__(self) -> int:
        return hash(self._compared())

    def _compared(self) -> tuple[object, ...]:
        return self.owner, self.address, self.id, self.base_url, self.items, self.names, self.project

    @property
    def records(self) -> tuple[Record, ...]:
        """The records without their values."""
        return tuple(item.record for item in self.items)

    @property
    def holding(self) -> SinkContents:
        """The same without values, as plans see it."""
        return SinkContents(self.address, self.id, self.records, self.base_url, project=self.project)

    def holding_as(self, names: Names, exposed: str = "") -> SinkContents:
        """The same for an entry that gives these names; `exposed` says why the place is not private.

        Args:
            names: those that the manifest asks for now; other ones in the place are a
                difference.
        """
        renamed = "" if names == self.names else "its names are not those of env"
        return replace(self.holding, damage=exposed or self.damage or renamed)

    def value(self, secret: str, mask: str) -> Secret | None:
        """The value held for that secret under that mask, or None."""
        found = (item.value for item in self.items if item.record.secret == secret and item.record.mask == mask)
        return next(found, None)


class Unreadable(Struct, frozen=True):
    """Why text is not contents, without quoting any of it.

    Returned and not raised, so that no exception carries the text in its frames.
    """

    why: str  # completes a sentence that begins with the sink's name
    ours: bool  # it was written by genai-iac and changed by another hand
    hint: str = "move it away, or deliver to another place"


def fill_delivery(
    delivery: Delivery, held: Contents | None, context: Context, place: str, names: Names = DEFAULT_NAMES
) -> Contents:
    """The contents that a delivery asks for: an item without a value takes the one held. Raises SinkError when it is not held.

    Args:
        held: what the place has now; None when it is empty.
        names: of the entry's `env`.
    """
    draft = draft_contents(delivery, context, names)
    return replace(draft, items=tuple(_fill(item, held, place) for item in draft.items))


def draft_contents(delivery: Delivery, context: Context, names: Names = DEFAULT_NAMES) -> Contents:
    """The contents that a delivery asks for, as far as they are known before values are kept or created.

    Used by predictions, which know no values.
    """
    return Contents(
        context.owner,
        delivery.address,
        delivery.id,
        delivery.base_url,
        sort_items(delivery.items),
        names,
        delivery.project,
    )


def sort_items(items: Iterable[Item]) -> tuple[Item, ...]:
    """In the order in which they are kept: what consumers read comes first.

    The same items always give the same text, so an unchanged delivery is recognised.
    """
    roles = get_args(Role)
    return tuple(sorted(items, key=lambda item: (roles.index(item.record.role), item.record.secret)))


def check_contents(found: Contents | Unreadable | None, context: Context, place: str) -> Contents | None:
    """The contents when they are of this key. Raises SinkError when the place holds something else, which is never overwritten.

    Raises:
        EditedSinkError: somebody changed it, or it was never ours.
        SinkError: it holds another key's values.
    """
    if isinstance(found, Unreadable):
        raise EditedSinkError(f"{place} {found.why}", hint=found.hint)
    if found:
        check_tenant(found.owner, found.address, found.id, context, place)
    return found


def is_written(read: Callable[[], Contents | None], wanted: Contents) -> bool:
    """Whether a conflict is with an attempt of ours whose answer was lost: the place has what was to be written.

    Args:
        read: the contents; where it raises SinkError they are somebody else's, and the conflict says so.
    """
    try:
        return read() == wanted
    except SinkError:
        return False


def check_tenant(owner: str, address: Address, key: str, context: Context, place: str) -> None:
    """Raise SinkError when a place holds the secrets of another key, stack or environment.

    Equal OCIDs are enough: a key keeps its sinks through a rename of its stack or address. An equal address is not, while the
    key that the record was made for is live under another one: two keys that exchange their names and their files would each
    overwrite the other's only copy.
    """
    if key == context.id:
        return
    now = context.declared_key(key)
    if now is not None and now != context.address:
        raise _held_by(now, address, context, place)
    if owner == context.owner and address in (context.address, *context.previous):
        return
    held = redact_text(f"{address} of {owner or 'another stack'}", None).replace("\n", " ")
    raise SinkError(
        f"{place} holds the secrets of {held}, not those of {context.address} of {context.owner}",
        hint=_way_out(owner, address, context),
    )


def _held_by(now: Address, address: Address, context: Context, place: str) -> SinkError:
    """The refusal of a place with another live key's values; `address`: what that key was called when they were written."""
    written = "" if now == address else f" (written as {address})"
    return SinkError(
        f"{place} holds the secrets of {now} of {context.owner}{written}, not those of {context.address} of {context.owner}",
        hint=f"leave the place, and the names in it, to {now}; or deliver {now} to another place first, apply, and move away "
        "what is left in this one once nothing reads it",
    )


def _way_out(owner: str, address: Address, context: Context) -> str:
    """What to do about it; when only the name differs, a rename is the likely cause."""
    general = "give each key and each environment a place of its own, or move the old one away once nothing reads it"
    if owner != context.owner or address.kind != context.address.kind:
        return general
    renamed = f"if {address} was renamed, add previousNames: [{address.name}] to the metadata of {context.address}"
    return f"{renamed}; else {general}"


def same_value(one: Secret | None, other: Secret | None) -> bool:
    """Whether both are there and equal, in constant time."""
    return one is not None and other is not None and one == other


def head_as_data(contents: Contents) -> dict[str, Any]:
    """Whose the contents are and under which names, as JSON data.

    Format 2; `contents_from_head` reads it and format 1.
    """
    return {
        "format": FORMAT,
        "address": str(contents.address),
        "id": contents.id,
        "owner": contents.owner,
        "base_url": contents.base_url,
        **({"project": contents.project} if contents.project else {}),
        "env": contents.names.as_env,
    }


def item_as_data(item: Item) -> dict[str, Any]:
    """The record of an item, as JSON data, with a digest that ties it to its value."""
    assert item.value is not None
    return {**record_as_data(item.record), "digest": digest_of(item.record, item.value)}


def record_as_data(record: Record) -> dict[str, Any]:
    """A record as JSON data; moments as RFC 3339 in UTC."""
    return {
        "secret": record.secret,
        "mask": record.mask,
        "role": record.role,
        "expires": record.expires.astimezone(UTC).isoformat().replace("+00:00", "Z") if record.expires else None,
    }


def contents_from_head(head: Any, base_url: str = "") -> Contents:
    """Contents without items from JSON data. `base_url` is for heads of format 1, which do not have it. Raises ValueError.

    Args:
        head: parsed JSON of any shape.
    """
    check(isinstance(head, dict) and head.get("format") in READABLE)
    second, project = head["format"] > 1, head.get("project")
    check(project is None or isinstance(project, str))
    env = head.get("env") if second else None
    check(env is None or isinstance(env, dict))
    return Contents(
        owner=text_of(head, "owner"),
        address=Address.parse(text_of(head, "address")),
        id=text_of(head, "id"),
        base_url=text_of(head, "base_url") if second else base_url,
        items=(),
        names=Names.of(env),
        project=project,
    )


def is_plain_address(value: Any) -> bool:
    """Whether it is an endpoint or an OCID with nothing in it that could be a value: no user, no query, no long word."""
    return isinstance(value, str) and _PLAIN_ADDRESS.fullmatch(value) is not None


def newer_format(head: Any) -> Unreadable | None:
    """The reason not to touch what a later version wrote, or None.

    A newer format may keep what this version would drop, so it is never rewritten.
    """
    number = head.get("format") if isinstance(head, dict) else None
    if isinstance(number, int) and number > FORMAT:
        why = f"was written by a newer genai-iac (format {number}; this one reads up to {FORMAT})"
        return Unreadable(why, ours=True, hint="use that version, or a later one; the values in it are intact")
    return None


def record_from_data(data: Any) -> Record:
    """A record from JSON data. Raises ValueError.

    Args:
        data: parsed JSON of any shape.
    """
    check(isinstance(data, dict) and "expires" in data)
    role, expires = data.get("role"), data["expires"]
    check(role in get_args(Role) and (expires is None or isinstance(expires, str)))
    moment = datetime.fromisoformat(expires) if expires else None
    check(moment is None or moment.tzinfo is not None)
    return Record(text_of(data, "secret"), text_of(data, "mask"), role, moment)


def _fill(item: Item, held: Contents | None, place: str) -> Item:
    """The item with its value; without one it is taken from what the place holds under the same mask."""
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


def digest_of(record: Record, value: Secret) -> str:
    """What ties a record to its value.

    SHA-256 over name, mask and value. A record copied beside another value does not match.
    """
    # beside the value itself a digest gives nothing away, and it shows an edit by hand
    return hashlib.sha256("\0".join((record.secret, record.mask, value.reveal())).encode()).hexdigest()


def is_whole(record: Record, value: Secret, digest: str) -> bool:
    """Whether the value is the one that the record was written with.

    Compared in constant time.
    """
    return hmac.compare_digest(digest.encode(), digest_of(record, value).encode())


def text_of(data: Mapping[str, Any], name: str) -> str:
    """That field of JSON data, which has to be a text. Raises ValueError."""
    value = data.get(name)
    check(isinstance(value, str))
    return str(value)


def check(good: bool) -> None:
    """Raises ValueError unless it is so.

    A short form for the readers, which all turn ValueError into `Unreadable`.
    """
    if not good:
        raise ValueError("not what a sink writes")

"""One look at the whole tenancy with an administrator's client, and at what the files show: plain data for the model and its promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from conftest import Tenancy
from crash.sink_setups import File, read_key
from plan_apply.sdk_helpers import REGION, client, everything

from genai_iac.core import OWNERSHIP_TAG, LiveResource, Owner, read_ownership_tag

from .manifest_set import OWNER

AWAY = "us-ashburn-1"  # the other region that the tenancy is subscribed to
FAR = "far"  # a compartment of somebody else's, in the tenancy


@dataclass(frozen=True)
class Secret:
    """One secret of a live key."""

    name: str
    state: str
    mask: str
    created: datetime
    expires: datetime
    last_used: datetime | None

    def is_in_use(self, now: datetime, hours: float) -> bool:
        return self.last_used is not None and (now - self.last_used).total_seconds() < hours * 3600


RENAMES: dict[str, str] = {}  # what the manifests of this walk say at this time: by previous address the present one


@dataclass(frozen=True)
class Thing:
    """A compartment, a policy or an API key."""

    kind: str
    id: str
    name: str
    place: str
    description: str
    tags: dict[str, str]
    created: datetime
    statements: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    region: str | None = None  # of an API key

    @property
    def address(self) -> str:
        """The address in its ownership tag, or what the manifests call that now; or nothing."""
        return RENAMES.get(self.tagged, self.tagged)

    @property
    def tagged(self) -> str:
        """The address in its ownership tag, or nothing."""
        mark = read_ownership_tag(self.tags.get(OWNERSHIP_TAG))
        return str(mark.address) if mark and mark.owner == OWNER and not mark.stack_id else ""

    @property
    def deletion(self) -> str:
        mark = read_ownership_tag(self.tags.get(OWNERSHIP_TAG))
        return mark.deletion if mark else "delete"

    def fits(self, tenancy: str) -> bool:
        """Whether the ownership tag is this stack's and was made for it."""
        mark, owner = read_ownership_tag(self.tags.get(OWNERSHIP_TAG)), Owner(tenancy, OWNER)
        live = LiveResource(
            self.kind, self.id, {}, self.place, self.name, self.region, "ACTIVE", self.tags, self.created, mark
        )
        return mark is not None and owner.owns(mark) and owner.fits(mark, live)

    def is_copy(self, tenancy: str) -> bool:
        """Whether the ownership tag is another thing's."""
        return bool(self.address) and not self.fits(tenancy)

    @property
    def unused(self) -> Thing:
        """The same without times of use, which anybody's call changes."""
        return replace(self, secrets=tuple(replace(secret, last_used=None) for secret in self.secrets))

    def secret(self, name: str) -> Secret:
        return next(secret for secret in self.secrets if secret.name == name)


@dataclass(frozen=True)
class TenancySnapshot:
    """Everything that lives, by OCID, at one time."""

    tenancy: str
    now: datetime
    things: dict[str, Thing]

    def of(self, kind: str) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.kind == kind]

    def marked(self, address: str) -> list[Thing]:
        """What carries the ownership tag of that address, is of its kind, and is no copy."""
        return [
            one
            for one in self.things.values()
            if one.address == address and address.startswith(one.kind) and one.fits(self.tenancy)
        ]

    def place(self, word: str) -> str | None:
        """The OCID of a compartment as manifests call it; None when it is still to be made."""
        if word == "tenancy":
            return self.tenancy
        if word.startswith("/"):
            return next(one.id for one in self.of("Compartment") if one.name == word[1:] and one.place == self.tenancy)
        found = self.marked(f"Compartment/{word}")
        return found[0].id if found else None

    def inside(self, id: str) -> list[Thing]:
        return [thing for thing in self.things.values() if thing.place == id]

    @property
    def alive(self) -> set[str]:
        """The last characters of every value that the endpoint takes."""
        return {
            secret.mask[-4:]
            for key in self.of("ApiKey")
            for secret in key.secrets
            if secret.state == "ACTIVE" and secret.expires > self.now
        }


def look(tenancy: Tenancy) -> TenancySnapshot:
    """List everything."""
    identity = client(tenancy, "identity")
    rows = everything(identity.list_compartments, tenancy.tenancy, compartment_id_in_subtree=True, access_level="ANY")
    found = [_thing("Compartment", row) for row in rows if row.lifecycle_state != "DELETED"]
    for place in (tenancy.tenancy, *[one.id for one in found]):
        found.extend(_thing("Policy", row) for row in everything(identity.list_policies, place))
        for region in (REGION, AWAY):
            rows = everything(client(tenancy, "generative_ai", region).list_api_keys, place)
            found.extend(_thing("ApiKey", row, region) for row in rows if row.lifecycle_state != "DELETED")
    now = datetime.fromisoformat(tenancy.control("GET", "clock")["now"])
    return TenancySnapshot(tenancy.tenancy, now, {one.id: one for one in found})


def _thing(kind: str, row: Any, region: str | None = None) -> Thing:
    return Thing(
        kind,
        row.id,
        row.display_name if kind == "ApiKey" else row.name,
        row.compartment_id,
        row.description or "",
        dict(row.freeform_tags),
        row.time_created,
        tuple(getattr(row, "statements", None) or ()),
        tuple(map(_secret, getattr(row, "keys", None) or ())),
        region,
    )


def _secret(row: Any) -> Secret:
    return Secret(row.key_name, row.state, row.key_mask, row.time_created, row.time_expiry, row.time_last_used)


def shown_value(path: Path) -> str | None:
    """The value that consumers read there."""
    try:
        read = read_key(File(path))
    except ValueError:
        return None
    return read[1] if read else None


@dataclass(frozen=True)
class Kept:
    """One record of a file: a secret of a key, its part, and the last characters of the value that stands beside it."""

    key: str
    secret: str
    mask: str
    role: str


def kept_in(path: Path) -> list[Kept]:
    """What a file says that it holds; nothing when there is no such file."""
    text = File(path).text()
    if text is None:
        return []
    data = list(_records(text))
    return [Kept(data[0]["id"], one["secret"], one["mask"], one["role"]) for one in data[1:]]


def _records(text: str) -> Iterator[dict[str, Any]]:
    if text.startswith("{"):
        head = json.loads(text)["genai-iac"]
        yield head
        yield from head["records"]
        return
    mark = "# genai-iac: "
    yield from (json.loads(line.removeprefix(mark)) for line in text.splitlines() if line.startswith(mark))

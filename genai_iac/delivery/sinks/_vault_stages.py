"""What a sequence of deliveries to one Vault secret asks of OCI Vault, and the content and tags of such a secret. Nothing is written. Pure.

Consumers read the CURRENT version. A new value is added as PENDING, read back, and promoted in one call, so a consumer sees the old
contents or the new ones and nothing between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Item, Role, Secret
from genai_iac.delivery.sinks import _json_format
from genai_iac.delivery.sinks._base import Context
from genai_iac.delivery.sinks._contents import Contents, Unreadable, sort_items
from genai_iac.delivery.sinks._json_format import read_json
from genai_iac.delivery.sinks._vault_client import VaultVersion

MAX_VERSIONS = 30  # versions in use, and as many again that wait to be deleted
Route = Literal["nothing", "stage", "promote", "replace"]
# What a promotion does to the roles: the pending value becomes current, the current one
# standby.
_ROLE_ONCE_CURRENT: Mapping[Role, Role] = {"pending": "current", "current": "standby"}


class VaultStages(Struct, frozen=True):
    """The contents of the CURRENT and of the PENDING version, as far as there are any."""

    current: Contents | None  # None only while nothing was read
    pending: Contents | None  # None when no version is PENDING

    @property
    def held(self) -> Contents | None:
        """Both seen as one: what only PENDING holds is pending, whatever it will be later.

        Returns:
            None for a secret with no version of ours.
        """
        if not (self.current and self.pending):
            return self.current or (self.pending and _all_pending(self.pending))
        known = {(record.secret, record.mask) for record in self.current.records}
        waiting = [item for item in self.pending.items if (item.record.secret, item.record.mask) not in known]
        replaced = {item.record.secret for item in waiting}
        kept = [item for item in self.current.items if item.record.secret not in replaced]
        return replace(self.current, items=sort_items([*kept, *map(_as_pending, waiting)]))

    @property
    def values(self) -> Contents | None:
        """Every value in either, to be looked up by secret and mask.

        Older versions are not searched: their values were replaced.
        """
        if not (self.current and self.pending):
            return self.current or self.pending
        return replace(self.current, items=(*self.pending.items, *self.current.items))

    def route(self, wanted: Contents) -> Route:
        """How to get there: `stage` one PENDING version, `promote` the one that is there, or `replace` (stage and promote).

        Args:
            wanted: the contents after the write.
        """
        staged = self.staged(wanted)
        if staged:
            return "nothing" if _same(self.pending, staged) else "stage"
        if _same(self.current, wanted) and self.pending is None:
            return "nothing"
        return "promote" if _same(self.pending, wanted) else "replace"

    def staged(self, wanted: Contents) -> Contents | None:
        """The contents of the PENDING version that makes the place hold what is wanted; None when CURRENT has to change for it.

        A PENDING version is written as it will read once it is CURRENT: promoting must not need
        another write.
        """
        waiting = [item for item in wanted.items if item.record.role == "pending"]
        if len(waiting) != 1 or self.current is None:
            return None
        rest = replace(wanted, items=tuple(item for item in wanted.items if item not in waiting))
        secret, mask = waiting[0].record.secret, waiting[0].record.mask
        served = replace(self.current, items=tuple(item for item in self.current.items if item.record.secret != secret))
        shown = {(record.secret, record.mask) for record in self.current.records}
        if not _same(served, rest) or (secret, mask) in shown:
            return None
        return replace(wanted, items=sort_items(map(_once_current, wanted.items)))


class Versions(Struct, frozen=True):
    """The versions of a secret, oldest first, each by its number and its stages.

    Source: OCI Vault limits: 30 versions of a secret in use, and 30 scheduled for deletion.
    """

    in_use: tuple[tuple[int, frozenset[str]], ...]
    leaving: int = 0  # scheduled for deletion

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Versions:
        """From the rows of ListSecretVersions."""
        ordered = sorted(rows, key=lambda row: int(row["versionNumber"]))
        kept = [
            (int(row["versionNumber"]), frozenset(row["stages"])) for row in ordered if not row.get("timeOfDeletion")
        ]
        return cls(tuple(kept), len(ordered) - len(kept))

    @property
    def outdated(self) -> tuple[int, ...]:
        """Those that can be scheduled for deletion now, oldest first.

        PREVIOUS stays: it is what a consumer may roll back to.
        """
        unused = [number for number, stages in self.in_use if stages <= {"DEPRECATED"}]
        return tuple(unused[: max(MAX_VERSIONS - self.leaving, 0)])

    @property
    def are_full(self) -> bool:
        """Whether no version can be added, not even once the outdated ones are leaving."""
        return len(self.in_use) - len(self.outdated) >= MAX_VERSIONS

    def added(self) -> Versions:
        """With the outdated ones leaving, and a new one that is PENDING.

        OCI numbers versions one by one and marks the newest LATEST.
        """
        gone = self.outdated
        kept = [(number, stages - {"PENDING", "LATEST"}) for number, stages in self.in_use if number not in gone]
        newest = 1 + max((number for number, _ in self.in_use), default=0)
        return Versions((*kept, (newest, frozenset({"PENDING", "LATEST"}))), self.leaving + len(gone))

    def promoted(self) -> Versions:
        """With the PENDING one CURRENT."""
        moves = {"PENDING": "CURRENT", "CURRENT": "PREVIOUS", "LATEST": "LATEST"}
        return replace(
            self,
            in_use=tuple(
                (number, frozenset(moves[stage] for stage in stages if stage in moves))
                for number, stages in self.in_use
            ),
        )


NEW = Versions(((1, frozenset({"CURRENT", "LATEST"})),))  # of a secret that was just created


def _same(held: Contents | None, wanted: Contents) -> bool:
    """Whether they agree; a wanted item without a value is one that is kept, or not created yet."""
    if held is None or replace(held, items=()) != replace(wanted, items=()) or held.records != wanted.records:
        return False
    return all(new.value is None or new.value == old.value for old, new in zip(held.items, wanted.items, strict=True))


def _all_pending(contents: Contents) -> Contents:
    return replace(contents, items=tuple(map(_as_pending, contents.items)))


def _as_pending(item: Item) -> Item:
    return replace(item, record=replace(item.record, role="pending"))


def _once_current(item: Item) -> Item:
    role = item.record.role
    return replace(item, record=replace(item.record, role=_ROLE_ONCE_CURRENT.get(role, role)))


_UNREAD, _NONE = VaultStages(None, None), Versions(())


class VaultPrediction(Struct, frozen=True):
    """A Vault secret as far as writes depend on it. One that is scheduled for deletion cannot be read, so it is written anew.

    Follows the same decisions as `VaultSink.write`.
    """

    state: Literal["absent", "deleting", "active"]  # deleting: scheduled for deletion
    stages: VaultStages = _UNREAD
    versions: Versions = _NONE  # needed for the number of versions to prune

    def calls(self, deliveries: Iterable[Contents]) -> tuple[str, ...]:
        """The writes of these deliveries, one after another, as OCI operation names.

        Args:
            deliveries: in the order of the writes; each one starts from what the one before
                left.
        """
        predicted, names = self, list[str]()
        for wanted in deliveries:
            made, predicted = predicted._take(wanted)
            names += made
        return tuple(names)

    def _take(self, wanted: Contents) -> tuple[tuple[str, ...], VaultPrediction]:
        """The calls of one write, and the secret after it."""
        if not wanted.items:
            gone = self.state == "active"
            return (
                (("ScheduleSecretDeletion",), VaultPrediction("deleting", versions=self.versions))
                if gone
                else ((), self)
            )
        match self.state:
            case "absent":
                return ("CreateSecret",), VaultPrediction("active", VaultStages(wanted, None), NEW)
            case "deleting":
                calls, after = replace(self, state="active")._update(wanted)
                return ("CancelSecretDeletion", *calls), after
        return self._update(wanted)

    def _update(self, wanted: Contents) -> tuple[tuple[str, ...], VaultPrediction]:
        prune = ("ScheduleSecretVersionDeletion",) * len(self.versions.outdated)
        staged, current = self.stages.staged(wanted), VaultStages(wanted, None)
        match self.stages.route(wanted):
            case "nothing":
                return (), self
            case "stage":
                return (*prune, "UpdateSecret"), replace(
                    self, stages=VaultStages(self.stages.current, staged), versions=self.versions.added()
                )
            case "promote":
                return ("UpdateSecret",), replace(self, stages=current, versions=self.versions.promoted())
            case "replace":
                added = self.versions.added().promoted()
                return (*prune, "UpdateSecret", "UpdateSecret"), replace(self, stages=current, versions=added)


TAG = "genai-iac-sink"  # `1 stack@environment ApiKey/name`: the number of the form, then whose it is
_TAG_FORM = re.compile(r"1 (?P<owner>\S+) (?P<address>\S+)")
_DESCRIPTION = re.compile(r"Secrets of (?P<address>ApiKey/\S+) of (?P<owner>\S+), kept by genai-iac")  # before the tag
_EVERY_ROLE: frozenset[Role] = frozenset({"current", "standby", "pending", "inactive"})


class VaultForm(Struct, frozen=True):
    """How contents become the content of a version (and records beside it), and how they are read back.

    `json` keeps records inside the content; `raw` keeps them in the secret's metadata, so
    that consumers read the bare value.
    """

    roles: frozenset[Role]  # what the form can keep
    read: Callable[[VaultVersion], Contents | Unreadable | None]  # the contents of a version
    content: Callable[[Contents], Secret]  # the text of a version, from contents
    # text for the metadata, from the new and the held contents; empty: none
    records: Callable[[Contents, Contents | None], str]


def _read_raw(version: VaultVersion) -> Contents | Unreadable | None:
    """The contents of a version in the form `raw`."""
    if not version.records:
        return Unreadable("has no records in its metadata", ours=False)
    return _json_format.read_records(Secret.document(version.records), version.content)


def _current(contents: Contents) -> Secret:
    values = (item.value for item in contents.items if item.record.role == "current")
    return next(filter(None, values), Secret(""))


FORMS: Mapping[str, VaultForm] = {
    "json": VaultForm(_EVERY_ROLE, lambda version: read_json(version.content), _json_format.render, lambda *_: ""),
    "raw": VaultForm(
        frozenset({"current"}),
        _read_raw,
        _current,
        lambda contents, held: _json_format.render_records(contents, held).reveal(),
    ),
}


def tag_of(context: Context) -> dict[str, str]:
    """The free-form tag that a Vault secret of that key carries.

    Args:
        context: of the key.
    """
    return {TAG: f"1 {context.owner} {context.address}"}


def is_of(found: Mapping[str, Any], context: Context) -> bool:
    """Whether a Vault secret was made for that key: by its tag, or by the description that earlier versions wrote.

    The description is for people; nothing depends on it once there is a tag.

    Args:
        found: a row of ListSecrets or an answer of GetSecret.
    """
    tag = (found.get("freeformTags") or {}).get(TAG)
    match = _TAG_FORM.fullmatch(tag) if tag else _DESCRIPTION.fullmatch(found.get("description") or "")
    # a renamed key keeps the tag that its Vault secret was made with
    addresses = {str(address) for address in (context.address, *context.previous)}
    return match is not None and match["owner"] == context.owner and match["address"] in addresses

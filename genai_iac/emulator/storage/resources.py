"""Everything that has an OCID, of whatever kind: stored, found, listed in pages, replaced.

Kinds differ in what their body holds and how they are shown; that is the matter of their services.
"""

import json
import secrets
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.emulator.storage.database import encode_json

WORK_REQUEST = "compartmentworkrequest"  # inside a compartment, and never in the way of its deletion
# the columns in the order of StoredResource's fields
_SELECT = "SELECT id, kind, region, compartment, name, state, created, updated, etag, body, seq, visible FROM resources"


class StoredResource(Struct, frozen=True):
    """One stored thing. `compartment` is empty for the tenancy alone; `region` is empty for things of Identity; for the groups of
    an identity domain other than Default it is the domain's OCID."""

    id: str  # OCID
    kind: str  # the OCID's type
    region: str
    compartment: str
    name: str
    state: str  # lifecycleState
    created: int  # milliseconds
    updated: int | None
    etag: str
    body: dict[str, Any] = field(default_factory=dict)
    seq: int = 0  # order of insertion; breaks ties in pages


class ResourceQuery(Struct, frozen=True):
    """Which resources to list. `hidden_after`: created later than this they are not seen yet."""

    kind: str
    compartments: Sequence[str] | None  # OCIDs; None: all
    region: str = ""  # empty: things of Identity
    name: str | None = None
    state: str | None = None
    id: str | None = None
    field: tuple[str, str] | None = None  # a member of the body and its value
    hidden_after: int | None = None
    by_name: bool = False
    descending: bool = False
    after: tuple[str | int, int] | None = None  # sort value and seq of the last one seen
    limit: int | None = None


class Resources:
    """The resources of one open transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, resource: StoredResource, *, visible: int | None = None) -> StoredResource:
        """Store a new one; `visible=0` exempts it from the consistency delay.

        Args:
            resource: its etag is replaced by a new one.
            visible: milliseconds from which reads see it; None: its creation.
        """
        fresh = replace(resource, etag=make_etag())
        self._connection.execute(
            "INSERT INTO resources (id, kind, region, compartment, name, state, created, updated, visible, etag, body)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            (
                fresh.id,
                fresh.kind,
                fresh.region,
                fresh.compartment,
                fresh.name,
                fresh.state,
                fresh.created,
                fresh.updated,
                fresh.created if visible is None else visible,
                fresh.etag,
                encode_json(fresh.body),
            ),
        )
        return fresh

    def find(self, kind: str, ocid: str, hidden_after: int | None = None) -> StoredResource | None:
        """The one with that OCID, unless reads do not see it yet.

        Args:
            hidden_after: milliseconds; None sees everything.
        """
        row = self._connection.execute(f"{_SELECT} WHERE id = ? AND kind = ?", (ocid, kind)).fetchone()
        if row is None or (hidden_after is not None and row["visible"] > hidden_after):
            return None
        return _from_row(row)

    def save(self, old: StoredResource, new: StoredResource, now: int) -> StoredResource:
        """Replace one; the etag changes exactly when something did.

        Args:
            old: as read in this transaction.
            now: becomes the time of update.
        """
        if old == new:
            return old
        changed = replace(new, etag=make_etag(), updated=now)
        self._write(changed)
        return changed

    def save_state(self, resource: StoredResource) -> None:
        """Write what time alone has brought: no new etag, no new time of update."""
        self._write(resource)

    def remove(self, ocid: str) -> None:
        """Forget one altogether."""
        self._connection.execute("DELETE FROM resources WHERE id = ?", (ocid,))

    def select(self, wanted: ResourceQuery) -> list[StoredResource]:
        """Those that fit, in order, at most `limit`."""
        clauses, values = _conditions(wanted)
        column = "name" if wanted.by_name else "created"
        way, beyond = ("DESC", "<") if wanted.descending else ("ASC", ">")
        if wanted.after is not None:
            clauses.append(f"({column}, seq) {beyond} (?, ?)")
            values.extend(wanted.after)
        query = f"{_SELECT} WHERE {' AND '.join(clauses)} ORDER BY {column} {way}, seq {way}"
        if wanted.limit is not None:
            query += " LIMIT ?"
            values.append(wanted.limit)
        return [_from_row(row) for row in self._connection.execute(query, values)]

    def count(self, kind: str, *, region: str | None = None, without: Sequence[str] = ("DELETED",)) -> int:
        """How many there are of a kind, in one region or all, leaving out some states.

        Used for service limits.
        """
        query = f"SELECT count(*) FROM resources WHERE kind = ? AND state NOT IN ({_marks(without)})"  # noqa: S608
        values = [kind, *without]
        if region is not None:
            query += " AND region = ?"
            values.append(region)
        return int(self._connection.execute(query, values).fetchone()[0])

    def within(self, compartment: str) -> list[StoredResource]:
        """Everything directly inside a compartment that is not deleted."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE compartment = ? AND state <> 'DELETED' AND kind <> ? ORDER BY seq",
            (compartment, WORK_REQUEST),
        )
        return [_from_row(row) for row in rows]

    def _write(self, resource: StoredResource) -> None:
        self._connection.execute(
            "UPDATE resources SET compartment = ?, name = ?, state = ?, updated = ?, etag = ?, body = ? WHERE id = ?",
            (
                resource.compartment,
                resource.name,
                resource.state,
                resource.updated,
                resource.etag,
                encode_json(resource.body),
                resource.id,
            ),
        )


def make_etag() -> str:
    """A new opaque version mark."""
    return secrets.token_hex(20)


def _conditions(wanted: ResourceQuery) -> tuple[list[str], list[Any]]:
    clauses = ["kind = ?", "region = ?"]
    values: list[Any] = [wanted.kind, wanted.region]
    if wanted.compartments is not None:
        clauses.append(f"compartment IN ({_marks(wanted.compartments)})")
        values.extend(wanted.compartments)
    for column in ("name", "state", "id"):
        value = getattr(wanted, column)
        if value is not None:
            clauses.append(f"{column} = ?")
            values.append(value)
    if wanted.field is not None:
        clauses.append("json_extract(body, '$.' || ?) = ?")
        values.extend(wanted.field)
    if wanted.hidden_after is not None:
        clauses.append("visible <= ?")
        values.append(wanted.hidden_after)
    return clauses, values


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _from_row(row: sqlite3.Row) -> StoredResource:
    # by position, which is quicker: lists are made of a hundred of these
    ocid, kind, region, compartment, name, state, created, updated, etag, body, seq, _ = row
    return StoredResource(ocid, kind, region, compartment, name, state, created, updated, etag, json.loads(body), seq)

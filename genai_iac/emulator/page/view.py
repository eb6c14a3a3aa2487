"""What the page shows, read in one transaction: the tree of compartments, what is in each, the last calls, the clock.

Everything is cut to a number of rows a person can look at; how many were left out is reported."""

import sqlite3
from typing import Any

from msgspec import Struct

from genai_iac.emulator.services.generative_ai.key_secrets import KeySecret, secrets_of
from genai_iac.emulator.storage.call_log import list_calls
from genai_iac.emulator.storage.resources import ResourceQuery, Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import TenancyState, read_tenancy_state

MOST_ROWS = 100  # of each kind in a compartment
MOST_PLACES = 300
LAST_CALLS = 30


class ResourceGroup(Struct, frozen=True):
    """Resources of one kind in one compartment (the first ones), and how many more there are."""

    rows: tuple[StoredResource, ...] = ()
    more: int = 0


class CompartmentView(Struct, frozen=True):
    """A compartment (or the root), how deep it is, and what is in it."""

    resource: StoredResource
    depth: int
    keys: ResourceGroup
    policies: ResourceGroup
    secrets: ResourceGroup


class View(Struct, frozen=True):
    """All that the page needs."""

    world: TenancyState
    places: tuple[CompartmentView, ...]
    more_places: int
    key_secrets: dict[str, list[KeySecret]]
    people: tuple[StoredResource, ...]
    groups: tuple[StoredResource, ...]
    calls: tuple[dict[str, Any], ...]
    faults: int


def read_view(connection: sqlite3.Connection) -> View:
    """Read everything."""
    world = read_tenancy_state(connection)
    resources = Resources(connection)
    tree = _walk_tree(resources, world)
    places = tuple(_read_place(connection, resource, depth) for resource, depth in tree[:MOST_PLACES])
    keys = [key.id for place in places for key in place.keys.rows]
    return View(
        world,
        places,
        max(0, len(tree) - MOST_PLACES),
        secrets_of(connection, keys),
        tuple(resources.select(ResourceQuery("user", None, limit=MOST_ROWS))),
        tuple(resources.select(ResourceQuery("group", None, limit=MOST_ROWS))),
        tuple(reversed(list_calls(connection, LAST_CALLS))),
        world.faults,
    )


def _walk_tree(resources: Resources, world: TenancyState) -> list[tuple[StoredResource, int]]:
    """The root and all compartments that are not deleted, parents before children, each with its depth."""
    children: dict[str, list[StoredResource]] = {}
    for item in resources.select(ResourceQuery("compartment", None, by_name=True)):
        if item.state != "DELETED":
            children.setdefault(item.compartment, []).append(item)
    root = resources.find("tenancy", world.tenancy)
    found: list[tuple[StoredResource, int]] = []
    waiting = [(root, 0)] if root else []
    while waiting:
        item, depth = waiting.pop()
        found.append((item, depth))
        waiting.extend((child, depth + 1) for child in reversed(children.get(item.id, [])))
    return found


def _read_place(connection: sqlite3.Connection, resource: StoredResource, depth: int) -> CompartmentView:
    groups = (_read_group(connection, kind, resource.id) for kind in ("generativeaiapikey", "policy", "vaultsecret"))
    return CompartmentView(resource, depth, *groups)


def _read_group(connection: sqlite3.Connection, kind: str, compartment: str) -> ResourceGroup:
    rows = connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND compartment = ? AND state <> 'DELETED' ORDER BY name LIMIT ?",
        (kind, compartment, MOST_ROWS),
    ).fetchall()
    total = connection.execute(
        "SELECT count(*) FROM resources WHERE kind = ? AND compartment = ? AND state <> 'DELETED'", (kind, compartment)
    ).fetchone()[0]
    found = (Resources(connection).find(kind, row["id"]) for row in rows)
    return ResourceGroup(tuple(item for item in found if item is not None), total - len(rows))

"""What the page shows, read in one transaction: the tree of compartments, what is in each, the last calls, the clock.

Everything is cut to a number of rows a person can look at; how many were left out is told."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from genai_iac.emulator.call_log import list_calls
from genai_iac.emulator.generative_ai.key_secrets import KeySecret, secrets_of
from genai_iac.emulator.resources import Listing, Resource, Resources
from genai_iac.emulator.world import World, read_world

MOST_ROWS = 100  # of each kind in a compartment
MOST_PLACES = 300
LAST_CALLS = 30


@dataclass(frozen=True)
class Shelf:
    """The things of one kind in one compartment, and how many more there are."""

    rows: tuple[Resource, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class Place:
    """A compartment (or the root), how deep it is, and what is in it."""

    resource: Resource
    depth: int
    keys: Shelf
    policies: Shelf
    secrets: Shelf


@dataclass(frozen=True)
class View:
    """All that the page needs."""

    world: World
    places: tuple[Place, ...]
    more_places: int
    key_secrets: dict[str, list[KeySecret]]
    people: tuple[Resource, ...]
    groups: tuple[Resource, ...]
    calls: tuple[dict[str, Any], ...]
    faults: int


def read_view(connection: sqlite3.Connection) -> View:
    """Read everything."""
    world = read_world(connection)
    resources = Resources(connection)
    tree = _walk_tree(resources, world)
    places = tuple(_read_place(connection, resource, depth) for resource, depth in tree[:MOST_PLACES])
    keys = [key.id for place in places for key in place.keys.rows]
    return View(
        world,
        places,
        max(0, len(tree) - MOST_PLACES),
        secrets_of(connection, keys),
        tuple(resources.select(Listing("user", None, limit=MOST_ROWS))),
        tuple(resources.select(Listing("group", None, limit=MOST_ROWS))),
        tuple(reversed(list_calls(connection, LAST_CALLS))),
        world.faults,
    )


def _walk_tree(resources: Resources, world: World) -> list[tuple[Resource, int]]:
    """The root and all compartments that are not deleted, parents before children, each with its depth."""
    children: dict[str, list[Resource]] = {}
    for item in resources.select(Listing("compartment", None, by_name=True)):
        if item.state != "DELETED":
            children.setdefault(item.compartment, []).append(item)
    root = resources.find("tenancy", world.tenancy)
    found: list[tuple[Resource, int]] = []
    waiting = [(root, 0)] if root else []
    while waiting:
        item, depth = waiting.pop()
        found.append((item, depth))
        waiting.extend((child, depth + 1) for child in reversed(children.get(item.id, [])))
    return found


def _read_place(connection: sqlite3.Connection, resource: Resource, depth: int) -> Place:
    shelves = (_read_shelf(connection, kind, resource.id) for kind in ("generativeaiapikey", "policy", "vaultsecret"))
    return Place(resource, depth, *shelves)


def _read_shelf(connection: sqlite3.Connection, kind: str, compartment: str) -> Shelf:
    rows = connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND compartment = ? AND state <> 'DELETED' ORDER BY name LIMIT ?",
        (kind, compartment, MOST_ROWS),
    ).fetchall()
    total = connection.execute(
        "SELECT count(*) FROM resources WHERE kind = ? AND compartment = ? AND state <> 'DELETED'", (kind, compartment)
    ).fetchone()[0]
    found = (Resources(connection).find(kind, row["id"]) for row in rows)
    return Shelf(tuple(item for item in found if item is not None), total - len(rows))

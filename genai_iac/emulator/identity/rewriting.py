"""What a rename, a move or a deletion of a compartment does to the policies that name it.

A statement that names it by a path is rewritten to the path it has now, if the policy's own compartment still holds it.
One that does not is left as it was, and is dead: its text names nothing, its compiled form is out of its reach."""

import sqlite3
from dataclasses import replace

from genai_iac.emulator.access.directory import TenancyDirectory
from genai_iac.emulator.resources import Resource, Resources
from genai_iac.emulator.world import World, bump_policies
from genai_iac.policy import Association, Grant, Location, Statement, parse, unparse


def rewrite_names(connection: sqlite3.Connection, world: World, compartments: set[str]) -> None:
    """Rewrite the paths in all policies that lead to or through these compartments, as they are called now."""
    touched = compartments | {ocid for top in compartments for ocid, _ in subtree_of(connection, top)}
    directory = TenancyDirectory(connection, world.tenancy, hidden_after=world.now)
    resources = Resources(connection)
    rows = connection.execute("SELECT DISTINCT policy FROM rules WHERE until IS NULL").fetchall()
    for row in rows:
        policy = resources.find("policy", row["policy"])
        if policy is not None:
            _rewrite_policy(connection, resources, directory, policy, touched, world.now)
    bump_policies(connection)


def subtree_of(connection: sqlite3.Connection, compartment: str) -> list[tuple[str, int]]:
    """The compartment and all below it, each with its depth, the first at 1."""
    return [
        (row[0], row[1])
        for row in connection.execute(
            "WITH RECURSIVE tree (id, depth) AS (SELECT ?, 1 UNION ALL"
            " SELECT r.id, depth + 1 FROM resources r JOIN tree ON r.compartment = tree.id"
            " WHERE r.kind = 'compartment' AND r.state <> 'DELETED') SELECT id, depth FROM tree",
            (compartment,),
        )
    ]


def _rewrite_policy(
    connection: sqlite3.Connection,
    resources: Resources,
    directory: TenancyDirectory,
    policy: Resource,
    touched: set[str],
    now: int,
) -> None:
    rows = connection.execute(
        "SELECT rowid, text, compiled FROM rules WHERE policy = ? AND until IS NULL ORDER BY position", (policy.id,)
    ).fetchall()
    texts = [_rewrite(row["text"], row["compiled"], directory, policy.compartment, touched) for row in rows]
    if texts == policy.body["statements"]:
        return
    connection.executemany(
        "UPDATE rules SET text = ? WHERE rowid = ?",
        [(text, row["rowid"]) for text, row in zip(texts, rows, strict=True)],
    )
    resources.save(policy, replace(policy, body={**policy.body, "statements": texts}), now)


def _rewrite(text: str, compiled: str, directory: TenancyDirectory, attached: str, touched: set[str]) -> str:
    written, resolved = parse(text), parse(compiled)
    if not isinstance(written, Grant) or not isinstance(resolved, Grant):
        return text
    location = _rename(written.location, resolved.location, directory, attached, touched)
    association = written.association
    if association is not None and resolved.association is not None:
        place = _rename(association.location, resolved.association.location, directory, attached, touched)
        association = Association(association.resource, place)
    rewritten: Statement = replace(written, location=location, association=association)
    return text if rewritten == written else unparse(rewritten)


def _rename(
    written: Location, resolved: Location, directory: TenancyDirectory, attached: str, touched: set[str]
) -> Location:
    if not written.path or resolved.id is None or resolved.id not in touched:
        return written
    path = directory.path_of(resolved.id)
    if attached not in path:
        return written
    below = path[: path.index(attached)]
    names = tuple(directory.name_of(ocid) for ocid in reversed(below)) or (directory.name_of(attached),)
    return replace(written, path=names)

"""Policy statements at the moment they are written: read, checked, and every name turned into the OCID it has now.

The error texts are those clients of the real service know; where the service only says `No permissions found`, the
reason is added.
"""

import sqlite3

from msgspec.structs import replace

from genai_iac.emulator.auth.variables import EmulatorDirectory
from genai_iac.emulator.http.requests import items
from genai_iac.emulator.http.responses import ServiceError, invalid
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import TenancyState, bump_policies
from genai_iac.iam_policy import (
    Association,
    Grant,
    Location,
    Ocid,
    PolicySyntaxError,
    Statement,
    UnresolvedName,
    parse,
    resolve,
    unparse,
)
from genai_iac.iam_policy.unknown_words import find_unknown_words


def rewrite_names(connection: sqlite3.Connection, world: TenancyState, compartments: set[str]) -> None:
    """Rewrite the paths in all policies that lead to or through these compartments, as they are called now."""
    touched = compartments | {ocid for top in compartments for ocid, _ in subtree_of(connection, top)}
    directory = EmulatorDirectory(connection, world.tenancy, hidden_after=world.now)
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
    directory: EmulatorDirectory,
    policy: StoredResource,
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


def _rewrite(text: str, compiled: str, directory: EmulatorDirectory, attached: str, touched: set[str]) -> str:
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
    written: Location, resolved: Location, directory: EmulatorDirectory, attached: str, touched: set[str]
) -> Location:
    if not written.path or resolved.id is None or resolved.id not in touched:
        return written
    path = directory.path_of(resolved.id)
    if attached not in path:
        return written
    below = path[: path.index(attached)]
    names = tuple(directory.name_of(ocid) for ocid in reversed(below)) or (directory.name_of(attached),)
    return replace(written, path=names)


MAX_LENGTH = 8000  # characters of one statement
_HIERARCHY = "specified in the policy statement does not exist under current compartment hierarchy."


def read_statements(call: OperationContext) -> list[str]:
    """The statements of the body: at least one, none of them empty, as many as the limit allows."""
    statements = items(call.body, "statements")
    if not statements:
        raise invalid("statements must contain at least one policy statement.")
    most = call.world.settings.limit("statementsPerPolicy")
    if len(statements) > most:
        raise invalid(f"A policy can have at most {most} statements; this one has {len(statements)}.")
    for statement in statements:
        if not isinstance(statement, str) or not statement.strip():
            raise invalid("A policy statement must be a string that is not empty.")
        if len(statement) > MAX_LENGTH:
            raise invalid(f"A policy statement can be at most {MAX_LENGTH} characters long.")
    return [str(statement) for statement in statements]


def compile_statements(call: OperationContext, statements: list[str], attached: str) -> list[tuple[str, str]]:
    """Each statement with its compiled form, for a policy attached to that compartment."""
    return [(text, _compile(call, text, attached)) for text in statements]


def _compile(call: OperationContext, text: str, attached: str) -> str:
    try:
        statement = parse(text)
        if isinstance(statement, Grant) and statement.effect.startswith("deny"):
            _check_deny(call)
        _check_words(call, statement)
        return unparse(resolve(statement, call.directory, attached))
    except PolicySyntaxError as error:
        raise invalid(f"No permissions found: {error.message} at column {error.column} of '{text[:200]}'.") from None
    except UnresolvedName as error:
        raise _explain(error) from None


def _check_deny(call: OperationContext) -> None:
    if not call.world.settings.denyStatements:
        raise invalid("Deny statement passed into a Allow compilation")


def _check_words(call: OperationContext, statement: Statement) -> None:
    """Refuse what the real service would not know, and OCIDs of groups that are not there."""
    manner = call.world.settings.unknownWords
    for word in find_unknown_words(statement) if manner != "accept" else ():
        if manner == "strict" or word.certain:
            hint = f"; did you mean {word.guess}?" if word.guess else ""
            raise invalid(f"No permissions found: {word} at column {word.column}{hint}")
    if not isinstance(statement, Grant) or manner != "strict":
        return
    for member in statement.subject.members if statement.effect in ("allow", "deny") else ():
        if isinstance(member, Ocid) and not call.directory.name_of(member.text):
            raise invalid(f"No permissions found: {member.text} does not exist.")


def _explain(error: UnresolvedName) -> ServiceError:
    if error.kind == "dynamic-group":
        return invalid(f"No permissions found: dynamic-group {error.name} does not exist.")
    if error.kind == "subtree" or error.name.startswith("ocid1."):
        return invalid(f"Compartment {{{error.name}}} does not exist or is not part of the policy compartment subtree")
    return invalid(f"The {error.kind} {error.name} {_HIERARCHY}")

"""From a signed request to the user who signed it. Every failure is the same 401; it never says which part was wrong."""

import sqlite3
from collections.abc import Callable

from genai_iac.emulator.access.authorize import Caller
from genai_iac.emulator.errors import not_authenticated
from genai_iac.emulator.operations import Operation
from genai_iac.emulator.requests import Incoming
from genai_iac.emulator.sessions import PREFIX, read_token
from genai_iac.emulator.signatures import Signature, body_matches, covers_enough, read_signature, verify
from genai_iac.emulator.world import World


def authenticate(
    connection: sqlite3.Connection, world: World, request: Incoming, wanted: Operation, master_key: Callable[[], str]
) -> Caller:
    """The user whose key, or whose session's key, signed this request; ServiceError 401 for anything less."""
    signature = read_signature(request.headers.get("authorization", ""))
    if signature is None or not covers_enough(signature, request, streamed=wanted.streamed):
        raise not_authenticated()
    if signature.key_id.startswith(PREFIX):
        session = read_token(master_key(), signature.key_id.removeprefix(PREFIX), world.tenancy, world.now)
        if session is None:
            raise not_authenticated()
        user, public_key = session.user, session.public_key
    else:
        user, public_key = _find_key(connection, world, signature)
    if not verify(signature, request, public_key) or not body_matches(signature, request):
        raise not_authenticated()
    return read_caller(connection, world, user)


def read_caller(connection: sqlite3.Connection, world: World, user: str) -> Caller:
    """A user with the groups it is in now; 401 when it is gone."""
    row = connection.execute(
        "SELECT name FROM resources WHERE id = ? AND kind = 'user' AND state = 'ACTIVE'", (user,)
    ).fetchone()
    if row is None:
        raise not_authenticated()
    teams = connection.execute("SELECT team FROM memberships WHERE user = ?", (user,))
    groups = frozenset(str(team["team"]) for team in teams)
    return Caller(user, row["name"], groups, world.administrators in groups)


def _find_key(connection: sqlite3.Connection, world: World, signature: Signature) -> tuple[str, str]:
    parts = signature.key_id.split("/")
    if len(parts) != 3 or parts[0] != world.tenancy:
        raise not_authenticated()
    _, user, fingerprint = parts
    row = connection.execute(
        "SELECT pem FROM user_keys WHERE user = ? AND fingerprint = ?", (user, fingerprint)
    ).fetchone()
    if row is None:
        raise not_authenticated()
    return user, row["pem"]

"""A new tenancy: its root, the group of administrators, one administrator. And the way back to that state."""

import sqlite3

from genai_iac.emulator.control.settings import EmulatorSettings, apply_changes
from genai_iac.emulator.services.vault.vaults import seed_vaults
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.identity_domains import seed_default_domain
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import read_tenancy_state, store_settings
from genai_iac.emulator.storage.time_format import format_instant

ADMINISTRATOR = "administrator"  # name of the user behind the profile DEFAULT
_EVERYTHING = (
    "resources", "memberships", "sessions", "rules", "key_secrets", "credentials", "secret_versions", "objects",
    "pending", "retry_tokens", "faults", "calls", "inference_scripts", "model_responses",
    "audit_events",
)  # fmt: skip


def seed_tenancy(connection: sqlite3.Connection, home_region: str | None = None) -> None:
    """Put the first things into an empty tenancy, and give it this home region; nothing when they are there.

    Args:
        home_region: None keeps the default.
    """
    if administrator_of(connection) is None:
        _seed(connection, make_ocid("user"), home_region)
    seed_default_domain(connection, read_tenancy_state(connection))  # a database of an earlier release has none


def reset(connection: sqlite3.Connection, home_region: str | None = None) -> None:
    """Forget everything but who the tenancy and its administrator are, and the administrator's signing keys.

    Signing keys stay, so clients that are configured already go on working.
    """
    administrator = administrator_of(connection) or make_ocid("user")
    for table in _EVERYTHING:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute("DELETE FROM sqlite_sequence")
    connection.execute("DELETE FROM user_keys WHERE user <> ?", (administrator,))
    connection.execute(
        # The generation goes up: other processes must drop their compiled policies.
        "UPDATE world SET clock_offset = 0, settings = '{}', faults = 0, policy_generation = policy_generation + 1"
    )
    _seed(connection, administrator, home_region)


def administrator_of(connection: sqlite3.Connection) -> str | None:
    """The OCID of the administrator's user."""
    row = connection.execute(
        "SELECT id FROM resources WHERE kind = 'user' AND name = ? ORDER BY seq LIMIT 1", (ADMINISTRATOR,)
    ).fetchone()
    return None if row is None else str(row["id"])


def _seed(connection: sqlite3.Connection, administrator: str, home_region: str | None) -> None:
    if home_region is not None:
        store_settings(connection, apply_changes(EmulatorSettings(), {"homeRegion": home_region}))
    world = read_tenancy_state(connection)
    resources = Resources(connection)
    now = world.now
    tags = {"freeformTags": {}, "definedTags": {"Oracle-Tags": {"CreatedBy": "root", "CreatedOn": format_instant(now)}}}
    root = {"description": "The local emulator of genai-iac", "upiIdcsCompatibilityLayerEndpoint": None, **tags}
    group = {"description": "Administrators of the tenancy", **tags}
    user = {"description": "Signs the requests of the DEFAULT profile", "isMfaActivated": False, **tags}
    for ocid, kind, compartment, name, body in (
        (world.tenancy, "tenancy", "", "local", root),
        (world.administrators, "group", world.tenancy, "Administrators", group),
        (administrator, "user", world.tenancy, ADMINISTRATOR, user),
    ):
        resources.add(StoredResource(ocid, kind, "", compartment, name, "ACTIVE", now, None, "", body), visible=0)
    connection.execute(
        "INSERT INTO memberships VALUES (?,?,?,?)",
        (make_ocid("groupmembership"), administrator, world.administrators, now),
    )
    seed_vaults(connection, world)
    seed_default_domain(connection, world)

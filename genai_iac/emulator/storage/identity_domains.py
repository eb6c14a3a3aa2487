"""Identity domains as they are stored: the Default one that every tenancy has, and those that are made.

A group or dynamic group of a domain other than Default has the domain's OCID in its `region` column. What lists the groups of
Identity, which shows the Default domain alone, asks for those whose column is empty.
"""

import re
import sqlite3
from typing import Any

from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import TenancyState
from genai_iac.emulator.storage.time_format import format_instant

DOMAIN = "domain"
DEFAULT = "DEFAULT"
_KEY = 32  # characters of the OCID that a host name has: a label holds 63
_ALIVE = ("CREATING", "ACTIVE", "UPDATING")


def seed_default_domain(connection: sqlite3.Connection, world: TenancyState) -> None:
    """The Default domain, in a tenancy that has none yet."""
    if connection.execute("SELECT 1 FROM resources WHERE kind = ?", (DOMAIN,)).fetchone():
        return
    tags = {"CreatedBy": "root", "CreatedOn": format_instant(world.now)}
    body = domain_body(DEFAULT, "Default identity domain", world.home) | {
        "freeformTags": {},
        "definedTags": {"Oracle-Tags": tags},
    }
    add_domain(connection, world, world.tenancy, "Default", body)


def add_domain(
    connection: sqlite3.Connection, world: TenancyState, compartment: str, name: str, body: dict[str, Any]
) -> StoredResource:
    """A new, active domain."""
    made = StoredResource(make_ocid(DOMAIN), DOMAIN, "", compartment, name, "ACTIVE", world.now, None, "", body)
    return Resources(connection).add(made, visible=0)


def domain_body(kind: str, description: str, home: str, license_type: str = "free") -> dict[str, Any]:
    """What a domain has beside its name and its tags, under the wire names."""
    return {
        "description": description,
        "homeRegion": home,
        "type": kind,
        "licenseType": license_type,
        "isHiddenOnLogin": False,
    }


def host_of_domain(domain: StoredResource, server: str) -> str:
    """The host of a domain's URL: the server's own for Default, a name below localhost for the others.

    It is the host that says which domain is meant, as in OCI: the SDK takes no URL of a domain that has a path.
    """
    port = server.rpartition(":")[2]
    return server if domain.body["type"] == DEFAULT else f"idcs-{domain.id[-_KEY:]}.localhost:{port}"


def domain_at(connection: sqlite3.Connection, host: str) -> StoredResource | None:
    """The domain whose URL has that host; every name but those of `host_of_domain` is Default's."""
    match = re.fullmatch(r"idcs-([a-z0-9]+)\.localhost(:[0-9]+)?", host)
    if match is None:
        return default_domain(connection)
    row = connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND substr(id, ?) = ?", (DOMAIN, -_KEY, match[1])
    ).fetchone()
    return None if row is None else Resources(connection).find(DOMAIN, row["id"])


def default_domain(connection: sqlite3.Connection) -> StoredResource | None:
    """The Default domain."""
    row = connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND json_extract(body, '$.type') = ?", (DOMAIN, DEFAULT)
    ).fetchone()
    return None if row is None else Resources(connection).find(DOMAIN, row["id"])


def groups_of_domain(connection: sqlite3.Connection, name: str | None) -> str | None:
    """What the `region` column of a domain's groups holds; None when there is no such domain. No name means Default."""
    if name is None:
        return ""
    row = connection.execute(
        "SELECT id, json_extract(body, '$.type') AS type FROM resources"
        " WHERE kind = ? AND name = ? COLLATE NOCASE AND state IN (?, ?, ?)",
        (DOMAIN, name, *_ALIVE),
    ).fetchone()
    if row is None:
        return None
    return "" if row["type"] == DEFAULT else str(row["id"])

"""Names to OCIDs, as the tenancy has them at this moment: the Directory that `genai_iac.iam_policy` asks."""

import hashlib
import sqlite3

from genai_iac.emulator.storage.identity_domains import groups_of_domain

_ALIVE = ("CREATING", "ACTIVE")


class EmulatorDirectory:
    """Looks names up inside one transaction. What is newer than `hidden_after` is not there yet.

    A group is looked up in the identity domain that a statement names, which is Default where it names none."""

    def __init__(
        self, connection: sqlite3.Connection, tenancy: str, *, hidden_after: int, accept_unknown: bool = False
    ) -> None:
        self._connection = connection
        self._tenancy = tenancy
        self._hidden_after = hidden_after
        self._accept_unknown = accept_unknown

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The compartment a path names, seen from the one the policy is attached to.

        Args:
            path: names; the first may be the attached compartment itself.
            attached: OCID.
        """
        if self._is_called(attached, path[0]):
            # The compartment's own name counts as the beginning of a path, as in OCI.
            found = self._descend(attached, path[1:])
            if found is not None:
                return found
        return self._descend(attached, path)

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether the second is the first or lies below it, and is not deleted."""
        return ancestor in self.path_of(compartment) and not self._is_deleted(compartment)

    def group(self, name: str, domain: str | None) -> str | None:
        """The group of that name in that domain."""
        return self._named("group", name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """The dynamic group of that name in that domain."""
        return self._named("dynamicgroup", name, domain)

    def path_of(self, compartment: str) -> tuple[str, ...]:
        """The compartment and its parents up to the tenancy; empty when there is none like it."""
        path: list[str] = []
        while compartment and compartment != self._tenancy:
            row = self._connection.execute(
                "SELECT compartment FROM resources WHERE id = ? AND kind = 'compartment' AND visible <= ?",
                (compartment, self._hidden_after),
            ).fetchone()
            if row is None:
                return ()
            path.append(compartment)
            compartment = row["compartment"]
        return (*path, self._tenancy)

    def name_of(self, compartment: str) -> str:
        """The name of a compartment or of the tenancy; empty when there is none like it."""
        row = self._connection.execute("SELECT name FROM resources WHERE id = ?", (compartment,)).fetchone()
        return "" if row is None else str(row["name"])

    def _is_deleted(self, compartment: str) -> bool:
        row = self._connection.execute("SELECT state FROM resources WHERE id = ?", (compartment,)).fetchone()
        return row is None or row["state"] == "DELETED"

    def _is_called(self, compartment: str, name: str) -> bool:
        return self.name_of(compartment).casefold() == name.casefold()

    def _descend(self, compartment: str, names: tuple[str, ...]) -> str | None:
        for name in names:
            row = self._connection.execute(
                "SELECT id FROM resources WHERE kind = 'compartment' AND compartment = ? AND name = ? COLLATE NOCASE"
                " AND state IN (?, ?) AND visible <= ?",
                (compartment, name, *_ALIVE, self._hidden_after),
            ).fetchone()
            if row is None:
                return None
            compartment = row["id"]
        return compartment

    def _named(self, kind: str, name: str, domain: str | None) -> str | None:
        row = self._connection.execute(
            "SELECT id FROM resources WHERE kind = ? AND name = ? COLLATE NOCASE AND region = ? AND state = 'ACTIVE'"
            " AND visible <= ?",
            (kind, name, groups_of_domain(self._connection, domain), self._hidden_after),
        ).fetchone()
        if row is not None:
            return str(row["id"])
        within = "" if (domain or "default").casefold() == "default" else f"{domain}/"
        return _stand_in(kind, within + name) if self._accept_unknown else None


def _stand_in(kind: str, name: str) -> str:
    digest = hashlib.sha256(name.casefold().encode("utf-8")).hexdigest()
    return f"ocid1.{kind}.oc1..unknown{digest[:48]}"

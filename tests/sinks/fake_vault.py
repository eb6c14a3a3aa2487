"""OCI Vault in memory, as far as `VaultClient` goes (facts: one label a stage, versions from 1, deletion can be cancelled)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from genai_iac.core import Secret
from genai_iac.core.errors import ServiceFailure
from genai_iac.delivery.sinks import RECORDS, VaultVersion

MAX_VERSIONS = 30  # versions in use a secret


@dataclass
class VaultDouble:
    """A `VaultClient`. `failing` names the operations that answer with an error; `calls` lists the writes that landed."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[tuple[str, int], Secret] = field(default_factory=dict)
    stages: dict[tuple[str, str], int] = field(default_factory=dict)
    leaving: dict[tuple[str, int], str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    key: dict[str, Any] = field(default_factory=lambda: {"vaultId": "ocid1.vault.oc1..v", "lifecycleState": "ENABLED"})

    def find_secret(self, vault: str, compartment: str, name: str) -> Mapping[str, Any] | None:
        self._ask("ListSecrets")
        wanted = {"vaultId": vault, "compartmentId": compartment, "secretName": name}
        return next((one for one in self.secrets.values() if wanted.items() <= one.items()), None)

    def read_key(self, vault: str, key: str) -> Mapping[str, Any]:
        self._ask("GetKey")
        return self.key

    def create_secret(self, details: Mapping[str, Any], content: Secret) -> Mapping[str, Any]:
        with self._write("CreateSecret"):
            made = {**details, "id": f"ocid1.vaultsecret.oc1..{len(self.secrets)}", "lifecycleState": "ACTIVE"}
            self.secrets[made["id"]] = made
            self._add(made["id"], content, "CURRENT")
        return made

    def add_version(self, secret: str, content: Secret, stage: str, records: str = "") -> None:
        with self._write("UpdateSecret"):
            assert self.secrets[secret]["lifecycleState"] == "ACTIVE"
            in_use = [one for one in self.list_versions(secret) if not one["timeOfDeletion"]]
            if len(in_use) >= MAX_VERSIONS:
                raise ServiceFailure("too many versions", operation="UpdateSecret", status=400, code="LimitExceeded")
            self._add(secret, content, stage)
            if records:
                self.secrets[secret]["metadata"] = {RECORDS: records}

    def promote_version(self, secret: str, number: int) -> None:
        with self._write("UpdateSecret"):
            self._label(secret, number, "CURRENT")

    def read_version(self, secret: str, stage: str) -> VaultVersion | None:
        self._ask("GetSecretBundle")
        assert self.secrets[secret]["lifecycleState"] == "ACTIVE"
        number = self.stages.get((secret, stage))
        records = (self.secrets[secret].get("metadata") or {}).get(RECORDS, "")
        return VaultVersion(number, self.contents[secret, number], records) if number else None

    def list_versions(self, secret: str) -> Sequence[Mapping[str, Any]]:
        self._ask("ListSecretVersions")
        return [
            {
                "versionNumber": number,
                "stages": self._stages_of(secret, number),
                "timeOfDeletion": self.leaving.get((secret, number)),
            }
            for owner, number in sorted(self.contents)
            if owner == secret
        ]

    def schedule_version_deletion(self, secret: str, number: int) -> None:
        with self._write("ScheduleSecretVersionDeletion"):
            assert self._stages_of(secret, number) == ["DEPRECATED"]
            assert len([one for owner, one in self.leaving if owner == secret]) < MAX_VERSIONS
            self.leaving[secret, number] = "2027-01-01T00:00:00Z"

    def schedule_deletion(self, secret: str) -> None:
        with self._write("ScheduleSecretDeletion"):
            self.secrets[secret]["lifecycleState"] = "PENDING_DELETION"

    def cancel_deletion(self, secret: str) -> None:
        with self._write("CancelSecretDeletion"):
            assert self.secrets[secret]["lifecycleState"] == "PENDING_DELETION"
            self.secrets[secret]["lifecycleState"] = "ACTIVE"

    def let_a_day_pass(self) -> None:
        """What was scheduled for deletion is gone."""
        for version in self.leaving:
            del self.contents[version]
        self.leaving.clear()

    def served(self) -> Secret | None:
        """What a consumer gets that asks for the one secret without naming a stage."""
        for name, one in self.secrets.items():
            if one["lifecycleState"] == "ACTIVE":
                return self.contents[name, self.stages[name, "CURRENT"]]
        return None

    def _add(self, secret: str, content: Secret, stage: str) -> None:
        number = 1 + max((number for owner, number in self.contents if owner == secret), default=0)
        self.contents[secret, number] = content
        self.stages[secret, "LATEST"] = number
        self._label(secret, number, stage)

    def _label(self, secret: str, number: int, stage: str) -> None:
        before = self.stages.get((secret, stage))
        if stage == "CURRENT":
            if before:
                self.stages[secret, "PREVIOUS"] = before
            if self.stages.get((secret, "PENDING")) == number:
                del self.stages[secret, "PENDING"]
        self.stages[secret, stage] = number

    def _stages_of(self, secret: str, number: int) -> list[str]:
        return [stage for (owner, stage), n in self.stages.items() if (owner, n) == (secret, number)] or ["DEPRECATED"]

    def _ask(self, operation: str) -> None:
        if operation in self.failing:
            raise ServiceFailure("the service is out of order", operation=operation, status=500, hint="try again")

    @contextmanager
    def _write(self, operation: str) -> Iterator[None]:
        self._ask(operation)
        yield
        self.calls.append(operation)

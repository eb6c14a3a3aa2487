"""OCI Vault as the vault sink sees it: an interface of plain data and `Secret`s, which `oci_client/vault.py` implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from genai_iac.core import Secret

RECORDS = "genai-iac"  # the field of a Vault secret's metadata that is ours
# the two stages that can be written; OCI moves versions to PREVIOUS and DEPRECATED
# itself
Stage = Literal["CURRENT", "PENDING"]


class VaultVersion(Struct, frozen=True):
    """One version of a Vault secret with its content: the text inside, base64 already undone."""

    number: int  # versionNumber, from 1
    content: Secret
    records: str = ""  # what the secret's metadata hold under the name RECORDS


class VaultClient(Protocol):
    """What the vault sink asks of OCI Vault (API 20180608, secret bundles 20190301).

    Mappings have the API's camelCase names. Every call raises ServiceFailure when the service refuses. Writes send what optimistic locking
    needs, and return once the secret is ACTIVE again and the new content can be read. The region is the one inside the OCIDs.
    """

    def find_secret(self, vault: str, compartment: str, name: str) -> Mapping[str, Any] | None:
        """ListSecrets by vault, compartment and name: `id`, `keyId`, `lifecycleState`, `description`, `freeformTags`.

        None when all are DELETED.

        Args:
            vault: OCID of the vault.
            compartment: OCID.
            name: secretName, unique in the vault.
        """

    def read_key(self, vault: str, key: str) -> Mapping[str, Any]:
        """GetVault and GetKey: the key's `vaultId` and `lifecycleState`.

        Args:
            key: OCID of the master key.
        """

    def create_secret(self, details: Mapping[str, Any], content: Secret) -> Mapping[str, Any]:
        """CreateSecret from `compartmentId`, `vaultId`, `keyId`, `secretName`, `description`, `freeformTags` and, where there are
        records, `metadata`; with CURRENT content. The new secret.

        Args:
            content: the text; the client encodes it as base64.
        """

    def add_version(self, secret: str, content: Secret, stage: Stage, records: str = "") -> None:
        """UpdateSecret with new content in that stage, and with those records in the metadata where there are any.

        Args:
            secret: OCID of the Vault secret.
            stage: PENDING leaves the current version as it is.
        """

    def promote_version(self, secret: str, number: int) -> None:
        """UpdateSecret with `currentVersionNumber`.

        Args:
            number: of the PENDING version.
        """

    def read_version(self, secret: str, stage: Stage) -> VaultVersion | None:
        """GetSecretBundle of the version in that stage; None when no version is in it (404)."""

    def list_versions(self, secret: str) -> Sequence[Mapping[str, Any]]:
        """ListSecretVersions, all pages: `versionNumber`, `stages`, `timeOfDeletion` (None unless it is scheduled for deletion)."""

    def schedule_version_deletion(self, secret: str, number: int) -> None:
        """ScheduleSecretVersionDeletion, at the earliest time the service allows.

        The version stays readable until then.
        """

    def schedule_deletion(self, secret: str) -> None:
        """ScheduleSecretDeletion, at the earliest time the service allows."""

    def cancel_deletion(self, secret: str) -> None:
        """CancelSecretDeletion.

        Back once its current version can be read again.
        """

"""OCI Vault over a connected tenancy: the `VaultClient` of the vault sink.

Facts that it relies on: a secret takes one change at a time, and only while none is running; the bundles (20190301) are another service,
which sees a change a little later; an update of the content has no retry token, so after an uncertain answer the secret is read to see
whether the update completed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from genai_iac.core import Secret
from genai_iac.core.errors import ServiceFailure
from genai_iac.delivery.sinks import RECORDS, Stage, VaultVersion
from genai_iac.oci_client.client import OciClient
from genai_iac.oci_client.regions import region_of_ocid
from genai_iac.oci_client.responses import OciResponse, expect
from genai_iac.oci_client.secrets import CONTENT

# states in which the service refuses another change
_PASSING = ("CREATING", "UPDATING", "SCHEDULING_DELETION", "CANCELLING_DELETION", "DELETING")
_EARLIEST = timedelta(days=1, minutes=10)  # the service takes a day or more, by its own clock
_TIMEOUT = 120.0  # seconds

T = TypeVar("T")


class TenancyVault:
    """A `VaultClient` (its docstrings are the promise).

    Args:
        provider: the client; the region of each call is the one inside the OCID.
    """

    def __init__(self, provider: OciClient) -> None:
        self._provider = provider

    def find_secret(self, vault: str, compartment: str, name: str) -> Mapping[str, Any] | None:
        """See `VaultClient.find_secret`. A secret in a passing state is waited for."""
        rows = self._provider.read_all(
            "ListSecrets", compartment, self._region(vault), retry_404=True, vault_id=vault, name=name
        )
        known = (expect(row, "ListSecrets", "id", "keyId", "secretName", "lifecycleState") for row in rows)
        existing = (row for row in known if row["secretName"] == name and row["lifecycleState"] != "DELETED")
        found = next(existing, None)
        if found is not None and found["lifecycleState"] in _PASSING:
            found = self._wait_until_stable(found["id"]).data
        return None if found is None or found["lifecycleState"] == "DELETED" else found

    def read_key(self, vault: str, key: str) -> Mapping[str, Any]:
        """See `VaultClient.read_key`. Keys are asked for at the vault's own managementEndpoint."""
        region = self._region(vault)
        found = expect(self._provider.get("GetVault", vault, region).data, "GetVault", "managementEndpoint")
        reply = self._provider.get("GetKey", key, region, endpoint=found["managementEndpoint"])
        return expect(reply.data, "GetKey", "vaultId", "lifecycleState")

    def create_secret(self, details: Mapping[str, Any], content: Secret) -> Mapping[str, Any]:
        """See `VaultClient.create_secret`. After a lost answer the secret is found by its content."""
        body = {**details, "secretContent": _content(content, "CURRENT")}
        made: Mapping[str, Any]
        try:
            made = self._provider.write("CreateSecret", body=body, region=self._region(details["vaultId"])).data
        except ServiceFailure as failure:
            found = self._find_lost(details, content) if failure.uncertain else None
            if found is None:
                raise
            made = found
        id = expect(made, "CreateSecret", "id")["id"]
        secret_data: Mapping[str, Any] = self._wait_until_stable(id).data
        self._await("CreateSecret", lambda: self._shows(id, "CURRENT", content))
        return secret_data

    def add_version(self, secret: str, content: Secret, stage: Stage, records: str = "") -> None:
        """See `VaultClient.add_version`."""
        body: dict[str, Any] = {"secretContent": _content(content, stage)}
        if records:
            body["metadata"] = {RECORDS: records}
        self._change("UpdateSecret", secret, lambda: self._shows(secret, stage, content), body)

    def promote_version(self, secret: str, number: int) -> None:
        """See `VaultClient.promote_version`."""

        def applied() -> bool:
            served = self.read_version(secret, "CURRENT")
            return served is not None and served.number == number

        self._change("UpdateSecret", secret, applied, {"currentVersionNumber": number})

    def read_version(self, secret: str, stage: Stage) -> VaultVersion | None:
        """See `VaultClient.read_version`. A 404 is no error: no version is in that stage."""
        try:
            reply = self._provider.get("GetSecretBundle", secret, self._region(secret), stage=stage)
        except ServiceFailure as failure:
            if failure.status == 404:
                return None
            raise
        data = expect(reply.data, "GetSecretBundle", "versionNumber", "secretBundleContent")
        records = (data.get("metadata") or {}).get(RECORDS)
        return VaultVersion(
            data["versionNumber"], reply.secrets.get(CONTENT, Secret("")), records if isinstance(records, str) else ""
        )

    def list_versions(self, secret: str) -> Sequence[Mapping[str, Any]]:
        """See `VaultClient.list_versions`."""
        rows = self._provider.read_all("ListSecretVersions", secret, self._region(secret))
        return [expect(row, "ListSecretVersions", "versionNumber", "stages") for row in rows]

    def schedule_version_deletion(self, secret: str, number: int) -> None:
        """See `VaultClient.schedule_version_deletion`."""

        def applied() -> bool:
            rows = self.list_versions(secret)
            return all(row.get("timeOfDeletion") for row in rows if row["versionNumber"] == number)

        self._change("ScheduleSecretVersionDeletion", secret, applied, self._earliest(), version=number)

    def schedule_deletion(self, secret: str) -> None:
        """See `VaultClient.schedule_deletion`."""

        def applied() -> bool:
            return bool(self._get(secret).data["lifecycleState"] == "PENDING_DELETION")

        self._change("ScheduleSecretDeletion", secret, applied, self._earliest())

    def cancel_deletion(self, secret: str) -> None:
        """See `VaultClient.cancel_deletion`."""
        self._change("CancelSecretDeletion", secret, lambda: self.read_version(secret, "CURRENT") is not None)

    def _change(
        self,
        operation: str,
        secret: str,
        applied: Callable[[], bool],
        body: Mapping[str, Any] | None = None,
        version: int | None = None,
    ) -> None:
        """One write on a secret that no other change is passing through; back once it can be seen by all."""
        etag = self._wait_until_stable(secret).etag
        try:
            self._provider.write(
                operation, id=secret, version=version, body=body, region=self._region(secret), etag=etag
            )
        except ServiceFailure as failure:
            # an earlier attempt of this very call may be what changed the etag
            if not (failure.uncertain and applied()):
                raise
        self._await(operation, applied)
        self._wait_until_stable(secret)

    def _wait_until_stable(self, secret: str) -> OciResponse:
        """The secret once no change passes through it any more."""

        def look() -> OciResponse | None:
            reply = self._get(secret)
            return None if reply.data["lifecycleState"] in _PASSING else reply

        return self._await("GetSecret", look)

    def _get(self, secret: str) -> OciResponse:
        reply = self._provider.get("GetSecret", secret, self._region(secret), retry_404=True)
        expect(reply.data, "GetSecret", "id", "keyId", "lifecycleState")
        return reply

    def _shows(self, secret: str, stage: Stage, content: Secret) -> bool:
        """Whether the version in that stage has this content, compared in constant time."""
        version = self.read_version(secret, stage)
        return version is not None and version.content == content

    def _find_lost(self, details: Mapping[str, Any], content: Secret) -> Mapping[str, Any] | None:
        """The secret of a create whose answer was lost: it has the very content that was sent."""
        found = self.find_secret(details["vaultId"], details["compartmentId"], details["secretName"])
        return found if found is not None and self._shows(found["id"], "CURRENT", content) else None

    def _await(self, operation: str, look: Callable[[], T | None]) -> T:
        """What a look gives once there is something to see. Raises ServiceFailure when that takes too long."""
        began, pause = time.monotonic(), 0.05
        while not (seen := look()):
            if time.monotonic() - began > _TIMEOUT or not self._provider.stop.rest(pause):
                raise ServiceFailure(
                    f"{operation}: accepted, but not to be seen after {_TIMEOUT:.0f} seconds",
                    operation=operation,
                    hint="apply again: it goes on from there",
                )
            pause = min(pause * 1.6, 5.0)
        return seen

    def _earliest(self) -> dict[str, str]:
        """The body of a deletion at the earliest time that the service accepts."""
        moment = self._provider.now() + _EARLIEST
        return {"timeOfDeletion": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def _region(self, ocid: str) -> str | None:
        """The region inside an OCID, by its long name; None (the provider's own) when there is none."""
        return region_of_ocid(ocid)


def _content(content: Secret, stage: Stage) -> dict[str, Any]:
    return {"contentType": "BASE64", "content": content, "stage": stage}

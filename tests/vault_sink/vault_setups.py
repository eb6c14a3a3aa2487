"""A key delivered to OCI Vault: its manifests, and what a consumer with the unchanged SDK reads there."""

from __future__ import annotations

import base64
import json
from typing import Any

from conftest import Project, Tenancy
from plan_apply.manifests import compartment, document, key, stack
from plan_apply.sdk_helpers import REGION, client

HOME = compartment("home", name="vault-home")
GRANT = document("Policy", "access", {"grants": [{"apiKey": "app"}]})
ROTATION = {"every": "30d", "overlap": "2d", "idle": "24h"}
VERIFIED = {**ROTATION, "verify": {"model": "xai.grok-4"}}


def built_in(tenancy: Tenancy, region: str = REGION) -> dict[str, str]:
    """The OCIDs of the region's own `vault` and `key`."""
    return dict(tenancy.control("GET", "health")["vaults"][region])


def entry(tenancy: Tenancy, name: str = "app", where: str = "home", region: str = REGION) -> dict[str, Any]:
    """An entry of `deliverTo`."""
    return {"vault": {**built_in(tenancy, region), "compartment": where, "name": name}}


def write_key(
    project: Project, *entries: dict[str, Any], around: tuple[dict[str, Any], ...] = (HOME, GRANT), **spec: Any
) -> None:
    """Manifests of one key `app` that is delivered to these places."""
    project.write(stack(*around, key("app", deliverTo=list(entries), **spec)))


def secrets(tenancy: Tenancy, region: str = REGION) -> dict[str, Any]:
    """The Vault secrets of every compartment by name, whatever their state but DELETED."""
    vaults, identity = client(tenancy, "vault", region), client(tenancy, "identity")
    homes = [
        tenancy.tenancy,
        *(row.id for row in identity.list_compartments(tenancy.tenancy, compartment_id_in_subtree=True).data),
    ]
    found = (row for home in homes for row in vaults.list_secrets(home).data)
    return {row.secret_name: row for row in found if row.lifecycle_state != "DELETED"}


def content(tenancy: Tenancy, name: str = "app", stage: str = "CURRENT", region: str = REGION) -> dict[str, Any]:
    """What a consumer of that stage reads: the JSON of the bundle; empty when no version is in the stage."""
    import oci

    try:
        bundle = (
            client(tenancy, "secrets", region).get_secret_bundle(secrets(tenancy, region)[name].id, stage=stage).data
        )
    except oci.exceptions.ServiceError as error:
        assert error.status == 404
        return {}
    return dict(json.loads(base64.b64decode(bundle.secret_bundle_content.content)))


def stages(tenancy: Tenancy, name: str = "app") -> dict[str, int]:
    """Which version is in each stage, without those that are DEPRECATED."""
    rows = client(tenancy, "vault", REGION).list_secret_versions(secrets(tenancy)[name].id).data
    return {stage: row.version_number for row in rows for stage in row.stages if stage != "DEPRECATED"}

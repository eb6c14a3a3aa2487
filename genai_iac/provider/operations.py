"""The operations this tool knows: which SDK client and method each is, and what it takes. Names are OCI's own operation names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Service = Literal["identity", "generative_ai", "vault", "secrets", "kms", "kms_management"]
CLIENTS: Mapping[Service, tuple[str, str]] = {
    "identity": ("oci.identity", "IdentityClient"),
    "generative_ai": ("oci.generative_ai", "GenerativeAiClient"),
    "vault": ("oci.vault", "VaultsClient"),
    "secrets": ("oci.secrets", "SecretsClient"),
    "kms": ("oci.key_management", "KmsVaultClient"),
    "kms_management": ("oci.key_management", "KmsManagementClient"),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One API operation. `home` ones must go to the tenancy's home region; `token` ones take an opc-retry-token."""

    service: Service
    method: str
    takes: tuple[Literal["id", "version", "body"], ...] = ()
    home: bool = False
    token: bool = False
    etag: bool = False
    mints: bool = False  # the answer shows plaintext, once


OPERATIONS: Mapping[str, Operation] = {
    "ListRegionSubscriptions": Operation("identity", "list_region_subscriptions", ("id",)),
    "GetTenancy": Operation("identity", "get_tenancy", ("id",)),
    "ListCompartments": Operation("identity", "list_compartments", ("id",), home=True),
    "GetCompartment": Operation("identity", "get_compartment", ("id",), home=True),
    "CreateCompartment": Operation("identity", "create_compartment", ("body",), home=True, token=True),
    "UpdateCompartment": Operation("identity", "update_compartment", ("id", "body"), home=True, etag=True),
    "MoveCompartment": Operation("identity", "move_compartment", ("id", "body"), home=True, token=True, etag=True),
    "DeleteCompartment": Operation("identity", "delete_compartment", ("id",), home=True, etag=True),
    "GetWorkRequest": Operation("identity", "get_work_request", ("id",), home=True),
    "ListPolicies": Operation("identity", "list_policies", ("id",), home=True),
    "GetPolicy": Operation("identity", "get_policy", ("id",), home=True),
    "CreatePolicy": Operation("identity", "create_policy", ("body",), home=True, token=True),
    "UpdatePolicy": Operation("identity", "update_policy", ("id", "body"), home=True, etag=True),
    "DeletePolicy": Operation("identity", "delete_policy", ("id",), home=True, etag=True),
    "ListGroups": Operation("identity", "list_groups", ("id",), home=True),
    "ListDynamicGroups": Operation("identity", "list_dynamic_groups", ("id",), home=True),
    "ListApiKeys": Operation("generative_ai", "list_api_keys", ("id",)),
    "GetApiKey": Operation("generative_ai", "get_api_key", ("id",)),
    "CreateApiKey": Operation("generative_ai", "create_api_key", ("body",), token=True, mints=True),
    "UpdateApiKey": Operation("generative_ai", "update_api_key", ("id", "body"), etag=True),
    "RenewApiKey": Operation("generative_ai", "renew_api_key", ("id", "body"), token=True, etag=True, mints=True),
    "SetApiKeyState": Operation("generative_ai", "set_api_key_state", ("id", "body"), token=True, etag=True),
    "ChangeApiKeyCompartment": Operation(
        "generative_ai", "change_api_key_compartment", ("id", "body"), token=True, etag=True
    ),
    "DeleteApiKey": Operation("generative_ai", "delete_api_key", ("id",), etag=True),
    "GetVault": Operation("kms", "get_vault", ("id",)),
    "GetKey": Operation("kms_management", "get_key", ("id",)),
    "ListSecrets": Operation("vault", "list_secrets", ("id",)),
    "GetSecret": Operation("vault", "get_secret", ("id",)),
    "CreateSecret": Operation("vault", "create_secret", ("body",), token=True),
    "UpdateSecret": Operation("vault", "update_secret", ("id", "body"), etag=True),
    "ListSecretVersions": Operation("vault", "list_secret_versions", ("id",)),
    "ScheduleSecretVersionDeletion": Operation(
        "vault", "schedule_secret_version_deletion", ("id", "version", "body"), etag=True
    ),
    "ScheduleSecretDeletion": Operation("vault", "schedule_secret_deletion", ("id", "body"), etag=True),
    "CancelSecretDeletion": Operation("vault", "cancel_secret_deletion", ("id",), etag=True),
    "GetSecretBundle": Operation("secrets", "get_secret_bundle", ("id",)),
}

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
class SdkOperation:
    """One API operation. `home` ones must go to the tenancy's home region; `token` ones take an opc-retry-token."""

    service: Service
    method: str
    takes: tuple[Literal["id", "version", "body"], ...] = ()
    home: bool = False
    token: bool = False
    etag: bool = False
    mints: bool = False  # the answer shows plaintext, once


OPERATIONS: Mapping[str, SdkOperation] = {
    "ListRegionSubscriptions": SdkOperation("identity", "list_region_subscriptions", ("id",)),
    "GetTenancy": SdkOperation("identity", "get_tenancy", ("id",)),
    "ListCompartments": SdkOperation("identity", "list_compartments", ("id",), home=True),
    "GetCompartment": SdkOperation("identity", "get_compartment", ("id",), home=True),
    "CreateCompartment": SdkOperation("identity", "create_compartment", ("body",), home=True, token=True),
    "UpdateCompartment": SdkOperation("identity", "update_compartment", ("id", "body"), home=True, etag=True),
    "MoveCompartment": SdkOperation("identity", "move_compartment", ("id", "body"), home=True, token=True, etag=True),
    "DeleteCompartment": SdkOperation("identity", "delete_compartment", ("id",), home=True, etag=True),
    "GetWorkRequest": SdkOperation("identity", "get_work_request", ("id",), home=True),
    "ListPolicies": SdkOperation("identity", "list_policies", ("id",), home=True),
    "GetPolicy": SdkOperation("identity", "get_policy", ("id",), home=True),
    "CreatePolicy": SdkOperation("identity", "create_policy", ("body",), home=True, token=True),
    "UpdatePolicy": SdkOperation("identity", "update_policy", ("id", "body"), home=True, etag=True),
    "DeletePolicy": SdkOperation("identity", "delete_policy", ("id",), home=True, etag=True),
    "ListGroups": SdkOperation("identity", "list_groups", ("id",), home=True),
    "ListDynamicGroups": SdkOperation("identity", "list_dynamic_groups", ("id",), home=True),
    "ListApiKeys": SdkOperation("generative_ai", "list_api_keys", ("id",)),
    "GetApiKey": SdkOperation("generative_ai", "get_api_key", ("id",)),
    "CreateApiKey": SdkOperation("generative_ai", "create_api_key", ("body",), token=True, mints=True),
    "UpdateApiKey": SdkOperation("generative_ai", "update_api_key", ("id", "body"), etag=True),
    "RenewApiKey": SdkOperation("generative_ai", "renew_api_key", ("id", "body"), token=True, etag=True, mints=True),
    "SetApiKeyState": SdkOperation("generative_ai", "set_api_key_state", ("id", "body"), token=True, etag=True),
    "ChangeApiKeyCompartment": SdkOperation(
        "generative_ai", "change_api_key_compartment", ("id", "body"), token=True, etag=True
    ),
    "DeleteApiKey": SdkOperation("generative_ai", "delete_api_key", ("id",), etag=True),
    "GetVault": SdkOperation("kms", "get_vault", ("id",)),
    "GetKey": SdkOperation("kms_management", "get_key", ("id",)),
    "ListSecrets": SdkOperation("vault", "list_secrets", ("id",)),
    "GetSecret": SdkOperation("vault", "get_secret", ("id",)),
    "CreateSecret": SdkOperation("vault", "create_secret", ("body",), token=True),
    "UpdateSecret": SdkOperation("vault", "update_secret", ("id", "body"), etag=True),
    "ListSecretVersions": SdkOperation("vault", "list_secret_versions", ("id",)),
    "ScheduleSecretVersionDeletion": SdkOperation(
        "vault", "schedule_secret_version_deletion", ("id", "version", "body"), etag=True
    ),
    "ScheduleSecretDeletion": SdkOperation("vault", "schedule_secret_deletion", ("id", "body"), etag=True),
    "CancelSecretDeletion": SdkOperation("vault", "cancel_secret_deletion", ("id",), etag=True),
    "GetSecretBundle": SdkOperation("secrets", "get_secret_bundle", ("id",)),
}

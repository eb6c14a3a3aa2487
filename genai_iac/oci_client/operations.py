"""The operations this tool knows: which SDK client and method each is, and what it takes. Names are OCI's own operation names."""

from __future__ import annotations

from collections.abc import Mapping

from genai_iac.core.sdk_operation import SdkOperation, Service
from genai_iac.resource_types import RESOURCE_TYPES

# Modules are imported when a client is first needed: the SDK takes a second to load
# whole.
CLIENTS: Mapping[Service, tuple[str, str]] = {
    "identity": ("oci.identity", "IdentityClient"),
    "generative_ai": ("oci.generative_ai", "GenerativeAiClient"),
    "vault": ("oci.vault", "VaultsClient"),
    "secrets": ("oci.secrets", "SecretsClient"),
    "kms": ("oci.key_management", "KmsVaultClient"),
    "kms_management": ("oci.key_management", "KmsManagementClient"),
}


# Operations of resource types come from the types themselves, so a new type needs no
# entry here.
OPERATIONS: Mapping[str, SdkOperation] = {
    "ListRegionSubscriptions": SdkOperation("identity", "list_region_subscriptions", ("id",)),
    "GetTenancy": SdkOperation("identity", "get_tenancy", ("id",)),
    "ListGroups": SdkOperation("identity", "list_groups", ("id",), home=True),
    "ListDynamicGroups": SdkOperation("identity", "list_dynamic_groups", ("id",), home=True),
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
    **{name: operation for kind in RESOURCE_TYPES.values() for name, operation in kind.operations.items()},
}

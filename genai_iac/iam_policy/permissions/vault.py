"""Vault: vaults, keys, secrets and their values.

Source: Oracle's page *Details for the Vault Service* (Identity/policyreference/keypolicyreference.htm). A new secret
also needs ``use`` of its vault and key.
"""

from genai_iac.iam_policy.permissions.table import IamResourceType, Service

_SECRET_TYPES = ("secrets", "secret-versions", "secret-bundles")
_ENCRYPTING = ("KEY_ENCRYPT", "KEY_DECRYPT", "VAULT_CREATE_SECRET")

VAULT = Service(
    types={
        "vaults": IamResourceType(
            ("VAULT_INSPECT",),
            ("VAULT_READ",),
            ("VAULT_CREATE_KEY", "VAULT_IMPORT_KEY", "VAULT_CREATE_SECRET"),
            ("VAULT_CREATE", "VAULT_UPDATE", "VAULT_DELETE", "VAULT_MOVE"),
        ),
        "keys": IamResourceType(
            ("KEY_INSPECT",),
            ("KEY_READ",),
            ("KEY_ENCRYPT", "KEY_DECRYPT", "KEY_EXPORT", "KEY_SIGN", "KEY_VERIFY"),
            ("KEY_CREATE", "KEY_UPDATE", "KEY_ROTATE", "KEY_DELETE", "KEY_MOVE", "KEY_IMPORT", "KEY_BACKUP"),
        ),
        "key-delegate": IamResourceType(use=("KEY_ASSOCIATE", "KEY_DISASSOCIATE")),
        "secrets": IamResourceType(
            ("SECRET_INSPECT",),
            ("SECRET_READ",),
            ("SECRET_UPDATE",),
            ("SECRET_CREATE", "SECRET_DELETE", "SECRET_MOVE", "SECRET_ROTATE"),
        ),
        "secret-versions": IamResourceType(
            ("SECRET_VERSION_INSPECT",), ("SECRET_VERSION_READ",), manage=("SECRET_VERSION_DELETE",)
        ),
        "secret-bundles": IamResourceType(("SECRET_BUNDLE_INSPECT",), ("SECRET_BUNDLE_READ",)),
    },
    families={"secret-family": _SECRET_TYPES, "key-family": ("vaults", "keys", "key-delegate")},
    operations={
        "ListVaults": ("VAULT_INSPECT",),
        "GetVault": ("VAULT_READ",),
        "ListKeys": ("KEY_INSPECT",),
        "GetKey": ("KEY_READ",),
        "ListSecrets": ("SECRET_INSPECT",),
        "GetSecret": ("SECRET_READ",),
        "CreateSecret": ("SECRET_CREATE", *_ENCRYPTING),
        "UpdateSecret": ("SECRET_UPDATE", "KEY_ENCRYPT", "KEY_DECRYPT"),
        "ChangeSecretCompartment": ("SECRET_MOVE",),
        "ScheduleSecretDeletion": ("SECRET_DELETE",),
        "CancelSecretDeletion": ("SECRET_DELETE",),
        "ListSecretVersions": ("SECRET_VERSION_INSPECT",),
        "GetSecretVersion": ("SECRET_VERSION_READ",),
        "ScheduleSecretVersionDeletion": ("SECRET_VERSION_DELETE",),
        "CancelSecretVersionDeletion": ("SECRET_VERSION_DELETE",),
        "ListSecretBundleVersions": ("SECRET_BUNDLE_INSPECT",),
        "GetSecretBundle": ("SECRET_BUNDLE_READ",),
        "GetSecretBundleByName": ("SECRET_BUNDLE_READ",),
    },
)

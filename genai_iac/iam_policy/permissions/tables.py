"""The permission tables of services: what each verb adds for a resource type, and which types a family includes.

- Generative AI: keys, projects, models, routing profiles, inference. Resource types and permissions come from the dated table of
  `genai_iac.vocabulary`, each with its source. Which operation needs which comes from Oracle's pages *API-Level Permissions for …*.
  UNCONFIRMED: renew and set-state of a key, which the key page leaves out and which are taken to need `manage`; everything about
  responses and conversations, known only from live policies: they are no members of generative-ai-family, and creating a stored response
  needs `manage`.
- Identity: compartments, policies, users, groups, dynamic groups, domains, tenancies, tags, work requests. Source: Oracle's page *Details
  for IAM* (Identity/policyreference/iampolicyreference.htm). The permissions of work requests are UNCONFIRMED.
- Object Storage: buckets and objects, where locks and shared state are stored. Source: Oracle's page *Details for Object Storage, Archive
  Storage, and Data Transfer* (Identity/policyreference/objectstoragepolicyreference.htm).
- Audit: events. Source: Oracle's page *Details for the Audit Service* (Identity/policyreference/auditpolicyreference.htm).
- Vault: vaults, keys, secrets and their values. Source: Oracle's page *Details for the Vault Service*
  (Identity/policyreference/keypolicyreference.htm). A new secret also needs ``use`` of its vault and key.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from genai_iac.vocabulary import type_permissions


class IamResourceType(Struct, frozen=True):
    """What each verb adds to the one below it: inspect, read, use, manage.

    Each field has what that verb adds, not what it has in total.
    """

    inspect: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    manage: tuple[str, ...] = ()

    def added_by(self, verb: str) -> tuple[str, ...]:
        """The permissions that this verb has and the one below it has not."""
        return {"inspect": self.inspect, "read": self.read, "use": self.use, "manage": self.manage}[verb]


class Service(Struct, frozen=True):
    """One service: its resource types, its families, and the permissions that each of its operations needs."""

    types: Mapping[str, IamResourceType]  # by the name that statements use
    operations: Mapping[str, tuple[str, ...]]  # operation name to all permissions it needs
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # family name to the types in it


_ALL = {one.name: IamResourceType(**one.by_verb) for one in type_permissions()}
_FAMILY = tuple(one.name for one in type_permissions() if one.family)

_KEY = "GENERATIVE_AI_APIKEY"

GENERATIVE_AI = Service(
    types=_ALL,
    families={"generative-ai-family": _FAMILY},
    operations={
        "ListApiKeys": (f"{_KEY}_INSPECT",),
        "GetApiKey": (f"{_KEY}_READ",),
        "UpdateApiKey": (f"{_KEY}_UPDATE",),
        "CreateApiKey": (f"{_KEY}_CREATE",),
        "DeleteApiKey": (f"{_KEY}_DELETE",),
        "ChangeApiKeyCompartment": (f"{_KEY}_MOVE",),
        "RenewApiKey": (f"{_KEY}_CREATE",),  # returns a new value, as create does
        "SetApiKeyState": (f"{_KEY}_DELETE",),  # may revoke, as final as delete
        "ListModels": ("GENERATIVE_AI_MODEL_INSPECT",),
        "GetModel": ("GENERATIVE_AI_MODEL_READ",),
        "ListGenerativeAiProjects": ("GENERATIVE_AI_PROJECT_INSPECT",),
        "GetGenerativeAiProject": ("GENERATIVE_AI_PROJECT_READ",),
        "UpdateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_UPDATE",),
        "CreateGenerativeAiProject": ("GENERATIVE_AI_PROJECT_CREATE",),
        "DeleteGenerativeAiProject": ("GENERATIVE_AI_PROJECT_DELETE",),
        "ChangeGenerativeAiProjectCompartment": ("GENERATIVE_AI_PROJECT_MOVE",),
        "ListRoutingProfiles": ("GENERATIVE_AI_ROUTING_PROFILE_INSPECT",),
        "GetRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_READ",),
        "UpdateRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_UPDATE",),
        "ChangeRoutingProfileCompartment": ("GENERATIVE_AI_ROUTING_PROFILE_MOVE",),
        "CreateRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_CREATE",),
        "DeleteRoutingProfile": ("GENERATIVE_AI_ROUTING_PROFILE_DELETE",),
        "Chat": ("GENERATIVE_AI_CHAT",),
        "ChatCompletions": ("GENERATIVE_AI_CHAT",),
        "EmbedText": ("GENERATIVE_AI_TEXT_EMBED",),
        "Embeddings": ("GENERATIVE_AI_TEXT_EMBED",),
        "RerankText": ("GENERATIVE_AI_TEXT_RERANK",),
        "GenerateText": ("GENERATIVE_AI_TEXT_GENERATE",),
        "SummarizeText": ("GENERATIVE_AI_TEXT_SUMMARIZE",),
        "CreateResponse": ("GENERATIVE_AI_RESPONSE_CREATE",),
        "GetResponse": ("GENERATIVE_AI_RESPONSE_READ",),
        "DeleteResponse": ("GENERATIVE_AI_RESPONSE_DELETE",),
        "CreateConversation": ("GENERATIVE_AI_CONVERSATION_CREATE",),
        "GetConversation": ("GENERATIVE_AI_CONVERSATION_READ",),
        "UpdateConversation": ("GENERATIVE_AI_CONVERSATION_UPDATE",),
        "DeleteConversation": ("GENERATIVE_AI_CONVERSATION_DELETE",),
    },
)


_WORK_REQUESTS = IamResourceType(("WORKREQUEST_INSPECT",), ("WORKREQUEST_READ",))
_TAG_NAMESPACES = IamResourceType(
    ("TAG_NAMESPACE_INSPECT",),
    ("TAG_NAMESPACE_READ",),
    ("TAG_NAMESPACE_USE",),
    ("TAG_NAMESPACE_CREATE", "TAG_NAMESPACE_UPDATE", "TAG_NAMESPACE_DELETE", "TAG_NAMESPACE_MOVE"),
)

IDENTITY = Service(
    types={
        "compartments": IamResourceType(
            ("COMPARTMENT_INSPECT",),
            use=("COMPARTMENT_UPDATE",),
            manage=("COMPARTMENT_CREATE", "COMPARTMENT_DELETE", "COMPARTMENT_RECOVER", "COMPARTMENT_MOVE"),
        ),
        "policies": IamResourceType(("POLICY_READ",), manage=("POLICY_CREATE", "POLICY_UPDATE", "POLICY_DELETE")),
        "users": IamResourceType(("USER_INSPECT",), ("USER_READ",), ("USER_UPDATE",), ("USER_CREATE", "USER_DELETE")),
        "groups": IamResourceType(("GROUP_INSPECT",), use=("GROUP_UPDATE",), manage=("GROUP_CREATE", "GROUP_DELETE")),
        "dynamic-groups": IamResourceType(
            ("DYNAMIC_GROUP_INSPECT",),
            use=("DYNAMIC_GROUP_UPDATE",),
            manage=("DYNAMIC_GROUP_CREATE", "DYNAMIC_GROUP_DELETE"),
        ),
        "domains": IamResourceType(
            ("DOMAIN_INSPECT",),
            ("DOMAIN_READ", "DOMAIN_LICENSETYPE_READ"),
            ("DOMAIN_UPDATE", "IAM_WORKREQUEST_READ"),
            (
                "DOMAIN_CREATE",
                "DOMAIN_DELETE",
                "DOMAIN_MOVE",
                "DOMAIN_REPLICATE",
                "DOMAIN_ACTIVATE",
                "DOMAIN_DEACTIVATE",
            ),
        ),
        "tenancies": IamResourceType(("TENANCY_INSPECT",), use=("TENANCY_UPDATE",)),
        "tag-namespaces": _TAG_NAMESPACES,
        "tag-defaults": IamResourceType(
            ("TAG_DEFAULT_INSPECT",), manage=("TAG_DEFAULT_CREATE", "TAG_DEFAULT_UPDATE", "TAG_DEFAULT_DELETE")
        ),  # the verbs' split is UNCONFIRMED
        "work-requests": _WORK_REQUESTS,
        "workrequest": _WORK_REQUESTS,
        "iamworkrequest": _WORK_REQUESTS,
    },
    operations={
        "ListCompartments": ("COMPARTMENT_INSPECT",),
        "GetCompartment": ("COMPARTMENT_INSPECT",),
        "CreateCompartment": ("COMPARTMENT_CREATE",),
        "UpdateCompartment": ("COMPARTMENT_UPDATE",),
        "DeleteCompartment": ("COMPARTMENT_DELETE",),
        "RecoverCompartment": ("COMPARTMENT_RECOVER",),
        "MoveCompartment": ("COMPARTMENT_MOVE",),
        "ListPolicies": ("POLICY_READ",),
        "GetPolicy": ("POLICY_READ",),
        "CreatePolicy": ("POLICY_CREATE",),
        "UpdatePolicy": ("POLICY_UPDATE",),
        "DeletePolicy": ("POLICY_DELETE",),
        "ListUsers": ("USER_INSPECT",),
        "GetUser": ("USER_INSPECT",),
        "ListGroups": ("GROUP_INSPECT",),
        "GetGroup": ("GROUP_INSPECT",),
        "ListDynamicGroups": ("DYNAMIC_GROUP_INSPECT",),
        "GetDynamicGroup": ("DYNAMIC_GROUP_INSPECT",),
        "ListDomains": ("DOMAIN_INSPECT",),
        "GetDomain": ("DOMAIN_READ",),
        "CreateDomain": ("DOMAIN_CREATE",),
        "UpdateDomain": ("DOMAIN_UPDATE",),
        "ActivateDomain": ("DOMAIN_ACTIVATE",),
        "DeactivateDomain": ("DOMAIN_DEACTIVATE",),
        "ChangeDomainCompartment": ("DOMAIN_MOVE",),
        "DeleteDomain": ("DOMAIN_DELETE",),
        "ListIamWorkRequests": ("IAM_WORKREQUEST_READ",),
        "GetIamWorkRequest": ("IAM_WORKREQUEST_READ",),
        "ListIamWorkRequestErrors": ("IAM_WORKREQUEST_READ",),
        "ListIamWorkRequestLogs": ("IAM_WORKREQUEST_READ",),
        "GetTenancy": ("TENANCY_INSPECT",),
        "ListRegionSubscriptions": ("TENANCY_INSPECT",),
        "ListRegions": (),
        "ListWorkRequests": ("WORKREQUEST_INSPECT",),
        "GetWorkRequest": ("WORKREQUEST_READ",),
    },
)


OBJECT_STORAGE = Service(
    types={
        "objectstorage-namespaces": IamResourceType(
            read=("OBJECTSTORAGE_NAMESPACE_READ",), manage=("OBJECTSTORAGE_NAMESPACE_UPDATE",)
        ),
        "buckets": IamResourceType(
            ("BUCKET_INSPECT",),
            ("BUCKET_READ",),
            ("BUCKET_UPDATE",),
            ("BUCKET_CREATE", "BUCKET_DELETE", "PAR_MANAGE", "RETENTION_RULE_MANAGE", "RETENTION_RULE_LOCK"),
        ),
        "objects": IamResourceType(
            ("OBJECT_INSPECT",),
            ("OBJECT_READ",),
            ("OBJECT_OVERWRITE",),
            ("OBJECT_CREATE", "OBJECT_DELETE", "OBJECT_RESTORE", "OBJECT_VERSION_DELETE"),
        ),
    },
    families={"object-family": ("objectstorage-namespaces", "buckets", "objects")},
    operations={
        "GetNamespace": (),
        "ListBuckets": ("BUCKET_INSPECT",),
        "GetBucket": ("BUCKET_READ",),
        "HeadBucket": ("BUCKET_INSPECT",),
        "CreateBucket": ("BUCKET_CREATE",),
        "UpdateBucket": ("BUCKET_UPDATE",),
        "DeleteBucket": ("BUCKET_DELETE",),
        "ListObjects": ("OBJECT_INSPECT",),
        "HeadObject": ("OBJECT_INSPECT",),
        "GetObject": ("OBJECT_READ",),
        "PutObject": ("OBJECT_CREATE", "OBJECT_OVERWRITE"),
        "DeleteObject": ("OBJECT_DELETE",),
    },
)


AUDIT = Service(
    types={"audit-events": IamResourceType(read=("AUDIT_EVENT_READ",))},
    operations={"ListEvents": ("AUDIT_EVENT_READ",)},
)


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

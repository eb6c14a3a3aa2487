"""Object Storage: buckets and objects, where locks and shared state lie.

Source: Oracle's page *Details for Object Storage, Archive Storage, and Data Transfer*
(Identity/policyreference/objectstoragepolicyreference.htm).
"""

from genai_iac.iam_policy.permissions.table import IamResourceType, Service

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

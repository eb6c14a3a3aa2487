"""Identity: compartments, policies, users, groups, dynamic groups, domains, tenancies, tags, work requests.

Source: Oracle's page *Details for IAM* (Identity/policyreference/iampolicyreference.htm). The permissions of work
requests are UNCONFIRMED.
"""

from genai_iac.iam_policy.permissions.table import IamResourceType, Service

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

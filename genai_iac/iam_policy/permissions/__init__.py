"""Tables of permissions: which an operation needs, and which a verb on an IAM resource type gives.

For: evaluation, and the least policy that a plan needs. In: operation or permission names. Out: names.
Must not know: statements or tenancies. The tables cover the services that this tool and its emulator use; each names its
sources and marks what is UNCONFIRMED.
"""

from functools import cache

from genai_iac.iam_policy.permissions.tables import (
    AUDIT,
    GENERATIVE_AI,
    IDENTITY,
    OBJECT_STORAGE,
    VAULT,
    IamResourceType,
    Service,
)
from genai_iac.iam_policy.syntax_tree import VERBS

SERVICES: tuple[Service, ...] = (GENERATIVE_AI, IDENTITY, VAULT, OBJECT_STORAGE, AUDIT)

_TYPES: dict[str, IamResourceType] = {name: kind for service in SERVICES for name, kind in service.types.items()}
_FAMILIES = {name: members for service in SERVICES for name, members in service.families.items()}
_OPERATIONS = {name: needed for service in SERVICES for name, needed in service.operations.items()}


def permissions_of(operation: str) -> tuple[str, ...]:
    """The permissions that an API operation needs, all of them. Raises KeyError for an operation of no table.

    Args:
        operation: OCI's operation name.
    """
    return _OPERATIONS[operation]


def operations_of(permission: str) -> tuple[str, ...]:
    """The operations that need a permission, in the order of the tables.

    Empty for a permission of no table.
    """
    return tuple(name for name, needed in _OPERATIONS.items() if permission in needed)


@cache
def given_by(permission: str) -> tuple[str, str]:
    """The lowest verb and the resource type of the first table that give a permission. Raises KeyError when none does.

    Used for the least statement that gives a permission.
    """
    for service in SERVICES:
        for name, type in service.types.items():
            for verb in VERBS:
                if permission in type.added_by(verb):
                    return verb, name
    raise KeyError(permission)


def rights_of(operation: str) -> tuple[str, ...]:
    """What a statement has to allow for an operation (`manage policies`); empty for one of no table.

    Shown in the hint of a 403 or 404.
    """
    needed = _OPERATIONS.get(operation, ())
    return tuple(dict.fromkeys(" ".join(given_by(permission)) for permission in needed))


def members_of(resource: str) -> tuple[str, ...]:
    """The resource types that a resource type of a statement stands for: a family's members, all, or itself.

    An unknown resource type stands for itself.
    """
    if resource == "all-resources":
        return tuple(_TYPES)
    return _FAMILIES.get(resource, (resource,))


@cache
def permissions_given(verb: str, resource: str) -> frozenset[str]:
    """What ``allow … to VERB RESOURCE`` gives: the verb's permissions and those of the verbs below it.

    Args:
        verb: one of VERBS.
        resource: a type, a family or all-resources; an unknown one gives nothing.
    """
    return _collect(VERBS[: VERBS.index(verb) + 1], resource)


@cache
def permissions_taken(verb: str, resource: str) -> frozenset[str]:
    """What ``deny … to VERB RESOURCE`` takes: the verb's own permissions and those of the verbs above it.

    A deny works in the other direction: `deny ... to inspect` takes everything, because
    every verb includes inspect.
    """
    return _collect(VERBS[VERBS.index(verb) :], resource)


def _collect(verbs: tuple[str, ...], resource: str) -> frozenset[str]:
    kinds = (_TYPES[name] for name in members_of(resource) if name in _TYPES)
    return frozenset(permission for kind in kinds for verb in verbs for permission in kind.added_by(verb))

"""The shape of a service's permission table: what each verb adds for a resource type, which types a family holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class IamResourceType:
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


@dataclass(frozen=True)
class Service:
    """One service: its resource types, its families, and the permissions that each of its operations needs."""

    types: Mapping[str, IamResourceType]  # by the name that statements use
    operations: Mapping[str, tuple[str, ...]]  # operation name to all permissions it needs
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # family name to the types in it

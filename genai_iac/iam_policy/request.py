"""What is asked and what is in force: a principal, its request, the rules, the decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from genai_iac.iam_policy.syntax_tree import Statement


@dataclass(frozen=True)
class Principal:
    """Who asks. ``type`` is user, generativeaiapikey, instance, …; groups are OCIDs; ``variables`` are request.principal.*."""

    type: str
    id: str  # OCID
    groups: frozenset[str] = frozenset()  # OCIDs
    dynamic_groups: frozenset[str] = frozenset()
    tenancy: str = ""  # OCID; empty: that of the target
    variables: Mapping[str, str] = field(default_factory=dict)
    key_in_groups: bool = (
        False  # an API key counts as a member of its groups (UNCONFIRMED; Oracle's page shows the form)
    )


@dataclass(frozen=True)
class AccessRequest:
    """What is asked: all ``permissions``, on something in ``path[0]``; the path goes up to the tenancy, in OCIDs."""

    principal: Principal
    permissions: tuple[str, ...]  # all of them are needed
    path: tuple[str, ...]  # the target's compartment first, the tenancy last
    variables: Mapping[str, str | tuple[str, ...]]  # request.* and target.* as the service fills them
    now: datetime  # aware; decides conditions on time
    missing: set[str] | None = field(
        default=None, compare=False
    )  # takes the variables that conditions asked for in vain


@dataclass(frozen=True)
class StatementInForce:
    """One resolved statement in force: ``source`` is its policy, ``attached`` the policy's compartment, both OCIDs."""

    source: str  # the policy's OCID
    attached: str
    statement: Statement  # with names replaced by OCIDs
    text: str  # as written


@dataclass(frozen=True)
class Decision:
    """Allowed or not, and by which statements: the ones that allowed, or the ones that denied; empty when none spoke."""

    allowed: bool
    by: tuple[StatementInForce, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Assessment:
    """A decision as far as it is known. ``allowed`` is None where it depends on the parts of conditions in ``depends_on``.

    ``by`` are the statements that allow, or may; ``denied_by`` those that deny, or may.
    """

    allowed: bool | None
    by: tuple[StatementInForce, ...] = ()
    denied_by: tuple[StatementInForce, ...] = ()
    depends_on: tuple[str, ...] = ()

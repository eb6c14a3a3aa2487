"""An access request and what it is decided by: principal, permissions, rules, decision; regions by long name and three-letter key.

The request of an API key is built here for the emulator, `access` and the lint rules alike.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct, field

from genai_iac.iam_policy.condition_variables import read_moment
from genai_iac.iam_policy.conditions import variables
from genai_iac.iam_policy.permissions import permissions_of
from genai_iac.iam_policy.syntax_tree import Comparison, Condition, QuotedValue, Statement


class Principal(Struct, frozen=True):
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


class AccessRequest(Struct, frozen=True, eq=False):
    """What is asked: all ``permissions``, on something in ``path[0]``; the path goes up to the tenancy, in OCIDs."""

    principal: Principal
    permissions: tuple[str, ...]  # all of them are needed
    path: tuple[str, ...]  # the target's compartment first, the tenancy last
    variables: Mapping[str, str | tuple[str, ...]]  # request.* and target.* as the service fills them
    now: datetime  # aware; decides conditions on time
    missing: set[str] | None = None  # takes the variables that conditions asked for in vain


class StatementInForce(Struct, frozen=True):
    """One resolved statement in force: ``source`` is its policy, ``attached`` the policy's compartment, both OCIDs."""

    source: str  # the policy's OCID
    attached: str
    statement: Statement  # with names replaced by OCIDs
    text: str  # as written


class Decision(Struct, frozen=True):
    """Allowed or not, and by which statements: the ones that allowed, or the ones that denied; empty when none spoke."""

    allowed: bool
    by: tuple[StatementInForce, ...] = ()

    def __bool__(self) -> bool:
        return self.allowed


REGION_KEYS: dict[str, str] = {
    "af-johannesburg-1": "JNB",
    "ap-batam-1": "HSG",
    "ap-chuncheon-1": "YNY",
    "ap-hyderabad-1": "HYD",
    "ap-melbourne-1": "MEL",
    "ap-mumbai-1": "BOM",
    "ap-osaka-1": "KIX",
    "ap-seoul-1": "ICN",
    "ap-singapore-1": "SIN",
    "ap-singapore-2": "XSP",
    "ap-sydney-1": "SYD",
    "ap-tokyo-1": "NRT",
    "ca-montreal-1": "YUL",
    "ca-toronto-1": "YYZ",
    "eu-amsterdam-1": "AMS",
    "eu-frankfurt-1": "FRA",
    "eu-madrid-1": "MAD",
    "eu-marseille-1": "MRS",
    "eu-milan-1": "LIN",
    "eu-paris-1": "CDG",
    "eu-stockholm-1": "ARN",
    "eu-zurich-1": "ZRH",
    "il-jerusalem-1": "MTZ",
    "me-abudhabi-1": "AUH",
    "me-dubai-1": "DXB",
    "me-jeddah-1": "JED",
    "me-riyadh-1": "RUH",
    "mx-monterrey-1": "MTY",
    "mx-queretaro-1": "QRO",
    "sa-bogota-1": "BOG",
    "sa-santiago-1": "SCL",
    "sa-saopaulo-1": "GRU",
    "sa-valparaiso-1": "VAP",
    "sa-vinhedo-1": "VCP",
    "uk-cardiff-1": "CWL",
    "uk-london-1": "LHR",
    "us-ashburn-1": "IAD",
    "us-chicago-1": "ORD",
    "us-phoenix-1": "PHX",
    "us-sanjose-1": "SJC",
}


def region_key(region: str) -> str:
    """The value of `request.region` in a region: its key in lower case; of a region that we do not know its name.

    Args:
        region: long name, such as us-chicago-1.
    """
    return REGION_KEYS.get(region, region).lower()


KEY_TYPE = "generativeaiapikey"  # request.principal.type of an API key


class KeyUse(Struct, frozen=True):
    """An API key that calls: its OCID, its path of compartments up to the tenancy in OCIDs, that compartment's name, its region.

    Empty texts are what is not known.
    """

    id: str
    path: tuple[str, ...]
    compartment_name: str = ""
    region: str = ""  # long name


def key_request(key: KeyUse, operation: str, model: str, now: datetime) -> AccessRequest:
    """The request of that operation with that model.

    Args:
        key: who calls.
        operation: with an entry in the tables of permissions.
        model: the model's name; empty leaves the variable out.
        now: aware.
    """
    own = {
        "request.principal.type": KEY_TYPE,
        "request.principal.id": key.id,
        "request.principal.compartment.id": key.path[0] if key.path else "",
    }
    principal = Principal(KEY_TYPE, key.id, tenancy=key.path[-1] if key.path else "", variables=own)
    found = {
        **own,
        "request.operation": operation,
        "target.compartment.id": key.path[0] if key.path else "",
        "target.compartment.name": key.compartment_name,
        "target.model.id": model,
        "request.region": region_key(key.region),
    }
    return AccessRequest(principal, permissions_of(operation), key.path, {k: v for k, v in found.items() if v}, now)


# a key is no user and in no group: these are absent from its requests, which is not the same as unknown
_ABSENT = ("request.user.", "request.groups.", "request.service.", "target.user.", "target.group.", "target.policy.")
_CLOCK = "request.utc-timestamp"


def is_unknown_of_key(part: Condition, request: AccessRequest) -> bool:
    """Whether nobody can know beforehand if a part of a condition holds for such a request: times, tags, networks.

    A date that has passed is not unknown: it will never change again.
    """
    if isinstance(part, Comparison) and _is_decided(part, request.now):
        return False
    known = {"request.permission", *(name.lower() for name in request.variables)}
    return any(
        name not in known and not name.startswith(_ABSENT)
        for name in (variable.text.lower() for variable in variables(part))
    )


def _is_decided(comparison: Comparison, now: datetime) -> bool:
    """Whether time can no longer change it: a date that has passed."""
    if comparison.left.text.lower() != _CLOCK or comparison.operator not in ("before", "after", "between"):
        return False
    last = comparison.right[-1]
    moment = read_moment(last.text) if isinstance(last, QuotedValue) else None
    return moment is not None and moment < now

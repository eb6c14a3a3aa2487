"""What a request of an API key carries: one builder for the local emulator, `access` and the lint rules."""

from dataclasses import dataclass
from datetime import datetime

from genai_iac.iam_policy.condition_variables import find_variable
from genai_iac.iam_policy.conditions import variables
from genai_iac.iam_policy.permissions import permissions_of
from genai_iac.iam_policy.region_keys import region_key
from genai_iac.iam_policy.request import AccessRequest, Principal
from genai_iac.iam_policy.syntax_tree import Comparison, Condition, QuotedValue

KEY_TYPE = "generativeaiapikey"  # request.principal.type of an API key


@dataclass(frozen=True, slots=True)
class KeyUse:
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
    """Whether nobody can tell beforehand if a part of a condition holds for such a request: times, tags, networks.

    A date that has passed is not unknown: it will never change again.
    """
    if isinstance(part, Comparison) and _is_settled(part, request.now):
        return False
    known = {"request.permission", *(name.lower() for name in request.variables)}
    return any(
        name not in known and not name.startswith(_ABSENT)
        for name in (variable.text.lower() for variable in variables(part))
    )


def _is_settled(comparison: Comparison, now: datetime) -> bool:
    """Whether time can no longer change it: a date that has passed."""
    if comparison.left.text.lower() != _CLOCK or comparison.operator not in ("before", "after", "between"):
        return False
    last = comparison.right[-1]
    variable = find_variable(_CLOCK)
    if not isinstance(last, QuotedValue) or variable is None or not variable.form.fits(last.text):
        return False
    moment = datetime.fromisoformat(last.text.upper())
    return (moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)) < now

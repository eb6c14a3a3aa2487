"""Service limits, version 20190729: definitions, values, and how much of each is used; the emulator holds its callers to them.

`api-key-count` is Oracle's name; that its service is called `generative-ai`, and the permissions, are UNCONFIRMED.
"""

from typing import Any

from msgspec import Struct

from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext

__all__ = ["OPERATIONS"]


class Limit(Struct, frozen=True):
    """A limit: its service and name, the setting that holds its value, the kind it counts, and whether in each region."""

    service: str  # as the Limits service names it
    name: str
    setting: str  # of the emulator, with the value
    kind: str
    regional: bool  # False: one value for the tenancy
    description: str

    @property
    def scope(self) -> str:
        """REGION or GLOBAL."""
        return "REGION" if self.regional else "GLOBAL"


LIMITS = (
    Limit("generative-ai", "api-key-count", "apiKeyCount", "generativeaiapikey", True, "API keys in a region"),
    Limit("compartments", "compartment-count", "compartmentCount", "compartment", False, "Compartments of the tenancy"),
    Limit("identity", "policy-count", "policyCount", "policy", False, "Policies of the tenancy"),
    Limit("vaults", "secret-count", "secretCount", "vaultsecret", True, "Secrets in a region"),
)
_ENTER = ("COMPARTMENT_INSPECT",)


@operation("limits", "ListServices", "GET /20190729/services", permissions=_ENTER)
def list_services(call: OperationContext) -> Answer:
    """ListServices."""
    call.enter(call.request.required("compartmentId"))
    return _page(call, [{"name": name, "description": name} for name in dict.fromkeys(item.service for item in LIMITS)])


@operation("limits", "ListLimitDefinitions", "GET /20190729/limitDefinitions", permissions=_ENTER)
def list_limit_definitions(call: OperationContext) -> Answer:
    """ListLimitDefinitions."""
    call.enter(call.request.required("compartmentId"))
    return _page(call, [_define(item) for item in _select(call, call.request.one("serviceName"))])


@operation("limits", "ListLimitValues", "GET /20190729/limitValues", permissions=_ENTER)
def list_limit_values(call: OperationContext) -> Answer:
    """ListLimitValues of one service in the region of the call."""
    call.enter(call.request.required("compartmentId"))
    found = _select(call, call.request.required("serviceName"))
    scope = call.request.one_of("scopeType", ("GLOBAL", "REGION", "AD"))
    values = [
        {"name": item.name, "scopeType": item.scope, "value": call.world.settings.limit(item.setting)}
        for item in found
        if scope in (None, item.scope)
    ]
    return _page(call, values)


@operation(
    "limits",
    "GetResourceAvailability",
    "GET /20190729/services/{serviceName}/limits/{limitName}/resourceAvailability",
    permissions=_ENTER,
)
def get_resource_availability(call: OperationContext) -> Answer:
    """GetResourceAvailability: how many exist and how many more there may be."""
    call.enter(call.request.required("compartmentId"))
    wanted = (call.parameters["serviceName"], call.parameters["limitName"])
    item = next((item for item in LIMITS if (item.service, item.name) == wanted), None)
    if item is None:
        raise not_found()
    most = call.world.settings.limit(item.setting)
    used = call.resources.count(item.kind, region=call.region if item.regional else None)
    left = max(0, most - used)
    shown = {"used": used, "available": left, "fractionalUsage": float(used), "fractionalAvailability": float(left)}
    return Answer({**shown, "effectiveQuotaValue": float(most)})


OPERATIONS = (list_services, list_limit_definitions, list_limit_values, get_resource_availability)


def _select(call: OperationContext, service: str | None) -> list[Limit]:
    name = call.request.one("name")
    return [item for item in LIMITS if service in (None, item.service) and name in (None, item.name)]


def _define(item: Limit) -> dict[str, Any]:
    return {
        "name": item.name,
        "serviceName": item.service,
        "description": item.description,
        "scopeType": item.scope,
        "areQuotasSupported": False,
        "isResourceAvailabilitySupported": True,
        "isDeprecated": False,
        "isEligibleForLimitIncrease": True,
        "isDynamic": False,
    }


def _page(call: OperationContext, rows: list[dict[str, Any]]) -> Answer:
    page, following = slice_page(rows, call.request)
    return answer_page(page, following)

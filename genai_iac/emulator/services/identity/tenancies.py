"""The tenancy, its regions and its availability domains."""

from genai_iac.emulator.control.settings import REGIONS, THREE_DOMAINS
from genai_iac.emulator.http.responses import Answer, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext


@operation("identity", "GetTenancy", "GET /20160918/tenancies/{tenancyId}")
def get_tenancy(call: OperationContext) -> Answer:
    """GetTenancy."""
    tenancy = call.load("tenancy", call.ocid("tenancyId"))
    return Answer(
        {
            "id": tenancy.id,
            "name": tenancy.name,
            "homeRegionKey": REGIONS[call.world.home],
            **tenancy.body,
        }
    )


@operation("identity", "ListRegionSubscriptions", "GET /20160918/tenancies/{tenancyId}/regionSubscriptions")
def list_region_subscriptions(call: OperationContext) -> Answer:
    """ListRegionSubscriptions."""
    if call.ocid("tenancyId") != call.world.tenancy:
        raise not_found()
    call.enter(call.world.tenancy)
    return Answer(
        [
            {
                "regionKey": REGIONS[region],
                "regionName": region,
                "status": "READY",
                "isHomeRegion": region == call.world.home,
            }
            for region in call.world.settings.subscribedRegions
        ]
    )


@operation("identity", "ListRegions", "GET /20160918/regions")
def list_regions(_call: OperationContext) -> Answer:
    """ListRegions."""
    return Answer([{"key": key, "name": name} for name, key in REGIONS.items()])


@operation(
    "identity", "ListAvailabilityDomains", "GET /20160918/availabilityDomains", permissions=("COMPARTMENT_INSPECT",)
)
def list_availability_domains(call: OperationContext) -> Answer:
    """ListAvailabilityDomains: three in the large regions, one elsewhere."""
    compartment = call.enter(call.request.required("compartmentId"))
    return Answer(
        [
            {
                "name": f"locl:{call.region.upper()}-AD-{number}",
                "id": f"ocid1.availabilitydomain.oc1..{call.region}-{number}",
                "compartmentId": compartment,
            }
            for number in range(1, 4 if call.region in THREE_DOMAINS else 2)
        ]
    )


OPERATIONS = (get_tenancy, list_region_subscriptions, list_regions, list_availability_domains)

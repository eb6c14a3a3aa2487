"""Routing profiles (released 2026-09-23): the regions and models among which a call that names the profile is sent.

Fields and operations are those of the SDK 2.189. UNCONFIRMED: whether either policy may be left out, and how the region is
chosen; here it is the first allowed one that the tenancy is subscribed to, else the one that was called."""

from typing import Any

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import Body, as_object
from genai_iac.emulator.services.generative_ai.managed_resource import ManagedResource
from genai_iac.emulator.storage.resources import StoredResource

KIND = "generativeairoutingprofile"  # OCID type
# the one list in each policy
_POLICIES = {"regionRoutingPolicy": "allowedRegions", "modelRoutingPolicy": "allowedModels"}


def _read_policies(body: Body, created: bool) -> dict[str, Any]:
    del created
    found: dict[str, Any] = {}
    for name, member in _POLICIES.items():
        if body.get(name) is not None:
            allowed = as_object(body[name], name).get(member)
            if not isinstance(allowed, list) or not all(isinstance(one, str) for one in allowed):
                raise invalid(f"{name}.{member} must be a list of strings.")
            found[name] = {member: allowed}
    return found


def choose_region(profile: StoredResource, called: str, subscribed: tuple[str, ...]) -> str:
    """The region that serves a call made in the region `called`.

    Args:
        profile: a stored routing profile.
        called: region whose endpoint received the call.
        subscribed: regions of the tenancy.
    """
    allowed = profile.body.get("regionRoutingPolicy", {}).get("allowedRegions", ())
    return next((region for region in allowed if region in subscribed), called)


_PROFILES = ManagedResource(
    KIND,
    "RoutingProfile",
    "RoutingProfiles",
    "routingProfiles",
    "routingProfileId",
    "routingProfileCount",
    _read_policies,
)
OPERATIONS = _PROFILES.operations()
WORKS = _PROFILES.works()

"""The control API: its routes, and how an answer is sent. Calls of it are in no call log.

Routes for the call log and a reset, for settings and faults, for the tenancy's own clock (read, advanced or set; it goes on from there),
and for scripted answers of the inference endpoints.
"""

from typing import Any

from genai_iac.emulator.auth.profiles import Profiles
from genai_iac.emulator.control import principals
from genai_iac.emulator.control.faults import FaultError, add_faults, list_faults, remove_faults
from genai_iac.emulator.control.request import ControlRequest, ControlRoute, check_token
from genai_iac.emulator.control.settings import SettingError, apply_changes, encode_settings
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, ServiceError, answer_error, invalid
from genai_iac.emulator.services.inference.fake_completion import add_scripts, list_scripts, remove_scripts
from genai_iac.emulator.services.registry import OPERATION_NAMES
from genai_iac.emulator.services.vault.vaults import built_in, seed_vaults
from genai_iac.emulator.storage.call_log import clear_calls, list_calls
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.seed import reset
from genai_iac.emulator.storage.tenancy_state import change_offset, read_tenancy_state, store_settings
from genai_iac.emulator.storage.time_format import format_duration, format_instant


def show_health(request: ControlRequest) -> dict[str, Any]:
    """The tenancy's OCID, its home region, and the vault and key of each region.

    The only route that needs no token: scripts wait for it.
    """
    world = read_tenancy_state(request.connection)
    return {"status": "ok", "tenancy": world.tenancy, "homeRegion": world.home, "vaults": built_in(request.connection)}


def show_calls(request: ControlRequest) -> dict[str, Any]:
    """`{"calls": […]}`."""
    return {"calls": list_calls(request.connection)}


def forget_calls(request: ControlRequest) -> None:
    """Empty the log; the next call is number 1."""
    clear_calls(request.connection)


def post_reset(request: ControlRequest) -> None:
    """Back to a new tenancy with the same administrator."""
    reset(request.connection, request.home_region)


def show_settings(request: ControlRequest) -> dict[str, Any]:
    """All settings, durations as text."""
    return encode_settings(read_tenancy_state(request.connection).settings)


def change_settings(request: ControlRequest) -> dict[str, Any]:
    """Change those that the body names; all settings as they are then."""
    settings = apply_changes(read_tenancy_state(request.connection).settings, request.value)
    store_settings(request.connection, settings)
    # A newly subscribed region gets its vault and key.
    seed_vaults(request.connection, read_tenancy_state(request.connection))
    return encode_settings(settings)


def show_faults(request: ControlRequest) -> list[dict[str, Any]]:
    """All armed faults."""
    return list_faults(request.connection)


def post_faults(request: ControlRequest) -> list[dict[str, Any]]:
    """Arm one fault or a list of them; all that are armed then."""
    add_faults(request.connection, request.value, OPERATION_NAMES, allow_kill=request.allow_kill)
    return list_faults(request.connection)


def delete_faults(request: ControlRequest) -> None:
    """Remove all faults."""
    remove_faults(request.connection)


def show_clock(request: ControlRequest) -> dict[str, Any]:
    """`{"now": …, "offset": …}`; the offset is how far it is ahead of (or behind) this machine's."""
    world = read_tenancy_state(request.connection)
    sign = "-" if world.offset < 0 else ""
    return {"now": format_instant(world.now), "offset": sign + format_duration(abs(world.offset))}


def change_clock(request: ControlRequest) -> dict[str, Any]:
    """`{"advance": "30d"}` or `{"set": "2027-01-01T00:00:00Z"}`."""
    try:
        change_offset(request.connection, request.object)
    except ValueError as error:
        raise invalid(f"{error}.") from None
    return show_clock(request)


def show_scripts(request: ControlRequest) -> list[dict[str, Any]]:
    """All rules in order, with how often each has answered."""
    return list_scripts(request.connection)


def post_scripts(request: ControlRequest) -> list[dict[str, Any]]:
    """Add one rule or a list of them; all rules that are there then."""
    add_scripts(request.connection, request.value)
    return list_scripts(request.connection)


def delete_scripts(request: ControlRequest) -> None:
    """Remove all rules."""
    remove_scripts(request.connection)


_PREFIX = "_local"  # no OCI service has such a path
_NONE = "This local emulator has no control API; start one that has: genai-iac local serve"

# By path below the prefix, then by method.
CONTROL_ROUTES: dict[str, dict[str, ControlRoute]] = {
    "health": {"GET": ControlRoute(show_health)},
    "calls": {"GET": ControlRoute(show_calls), "DELETE": ControlRoute(forget_calls, writes=True)},
    "clock": {"GET": ControlRoute(show_clock), "POST": ControlRoute(change_clock, writes=True)},
    "faults": {
        "GET": ControlRoute(show_faults),
        "POST": ControlRoute(post_faults, writes=True),
        "DELETE": ControlRoute(delete_faults, writes=True),
    },
    "inference": {
        "GET": ControlRoute(show_scripts),
        "POST": ControlRoute(post_scripts, writes=True),
        "DELETE": ControlRoute(delete_scripts, writes=True),
    },
    "settings": {
        "GET": ControlRoute(show_settings),
        "POST": ControlRoute(change_settings, writes=True, profiles=True),
    },
    "principals": {
        "GET": ControlRoute(principals.show_principals),
        "POST": ControlRoute(principals.add_principal, writes=True, profiles=True),
    },
    "trusts": {"GET": ControlRoute(principals.show_trusts), "POST": ControlRoute(principals.add_trust, writes=True)},
    "reset": {"POST": ControlRoute(post_reset, writes=True, profiles=True)},
}


class Control:
    """The control API of one tenancy."""

    def __init__(
        self, database: Database, profiles: Profiles, home_region: str | None, token: str | None, *, allow_kill: bool
    ) -> None:
        """`token` None: there is no control API, but for its health."""
        self._database = database
        self._profiles = profiles
        self._home_region = home_region
        self._token = token
        self._allow_kill = allow_kill

    def owns(self, request: Incoming) -> bool:
        """Whether this request is for the control API.

        A path with a region prefix is a service's.
        """
        return request.segments[:1] == (_PREFIX,) and request.region is None

    def answer(self, request: Incoming) -> Answer:
        """Do what the request asks; bad input is 400 with a sentence.

        Never raises for bad input.
        """
        try:
            shown = self._open(self._find_route(request), request)
        except ServiceError as error:
            return answer_error(error)
        except (SettingError, FaultError) as error:
            return answer_error(invalid(f"{error}."))
        return NO_CONTENT if shown is None else Answer(shown)

    def _open(self, route: ControlRoute, request: Incoming) -> object:
        transaction = self._database.write() if route.writes else self._database.snapshot()
        with transaction as connection:
            asked = ControlRequest(connection, request, self._profiles.directory, self._home_region, self._allow_kill)
            shown: object = route.function(asked)
        if route.profiles:
            self._profiles.write()
        return shown

    def _find_route(self, request: Incoming) -> ControlRoute:
        # Checked before the route, so that an unknown path shows nothing without the token.
        if request.segments != (_PREFIX, "health"):
            if self._token is None:
                raise ServiceError(404, "NotFound", _NONE)
            check_token(request, self._token)
        return _find_route(request)


def _find_route(request: Incoming) -> ControlRoute:
    methods = CONTROL_ROUTES.get("/".join(request.segments[1:]))
    if methods is None:
        raise ServiceError(404, "NotFound", f"The control API has {', '.join(CONTROL_ROUTES)}.")
    if request.method not in methods:
        raise ServiceError(405, "MethodNotAllowed", f"Use {' or '.join(methods)}.", {"allow": ", ".join(methods)})
    return methods[request.method]

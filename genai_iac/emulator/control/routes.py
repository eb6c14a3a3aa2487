"""The control API: which path and method is which door, and how its answer is sent. Nothing here is in the call log."""

from genai_iac.emulator.auth.profiles import Profiles
from genai_iac.emulator.control import admin, clock, inference, principals, trusts
from genai_iac.emulator.control.faults import FaultError
from genai_iac.emulator.control.request import ControlRequest, ControlRoute
from genai_iac.emulator.control.settings import SettingError
from genai_iac.emulator.control.token import check_token
from genai_iac.emulator.http.errors import ServiceError, invalid
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_error
from genai_iac.emulator.storage.database import Database

_PREFIX = "_local"  # no OCI service has such a path
_NONE = "This local emulator has no control API; genai-iac local serve starts one that has."

# By path below the prefix, then by method.
DOORS: dict[str, dict[str, ControlRoute]] = {
    "health": {"GET": ControlRoute(admin.show_health)},
    "calls": {"GET": ControlRoute(admin.show_calls), "DELETE": ControlRoute(admin.forget_calls, writes=True)},
    "clock": {"GET": ControlRoute(clock.show_clock), "POST": ControlRoute(clock.change_clock, writes=True)},
    "faults": {
        "GET": ControlRoute(admin.show_faults),
        "POST": ControlRoute(admin.post_faults, writes=True),
        "DELETE": ControlRoute(admin.delete_faults, writes=True),
    },
    "inference": {
        "GET": ControlRoute(inference.show_scripts),
        "POST": ControlRoute(inference.post_scripts, writes=True),
        "DELETE": ControlRoute(inference.delete_scripts, writes=True),
    },
    "settings": {
        "GET": ControlRoute(admin.show_settings),
        "POST": ControlRoute(admin.change_settings, writes=True, profiles=True),
    },
    "principals": {
        "GET": ControlRoute(principals.show_principals),
        "POST": ControlRoute(principals.add_principal, writes=True, profiles=True),
    },
    "trusts": {"GET": ControlRoute(trusts.show_trusts), "POST": ControlRoute(trusts.add_trust, writes=True)},
    "reset": {"POST": ControlRoute(admin.post_reset, writes=True, profiles=True)},
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
            shown = self._open(self._find_door(request), request)
        except ServiceError as error:
            return answer_error(error)
        except (SettingError, FaultError) as error:
            return answer_error(invalid(f"{error}."))
        return NO_CONTENT if shown is None else Answer(shown)

    def _open(self, door: ControlRoute, request: Incoming) -> object:
        transaction = self._database.write() if door.writes else self._database.snapshot()
        with transaction as connection:
            visit = ControlRequest(connection, request, self._profiles.directory, self._home_region, self._allow_kill)
            shown: object = door.function(visit)
        if door.profiles:
            self._profiles.write()
        return shown

    def _find_door(self, request: Incoming) -> ControlRoute:
        # Checked before the route, so that an unknown path tells nothing without the token.
        if request.segments != (_PREFIX, "health"):
            if self._token is None:
                raise ServiceError(404, "NotFound", _NONE)
            check_token(request, self._token)
        return _find_route(request)


def _find_route(request: Incoming) -> ControlRoute:
    doors = DOORS.get("/".join(request.segments[1:]))
    if doors is None:
        raise ServiceError(404, "NotFound", f"The control API has {', '.join(DOORS)}.")
    if request.method not in doors:
        raise ServiceError(405, "MethodNotAllowed", f"Use {' or '.join(doors)}.", {"allow": ", ".join(doors)})
    return doors[request.method]

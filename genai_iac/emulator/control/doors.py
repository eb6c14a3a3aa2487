"""The control API: which path and method is which door, and how its answer is sent. Nothing here is in the call log."""

from genai_iac.emulator.answers import NO_CONTENT, Answer, answer_error
from genai_iac.emulator.control import clock, principals, records, switches
from genai_iac.emulator.control.visit import Door, Visit
from genai_iac.emulator.database import Database
from genai_iac.emulator.errors import ServiceError, invalid
from genai_iac.emulator.faults import FaultError
from genai_iac.emulator.profiles import Profiles
from genai_iac.emulator.requests import Incoming
from genai_iac.emulator.settings import SettingError

_PREFIX = "_local"

DOORS: dict[str, dict[str, Door]] = {
    "health": {"GET": Door(records.show_health)},
    "calls": {"GET": Door(records.show_calls), "DELETE": Door(records.forget_calls, writes=True)},
    "clock": {"GET": Door(clock.show_clock), "POST": Door(clock.change_clock, writes=True)},
    "faults": {
        "GET": Door(switches.show_faults),
        "POST": Door(switches.arm, writes=True),
        "DELETE": Door(switches.disarm, writes=True),
    },
    "settings": {
        "GET": Door(switches.show_settings),
        "POST": Door(switches.change_settings, writes=True, profiles=True),
    },
    "principals": {
        "GET": Door(principals.show_principals),
        "POST": Door(principals.add_principal, writes=True, profiles=True),
    },
    "reset": {"POST": Door(records.empty, writes=True, profiles=True)},
}


class Control:
    """The control API of one tenancy."""

    def __init__(self, database: Database, profiles: Profiles, home_region: str | None) -> None:
        self._database = database
        self._profiles = profiles
        self._home_region = home_region

    def owns(self, request: Incoming) -> bool:
        """Whether this request is for the control API."""
        return request.segments[:1] == (_PREFIX,) and request.region is None

    def answer(self, request: Incoming) -> Answer:
        """Do what the request asks; bad input is 400 with a sentence."""
        try:
            shown = self._open(_find_door(request), request)
        except ServiceError as error:
            return answer_error(error)
        except (SettingError, FaultError) as error:
            return answer_error(invalid(f"{error}."))
        return NO_CONTENT if shown is None else Answer(shown)

    def _open(self, door: Door, request: Incoming) -> object:
        transaction = self._database.write() if door.writes else self._database.snapshot()
        with transaction as connection:
            shown: object = door.function(Visit(connection, request, self._profiles.directory, self._home_region))
        if door.profiles:
            self._profiles.write()
        return shown


def _find_door(request: Incoming) -> Door:
    doors = DOORS.get("/".join(request.segments[1:]))
    if doors is None:
        raise ServiceError(404, "NotFound", f"The control API has {', '.join(DOORS)}.")
    if request.method not in doors:
        raise ServiceError(405, "MethodNotAllowed", f"Use {' or '.join(doors)}.", {"allow": ", ".join(doors)})
    return doors[request.method]

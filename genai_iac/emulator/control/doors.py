"""The doors of the control API: which path does what, and how it answers. They are not in the call log."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from genai_iac.emulator.answers import NO_CONTENT, Answer, answer_error
from genai_iac.emulator.bootstrap import reset
from genai_iac.emulator.call_log import clear_calls, list_calls
from genai_iac.emulator.client_config import write_profiles
from genai_iac.emulator.control.clock import change_clock, show_clock
from genai_iac.emulator.control.principals import add_principal, list_principals
from genai_iac.emulator.database import Database
from genai_iac.emulator.errors import ServiceError, invalid, unparsable
from genai_iac.emulator.faults import FaultError, arm_faults, disarm_faults, list_faults
from genai_iac.emulator.requests import Incoming, parse_json
from genai_iac.emulator.settings import SettingError, apply_changes, encode_settings
from genai_iac.emulator.world import read_world, store_settings

_PREFIX = "_local"
_Door = Callable[["ControlDoors", Incoming], Answer]


class ControlDoors:
    """The control API of one tenancy. `directory` is where the client profiles are, if anywhere."""

    def __init__(
        self, database: Database, directory: Path | None, *, throwaway_keys: bool, home_region: str | None
    ) -> None:
        self._database = database
        self._directory = directory
        self._throwaway = throwaway_keys
        self._home_region = home_region

    def owns(self, request: Incoming) -> bool:
        """Whether this request is for a control door."""
        return request.segments[:1] == (_PREFIX,) and request.region is None

    def answer(self, request: Incoming) -> Answer:
        """Do what the request asks; bad input is 400 with a sentence."""
        doors = _DOORS.get("/".join(request.segments[1:]))
        try:
            if doors is None:
                raise ServiceError(404, "NotFound", f"The control API has {', '.join(sorted(_DOORS))}.")
            if request.method not in doors:
                allowed = {"allow": ", ".join(doors)}
                raise ServiceError(405, "MethodNotAllowed", f"Use {' or '.join(doors)}.", allowed)
            return doors[request.method](self, request)
        except ServiceError as error:
            return answer_error(error)
        except (SettingError, FaultError) as error:
            return answer_error(invalid(f"{error}."))

    def reset(self) -> None:
        """Back to an empty tenancy with the same administrator."""
        with self._database.write() as connection:
            reset(connection)
            self.settle_home(connection)
        self.write_profiles()

    def settle_home(self, connection: Any) -> None:
        """Give a fresh tenancy the home region this process was asked to give it."""
        settings = read_world(connection).settings
        if self._home_region is not None:
            store_settings(connection, apply_changes(settings, {"homeRegion": self._home_region}))

    def write_profiles(self) -> Path | None:
        """Write the client configuration, where there is a place for one."""
        if self._directory is None:
            return None
        return write_profiles(self._database, self._directory, throwaway=self._throwaway)

    def _health(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            world = read_world(connection)
        return Answer({"status": "ok", "tenancy": world.tenancy, "homeRegion": world.home})

    def _calls(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            return Answer({"calls": list_calls(connection)})

    def _clear_calls(self, request: Incoming) -> Answer:
        with self._database.write() as connection:
            clear_calls(connection)
        return NO_CONTENT

    def _clock(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            return Answer(show_clock(connection))

    def _change_clock(self, request: Incoming) -> Answer:
        with self._database.write() as connection:
            change_clock(connection, _object(request))
            return Answer(show_clock(connection))

    def _faults(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            return Answer(list_faults(connection))

    def _arm(self, request: Incoming) -> Answer:
        with self._database.write() as connection:
            arm_faults(connection, parse_json(request.body))
            return Answer(list_faults(connection))

    def _disarm(self, request: Incoming) -> Answer:
        with self._database.write() as connection:
            disarm_faults(connection)
        return NO_CONTENT

    def _settings(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            return Answer(encode_settings(read_world(connection).settings))

    def _change_settings(self, request: Incoming) -> Answer:
        changes = parse_json(request.body)
        with self._database.write() as connection:
            settings = apply_changes(read_world(connection).settings, changes)
            store_settings(connection, settings)
        if "homeRegion" in changes:
            self.write_profiles()
        return Answer(encode_settings(settings))

    def _principals(self, request: Incoming) -> Answer:
        with self._database.snapshot() as connection:
            return Answer(list_principals(connection))

    def _add_principal(self, request: Incoming) -> Answer:
        if self._directory is None:
            raise ServiceError(409, "Conflict", "This server has no directory for client profiles.")
        with self._database.write() as connection:
            added = add_principal(connection, _object(request))
        return Answer({**added, "configFile": str(self.write_profiles())})

    def _reset(self, request: Incoming) -> Answer:
        self.reset()
        return NO_CONTENT


_DOORS: dict[str, dict[str, _Door]] = {
    "health": {"GET": ControlDoors._health},
    "calls": {"GET": ControlDoors._calls, "DELETE": ControlDoors._clear_calls},
    "clock": {"GET": ControlDoors._clock, "POST": ControlDoors._change_clock},
    "faults": {"GET": ControlDoors._faults, "POST": ControlDoors._arm, "DELETE": ControlDoors._disarm},
    "settings": {"GET": ControlDoors._settings, "POST": ControlDoors._change_settings},
    "principals": {"GET": ControlDoors._principals, "POST": ControlDoors._add_principal},
    "reset": {"POST": ControlDoors._reset},
}


def _object(request: Incoming) -> dict[str, Any]:
    value = parse_json(request.body)
    if not isinstance(value, dict):
        raise unparsable("The body is to be a JSON object.")
    return value

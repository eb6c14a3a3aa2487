"""A local emulator as an object: created on a file (or in memory), used as an ASGI application, closed."""

from pathlib import Path
from types import TracebackType

from genai_iac.emulator.auth.profiles import Profiles
from genai_iac.emulator.control.routes import Control
from genai_iac.emulator.http.app import Application
from genai_iac.emulator.http.call_handler import TransactionRunner
from genai_iac.emulator.page.html import Page
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.secret_storage import master_key
from genai_iac.emulator.storage.seed import reset, seed_tenancy
from genai_iac.emulator.storage.tenancy_state import read_tenancy_state


class Emulator:
    """One tenancy. Several may live in one process, and several processes may share one file.

    `db=None` keeps it in memory. `home_region` is for a tenancy that is new; one that exists keeps its own. `oci_dir` is
    where client profiles are written, at once and when principals are added. `control_token` is what the control API asks
    for (None: there is no control API); `allow_kill` lets faults end processes of this machine.

    Raises:
        DatabaseError: the file is no emulator's.
    """

    def __init__(
        self,
        db: Path | None = None,
        *,
        home_region: str | None = None,
        oci_dir: Path | None = None,
        control_token: str | None = None,
        allow_kill: bool = False,
    ) -> None:
        self._database = Database(db)
        self._home_region = home_region
        secret = master_key(db)
        # tenancies in memory share throwaway keys: making one takes longer than everything else together
        self._profiles = Profiles(self._database, oci_dir, secret, throwaway=db is None)
        with self._database.write() as connection:
            seed_tenancy(connection, home_region)
        self.config_file = self._profiles.write()
        control = Control(self._database, self._profiles, home_region, control_token, allow_kill=allow_kill)
        engine = TransactionRunner(self._database, secret, allow_kill=allow_kill)
        self.app = Application(engine, control, Page(self._database, control_token))

    @property
    def tenancy(self) -> str:
        """The tenancy's OCID."""
        return read_tenancy_state(self._database.connection).tenancy

    @property
    def home_region(self) -> str:
        """The home region as it is now."""
        return read_tenancy_state(self._database.connection).home

    @property
    def subscribed_regions(self) -> tuple[str, ...]:
        """The regions that answer requests; the others are 401."""
        return read_tenancy_state(self._database.connection).settings.subscribedRegions

    def reset(self) -> None:
        """Forget everything but the tenancy's and its administrator's identity.

        Clients keep their profiles; all resources are gone.
        """
        with self._database.write() as connection:
            reset(connection, self._home_region)
        self._profiles.write()

    def close(self) -> None:
        """Close the database; the object is of no use afterwards."""
        self._database.close()

    def __enter__(self) -> "Emulator":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_client_config(db: Path, directory: Path) -> Path:
    """Write an OCI configuration file for the tenancy in `db` into `directory`; the path of the file.

    The database is made when it is not there. Profile DEFAULT is the administrator; the others are the principals made
    through the control API. Keys that the directory holds already are kept.

    Needs no running server: keys are written into the database directly.
    """
    with Emulator(db, oci_dir=directory) as emulator:
        if emulator.config_file is None:
            raise RuntimeError("a tenancy with a directory has profiles in it")
        return emulator.config_file

"""The local emulator as the verbs start it: where it is kept, and its errors in our words."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from genai_iac.core.errors import UsageError
from genai_iac.filesystem import UnsafePathError, check_folder

if TYPE_CHECKING:
    from genai_iac.emulator import Running

NOTES = ".genai-iac"  # directory of this tool's own files beside the manifests
LOCAL_DB = Path(NOTES) / "local.db"
LOCAL_PORT = 4180  # default of `local serve` and of the base URLs that `--local` prints


@contextmanager
def run_local(db: Path = LOCAL_DB) -> Iterator[Running]:
    """The tenancy of that file, served from this process while the block runs. Raises UsageError when it cannot be."""
    from genai_iac.emulator import running

    with ExitStack() as stack:
        with reporting_errors(db):
            local = stack.enter_context(running(db, oci_dir=profiles_of(db), control=False))
        yield local


@contextmanager
def reporting_errors(db: Path) -> Iterator[None]:
    """Makes the directory, and a UsageError of what keeps the tenancy from starting."""
    from genai_iac.emulator import DatabaseError

    try:
        # The database has private keys of the emulated identities, so our own directory is
        # private to the user.
        check_folder(db.parent, make=True, private=db.parent.name == NOTES)
        yield
    except UnsafePathError as error:
        raise UsageError(f"the local emulator in {db} is refused: {error.strerror}") from error
    except DatabaseError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        hint = (
            "another one may be running there; give --port another number" if error.errno == errno.EADDRINUSE else None
        )
        raise UsageError(f"the local emulator in {db} cannot start: {error.strerror or error}", hint=hint) from error


def profiles_of(db: Path) -> Path:
    """Where the OCI config file of that tenancy's identities is written."""
    return db.parent / "oci" if db.parent.name == NOTES else db.parent / f"{db.stem}-oci"


def program() -> str:
    """What to type to run this program again: its name when the shell finds it, else the path it was called by."""
    called = sys.argv[0]
    found = shutil.which("genai-iac")
    # Another installation may be first on PATH; it must not be recommended in place of this
    # one.
    same = found is not None and Path(found).resolve() == Path(called).resolve()
    return "genai-iac" if same or not Path(called).name.startswith("genai-iac") else called

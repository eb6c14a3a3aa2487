"""The record of a run's writes: in memory for `apply --json`, and with `--audit FILE` one JSON line a write request, appended.

No body and no answer is in it, so no secret can be; each line passes the redactor all the same.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from genai_iac import __version__
from genai_iac.cli.output_files import check_output_name
from genai_iac.core import Address
from genai_iac.core.errors import IacError, UsageError
from genai_iac.core.redactor import redact
from genai_iac.filesystem import UnsafePathError, open_folder
from genai_iac.render.common.json_text import write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from genai_iac.oci_client import SentRequest

F = TypeVar("F", bound="Callable[..., Any]")
FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


def audit_flag(function: F) -> F:
    """`--audit FILE`, for verbs that write."""
    return click.option(
        "--audit",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Append one JSON line for each write request to this file.",
    )(function)


class WriteLog:
    """The writes of one run, reported by the connection as each ends, in whatever thread. A context manager: leaving it closes the file."""

    def __init__(self, file: Path | None = None, verb: str = "apply") -> None:
        self._file, self._verb = file, verb
        # Requests end in worker threads.
        self._lock = threading.Lock()
        self._descriptor = _open(file) if file is not None else None
        self._lost: OSError | None = None  # first failed append; later lines are not tried
        self.whose: dict[str, Any] = {}  # stack, environment, tenancy
        self.approved: str | None = None  # fingerprint of the plan that was agreed to
        self.requests: dict[Address, list[dict[str, Any]]] = {}

    @property
    def is_kept(self) -> bool:
        """Whether lines are written to a file."""
        return self._descriptor is not None

    def __enter__(self) -> WriteLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        # Reported when the run ends, and only if nothing else failed: the writes are made, and
        # stopping half-way would help nobody.
        if self._lost is not None and kind is None:
            raise IacError(
                f"--audit {self._file} could not be written: {self._lost.strerror}; the writes themselves were made",
                hint="the service's own audit log has them, by the time of this run",
            )

    def __call__(self, request: SentRequest) -> None:
        """Take note of a request that has ended; reads are of no interest."""
        # Reads change nothing, and their number would hide the writes.
        if not request.writes:
            return
        written = {
            "operation": request.operation,
            "region": request.region,
            "id": request.id,
            "opc_request_id": request.request_id,
            "status": request.status,
        }
        with self._lock:
            if request.address is not None:
                self.requests.setdefault(request.address, []).append(written)
            self._append(request.address, written)

    def _append(self, address: Address | None, written: dict[str, Any]) -> None:
        if self._descriptor is None or self._lost is not None:
            return
        line = write_json(
            {
                "format_version": FORMAT_VERSION,
                "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "version": __version__,
                "verb": self._verb,
                **self.whose,
                "address": str(address) if address else None,
                **written,
                "approved": self.approved,
            }
        )
        try:
            data = f"{redact(line)}\n".encode()
            # one call, so that two runs that append to one file do not mix their lines
            if os.write(self._descriptor, data) != len(data):
                raise OSError(28, "the disk is full")
            with suppress(OSError):
                # A runner may be destroyed right after the job. Pipes and some file systems cannot do
                # this, hence the `suppress`.
                os.fsync(self._descriptor)
        except OSError as error:
            self._lost = error


def _open(file: Path) -> int:
    """A descriptor to append to, ours and private. Raises UsageError before anything was written anywhere."""
    # `O_RDWR` to look at the last byte; `O_NONBLOCK` so that a named pipe without a reader
    # does not block the run permanently.
    check_output_name(file, "--audit")
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        with open_folder(file.parent) as folder:
            descriptor = os.open(file.name, flags, 0o600, dir_fd=folder)
        try:
            _make_fit(descriptor, file)
        except BaseException:
            os.close(descriptor)
            raise
    except UnsafePathError as error:
        raise UsageError(f"--audit {file} is refused: {error.strerror}") from error
    except OSError as error:
        why = "a symbolic link" if file.is_symlink() else error.strerror
        missing = isinstance(error, FileNotFoundError)
        hint = f"make the directory {file.parent} first" if missing else "give a regular file of your own"
        raise UsageError(f"--audit {file}: {why}", hint=hint) from error
    return descriptor


def _make_fit(descriptor: int, file: Path) -> None:
    # Checked on the open descriptor, not on the path: the path may lead elsewhere a moment
    # later.
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise UsageError(f"--audit {file} is not a regular file of this user", hint="give a file of your own")
    # The log names resources and request ids: for this user only.
    if status.st_mode & 0o077:
        os.fchmod(descriptor, 0o600)
    if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
        os.write(descriptor, b"\n")  # a run that was killed left a part of a line

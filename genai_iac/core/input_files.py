"""Files that people name on the command line: regular ones only, and no more of one than it may be long."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MIB = 1024 * 1024  # bytes
LARGEST_DOCUMENT = 32 * MIB  # of a snapshot or a plan: 10,000 resources take about 10 MiB


class InputFileError(Exception):
    """Why a file is not read, in words that follow its name and a colon."""


def read_input_file(path: Path, limit: int = LARGEST_DOCUMENT) -> bytes:
    """The bytes of a regular file, at most `limit` of them.

    Raises InputFileError for what cannot be read, for a directory, device, FIFO or socket, and for a longer file. Nothing is
    opened that is no regular file: opening a FIFO waits until somebody writes, and opening a device may do something.

    Args:
        path: as typed; symbolic links are followed, because a user named this path.
        limit: largest size in bytes.

    Returns:
        The whole content. One byte more than `limit` is read to notice a longer file.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputFileError("this is not a regular file; save it as a file first")
        # not blocking, because a FIFO may have come in its place since
        # O_NOCTTY: a terminal that is opened must not become the controlling one
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputFileError("this is not a regular file; save it as a file first")
            data = opened.read(limit + 1)
    except OSError as error:
        raise InputFileError((error.strerror or "cannot be read").lower()) from error
    except ValueError as error:
        raise InputFileError("not a path") from error
    if len(data) > limit:
        raise InputFileError(f"this is larger than {limit // MIB} MiB")
    return data

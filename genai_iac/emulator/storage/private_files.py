"""Files for their owner's eyes alone: mode 0600 from their first moment, whole or not there."""

import os
import secrets
from pathlib import Path


def create_private(path: Path, content: bytes) -> bool:
    """Make the file unless there is one; False when there was. Of several racing processes exactly one makes it.

    A hard link from a complete temporary file: no reader ever sees a file that is half
    written.
    """
    temporary = _write_beside(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


def replace_private(path: Path, content: bytes) -> None:
    """Put new content in the place of the old; a reader sees one or the other.

    The mode of the new file is 0600, whatever the old one had.
    """
    _write_beside(path, content).replace(path)


def _write_beside(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return temporary

"""How much of an answer is taken: bytes on the wire, bytes unpacked, seconds in all, depth of JSON, pages of a list.

1 MB of gzip unpacked to 3.2 GB, and an answer that came a byte at a time never ended.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

BYTES = 16 * 1024 * 1024  # of one answer, on the wire and unpacked; a full page of 1,000 policies takes 5 MB
SECONDS = 120.0  # for the whole of one answer, its headers included
SILENCE = 60.0  # seconds without a byte
CONNECT = 10.0  # seconds
DEPTH = 32  # levels of a JSON answer; OCI's have 5
PAGES = 2000  # of one list

_CHUNK = 64 * 1024  # bytes read at a time
_GZIP = b"\x1f\x8b"  # first bytes of every gzip body


class AnswerLimit(OSError):
    """An answer went over one of the limits; the message says which.

    An OSError, so that callers that handle lost connections handle this too; `strerror` is
    what they print.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.strerror = message


def read_body(raw: Any, encoding: str = "", limit: int = BYTES) -> bytes:
    """The body of a urllib3 response, unpacked. Raises AnswerLimit, and what urllib3 raises.

    What a packed body is can be seen in it: the header is believed only where it fits.

    Args:
        raw: response that was not preloaded.
        encoding: value of `content-encoding`.
        limit: bytes, packed and unpacked alike.
    """
    packed = b"".join(_chunks(raw, limit))
    if packed.startswith(_GZIP):
        # A body that is cut off or damaged is returned packed: the parser reports it as no
        # JSON, with the status intact.
        return _unpack(packed, 16 + zlib.MAX_WBITS, limit) or packed
    # Servers disagree whether deflate has a zlib header; both forms are tried.
    if "deflate" in encoding.lower():
        return _unpack(packed, zlib.MAX_WBITS, limit) or _unpack(packed, -zlib.MAX_WBITS, limit) or packed
    return packed


def cut_deep(data: Any, limit: int = DEPTH) -> Any:
    """Parsed JSON with what lies deeper than so many levels forgotten (None in its place). Changes `data` itself."""
    level = [data] if isinstance(data, dict | list) else []
    # Level by level and without recursion: the depth of the answer is what cannot be
    # trusted.
    for _ in range(limit - 1):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return data
    for parent in level:
        for key in list(parent) if isinstance(parent, dict) else range(len(parent)):
            if isinstance(parent[key], dict | list):
                parent[key] = None
    return data


def _children(parent: Any) -> Iterable[Any]:
    return parent.values() if isinstance(parent, dict) else parent


def _chunks(raw: Any, limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in raw.stream(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > limit:
            raise AnswerLimit(f"the answer is larger than {limit // 1024:,} KiB")
        yield chunk


def _unpack(packed: bytes, window: int, limit: int) -> bytes | None:
    """The content; None when it is not packed that way, or cut off."""
    packer = zlib.decompressobj(window)
    try:
        # One byte more than allowed is unpacked, never the whole bomb.
        content = packer.decompress(packed, limit + 1)
    except zlib.error:
        return None
    if len(content) > limit:
        raise AnswerLimit(f"the answer unpacks to more than {limit // 1024:,} KiB")
    return content if packer.eof else None

"""urllib3's connections with three additions: an answer ends in time, no header breaks it, and its size is limited.

`http.client` gives up at a header line that is too long, at a hundred and first header, and reads the rest of the headers as body after a
line without a colon; urllib3 refuses two lengths that differ. Each of these loses the body of a committed CreateApiKey.

The limits: bytes on the wire, bytes unpacked, seconds in all, depth of JSON, pages of a list. 1 MB of gzip unpacked to 3.2 GB, and an
answer that came a byte at a time never ended.
"""

from __future__ import annotations

import functools
import io
import re
import socket
import time
import zlib
from collections.abc import Iterable, Iterator
from http.client import HTTPResponse
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


_LINE = 64 * 1024 - 2  # bytes of a header line that are kept
_LINES = 90  # headers that are kept
_HEAD = 1024 * 1024  # bytes of all headers
_HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\x00]*\r?\n")
# Digits only: `int` would also take `+5` and `1_0`, which no other reader of HTTP takes.
_LENGTH = re.compile(rb"content-length:[ \t]*[0-9]{1,15}[ \t]*\r?\n", re.IGNORECASE)
# Headers that say where the body ends: kept beyond the limit of 90, or the body could
# not be read.
_FRAMES = (b"content-length:", b"transfer-encoding:")


class _TimedReader(io.RawIOBase):
    """The bytes of a socket until a moment of the monotonic clock: then AnswerLimit."""

    def __init__(self, raw: Any, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise AnswerLimit(f"the answer did not end within {SECONDS:.0f} s")
        # Before each read: a server that sends a byte a minute would never trip a fixed
        # timeout.
        self._sock.settimeout(min(left, SILENCE))
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            if time.monotonic() >= self._until:
                raise AnswerLimit(f"the answer did not end within {SECONDS:.0f} s") from None
            raise
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Lines:
    """Header lines that were read already, as `http.client` reads them."""

    def __init__(self, lines: list[bytes], stream: Any) -> None:
        self._lines, self._stream = iter([*lines, b"\r\n"]), stream

    def readline(self, limit: int = -1) -> bytes:
        del limit
        return next(self._lines, b"")

    def flush(self) -> None:
        """Nothing is ever written."""

    def close(self) -> None:
        # `http.client` closes what it holds when the answer of a proxy ends with its headers
        self._stream.close()


class BoundedResponse(HTTPResponse):
    """An answer that ends by `until`; of its headers those are kept that are well-formed.

    Args:
        sock: the connection's socket.
        until: moment of `time.monotonic`.
    """

    def __init__(self, sock: socket.socket, *args: Any, until: float, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        stream: Any = self.fp
        self.fp: Any = io.BufferedReader(
            _TimedReader(stream.detach() if hasattr(stream, "detach") else stream, sock, until)
        )
        self._stream = self.fp

    def begin(self, *args: Any, **options: Any) -> None:
        try:
            super().begin(*args, **options)
        finally:
            # The headers were read from a list; the body comes from the socket again.
            if isinstance(self.fp, _Lines):
                self.fp = self._stream

    def _read_status(self) -> Any:
        self.fp = self._stream
        read: Any = super()._read_status  # type: ignore[misc]  # of http.client, which has no other place for this
        status = read()
        self.fp = _Lines(_well_formed(self._stream), self._stream)
        return status


def _well_formed(stream: Any) -> list[bytes]:
    kept: list[bytes] = []
    size, framed = 0, set[bytes]()
    # An empty line ends the headers; no bytes at all mean that the connection was closed.
    while (line := stream.readline(_HEAD)) not in (b"\r\n", b"\n", b""):
        size += len(line)
        if size > _HEAD:
            raise AnswerLimit(f"the headers of the answer are larger than {_HEAD // 1024:,} KiB")
        started = line.lower()
        frame = next((name for name in _FRAMES if started.startswith(name)), None)
        if len(line) > _LINE or not _HEADER.fullmatch(line) or (frame is None and len(kept) >= _LINES):
            continue
        if frame is not None:
            if frame in framed or (frame == _FRAMES[0] and not _LENGTH.fullmatch(line)):
                continue  # the first one counts: two that differ would break off the answer
            framed.add(frame)
        kept.append(line)
    return kept


class Bounded:
    """Mixed into a urllib3 connection: every answer over it is a BoundedResponse."""

    response_class: Any  # urllib3 and `http.client` both make their answers with it
    until = 0.0

    def request(self, *args: Any, **options: Any) -> Any:
        self._begin()
        return super().request(*args, **options)  # type: ignore[misc]

    def connect(self) -> Any:
        self._begin()  # a proxy answers before the request is made
        return super().connect()  # type: ignore[misc]

    def getresponse(self, *args: Any, **options: Any) -> Any:
        if isinstance(self.response_class, type) or "until" in getattr(self.response_class, "keywords", {}):
            self.response_class = functools.partial(BoundedResponse, until=self.until)
        return super().getresponse(*args, **options)  # type: ignore[misc]

    def _begin(self) -> None:
        self.until = time.monotonic() + SECONDS
        self.response_class = functools.partial(BoundedResponse, until=self.until)


def bounded(connection: type[Any]) -> type[Any]:
    """A class of urllib3 connections with both promises.

    Args:
        connection: a urllib3 connection class.
    """
    return type(f"Bounded{connection.__name__}", (Bounded, connection), {})


def bound_pools(manager: Any) -> None:
    """Have a urllib3 PoolManager or ProxyManager make bounded connections only.

    Args:
        manager: changed in place; calling it again changes nothing.
    """
    classes = dict(manager.pool_classes_by_scheme)
    for scheme, pool in classes.items():
        if not issubclass(pool.ConnectionCls, Bounded):
            classes[scheme] = type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": bounded(pool.ConnectionCls)})
    manager.pool_classes_by_scheme = classes

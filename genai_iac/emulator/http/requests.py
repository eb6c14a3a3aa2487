"""One HTTP request as the services see it (raw target, region, path, query, headers, body), and functions that read its body.

Each of these functions gives a checked value, or raises ServiceError 400 with the field's name, as a service would send it. Absent and
null are the same, as for the services.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from genai_iac.emulator.http.responses import ServiceError, invalid, missing, unparsable
from genai_iac.emulator.storage.time_format import parse_instant

MAX_BODY = 16 * 1024 * 1024  # bytes; the services take less, but uploads need room
# `/r/REGION/...`: all regions are served on one port. Extra slashes come from clients
# that join URLs carelessly.
_REGION_PREFIX = re.compile(r"/+r/+([^/]+)(/.*)?", re.DOTALL)


class Incoming(Struct, frozen=True, dict=True):
    """`target` is what stood in the request line, byte for byte; `segments` are the decoded parts of the path without
    its region prefix; header names are lower case."""

    method: str  # in upper case
    target: str
    path: str
    region: str | None  # None: the home region
    segments: tuple[str, ...]
    query: Mapping[str, list[str]]  # decoded; a parameter may come several times
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Incoming({self.method} {self.path})"  # headers and body hold what no text may

    @cached_property
    def request_id(self) -> str:
        """The opc-request-id of the answer: the caller's own, if any, and two parts of ours."""
        own = [secrets.token_hex(16).upper() for _ in range(2)]
        given = self.headers.get("opc-request-id", "")[:96]
        return "/".join([given, *own]) if given else "/".join(own)

    def one(self, name: str) -> str | None:
        """A query parameter given at most once; empty counts as absent."""
        values = self.query.get(name, [])
        if len(values) > 1:
            raise invalid(f"Query parameter {name} is given more than once.")
        return values[0] if values and values[0] else None

    def required(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.one(name)
        if value is None:
            raise missing(name)
        return value

    def one_of(self, name: str, allowed: Sequence[str]) -> str | None:
        """A query parameter that is one of a few, or absent."""
        value = self.one(name)
        if value is not None and value not in allowed:
            raise invalid(f"{name} must be one of {', '.join(allowed)}.")
        return value

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            ServiceError: 415 for another content type, 400 for what is no JSON object.
        """
        kind = self.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ServiceError(
                415, "UnsupportedMediaType", "The content type of the request is to be application/json."
            )
        value = parse_json(self.body)
        if not isinstance(value, dict):
            raise unparsable("The body is to be a JSON object.")
        return value


def read_request(
    method: str, target: bytes, raw_path: bytes, query: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> Incoming:
    """A request without its body yet.

    Args:
        target: of the request line.
        raw_path: percent-encoded, without the query.
    """
    path = _decode(raw_path)
    region = None
    match = _REGION_PREFIX.fullmatch(raw_path.decode("latin-1"))
    rest = raw_path.decode("latin-1")
    if match:
        region, rest = unquote_to_bytes(match[1]).decode("latin-1"), match[2] or "/"
    segments = tuple(_decode(part.encode("latin-1")) for part in rest.split("/") if part)
    return Incoming(
        method, target.decode("latin-1"), path, region, segments, _read_query(query), _read_headers(headers)
    )


def parse_json(text: bytes) -> Any:
    """JSON in strict UTF-8 without NaN, lone surrogates or bottomless nesting."""
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
        # Lone surrogates parse as JSON and cannot be encoded: refused here, not when a response
        # is written.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise unparsable("The body is nested too deeply.") from None
    except UnicodeError:
        raise unparsable("The body is not UTF-8 text.") from None
    except ValueError:
        raise unparsable("The body is not JSON.") from None
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _decode(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("The path or query is not UTF-8 text.") from None


def _read_query(raw: bytes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    # A form-encoded plus is a space; a real plus comes as %2B.
    for pair in raw.replace(b"+", b" ").split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            found.setdefault(_decode(name), []).append(_decode(value))
    return found


def _read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip()
        # a header sent twice is one list, as HTTP has it; the signature is over the joined form
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


Body = Mapping[str, Any]


def text(body: Body, name: str, *, most: int = 255, least: int = 1, pattern: str | None = None) -> str:
    """A required string.

    Args:
        most: characters.
        least: characters.
        pattern: a regular expression for the whole value, ASCII.
    """
    value = body.get(name)
    if value is None:
        raise missing(name)
    return _check_text(value, name, most, least, pattern)


def optional_text(body: Body, name: str, *, most: int = 400, pattern: str | None = None) -> str | None:
    """A string that may be absent or null."""
    value = body.get(name)
    return None if value is None else _check_text(value, name, most, 0, pattern)


def given_texts(body: Body, *names: str) -> dict[str, str]:
    """The strings among those names that an update brings; what it does not name stays as it is."""
    found = {name: optional_text(body, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def choice(body: Body, name: str, allowed: Sequence[str]) -> str:
    """A required string, one of a few."""
    value = text(body, name)
    if value not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}.")
    return value


def items(body: Body, name: str) -> list[Any]:
    """A required list."""
    value = body.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, list):
        raise invalid(f"{name} must be a list.")
    return value


def optional_items(body: Body, name: str) -> list[Any]:
    """A list that may be absent or null, and is empty then."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise invalid(f"{name} must be a list.")
    return value or []


def part(body: Body, name: str) -> dict[str, Any]:
    """A required object."""
    value = body.get(name)
    if value is None:
        raise missing(name)
    return as_object(value, name)


def optional_object(body: Body, name: str) -> dict[str, Any]:
    """An object that may be absent or null, and is empty then."""
    value = body.get(name)
    return {} if value is None else as_object(value, name)


def as_object(value: Any, name: str) -> dict[str, Any]:
    """The value itself, if it is an object."""
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object.")
    return value


def optional_instant(body: Body, name: str) -> int | None:
    """A date-time in milliseconds, or None when it is absent or null.

    Args:
        name: field with an RFC 3339 date-time.
    """
    value = body.get(name)
    if value is None:
        return None
    try:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not a date-time")
        return parse_instant(value)
    except (ValueError, OverflowError) as error:
        raise invalid(f"{name}: {error}.") from None


def read_flag(body: Body, name: str, default: bool = False) -> bool:
    """A boolean that may be absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean.")
    return default if value is None else value


def _check_text(value: Any, name: str, most: int, least: int, pattern: str | None) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    if not least <= len(value) <= most:
        raise invalid(f"{name} must be {least} to {most} characters long.")
    if pattern is not None and not re.fullmatch(pattern, value, re.ASCII):
        raise invalid(f"{name} may not be '{value}': it must match {pattern}.")
    return value

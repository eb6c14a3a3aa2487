"""What a whole run lets out: every write, every request and every program that strace saw, each with its channel.

Values may leave through the channels named here; any other channel is named after the file, the socket, the request or the program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from .strace import Call, read_calls

FILE = "a file of a sink, before it has its name"
INPUT = "the standard input of a sink's program"
OUTPUT = "what a program wrote"  # its own affair; what the run makes of it is not
VAULT = "a request that stores a secret in OCI Vault"
PROOF = "the Authorization of a call of a model"
OPEN = frozenset({FILE, INPUT, OUTPUT, VAULT, PROOF})

_TEMPORARY = re.compile(r"/secrets/\.genai-iac-[0-9a-f]{8}-[0-9a-f]{16}")
_STORES = re.compile(rb"(?:POST|PUT) \S*/20180608/secrets(?:/[^/?\s]+)? HTTP/")
_INFERS = re.compile(rb"POST \S*/actions/v1/(?:chat/completions|responses) HTTP/")
_AUTHORIZATION = re.compile(rb"\r\nAuthorization: ([^\r]*)")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def read_outgoing(log: Path) -> Iterator[tuple[str, bytes]]:
    """Each channel that something left through, and what did. What was written to one place in pieces is joined."""
    places: dict[str, bytes] = {}
    programs: set[int] = set()
    inputs: set[str] = set()
    for call in read_calls(log):
        if call.name.startswith("execve"):
            programs.add(call.process)
            yield f"the arguments and environment of {call.strings[0].decode()}", b"\0".join(call.strings)
        elif call.name.startswith("dup"):
            inputs.update(_standard_input(call))
        else:
            place = OUTPUT if call.process in programs else call.descriptor
            places[place] = places.get(place, b"") + b"".join(call.strings)
    for place, data in places.items():
        yield from _read_requests(place, data) if place.startswith("TCP") else [(_name(place, inputs), data)]


def _standard_input(call: Call) -> Iterator[str]:
    """The pipe that becomes descriptor 0 of a process that is about to be a program."""
    if re.search(r", 0(?:<[^,]*>)?(?:, \w+)?\) = 0<", call.text) and call.descriptor.startswith("pipe:"):
        yield call.descriptor


def _name(place: str, inputs: set[str]) -> str:
    if _TEMPORARY.search(place):
        return FILE
    return INPUT if place in inputs else place


def _read_requests(place: str, stream: bytes) -> Iterator[tuple[str, bytes]]:
    """The requests of a connection, each in two parts when one of them may hold a value."""
    while stream:
        head, _, rest = stream.partition(b"\r\n\r\n")
        line, length = head.split(b"\r\n")[0].decode("utf-8", "replace"), _LENGTH.search(head)
        end = int(length[1]) if length else 0
        body, stream = rest[:end], rest[end:]
        if _STORES.match(head):
            yield VAULT, body
            yield f"the head of {line}", head
        elif _INFERS.match(head):
            yield PROOF, b"\n".join(_AUTHORIZATION.findall(head))
            yield f"{line}, and not its Authorization", _AUTHORIZATION.sub(b"", head) + b"\0" + body
        else:
            yield f"{line} to {place}", head + b"\0" + body

"""Clients of the endpoint that read their sink anew for every call; each call is recorded, and judged afterwards."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from counting import PATIENCE

from .sink_setups import Place, read_key

_PAUSE = 0.04  # seconds between two calls
_BODY = json.dumps({"model": "xai.grok-4", "input": "hello"})


@dataclass(frozen=True)
class Probe:
    """One reading of a sink and the call made with what was read."""

    at: float
    sink: str
    secret: str  # the last characters of the value
    status: int  # 0: there was nothing to read


@dataclass
class History:
    """All probes, in order."""

    probes: list[Probe] = field(default_factory=list)

    @property
    def failed(self) -> list[Probe]:
        return [probe for probe in self.probes if probe.status != 200]

    def wait_for(self, many: int) -> None:
        """Until there are so many: how many calls fit into a run is a matter of the machine's pace."""
        until = time.monotonic() + PATIENCE
        while len(self.probes) < many:
            assert time.monotonic() < until, "the consumers do not call"
            time.sleep(0.01)


def probe(place: Place, connections: dict[str, http.client.HTTPConnection] | None = None) -> Probe:
    """Read the sink and call with what it holds. A value that was replaced between the reading and the refusal is read anew."""
    read = read_key(place)
    while True:
        status = _call(*read, connections) if read else 0
        again = read_key(place)
        if status == 200 or again == read:
            return Probe(time.monotonic(), place.name, read[1][-6:] if read else "", status)
        read = again


@contextmanager
def calling(places: list[Place]) -> Iterator[History]:
    """Call with each of these sinks, again and again, while the block runs."""
    history, stop = History(), threading.Event()

    def work() -> None:
        connections: dict[str, http.client.HTTPConnection] = {}
        while not stop.is_set():
            history.probes.extend(probe(place, connections) for place in places)
            stop.wait(_PAUSE)
        for connection in connections.values():
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield history
    finally:
        stop.set()
        thread.join()


def _call(base_url: str, value: str, connections: dict[str, http.client.HTTPConnection] | None) -> int:
    parts = urlsplit(base_url)
    kept = {} if connections is None else connections
    connection = kept.get(parts.netloc) or http.client.HTTPConnection(parts.netloc, timeout=300)
    try:
        headers = {"Authorization": f"Bearer {value}", "Content-Type": "application/json"}
        connection.request("POST", f"{parts.path}/responses", _BODY, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        if connections is None:
            connection.close()
        else:
            connections[parts.netloc] = connection

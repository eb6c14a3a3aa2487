"""Addresses that a manifest might try to have called, and everything that this process connects to or looks up."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_HOSTS = (
    *(
        "169.254.169.254",
        "169.254.169.254:80",
        "127.0.0.1",
        "127.0.0.1:{port}",
        "localhost:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
    ),
    *(
        "0x7f000001:{port}",
        "2130706433:{port}",
        "127.1:{port}",
        "10.0.0.1",
        "192.168.0.1:8080",
        "[fd00:ec2::254]",
        "metadata.google.internal",
    ),
    *(
        "evil.example",
        "evil.example:443",
        "user:pw@evil.example",
        "inference.generativeai.us-chicago-1.oci.oraclecloud.com@evil.example",
    ),
    *("inference.generativeai.us-chicago-1.oci.oraclecloud.com.evil.example", "evil.example#.oci.oraclecloud.com"),
    *(
        "evil.example/.oraclecloud.com",
        "evil.example?.oraclecloud.com",
        "evil.example\\.oraclecloud.com",
        "generativeai.evil.example",
    ),
    *("oraclecloud.com.evil.example", "evilоraclecloud.com", "xn--evil.example", "evil.example.", "EVIL.EXAMPLE"),
)
_PARTS = (
    *(
        "us-chicago-1.evil.example",
        "us-chicago-1.evil.example#",
        "evil.example/",
        "us-chicago-1/../..",
        "us-chicago-1@evil.example",
    ),
    *(
        "us-chicago-1%2eevil.example",
        "us-chicago-1\n.evil.example",
        "us-chicago-1:{port}",
        "evil.example:{port}/r/us-chicago-1",
    ),
    *(
        "//evil.example",
        "\\\\evil.example\\share",
        "file:///etc/passwd",
        "ftp://evil.example/x",
        "gopher://127.0.0.1:{port}/_GET",
    ),
    *(
        "ldap://evil.example",
        "ssh://evil.example",
        "git+ssh://evil.example/x",
        "data:text/plain,x",
        "unix:/var/run/docker.sock",
    ),
    *(
        "dict://127.0.0.1:{port}",
        "ws://evil.example",
        "jar:http://evil.example!/",
        "ocid1.vault.oc1.evil.example.a.b",
        "s3://evil",
    ),
    *(
        "oci://evil@example/x",
        "$" + "{http://evil.example}",
        "http:/evil.example",
        "https:evil.example",
        "http://%65vil.example",
    ),
)


def addresses(port: int) -> list[str]:
    """The addresses; those with a port lead to a listener there that nobody may reach."""
    written = [f"{scheme}://{host}" for host in _HOSTS for scheme in ("https", "http")] + list(_PARTS)
    return [one.replace("{port}", str(port)) for one in written]


@dataclass
class Trace:
    """Where this process connected to, and which names it looked up."""

    connected: list[Any] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    blocked: bool = False  # refuse whatever leaves this machine


_current: list[Trace] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _current or event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        return
    trace = _current[-1]
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        trace.looked_up.append(str(arguments[0]))
        if trace.blocked and not _is_address(str(arguments[0])):
            raise socket.gaierror(socket.EAI_NONAME, "no names are looked up in this test")
        return
    trace.connected.append(arguments[1])
    if trace.blocked:
        raise ConnectionRefusedError("nothing is connected to in this test")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@contextmanager
def traced(*, blocked: bool = False) -> Iterator[Trace]:
    """Every connection and look-up of any thread while the block runs, whatever library makes it."""
    if not getattr(sys, "_genai_iac_heard", False):
        sys.addaudithook(_hear)  # for as long as the process lives: it cannot be taken away
        sys._genai_iac_heard = True  # type: ignore[attr-defined]
    _current.append(Trace(blocked=blocked))
    try:
        yield _current[-1]
    finally:
        _current.pop()

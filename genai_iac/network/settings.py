"""Proxies and certificate authorities, read from the environment in one place for every HTTP client (docs/network.md)."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from msgspec import Struct, field

from genai_iac.core.errors import UsageError

# the order: the OCI CLI's own variable, then those of requests and curl, then OpenSSL's
CA_VARIABLES = ("OCI_CLI_CERT_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class NetworkSettings(Struct, frozen=True):
    """What the environment says about reaching a host."""

    # a mapping in tests; `os.environ` also brings in the system's own proxy settings
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def proxy_for(self, url: str) -> str | None:
        """The proxy that a request to `url` goes through; None: straight to the host. This machine is never asked through a proxy.

        Args:
            url: absolute; its scheme chooses the variable.

        Returns:
            URL of the proxy, with a scheme; `http` where the variable has none.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not host or is_loopback(host) or self._excepted(host, parts.port):
            return None
        # the system's own settings (macOS, Windows) count like the variables; variables win
        found = getproxies() if self.environ is os.environ else _variables(self.environ)
        proxy = found.get(parts.scheme) or found.get("all")
        if not proxy:
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def ca_bundle(self) -> str | None:
        """The file (or directory) of certificate authorities to trust; None: those that come with the OCI SDK.

        Raises UsageError when a variable names something that cannot be used.
        """
        for name in CA_VARIABLES:
            if value := self.environ.get(name):
                return _usable(name, value)
        return None

    def _excepted(self, host: str, port: int | None) -> bool:
        listed = self.environ.get("no_proxy") or self.environ.get("NO_PROXY") or ""
        entries = [entry.strip().casefold() for entry in listed.split(",")]
        if any(_matches(entry, host.casefold(), port) for entry in entries if entry):
            return True
        return self.environ is os.environ and bool(proxy_bypass(host))


def is_loopback(host: str) -> bool:
    """Whether that host name or address is this machine."""
    if host.casefold().rstrip(".") == "localhost" or host.casefold().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    # `::ffff:127.0.0.1` is this machine too. Unspecified addresses (0.0.0.0) connect to it
    # as well.
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    """`HTTPS_PROXY` and its like by scheme; the one in lower case wins, as with curl."""
    found = {name.lower(): value for name, value in environ.items() if name.lower().endswith("_proxy") and value}
    found |= {name: value for name, value in environ.items() if name.endswith("_proxy") and value}
    return {name.removesuffix("_proxy"): value for name, value in found.items()}


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY is about that host: `*`, a name, a domain, an address, a network, each with a port or not."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        pass
    name, _, wanted = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
    if wanted and wanted != str(port):
        return False
    domain = name.lstrip("*.")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _usable(name: str, value: str) -> str:
    path = Path(value).expanduser()
    if not path.exists():
        raise UsageError(f"{name} names {value}, which is not there", hint=f"correct {name}, or unset it")
    # A directory of certificates is read by OpenSSL when a connection needs it, so there is
    # nothing to check in advance.
    if path.is_file():
        known = path.stat()
        _load(name, path, (known.st_ino, known.st_size, known.st_mtime_ns))
    return str(path)


@lru_cache(maxsize=16)
def _load(name: str, path: Path, version: tuple[int, int, int]) -> None:
    """Raise UsageError when the file holds no certificates.

    Kept for each `version` of the file: reading the usual bundle takes 30 ms, each client of a run asks, and with one for
    every service and region that was more than half of a small plan's work.
    """
    import ssl

    del version
    try:
        ssl.create_default_context(cafile=str(path))
    except (ssl.SSLError, OSError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"{name} names {path}, which holds no certificates that can be read: {said}",
            hint="give a PEM file of certificate authorities",
        ) from error

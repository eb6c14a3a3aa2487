"""Which cluster, and with which credentials: the kubeconfig as kubectl finds it, or the service account of the Pod.

The format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError

if TYPE_CHECKING:
    import ssl

    from genai_iac.delivery.sinks._kube_exec import KubeCredential

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LIMIT = 1024 * 1024  # bytes of a file


class KubeCluster(Struct, frozen=True):
    """An API server, and how to sign in there: with a token, or with a certificate inside `tls`."""

    server: str
    token: Secret | None
    tls: ssl.SSLContext | None


def find_cluster(place: str, context: str | None, root: Path) -> KubeCluster:
    """The cluster of that context (None: the current one). Raises SinkError when there is none that can be used.

    Args:
        place: what people call the sink.
        context: as the manifest names it.
        root: the manifests' directory: no program is run that the checkout around it names.
    """
    named = [Path(name) for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    files = [file for file in named or [Path.home() / ".kube/config"] if file.is_file()]
    if files:
        return _from_files(place, files, context, root)
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if not host or context is not None or named:
        wanted = f"KUBECONFIG names {named[0]}, which is not there" if named else "there is no kubeconfig"
        raise SinkError(f"{place}: {wanted}", hint="set KUBECONFIG to the file that kubectl uses")
    port, bracketed = os.environ.get("KUBERNETES_SERVICE_PORT", "443"), f"[{host}]" if ":" in host else host
    authorities = _read(place, _ACCOUNT / "ca.crt")
    token = Secret(_read(place, _ACCOUNT / "token").strip())
    return KubeCluster(f"https://{bracketed}:{port}", token, _tls(place, authorities, None, None))


def _from_files(place: str, files: Iterable[Path], name: str | None, root: Path) -> KubeCluster:
    parsed = [(_parse(place, file), file) for file in files]
    wanted = name or next((data["current-context"] for data, _ in parsed if data.get("current-context")), None)
    if not isinstance(wanted, str):
        raise SinkError(f"{place}: the kubeconfig has no current context", hint="name one: context in the manifest")
    context, _ = _entry(place, parsed, "context", wanted)
    cluster, file = _entry(place, parsed, "cluster", str(context.get("cluster")))
    user, home = _entry(place, parsed, "user", str(context.get("user")))
    _refuse(place, cluster, user)
    server = _server(place, str(cluster.get("server")))
    authorities = _text(place, cluster, "certificate-authority", file.parent)
    if user.get("exec"):
        given = _ask(place, user["exec"], home, root, server, authorities)
        return KubeCluster(server, given.token, _tls(place, authorities, given.certificate, given.key))
    certificate, key = (_text(place, user, name, home.parent) for name in ("client-certificate", "client-key"))
    tls = _tls(place, authorities, certificate, Secret.document(key) if key else None)
    return KubeCluster(server, _token(place, user, home.parent), tls)


def _ask(place: str, settings: Any, file: Path, root: Path, server: str, authorities: str | None) -> KubeCredential:
    from genai_iac.delivery.sinks._kube_exec import ask_program

    if not isinstance(settings, dict):
        raise SinkError(f"{place}: exec of the kubeconfig is no mapping", hint="correct it")
    cluster = {"server": server}
    if authorities:
        cluster["certificate-authority-data"] = base64.b64encode(authorities.encode()).decode()
    return ask_program(place, settings, file, root, cluster)


def _refuse(place: str, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    """What a kubeconfig may say and this tool does not do."""
    if user.get("auth-provider"):
        raise SinkError(
            f"{place}: the kubeconfig signs in with an auth-provider, which Kubernetes has removed",
            hint="use exec, or the token of a service account: kubectl create token NAME",
        )
    if cluster.get("insecure-skip-tls-verify"):
        raise SinkError(
            f"{place}: the kubeconfig does not verify the server", hint="give it a certificate-authority instead"
        )
    if user.get("username"):
        raise SinkError(f"{place}: the kubeconfig signs in with a password", hint="use a token or a client certificate")


def _server(place: str, server: str) -> str:
    from genai_iac.network import is_loopback

    parts = urlsplit(server)
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname))):
        raise SinkError(f"{place}: the kubeconfig's server {server!r} is not asked", hint="name an https:// address")
    return server.rstrip("/")


def _token(place: str, user: Mapping[str, Any], folder: Path) -> Secret | None:
    if user.get("tokenFile"):
        return Secret(_read(place, folder / str(user["tokenFile"])).strip())
    return Secret(str(user["token"])) if user.get("token") else None


def _entry(
    place: str, parsed: Iterable[tuple[Mapping[str, Any], Path]], kind: str, name: str
) -> tuple[Mapping[str, Any], Path]:
    """The first context, cluster or user of that name, as kubectl merges files, and the file that it is in."""
    for data, file in parsed:
        rows = data.get(f"{kind}s")
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("name") == name and isinstance(row.get(kind), dict):
                return row[kind], file
    raise SinkError(f"{place}: the kubeconfig has no {kind} {name!r}", hint="kubectl config get-contexts lists them")


def _parse(place: str, file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(_read(place, file))
    except yaml.YAMLError:
        data = None  # its error would quote a credential
    if not isinstance(data, dict):
        raise SinkError(f"{place}: {file} is no kubeconfig", hint="set KUBECONFIG to the file that kubectl uses")
    return data


def _text(place: str, data: Mapping[str, Any], name: str, folder: Path) -> str | None:
    """A PEM text: inside the kubeconfig in base64, or in a file that it names."""
    inside = data.get(f"{name}-data")
    if inside:
        try:
            return base64.b64decode(str(inside), validate=True).decode()
        except (binascii.Error, ValueError):
            raise SinkError(f"{place}: {name}-data of the kubeconfig is not base64", hint="correct it") from None
    return _read(place, folder / str(data[name])) if data.get(name) else None


def _read(place: str, file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_LIMIT).decode()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise SinkError(f"{place}: {file} cannot be read: {why}", hint="correct the kubeconfig") from None


def _tls(place: str, authorities: str | None, certificate: str | None, key: Secret | None) -> ssl.SSLContext | None:
    if authorities is None and certificate is None:
        return None
    made = _context(authorities, certificate, key.reveal() if key else None)
    if isinstance(made, str):
        raise SinkError(f"{place}: {made}", hint="correct the kubeconfig")
    return made


@cache
def _context(authorities: str | None, certificate: str | None, key: str | None) -> ssl.SSLContext | str:
    """For connections, the same for the same texts so that connections are shared; or why it cannot be."""
    import ssl

    try:
        context = ssl.create_default_context(cadata=authorities)
    except (ssl.SSLError, ValueError):
        return "its certificate authority cannot be read"
    if certificate and key and not _load(context, certificate, key):
        return "its client certificate or key cannot be read"
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> bool:
    import tempfile

    # the ssl module reads certificates from files only: this one is private, and gone once it was read
    descriptor, name = tempfile.mkstemp(prefix="genai-iac-", suffix=".pem")
    try:
        os.write(descriptor, f"{certificate}\n{key}".encode())
        context.load_cert_chain(name, password="")
    except (OSError, ValueError):
        return False
    finally:
        os.close(descriptor)
        Path(name).unlink()
    return True

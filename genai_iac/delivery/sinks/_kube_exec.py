"""Credentials from a program that a kubeconfig names (`exec`): bounded in time and size; what it prints goes to the redactor, never out.

The interface: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
and https://kubernetes.io/docs/reference/config-api/client-authentication.v1/

The kubeconfig is what the user's own environment names, so its programs are the user's. One in the checkout may be anybody's:
whoever plans a pull request would run it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.core.redactor import register_quoted
from genai_iac.delivery.sinks._program import inherited_environment, redact_text
from genai_iac.delivery.sinks._program_output import read_output
from genai_iac.filesystem import find_git_root

if TYPE_CHECKING:
    import subprocess

_GROUP = "client.authentication.k8s.io/"
_VERSIONS = (f"{_GROUP}v1", f"{_GROUP}v1beta1")
_SECONDS = 30.0  # a cloud's own CLI starts, signs in and asks
_LIMIT = 1024 * 1024  # bytes of standard output; a certificate with its key has some thousand
_QUOTED = 300  # characters of what it says of a failure
_EARLY = timedelta(seconds=30)  # a credential that ends in the middle of a delivery is renewed before it


class KubeCredential(Struct, frozen=True):
    """What a program gave: a token, or a client certificate with its key, and until when (None: as long as this run)."""

    token: Secret | None
    certificate: str | None
    key: Secret | None
    expires: datetime | None


_OF_RUN: dict[str, KubeCredential] = {}  # by the settings; a delivery asks the cluster several times


def ask_program(
    place: str, settings: Mapping[str, Any], file: Path, root: Path, cluster: Mapping[str, Any]
) -> KubeCredential:
    """The credential of the program under `exec` of a kubeconfig's user. It is asked once, and again when the credential has expired.

    Args:
        place: what people call the sink.
        settings: the mapping under `exec`.
        file: the kubeconfig; relative programs start from its directory, and the program runs there.
        root: the manifests' directory.
        cluster: given to a program that wants it (`provideClusterInfo`).

    Raises:
        SinkError: a kubeconfig or a program in the checkout, settings that cannot be used, a failure, an answer that is none.
    """
    command = _command(place, settings, file, root)
    known = json.dumps([str(file), command, dict(settings)], sort_keys=True, default=str)
    held = _OF_RUN.get(known)
    if held is None or (held.expires and held.expires <= datetime.now(UTC) + _EARLY):
        held = _OF_RUN[known] = _run(place, settings, command, file.parent, cluster)
    # a run of its own, in the same process, has a redactor that does not know these yet
    return KubeCredential(_again(held.token), held.certificate, _again(held.key), held.expires)


def _again(value: Secret | None) -> Secret | None:
    return Secret(value.reveal()) if value else None


def _command(place: str, settings: Mapping[str, Any], file: Path, root: Path) -> list[str]:
    """The program's file and its arguments. Raises SinkError for what is not run."""
    arguments = settings.get("args") or []
    if settings.get("apiVersion") not in _VERSIONS or not isinstance(arguments, list):
        raise SinkError(
            f"{place}: exec of the kubeconfig is not of a known version", hint=f"give it apiVersion: {_VERSIONS[0]}"
        )
    if settings.get("interactiveMode") == "Always":
        raise SinkError(
            f"{place}: the kubeconfig's program wants a terminal (interactiveMode: Always)",
            hint="use one that does not",
        )
    checkout = find_git_root(root) or root.resolve()
    if _is_in(file, checkout):
        raise SinkError(
            f"{place}: the kubeconfig {file} signs in with a program and lies in the checkout {checkout}, so it is not run",
            hint="if it is yours, keep it outside the repository and set KUBECONFIG to it",
        )
    name = str(settings.get("command") or "")
    found = shutil.which(str(file.parent / name)) if "/" in name else _on_path(name)
    if not found:
        wanted = " ".join(str(settings.get("installHint") or "").split())[:_QUOTED]
        raise SinkError(
            f"{place}: the kubeconfig signs in with {name!r}, which is not there",
            hint=wanted or "install it, or correct PATH",
        )
    if "/" in name and _is_in(Path(found), checkout):
        raise SinkError(
            f"{place}: the kubeconfig signs in with {found}, which lies in the checkout, so it is not run",
            hint="if it is yours, keep it outside the repository",
        )
    return [found, *map(str, arguments)]


def _on_path(name: str) -> str | None:
    """Relative entries of PATH lead into whatever directory this is."""
    entries = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if Path(entry).is_absolute()]
    return shutil.which(name, path=os.pathsep.join(entries)) if name else None


def _is_in(file: Path, folder: Path) -> bool:
    """Whether the path or what it leads to is below the folder."""
    written = Path(os.path.normpath(file.absolute()))
    return any(one.is_relative_to(folder) for one in (written, file.resolve()))


def _run(
    place: str, settings: Mapping[str, Any], command: list[str], folder: Path, cluster: Mapping[str, Any]
) -> KubeCredential:
    import subprocess

    spec: dict[str, Any] = {"interactive": False}
    if settings.get("provideClusterInfo"):
        spec["cluster"] = dict(cluster)
    version = str(settings["apiVersion"])
    asked = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    given = {str(one.get("name")): str(one.get("value")) for one in settings.get("env") or () if isinstance(one, dict)}
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**inherited_environment(os.environ), **given, "KUBERNETES_EXEC_INFO": asked},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its settings are no texts"
        raise SinkError(f"{place}: {command[0]} cannot be started: {why}", hint="run it manually to see why") from None
    found = _credential(process, version)
    if isinstance(found, str):
        raise SinkError(
            f"{place}: {command[0]}, with which the kubeconfig signs in, {found}", hint="run it manually to see why"
        )
    return found


def _credential(process: subprocess.Popen[bytes], version: str) -> KubeCredential | str:
    """What it gave, or how it failed, in words. Raises nothing that this frame's values would go with."""
    output = read_output(process, _SECONDS, _LIMIT, whole=True)
    answer = Secret.document(output.printed.decode("utf-8", "replace"))
    if output.stopped:
        answer.register_words()  # a failure may quote a value on the other stream
        why = "printed more than 1 MiB" if output.stopped == "long" else f"did not end within {_SECONDS:g} seconds"
        return f"{why}, and was stopped"
    if process.returncode:
        answer.register_words()
        complained = output.complained.decode("utf-8", "replace")
        register_quoted(complained)
        said = " ".join(redact_text(complained, None).split())
        return f"ended with status {process.returncode}" + (f": {said[-_QUOTED:]}" if said else "")
    return _read_credential(answer, version)


def _read_credential(answer: Secret, version: str) -> KubeCredential | str:
    try:
        data = json.loads(answer.reveal())
        status = data["status"]
        if data["kind"] != "ExecCredential" or data["apiVersion"] != version:
            return f"did not answer with an ExecCredential of {version}"
        token, certificate, key = (status.get(name) for name in ("token", "clientCertificateData", "clientKeyData"))
        if not token and not (certificate and key):
            return "answered with neither a token nor a client certificate"
        expires = status.get("expirationTimestamp")
        until = datetime.fromisoformat(str(expires)) if expires else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"did not answer with an ExecCredential of {version}"
    until = until.replace(tzinfo=UTC) if until and until.tzinfo is None else until
    return KubeCredential(
        Secret(str(token)) if token else None,
        str(certificate) if certificate else None,
        Secret(str(key)) if key else None,
        until,
    )

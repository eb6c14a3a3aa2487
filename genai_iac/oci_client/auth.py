"""Who calls, and where to: a profile or principal, a region, and the local tenancy's endpoint when there is one.

Configuration is the OCI CLI's: `~/.oci/config`, OCI_CLI_CONFIG_FILE, OCI_CLI_PROFILE, OCI_CLI_AUTH, OCI_CLI_REGION.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from genai_iac.core.errors import UsageError

Auth = Literal["api_key", "security_token", "instance_principal", "resource_principal", "oke_workload_identity"]
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class Connection:
    """What the command line, the environment and the manifests say about reaching the tenancy. None: the usual default."""

    profile: str | None = None
    config_file: str | None = None
    auth: Auth = "api_key"
    region: str | None = None
    stack_region: str | None = None  # called when neither a flag nor the profile names one
    endpoint: str | None = None  # of a local tenancy; the real service has none to give
    allowed_hosts: tuple[str, ...] = ()  # beside OCI's own, hosts that an ApiKey's `endpoint` may name
    base_url: str | None = None  # where the delivered keys will be used, when that is not the endpoint

    def check_endpoint(self) -> None:
        """Raises UsageError for an endpoint that signed requests must not go to: plain HTTP is for this machine only."""
        if self.endpoint is None:
            return
        parts = urlsplit(self.endpoint)
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise UsageError(
                f"--endpoint {self.endpoint} is neither https nor on this machine",
                hint="give the address that `genai-iac local serve` printed, such as http://127.0.0.1:4180",
            )


def read_identity(connection: Connection) -> tuple[dict[str, Any], Any]:
    """The SDK's configuration and signer. Raises UsageError that names the file, the profile and what is missing."""
    from oci.exceptions import ClientError

    try:
        config, signer = _READERS[connection.auth](connection)
    except (ClientError, ValueError, OSError) as error:
        raise UsageError(
            f"cannot sign in with --auth {connection.auth}: {_first_line(error)}", hint=_hint(connection)
        ) from error
    config["region"] = connection.region or config.get("region") or connection.stack_region
    if not config.get("region"):
        raise UsageError(
            "no region to call", hint="give --region, set OCI_CLI_REGION or write region= into the profile"
        )
    return config, signer


def _read_profile(connection: Connection) -> dict[str, Any]:
    import oci

    location = connection.config_file or oci.config.DEFAULT_LOCATION
    config: dict[str, Any] = oci.config.from_file(location, connection.profile or oci.config.DEFAULT_PROFILE)
    # an endpoint in a profile would be taken for a domain, and request logs would hold secrets
    for name in ("endpoint", "log_requests"):
        config.pop(name, None)
    return config


def _api_key(connection: Connection) -> tuple[dict[str, Any], Any]:
    import oci

    config = _read_profile(connection)
    if "security_token_file" in config and "user" not in config:
        return _security_token(connection)
    oci.config.validate_config(config)
    signer = oci.signer.Signer(
        tenancy=config["tenancy"],
        user=config["user"],
        fingerprint=config["fingerprint"],
        private_key_file_location=config.get("key_file"),
        pass_phrase=config.get("pass_phrase"),
        private_key_content=config.get("key_content"),
    )
    return config, signer


def _security_token(connection: Connection) -> tuple[dict[str, Any], Any]:
    import oci

    config = _read_profile(connection)
    token = Path(config.get("security_token_file", "")).expanduser().read_text(encoding="utf-8").strip()
    key = oci.signer.load_private_key_from_file(config["key_file"], config.get("pass_phrase"))
    return config, oci.auth.signers.SecurityTokenSigner(token, key)


def _instance_principal(connection: Connection) -> tuple[dict[str, Any], Any]:
    del connection
    import oci

    return _of_signer(oci.auth.signers.InstancePrincipalsSecurityTokenSigner())


def _resource_principal(connection: Connection) -> tuple[dict[str, Any], Any]:
    del connection
    import oci

    return _of_signer(oci.auth.signers.get_resource_principals_signer())


def _oke_workload_identity(connection: Connection) -> tuple[dict[str, Any], Any]:
    del connection
    import oci

    return _of_signer(oci.auth.signers.get_oke_workload_identity_resource_principal_signer())


def _of_signer(signer: Any) -> tuple[dict[str, Any], Any]:
    return {"region": signer.region, "tenancy": signer.tenancy_id}, signer


_READERS = {
    "api_key": _api_key,
    "security_token": _security_token,
    "instance_principal": _instance_principal,
    "resource_principal": _resource_principal,
    "oke_workload_identity": _oke_workload_identity,
}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _hint(connection: Connection) -> str:
    if connection.auth in ("api_key", "security_token"):
        return "check --config-file and --profile, run `oci setup config`, or try it on this machine with --local"
    return "this principal exists only on OCI itself; elsewhere use --auth api_key with a profile"

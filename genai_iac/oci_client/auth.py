"""Authentication and endpoints: a profile or principal, a region, and the local emulator's endpoint when there is one.

Configuration is the OCI CLI's: `~/.oci/config` and its OCI_CLI_* variables of signing (settings.py). Each way to sign in is one function
that gives the SDK's configuration and signer; `_READERS` has them all. Principals that exist only on OCI are asked with a time limit,
because off OCI the SDK's signers retry for minutes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from msgspec import Struct

from genai_iac.core.auth import Auth
from genai_iac.core.errors import UsageError
from genai_iac.oci_client.regions import normalize_region
from genai_iac.oci_client.sdk_clients import import_sdk, refuse_redirects
from genai_iac.oci_client.settings import VARIABLES, Settings, load_key, read_key, read_named_file, read_settings

METADATA = "http://169.254.169.254/opc/v2"  # of OCI's compute instances; link-local
_PROBE, _LIMIT = 3.0, 8.0  # seconds
_HINT = "this principal exists only on OCI itself; elsewhere use --auth api_key with a profile"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **options: Any) -> None:
        """None: the redirect is the answer."""


def check_metadata_service() -> None:
    """Raises UsageError when no OCI instance metadata service answers here, with what was answered instead.

    Redirects and proxies are not used: the address is link-local.
    """
    url = os.environ.get("OCI_METADATA_BASE_URL", METADATA).rstrip("/") + "/instance/region"
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"OCI_METADATA_BASE_URL {url[:200]!r} is no http address", hint="unset it")
    request = Request(url, headers={"Authorization": "Bearer Oracle"})  # noqa: S310  # http is checked above
    try:
        build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=_PROBE).close()
    except HTTPError as error:
        error.close()
        raise _refused(f"{url} answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise _refused(f"{url}: {getattr(error, 'reason', error)}") from error


def within_limit(make: Callable[[], Any]) -> Any:
    """What the SDK's signer is, or what it raised, or a UsageError when it takes longer than 8 seconds.

    Args:
        make: a constructor of the SDK that may retry for minutes.

    Raises:
        UsageError: with the first line of what it raised.
    """
    try:
        return run_within_limit(make)
    except Exception as error:
        text = (str(error).splitlines() or [""])[0][:300]
        raise _refused(text or type(error).__name__) from error


def run_within_limit(make: Callable[[], Any]) -> Any:
    """What `make` answers or raises; TimeoutError when it takes longer than 8 seconds. No session of the SDK follows a redirect."""
    refuse_redirects()
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(make())
        except BaseException as error:  # handed on below
            failure.append(error)

    # a thread that nobody waits for: the SDK's retries cannot be stopped
    thread = threading.Thread(target=run, name="sign in", daemon=True)
    thread.start()
    thread.join(_LIMIT)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no answer within {_LIMIT:.0f} s")
    return outcome[0]


def _refused(reason: str) -> UsageError:
    return UsageError(f"cannot sign in with this principal: {reason}", hint=_HINT)


_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Connection(Struct, frozen=True):
    """What the command line, the environment and the manifests say about reaching the tenancy. None: the usual default."""

    profile: str | None = None  # of the config file; None: DEFAULT
    config_file: str | None = None  # None: searched as the SDK does
    auth: Auth = "api_key"
    region: str | None = None  # of --region or OCI_CLI_REGION; wins over the profile
    stack_region: str | None = None  # called when neither a flag nor the profile names one
    endpoint: str | None = None  # of a local emulator; the real service has none to give
    allowed_hosts: tuple[str, ...] = ()  # beside OCI's own, hosts that an ApiKey's `endpoint` may name
    base_url: str | None = None  # where the delivered keys will be used, when that is not the endpoint

    def check_endpoint(self) -> None:
        """Raises UsageError for an endpoint that signed requests must not go to: plain HTTP is for this machine only.

        A signed request is worth a secret to whoever reads it: it may contain one, and it can
        be replayed for five minutes.
        """
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
    """The SDK's configuration and signer. Raises UsageError that names the file, the profile and what is missing.

    Returns:
        The configuration has `tenancy`, `region` (to call) and `profile_region` (None
            without one).
    """
    import_sdk()
    try:
        config, signer = _READERS[connection.auth](connection)
    except UsageError:
        raise
    except Exception as error:  # whatever a principal's signer raises: KeyError, RuntimeError, a ServiceError, ...
        raise UsageError(
            f"cannot sign in with --auth {connection.auth}: {_first_line(error)}", hint=_hint(connection)
        ) from error
    config["profile_region"] = config.get("region")
    config["region"] = choose_region(connection, config.get("region"))
    return config, signer


def choose_region(connection: Connection, profile_region: str | None) -> str:
    """The region to call: that of the command line or environment, else the profile's, else the Stack's. Raises UsageError.

    Args:
        profile_region: as written in the profile or given by the principal.
    """
    profile = f"region in profile {connection.profile or 'DEFAULT'} of {connection.config_file or '~/.oci/config'}"
    for text, where in (
        (connection.region, "--region (or OCI_CLI_REGION)"),
        (profile_region, profile),
        (connection.stack_region, "region of the Stack"),
    ):
        if text and text.strip():
            return normalize_region(text, where)
    raise UsageError("no region to call", hint="give --region, set OCI_CLI_REGION or write region= into the profile")


def _read_profile(connection: Connection, *, needed: tuple[str, ...]) -> tuple[dict[str, Any], Settings]:
    """The SDK's configuration. Only what signing needs is taken over: an endpoint in a profile would be taken for an identity
    domain, and request logs would hold secrets. Raises UsageError that names what is missing or malformed, and where."""
    import oci

    settings = read_settings(connection.config_file, connection.profile)
    missing = [name for name in needed if not settings.values.get(name)]
    if missing:
        variables = [variable for variable, name in VARIABLES.items() if name in missing]
        raise UsageError(
            f"cannot sign in with --auth {connection.auth}: {settings.file} [{settings.profile}] lacks {', '.join(missing)}",
            hint=f"add it there, or set {' and '.join(variables)}",
        )
    for name in ("tenancy", "user", "fingerprint"):
        value = settings.values.get(name)
        if name in needed and value is not None and not oci.config.PATTERNS[name].match(value):
            raise UsageError(
                f"cannot sign in with --auth {connection.auth}: {settings.origin(name)}: {name} is malformed: {value[:100]!r}",
                hint="copy it from the console: Profile, API keys, View configuration file",
            )
    config: dict[str, Any] = {**oci.config.DEFAULT_CONFIG, **settings.values}
    # `log_requests` of the SDK would write bodies with values to the log.
    for name in ("endpoint", "log_requests"):
        config.pop(name, None)
    config.setdefault("region", os.environ.get("OCI_REGION"))
    return config, settings


def _api_key(connection: Connection) -> tuple[dict[str, Any], Any]:
    """A profile with an API signing key.

    A profile with a session token and no user signs with the token, as oci-cli does.
    """
    import oci

    settings = read_settings(connection.config_file, connection.profile)
    if settings.values.get("security_token_file") and not settings.values.get("user"):
        return _security_token(connection)
    config, settings = _read_profile(connection, needed=("user", "tenancy", "fingerprint"))

    def make(content: bytes, pass_phrase: bytes | None) -> Any:
        who = (config["tenancy"], config["user"], config["fingerprint"])
        return oci.signer.Signer(*who, None, pass_phrase, content)

    return config, load_key(settings, read_key(settings), make)


def _security_token(connection: Connection) -> tuple[dict[str, Any], Any]:
    """A session token of `oci session authenticate`."""
    import oci

    config, settings = _read_profile(connection, needed=("tenancy", "security_token_file"))
    token = read_named_file(settings, "security_token_file").strip()
    return config, oci.auth.signers.SecurityTokenSigner(token, load_key(settings, read_key(settings)))


def _instance_principal(connection: Connection) -> tuple[dict[str, Any], Any]:
    """The principal of a compute instance.

    Its metadata service is asked first, because the SDK retries for minutes without one.
    """
    del connection
    import oci

    check_metadata_service()
    return _of_signer(within_limit(oci.auth.signers.InstancePrincipalsSecurityTokenSigner))


def _instance_obo_user(connection: Connection) -> tuple[dict[str, Any], Any]:
    """The person for whom an instance acts, by the delegation token that oci-cli's setting of the same name uses, as in Cloud Shell."""
    import oci

    config, settings = _read_profile(connection, needed=("delegation_token_file",))
    token = read_named_file(settings, "delegation_token_file").strip()
    check_metadata_service()
    signers = oci.auth.signers
    signer = within_limit(lambda: signers.InstancePrincipalsDelegationTokenSigner(delegation_token=token))
    found, signer = _of_signer(signer)
    return {**found, "region": config.get("region") or found["region"]}, signer


def _resource_principal(connection: Connection) -> tuple[dict[str, Any], Any]:
    """The principal of a function, job or container, from the environment that OCI gives it."""
    del connection
    import oci

    return _of_signer(within_limit(oci.auth.signers.get_resource_principals_signer))


def _oke_workload_identity(connection: Connection) -> tuple[dict[str, Any], Any]:
    """The principal of a Kubernetes service account in an OKE cluster."""
    del connection
    import oci

    return _of_signer(within_limit(oci.auth.signers.get_oke_workload_identity_resource_principal_signer))


def _token_exchange(connection: Connection) -> tuple[dict[str, Any], Any]:
    del connection
    from genai_iac.oci_client.token_exchange import exchange_token

    signer, tenancy = exchange_token(os.environ)
    return {"region": os.environ.get("OCI_REGION"), "tenancy": tenancy}, signer


def _of_signer(signer: Any) -> tuple[dict[str, Any], Any]:
    return {"region": signer.region, "tenancy": signer.tenancy_id}, signer


_READERS: dict[Auth, Callable[[Connection], tuple[dict[str, Any], Any]]] = {
    "api_key": _api_key,
    "security_token": _security_token,
    "instance_principal": _instance_principal,
    "instance_obo_user": _instance_obo_user,
    "resource_principal": _resource_principal,
    "oke_workload_identity": _oke_workload_identity,
    "token_exchange": _token_exchange,
}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _hint(connection: Connection) -> str:
    if connection.auth in ("api_key", "security_token"):
        return "check --config-file and --profile, run `oci setup config`, or try it on this machine with --local"
    return "this principal exists only on OCI itself; elsewhere use --auth api_key with a profile"

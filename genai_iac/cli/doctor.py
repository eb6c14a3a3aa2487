"""The checks of `doctor`: who calls and why that one, the clock, the regions, what may be read, whether sinks can be written."""

from __future__ import annotations

import os
import platform
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from genai_iac import __version__
from genai_iac.cli.options import PREFIX, GlobalOptions
from genai_iac.cli.session import Session, load_manifest, make_session, open_provider
from genai_iac.core import Resource
from genai_iac.core.errors import IacError, ManifestError, ServiceFailure, SinkError
from genai_iac.render.common.phrases import count

if TYPE_CHECKING:
    from genai_iac.manifest import Manifest
    from genai_iac.oci_client import OciClient

Verdict = Literal["ok", "warning", "failed"]  # only `failed` makes the exit code 1
_REFUSED_SKEW = timedelta(minutes=5)  # OCI refuses signatures that are older or newer
_WORRYING_SKEW = timedelta(minutes=1)  # far below the limit, but a sign that the clock is not synchronised
# Operations of a plan, with their parameters; each is tried at the root compartment.
_READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ListCompartments", {"compartment_id_in_subtree": True}),
    ("ListPolicies", {}),
    ("ListApiKeys", {}),
    ("ListGroups", {}),
    ("ListDynamicGroups", {}),
)
# Only plans that compare policy statements with groups need these: missing rights are a
# warning.
_NEEDED_SOMETIMES = ("ListGroups", "ListDynamicGroups")


class DoctorCheck(Struct, frozen=True):
    """One thing that was looked at."""

    name: str  # such as `identity` or `may ListPolicies`
    verdict: Verdict
    text: str  # what was found, one line, without secrets


def run_checks(flags: GlobalOptions, path: str) -> Iterator[DoctorCheck]:
    """Every check that can be made; one that fails keeps the others from nothing but what they need. Writes nothing but what sinks try."""
    yield DoctorCheck("versions", "ok", _versions())
    yield from _config_file(flags)
    manifest = None
    try:
        manifest = load_manifest(flags, path)
        found = count(len(manifest.resources), "resource")
        yield DoctorCheck("manifests", "ok", f"stack {manifest.stack.owner} with {found}")
    except ManifestError as error:
        yield DoctorCheck(
            "manifests", "warning", f"{count(len(error.problems), 'problem')}; to see them: genai-iac validate"
        )
    except IacError as error:
        yield DoctorCheck("manifests", "warning", str(error))
    profile, region = (manifest.stack.profile, manifest.stack.region) if manifest else (None, None)
    try:
        with open_provider(flags, profile, region) as provider:
            yield DoctorCheck("identity", "ok", f"{_who(flags, profile)}; tenancy {provider.tenancy}")
            if (yield from _regions(provider, region, manifest)):
                yield from _rights(provider, region)
                if manifest is not None:
                    yield from _sinks(make_session(provider, flags, path, manifest))
    except IacError as error:
        yield DoctorCheck("identity", "failed", f"{_who(flags, profile)}: {error}")


def _versions() -> str:
    return f"genai-iac {__version__}, Python {platform.python_version()}, oci {version('oci')}"


def _config_file(flags: GlobalOptions) -> Iterator[DoctorCheck]:
    """Whether the OCI config file can be parsed, before anything that depends on it."""
    from genai_iac.oci_client.settings import config_path, ignored_variables, read_config

    if flags.local:
        return
    path = config_path(flags.config_file, os.environ)
    if path.exists():
        try:
            profiles = read_config(path)
            yield DoctorCheck("config file", "ok", f"{path}: {', '.join(profiles) or 'no profile'}")
        except IacError as error:
            yield DoctorCheck("config file", "failed", str(error))
    for name in ignored_variables(os.environ, local=flags.endpoint is not None):
        yield DoctorCheck("environment", "warning", f"{name} is set, but not read by genai-iac")


def _who(flags: GlobalOptions, profile: str | None) -> str:
    """Which identity, and what chose it."""
    if flags.local:
        return "the administrator of the local emulator (--local)"
    auth = flags.auth or "api_key"
    chosen = [f"auth {auth} ({_because('AUTH', flags.auth)})"]
    if auth in ("api_key", "security_token"):
        name = flags.profile or profile or "DEFAULT"
        source = "the environment's manifest" if profile and not flags.profile else _because("PROFILE", flags.profile)
        chosen.append(f"profile {name} ({source})")
        chosen.append(f"file {flags.config_file or '~/.oci/config'} ({_because('CONFIG_FILE', flags.config_file)})")
    if auth == "token_exchange":
        from genai_iac.oci_client.token_exchange import describe_source

        chosen.append(describe_source(os.environ))
    return ", ".join(chosen)


def _because(name: str, value: str | None) -> str:
    if value is None:
        return "default"
    # click does not keep which of two variables gave the value; the order is that of the
    # flag's `envvar`.
    for variable in (f"{PREFIX}{name}", f"OCI_CLI_{name}"):
        if os.environ.get(variable) == value:
            return variable
    return f"--{name.lower().replace('_', '-')}"


def _regions(provider: OciClient, region: str | None, manifest: Manifest | None) -> Generator[DoctorCheck, None, bool]:
    """Answers whether the home region is known, without which nothing can be read."""
    try:
        home = provider.home_region
    except ServiceFailure as failure:
        yield DoctorCheck("regions", "failed", str(failure))
        return False
    yield _clock(provider)
    yield DoctorCheck("regions", "ok", f"home region {home}; subscribed: {', '.join(provider.regions)}")
    wanted = {resource.region for resource in manifest.resources.values() if resource.region} if manifest else set()
    for name in sorted(({region} | wanted) - {None, *provider.regions}, key=str):
        yield DoctorCheck("regions", "failed", f"the tenancy is not subscribed to {name}, which the manifests name")
    return True


def _clock(provider: OciClient) -> DoctorCheck:
    skew = abs(provider.now() - datetime.now(UTC))
    if skew >= _REFUSED_SKEW:
        return DoctorCheck(
            "clock",
            "failed",
            f"this machine is {skew.total_seconds():.0f} s off the service's clock; OCI refuses 300 s",
        )
    if skew >= _WORRYING_SKEW:
        return DoctorCheck("clock", "warning", f"this machine is {skew.total_seconds():.0f} s off the service's clock")
    return DoctorCheck("clock", "ok", "within a minute of the service's")


def _rights(provider: OciClient, region: str | None) -> Iterator[DoctorCheck]:
    for operation, parameters in _READS:
        yield _right(provider, operation, parameters, region)


def _right(provider: OciClient, operation: str, parameters: dict[str, Any], region: str | None) -> DoctorCheck:
    name = f"may {operation}"
    try:
        rows = provider.read_all(operation, provider.tenancy, region, **parameters)
    except ServiceFailure as failure:
        verdict: Verdict = "warning" if operation in _NEEDED_SOMETIMES else "failed"
        return DoctorCheck(name, verdict, str(failure))
    return DoctorCheck(
        name, "ok", f"{len(rows)} seen at the root" if operation != "ListCompartments" else f"{len(rows)} seen"
    )


def _sinks(workspace: Session) -> Iterator[DoctorCheck]:
    try:
        live = workspace.read()
        deliveries = workspace.deliveries_for(live)
    except IacError as error:
        yield DoctorCheck("sinks", "failed", str(error))
        return
    for address, resource in workspace.manifest.resources.items():
        found = live.one(address)
        for sink in deliveries.sinks(resource, found.id if found else None) if _delivers(resource) else ():
            try:
                # Tries what a delivery would need and leaves no trace.
                sink.prove()
                yield DoctorCheck(f"sink of {address}", "ok", f"{sink.place} can be written")
            except SinkError as error:
                yield DoctorCheck(f"sink of {address}", "failed", str(error))


def _delivers(resource: Resource) -> bool:
    return bool(resource.settings.get("deliverTo"))

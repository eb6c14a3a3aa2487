"""The walk that plan, apply, destroy and others share: manifests, connection, reading, plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_iac.cli.flags import PREFIX, Flags
from genai_iac.errors import GuardError, UsageError

if TYPE_CHECKING:
    from genai_iac.delivery import Desk
    from genai_iac.manifest import Manifest
    from genai_iac.model import Live, Owner
    from genai_iac.plan import Inputs
    from genai_iac.provider import Provider

NOTES = ".genai-iac"
LOCAL_DB = Path(NOTES) / "local.db"
LOCAL_PORT = 4180


def load_manifest(flags: Flags, path: str) -> Manifest:
    """The manifests of a path with the variables of this run. Offline. Raises ManifestError."""
    from genai_iac.manifest import load

    return load(
        path,
        environment=flags.env,
        variables=_pairs(flags.var),
        variable_files=flags.var_file,
        environ=os.environ,
        stdin=sys.stdin.buffer if path == "-" else None,
    )


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--var {text!r} is not NAME=VALUE", hint="write --var env=prod")
        pairs[name] = value
    return pairs


@dataclass(frozen=True)
class Workspace:
    """Manifests and a connected tenancy."""

    flags: Flags
    path: str
    manifest: Manifest
    provider: Provider
    owner: Owner
    desk: Desk

    def read(self, *, parallelism: int = 10, full_scan: bool = False) -> Live:
        """One reading of the tenancy. Raises GuardError when the Stack is pinned to another one."""
        from genai_iac.live import read_live

        pinned = self.manifest.stack.tenancy
        if pinned and pinned != self.provider.tenancy:
            raise GuardError(
                f"refused: {self.manifest.stack.source}: the stack is pinned to tenancy {pinned}, "
                f"this profile is of {self.provider.tenancy}",
                hint="choose the profile of the pinned tenancy with --profile, or the environment with --env",
            )
        return read_live(
            self.provider,
            self.owner,
            self.manifest.resources,
            region=self.manifest.stack.region,
            parallelism=parallelism,
            full_scan=full_scan,
        )

    def inputs(
        self, live: Live, *, moved: frozenset[Any] = frozenset(), wishes: Mapping[Any, Any] | None = None
    ) -> Inputs:
        """What a plan is made of."""
        from genai_iac.delivery import read_held
        from genai_iac.plan import Inputs
        from genai_iac.resolve import TenancyDirectory

        names = _Names(self.provider)
        return Inputs(
            stack=self.manifest.stack,
            resources=self.manifest.resources,
            live=live,
            owner=self.owner,
            directory=TenancyDirectory(live.tree, names.group, names.dynamic_group),
            held=read_held(self.desk, self.manifest.resources, live),
            wishes=wishes or {},
            moved=moved,
        )


class _Names:
    """Groups by name, asked for once and only when a comparison needs them."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._lists: dict[str, Mapping[str, str]] = {}

    def group(self, name: str, domain: str | None) -> str | None:
        return self._find("ListGroups", name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return self._find("ListDynamicGroups", name, domain)

    def _find(self, operation: str, name: str, domain: str | None) -> str | None:
        # the Identity API answers for the Default domain only
        if domain is not None and domain.casefold() != "default":
            return None
        if operation not in self._lists:
            rows = self._provider.read_all(operation, self._provider.tenancy)
            self._lists[operation] = {str(row["name"]).casefold(): str(row["id"]) for row in rows}
        return self._lists[operation].get(name.casefold())


@contextmanager
def open_workspace(flags: Flags, path: str) -> Iterator[Workspace]:
    """Manifests first (nothing is called when they are wrong), then the connection; the local tenancy runs as long as this is open."""
    from genai_iac.delivery import Desk
    from genai_iac.model import Owner

    manifest = load_manifest(flags, path)
    with open_provider(flags, manifest.stack.profile, manifest.stack.region) as provider:
        owner = Owner(provider.tenancy, manifest.stack.owner)
        desk = Desk(Path(manifest.stack.root), Path(NOTES), owner.name)
        yield Workspace(flags, path, manifest, provider, owner, desk)


@contextmanager
def open_provider(flags: Flags, profile: str | None = None, region: str | None = None) -> Iterator[Provider]:
    """The connection that the flags, the environment and the manifests ask for."""
    from genai_iac.provider import Connection, connect

    with ExitStack() as stack:
        endpoint, config_file, base_url = flags.endpoint, flags.config_file, None
        if flags.local and not endpoint:
            local = stack.enter_context(_run_local())
            endpoint, config_file, profile = local.url, str(local.config_file), None
            base_url = f"http://127.0.0.1:{os.environ.get(f'{PREFIX}LOCAL_PORT', LOCAL_PORT)}"
        connection = Connection(
            profile=(None if flags.local else flags.profile) or profile,
            config_file=config_file,
            auth=flags.auth or "api_key",  # type: ignore[arg-type]
            region=flags.region or (region if flags.local or flags.endpoint else None),
            endpoint=endpoint,
            base_url=base_url,
        )
        provider = connect(connection)
        stack.callback(provider.close)
        yield provider


def _run_local() -> Any:
    from genai_iac.emulator import running

    Path(NOTES).mkdir(mode=0o700, exist_ok=True)
    return running(LOCAL_DB)

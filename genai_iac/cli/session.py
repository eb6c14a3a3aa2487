"""The steps that plan, apply, destroy and others share: manifests, connection, reading, plan."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.cli.audit import WriteLog
from genai_iac.cli.local_emulator import LOCAL_PORT, NOTES, run_local
from genai_iac.cli.options import PREFIX, GlobalOptions
from genai_iac.core.errors import GuardError, UsageError

if TYPE_CHECKING:
    from genai_iac.core import Address, Live, Owner, Plan, Resource
    from genai_iac.delivery import DeliveryService
    from genai_iac.import_export.snapshot import Snapshot
    from genai_iac.manifest import Manifest
    from genai_iac.oci_client import OciClient, RequestListener, SentRequest
    from genai_iac.planning import PlanInputs
    from genai_iac.references.resolver import TenancyDirectory
    from genai_iac.resource_types import RotationRequest


def load_manifest(flags: GlobalOptions, path: str, stdin: BinaryIO | None = None) -> Manifest:
    """The manifests of a path with the variables of this run; `-` is standard input, or `stdin`. Offline. Raises ManifestError."""
    from genai_iac.cli.console import note_passed_over
    from genai_iac.manifest import load

    manifest = load(
        path,
        environment=flags.env,
        variables=read_pairs(flags.var),
        variable_files=flags.var_file,
        environ=os.environ,
        stdin=(stdin or sys.stdin.buffer) if path == "-" else None,
    )
    note_passed_over(flags, manifest)
    return manifest


def read_pairs(given: tuple[str, ...]) -> dict[str, str]:
    """The values of `--var NAME=VALUE`. Raises UsageError for what is none."""
    pairs: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"--var {text!r} is not NAME=VALUE", hint="write --var env=prod")
        pairs[name] = value
    return pairs


class Session(Struct, frozen=True, dict=True):
    """Manifests and a tenancy: a connected one, or one as a snapshot has it, which can be planned on and nothing else."""

    flags: GlobalOptions  # of the run
    path: str  # PATH as it was typed
    manifest: Manifest  # loaded and valid
    backend: OciClient | Snapshot  # the tenancy: a connection, or a snapshot file
    owner: Owner  # whose ownership tags count as ours
    deliveries: DeliveryService  # delivers secrets to sinks; `deliveries_for` gives it a reading
    writes: WriteLog = field(default_factory=WriteLog)

    @property
    def provider(self) -> OciClient:
        """The connection. Raises UsageError when there is none."""
        if self.snapshot is not None:
            raise UsageError("a snapshot can be planned on and nothing else", hint="leave --snapshot away")
        return cast("OciClient", self.backend)

    @property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that the workspace stands on, if it does."""
        from genai_iac.import_export.snapshot import Snapshot

        return self.backend if isinstance(self.backend, Snapshot) else None

    @property
    def is_emulated(self) -> bool:
        """Whether the tenancy is the emulator's: nothing that is lost there matters."""
        return self.flags.local or self.flags.endpoint is not None

    def read(self, *, parallelism: int = 10, full_scan: bool = False, also: Iterable[Resource] = ()) -> Live:
        """One reading of the tenancy, `also` where those resources live. Raises GuardError when the Stack is pinned to another one."""
        from genai_iac.references.names import follow_renames

        self._check_pin()
        if self.snapshot is not None:
            return follow_renames(self.snapshot.live(self.owner), self.manifest.resources)
        from genai_iac.oci_client.read_tenancy import read_live

        found = read_live(
            self.provider,
            self.owner,
            self.manifest.resources,
            region=self.manifest.stack.region,
            parallelism=parallelism,
            full_scan=full_scan,
            also=also,
        )
        return follow_renames(found, self.manifest.resources)

    def inputs(
        self,
        live: Live,
        *,
        moved: frozenset[Address] = frozenset(),
        requests: Mapping[Address, RotationRequest] | None = None,
        look_into_sinks: bool = True,
    ) -> PlanInputs:
        """What a plan is made of. Sinks that are not read count as holding everything."""
        from genai_iac.delivery import assume_delivered, read_sink_states
        from genai_iac.planning import PlanInputs
        from genai_iac.planning.preflight import ServiceLimits

        if self.snapshot is None:
            self._check_endpoints()
        # A snapshot has no sinks to read: everything counts as delivered, or each plan on
        # it would renew secrets.
        hold = read_sink_states if look_into_sinks and self.snapshot is None else assume_delivered
        return PlanInputs(
            stack=self.manifest.stack,
            resources=self.manifest.resources,
            live=live,
            owner=self.owner,
            directory=self.directory(live),
            held=hold(self.deliveries_for(live), self.manifest.resources, live),
            requests=requests or {},
            moved=moved,
            base_url=self.provider.base_url if self.snapshot is None else None,
            limits=ServiceLimits.of_environment(os.environ, local=self.flags.local or self.flags.endpoint is not None),
            created_at=self.names.created_at,
        )

    @cached_property
    def names(self) -> GroupNames | Snapshot:
        """Who knows the groups; asked once a run."""
        return self.snapshot or GroupNames(self.provider)

    def directory(self, live: Live) -> TenancyDirectory:
        """Names to OCIDs, by that reading and the groups of the tenancy."""
        from genai_iac.references.resolver import TenancyDirectory

        return TenancyDirectory(live.tree, self.names.group, self.names.dynamic_group)

    def deliveries_for(self, live: Live) -> DeliveryService:
        """The delivery service whose sinks find their compartments in that reading."""
        from genai_iac.references.resolver import Resolver

        return self.deliveries.knowing(Resolver.of(self.manifest.resources, live))

    def predict_sink_calls(self, plan: Plan, live: Live) -> Plan:
        """The plan with the writes that its deliveries will ask of OCI; on a snapshot they are not known."""
        from genai_iac.delivery import predict_sink_calls

        if self.snapshot is not None:
            return plan
        return predict_sink_calls(
            plan, self.deliveries_for(live), self.manifest.resources, live, self.provider.base_url
        )

    def unread_scope(self) -> list[str]:
        """Sentences on what the plan cannot know; none for a connected tenancy."""
        if self.snapshot is None:
            return []
        from genai_iac.import_export.snapshot import unread_scope

        unseen = unread_scope(self.snapshot, self.manifest.resources.values(), self.manifest.stack.region)
        return [f"the snapshot did not look into {scope}: what is there already is not known" for scope in unseen]

    def _check_endpoints(self) -> None:
        """Raises GuardError for the endpoint of a key that is neither OCI's nor allowed."""
        for resource in self.manifest.resources.values():
            if endpoint := resource.settings.get("endpoint"):
                self.provider.base_url(resource.region or self.manifest.stack.region, endpoint)

    def _check_pin(self) -> None:
        pinned = self.manifest.stack.tenancy
        if pinned and pinned != self.backend.tenancy:
            holder = "the snapshot" if self.snapshot else "this profile"
            raise GuardError(
                f"refused: {self.manifest.stack.pin}: the stack is pinned to tenancy {pinned}, "
                f"{holder} is of {self.backend.tenancy}",
                hint="choose the profile of the pinned tenancy with --profile, or the environment with --env",
            )


class GroupNames:
    """Groups by name, asked for once and only when a comparison needs them."""

    def __init__(self, provider: OciClient) -> None:
        self._provider = provider
        self._lists: dict[str, Mapping[str, str]] = {}
        self._created_at: dict[str, datetime] = {}

    @property
    def groups(self) -> Mapping[str, str]:
        """All of the Default domain, names in lower case to OCIDs. Raises ServiceFailure."""
        return self._list("ListGroups")

    @property
    def dynamic_groups(self) -> Mapping[str, str]:
        """The same of dynamic groups."""
        return self._list("ListDynamicGroups")

    def group(self, name: str, domain: str | None) -> str | None:
        return self._find("ListGroups", name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return self._find("ListDynamicGroups", name, domain)

    def created_at(self, id: str) -> datetime | None:
        """When the group of that OCID was made, if it has been listed."""
        return self._created_at.get(id)

    def _find(self, operation: str, name: str, domain: str | None) -> str | None:
        # the Identity API answers for the Default domain only
        if domain is not None and domain.casefold() != "default":
            return None
        return self._list(operation).get(name.casefold())

    def _list(self, operation: str) -> Mapping[str, str]:
        if operation not in self._lists:
            rows = self._provider.read_all(operation, self._provider.tenancy)
            self._created_at |= {str(row["id"]): datetime.fromisoformat(row["timeCreated"]) for row in rows}
            self._lists[operation] = {str(row["name"]).casefold(): str(row["id"]) for row in rows}
        return self._lists[operation]


@contextmanager
def open_session(flags: GlobalOptions, path: str, writes: WriteLog | None = None) -> Iterator[Session]:
    """Manifests first (nothing is called when they are wrong), then the connection; the local emulator runs as long as this is open.

    `writes` is called with every write request.
    """
    from genai_iac.cli.console import note_environments

    manifest, log = load_manifest(flags, path), writes or WriteLog()
    note_environments(flags, path)
    stack = manifest.stack
    with open_provider(flags, stack.profile, stack.region, log) as provider:
        log.whose = {"stack": stack.name, "environment": stack.environment, "tenancy": provider.tenancy}
        yield replace(make_session(provider, flags, path, manifest), writes=log)


def open_snapshot(flags: GlobalOptions, path: str, file: Path) -> Session:
    """The same on a snapshot: no credentials, no network. Raises UsageError for a file that is none."""
    from genai_iac.filesystem import InputFileError, read_input_file
    from genai_iac.import_export.snapshot import read_snapshot

    if str(file) == "-":
        raise UsageError(
            "--snapshot takes a file, not standard input", hint="save it first: genai-iac snapshot --out FILE"
        )
    try:
        snapshot = read_snapshot(read_input_file(file), f"--snapshot {file}")
    except InputFileError as error:
        raise UsageError(
            f"--snapshot {file}: {error}", hint=f"make one: genai-iac snapshot --out {shlex.quote(str(file))}"
        ) from error
    return make_session(snapshot, flags, path, load_manifest(flags, path))


def make_session(backend: OciClient | Snapshot, flags: GlobalOptions, path: str, manifest: Manifest) -> Session:
    """The workspace of manifests that were loaded and a tenancy that was found; nothing is called. A snapshot has no vaults."""
    from genai_iac.core import Owner
    from genai_iac.delivery import DeliveryService
    from genai_iac.import_export.snapshot import Snapshot

    owner, vault, now = Owner(backend.tenancy, manifest.stack.owner, manifest.stack.id), None, None
    if not isinstance(backend, Snapshot):
        from genai_iac.oci_client import TenancyVault

        vault, now = TenancyVault(backend), backend.now
    hosts = frozenset(flags.allow_sink_host)
    deliveries = DeliveryService(Path(manifest.stack.root), Path(NOTES), owner.text, vault, now=now, sink_hosts=hosts)
    return Session(flags, path, manifest, backend, owner, deliveries)


@contextmanager
def open_provider(
    flags: GlobalOptions, profile: str | None = None, region: str | None = None, writes: WriteLog | None = None
) -> Iterator[OciClient]:
    """The connection that the flags, the environment and the manifests ask for; `writes` is called with every write request."""
    from genai_iac.cli.console import log_connection, log_requests, note_settings, note_waits
    from genai_iac.cli.signals import SignalHandler
    from genai_iac.oci_client import Connection, connect

    with ExitStack() as stack:
        endpoint, config_file, base_url = flags.endpoint, flags.config_file, None
        if flags.local:
            local = stack.enter_context(run_local())
            # The profile is dropped too: the emulator's config file has one profile, and the
            # manifests may name another.
            endpoint, config_file, profile = local.url, str(local.config_file), None
            base_url = f"http://127.0.0.1:{os.environ.get(f'{PREFIX}LOCAL_PORT', LOCAL_PORT)}"
        connection = Connection(
            profile=(None if flags.local else flags.profile) or profile,
            config_file=config_file,
            auth=flags.auth or "api_key",  # type: ignore[arg-type]
            region=flags.region,
            stack_region=region,
            endpoint=endpoint,
            allowed_hosts=flags.allow_endpoint_host,
            base_url=base_url,
        )
        if not flags.quiet and not flags.local:
            note_settings(flags, connection)
        provider = connect(connection, SignalHandler.of_run().stop, _notify_both(writes, log_requests(flags)))
        provider.waiting = note_waits(flags)
        log_connection(flags, provider)
        stack.callback(provider.close)
        yield provider


def _notify_both(writes: WriteLog | None, log: RequestListener | None) -> RequestListener | None:
    """What is called for each request; the log of writes first, because printing may fail."""
    if writes is None or log is None:
        return writes or log

    def notify(request: SentRequest) -> None:
        writes(request)
        log(request)

    return notify

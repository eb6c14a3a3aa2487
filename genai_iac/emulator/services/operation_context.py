"""Per-request context passed to operations: request, time, caller, and access to stored resources.

What was deleted is shown as DELETED for ninety days, and then not at all. Source: Oracle's page on deleting compartments; that API keys
go after the same time is an assumption.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.emulator.auth.authorizer import Authorizer, Caller
from genai_iac.emulator.auth.variables import EmulatorDirectory
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import not_found, stale_etag
from genai_iac.emulator.http.router import Operation
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import ResourceQuery, Resources, StoredResource
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, TenancyState, schedule
from genai_iac.emulator.storage.time_format import DAY

# Operations that need no policy when the caller asks about itself.
_OF_ONESELF = frozenset({"GetUser"})


class OperationContext(Struct, frozen=True, dict=True):
    """One call of one operation inside one open transaction."""

    request: Incoming  # the HTTP request
    operation: Operation  # which was matched
    parameters: Mapping[str, str]  # of the path, decoded
    region: str  # whose endpoint received the request
    world: TenancyState  # settings and clock, read once for the call
    connection: sqlite3.Connection  # in an open transaction, which the caller commits
    caller: Caller  # who signed
    authorizer: Authorizer  # decides by policies
    master_key: Callable[[], str]  # passphrase for stored contents, asked for when first needed
    unfilled: set[str] = field(default_factory=set)  # variables that a condition asked for and nobody fills

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object the request carries."""
        return self.request.json()

    @cached_property
    def resources(self) -> Resources:
        """The resources as this transaction sees them."""
        return Resources(self.connection)

    @cached_property
    def directory(self) -> EmulatorDirectory:
        """Names and paths as a policy written now would see them."""
        return EmulatorDirectory(
            self.connection,
            self.world.tenancy,
            hidden_after=self.hidden_after,
            accept_unknown=self.world.settings.unknownNames == "accept",
        )

    @property
    def now(self) -> int:
        """The tenancy's time in milliseconds."""
        return self.world.now

    @property
    def hidden_after(self) -> int:
        """What was created later than this, reads do not see."""
        return self.world.now - self.world.settings.consistencyDelay

    def ocid(self, parameter: str) -> str:
        """An OCID in the path."""
        return self.parameters[parameter]

    def enter(
        self,
        compartment: str,
        *,
        permissions: tuple[str, ...] | None = None,
        target: StoredResource | None = None,
    ) -> str:
        """Check that the caller may do this in that compartment (or the tenancy), and that it is there; else 404.

        `permissions` are those needed there, when the operation needs others elsewhere."""
        if not self.may_enter(compartment, permissions=permissions, target=target):
            raise not_found()
        return compartment

    def may_enter(
        self,
        compartment: str,
        *,
        permissions: tuple[str, ...] | None = None,
        target: StoredResource | None = None,
    ) -> bool:
        """Whether `enter` would let the caller in."""
        path = self.directory.path_of(compartment)
        needed = self.operation.needs() if permissions is None else permissions
        return bool(path) and self.authorizer.admits(self, path, needed, target)

    def load(
        self, kind: str, ocid: str, *, region: str = "", permissions: tuple[str, ...] | None = None
    ) -> StoredResource:
        """A resource the caller may do this with; else 404."""
        found = self.resources.find(kind, ocid, self.hidden_after)
        if found is None or found.region != region:
            raise not_found()
        if kind == "user" and ocid == self.caller.id and self.operation.name in _OF_ONESELF:
            return found  # a user may read itself without a policy
        self.enter(found.compartment or self.world.tenancy, permissions=permissions, target=found)
        return found

    def check_etag(self, resource: StoredResource) -> None:
        """412 when the request is for another version than this."""
        wanted = self.request.headers.get("if-match")
        if wanted is not None and wanted != "*" and wanted.strip('"') != resource.etag:
            raise stale_etag()

    def make(
        self, kind: str, compartment: str, name: str, body: dict[str, Any], *, state: str = "ACTIVE"
    ) -> StoredResource:
        """A new Identity resource, stored."""
        return self.make_regional("", kind, compartment, name, body, state=state)

    def make_regional(
        self, region: str, kind: str, compartment: str, name: str, body: dict[str, Any], *, state: str = "ACTIVE"
    ) -> StoredResource:
        """A new resource of one region, stored."""
        ocid = make_ocid(kind, region)
        return self.resources.add(
            StoredResource(ocid, kind, region, compartment, name, state, self.now, None, "", body)
        )

    def listing(self, kind: str, compartment: str | None, **filters: Any) -> ResourceQuery:
        """A listing of what this call may see of a kind."""
        places = None if compartment is None else (compartment,)
        return replace(ResourceQuery(kind, places, hidden_after=self.hidden_after), **filters)


KEPT = 90 * DAY  # milliseconds
JOB = "forget-deleted"  # name of the scheduled job


def forget_later(job: OperationContext | ScheduledJob, kind: str, ocid: str) -> None:
    """Forget what was deleted in this call, or by this job, when its ninety days are over."""
    schedule(job.connection, job.world.now + KEPT, JOB, ocid, kind=kind)


def _forget(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find(due.detail["kind"], due.target)
    deleted = found is not None and found.state == "DELETED"  # a compartment may have been recovered, and deleted again
    if found is None or not deleted or due.world.now < (found.updated or found.created) + KEPT:
        return
    resources.remove(due.target)
    due.connection.execute("DELETE FROM key_secrets WHERE api_key = ?", (due.target,))
    due.connection.execute("DELETE FROM credentials WHERE api_key = ?", (due.target,))


WORKS = {JOB: _forget}

"""Plans, changes, calls and outcomes. A change has the exact calls and the reason; an outcome says what became of it.

A plan is made once and is shown, saved, approved and applied in the same form. `execute` makes its calls and no others, so what was
reviewed is what happens. `SdkOperation` is one operation of the OCI API as data: which SDK client and method it is, and what it takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Literal

from msgspec import Struct, field

from genai_iac.core.address import Address
from genai_iac.core.delivery import DeliveryPlan, Destination
from genai_iac.core.values import Value

# Renew, activate, deactivate and revoke act on one secret of a key; forget only removes
# the ownership tag.
Action = Literal["create", "update", "renew", "activate", "deactivate", "revoke", "delete", "forget", "deliver"]
# The order of the JSON summary and of the counts in the last line.
ACTIONS: tuple[Action, ...] = (
    "create",
    "update",
    "renew",
    "activate",
    "deactivate",
    "revoke",
    "delete",
    "forget",
    "deliver",
)


class Call(Struct, frozen=True):
    """One write to the tenancy: the OCI operation, what it acts on, and a body that may hold values not known yet.

    `operation` is the name in OCI's API reference, as `--json` and audit logs show it.
    """

    operation: str  # such as CreateApiKey; `oci_client/operations.py` maps it to an SDK method
    body: Mapping[str, Value] = field(default_factory=dict)
    id: str | None = None  # OCID it acts on; None: the resource that this change makes
    region: str | None = None  # None: the home region
    secret: str | None = None  # the named secret that is renewed or changes its state
    about: Address | None = None  # set: it acts on that other resource, whose own change follows

    @property
    def takes_away(self) -> bool:
        """Whether after it a value no longer works and none has come in its place."""
        ends = self.operation == "SetApiKeyState" and self.body.get("state") in ("INACTIVE", "REVOKED")
        return ends or self.operation == "DeleteApiKey"

    @property
    def new_secrets(self) -> tuple[str, ...]:
        """The named secrets of which it makes a new value."""
        # Both operations answer with the value, once: whoever makes such a call has to deliver
        # it.
        if self.operation == "CreateApiKey":
            details = self.body.get("keyDetails", [])
            assert isinstance(details, list)
            return tuple(detail["keyName"] for detail in details)
        return (self.secret,) if self.operation == "RenewApiKey" and self.secret else ()


class Invalidation(Struct, frozen=True):
    """A secret that a change makes unusable, and when it was last used (None: never, as far as OCI knows)."""

    secret: str  # the secret's name within its key
    last_used: datetime | None
    how: Action  # the action that makes it unusable
    asked: bool = False  # a person named this secret on the command line, so the guard does not refuse it
    carriers: tuple[str, ...] = ()  # the sinks that still have it
    looked: bool = False  # whether `carriers` was read from the sinks; else it lists those that may have it
    idle: timedelta = timedelta(hours=24)  # unused for this long, it is no longer in use
    key: Address | None = None  # set: the value stays valid, but this key may not call `apis` any more
    apis: tuple[str, ...] = ()
    passing: bool = False  # only until the change has ended
    where: str = ""  # in words, the cases in which alone it is lost; empty: in all of them
    holder: str = ""  # in words, the key of another stack, or of none; the name in `key` is then its OCID
    project: bool = False  # policies still admit the key: what goes is the project that its callers name

    @property
    def calls(self) -> str:
        """`apis` in few words: `chat and responses with any model, chat with xai.grok-4`."""
        by_model: dict[str, list[str]] = {}
        for text in self.apis:
            api, _, model = text.partition(" with ")
            by_model.setdefault(model, []).append(api)
        by_apis: dict[tuple[str, ...], list[str]] = {}
        for model, apis in by_model.items():
            by_apis.setdefault(tuple(apis), []).append(model)
        parts = ((_join(apis), _join(tuple(models))) for apis, models in by_apis.items())
        return ", ".join(f"{apis} with {models}" if models else apis for apis, models in parts)

    def is_in_use(self, now: datetime | None) -> bool:
        """Whether somebody used it within `idle`; without a clock, whether anybody ever did.

        Args:
            now: the tenancy's time; None in a rendering that has no clock.
        """
        return self.last_used is not None and (now is None or now - self.last_used < self.idle)


def _join(words: tuple[str, ...]) -> str:
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


class Change(Struct, frozen=True):
    """One step for one resource.

    | actions                    | before        | after                           |
    |----------------------------|---------------|---------------------------------|
    | create                     | None          | what will be                    |
    | update, renew, activate, … | what is       | what will be                    |
    | delete, forget             | what is       | None                            |
    | deliver                    | what is       | the same: only sinks are written |
    | none: no call can          | what is       | what should be                  |

    `before` and `after` use the API's field names, without the ownership tag. A value not
    known yet is a `Reference` or another object of `core/values.py`; renderers print it as
    (known after apply).
    """

    address: Address
    actions: tuple[Action, ...]
    reason: str  # for people; no code depends on it
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Value] | None = None
    calls: tuple[Call, ...] = ()  # writes, in the order in which they are made
    id: str | None = None  # OCID; None when it is to be created
    needs: tuple[Address, ...] = ()  # changes that must have completed first
    losses: tuple[Invalidation, ...] = ()
    deliver: tuple[str, ...] = ()  # names of the secrets whose values go to the sinks
    handover: DeliveryPlan | None = None
    sink_calls: tuple[str, ...] = ()  # OCI operations by which its sinks are written
    previous: Address | None = None  # its address before this change, when previousNames gives it another one
    record_calls: tuple[
        str, ...
    ] = ()  # OCI operations by which its sinks' records get the new address, before all others
    sinks: tuple[Destination, ...] = ()  # those that it writes or empties
    settings: Mapping[str, Any] = field(
        default_factory=dict
    )  # what the manifest says that is never sent: rotation, deletion

    @property
    def operations(self) -> tuple[str, ...]:
        """Every write to OCI, by name and in the order in which apply makes them.

        Records get a new address first, then come calls that give, sink writes, and calls that
        take away. The executor keeps this order (`execute/change_executor.py`).
        """
        first = next(filter(self.delivers_before, range(len(self.calls))), len(self.calls))
        names = [call.operation for call in self.calls]
        return (*self.record_calls, *names[:first], *self.sink_calls, *names[first:])

    def delivers_before(self, index: int) -> bool:
        """Whether the values that it has by then go to the sinks before its call of that index; what is left goes after the last.

        Before any value stops working, and straight after a create: until then its values are in one process's memory
        alone. The plan's list of calls and the execution both ask here, so that they cannot differ.
        """
        if self.ends:
            return False
        created = (
            index > 0 and self.calls[index - 1].operation.startswith("Create") and self.calls[index - 1].new_secrets
        )
        return bool(created) or (index < len(self.calls) and self.calls[index].takes_away)

    @property
    def new_secrets(self) -> tuple[str, ...]:
        """The named secrets of which it makes a new value."""
        return tuple(name for call in self.calls for name in call.new_secrets)

    @property
    def ends(self) -> bool:
        """Whether the resource will be no more, and nothing in its place."""
        return self.after is None and "delete" in self.actions

    @property
    def empties(self) -> bool:
        """Whether its sinks are to hold nothing more: the key goes, or every secret of it is revoked.

        Only with an OCID: the sinks of a key that does not exist yet hold nothing.
        """
        return self.ends or (self.handover is not None and not self.handover.roles and self.id is not None)

    @property
    def invalidates(self) -> bool:
        """Whether a secret value stops working: the `!` of the plan."""
        return bool(self.losses)


class Notice(Struct, frozen=True):
    """Something a reader of the plan should know that changes nothing by itself."""

    text: str
    address: Address | None = None  # the resource that it is about; None for the whole plan


class Summary(Struct, frozen=True):
    """How many actions of each sort a plan has; a replaced resource counts once as create and once as delete.

    A missing action counts as 0.
    """

    counts: Mapping[Action, int]  # actions that do not occur are absent

    def __getitem__(self, action: Action) -> int:
        return self.counts.get(action, 0)


class Plan(Struct, frozen=True):
    """All that would change, in an order that works. Empty (falsy) when live is as desired.

    `changes` are in an order in which they can be applied one after the other; `needs` says
    what may run at once.
    """

    stack: str  # Stack.metadata.name
    environment: str | None
    tenancy: str  # OCID
    region: str  # the stack's region, where API keys are created unless they name another
    changes: tuple[Change, ...]
    unchanged: int  # declared resources without a change
    owned: int  # live resources that carry this stack's ownership tag
    notices: tuple[Notice, ...] = ()
    stack_id: str | None = None  # Stack.spec.id

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def existence(self) -> dict[Address, bool]:
        """Whether each resource that the plan changes exists afterwards; one that is only forgotten stays as it is, so it is not named.

        A forgotten policy stays in force: taking it for a deleted one refused plans that take access from nobody
        (tests/stateful/cases/retained-key-in-a-moved-compartment.txt).
        """
        return {change.address: change.after is not None for change in self.changes if "forget" not in change.actions}

    @property
    def summary(self) -> Summary:
        """The counts of the last line."""
        return Summary(Counter(action for change in self.changes for action in change.actions))


class Status(Enum):
    """What became of a change.

    The values are those of `apply --json`.
    """

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  # not begun: something it needs failed, or the run was interrupted


class Outcome(Struct, frozen=True):
    """What became of one change. Truthy when it completed."""

    change: Change
    status: Status
    id: str | None = None  # OCID, once it is known
    note: str = ""  # what happened besides, or why it failed
    seconds: float = 0.0  # from its first request to its end

    def __bool__(self) -> bool:
        return self.status is Status.DONE


Service = Literal["identity", "generative_ai", "vault", "secrets", "kms", "kms_management"]


class SdkOperation(Struct, frozen=True):
    """One API operation. `home` ones must go to the tenancy's home region; `token` ones take an opc-retry-token.

    Resource types declare their operations with it; `oci_client` makes the call. So no
    resource type imports the SDK.
    """

    service: Service  # key of `CLIENTS` in `oci_client/operations.py`
    method: str  # of the SDK client class, such as create_api_key
    takes: tuple[Literal["id", "version", "body"], ...] = ()  # positional arguments, in this order
    home: bool = False
    token: bool = False
    etag: bool = False  # sends if-match when an etag is known

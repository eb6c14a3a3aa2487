"""A model of a key and its sinks: the parts of a rotation's step take effect one by one, and a run may end after any of them.

What a step's calls and its handover mean is told here a second time, in the plainest way, so that the decisions can be
held to what callers see without a tenancy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from genai_iac.core import Address, Lifetime, LiveResource, LiveSecret, Resource, Role, SinkState, Source
from genai_iac.resource_types import DiffContext, Rotation, RotationRequest, Step
from genai_iac.rotation.next_step import rotate

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NAMES = ("one", "two")
ROTATION = Rotation(timedelta(days=60), timedelta(days=7), timedelta(hours=24), revokes=False, verifies=True)
LIFE = Lifetime("90d", timedelta(days=90))
ALL: frozenset[Role] = frozenset({"current", "standby", "pending", "inactive"})
GONE = ("EXPIRED", "REVOKED")


@dataclass
class SecretModel:
    """One secret; `generation` tells its values apart, `proved` is our own last use of it."""

    state: str
    created: datetime
    expires: datetime
    last_used: datetime | None
    generation: int = 0
    proved: datetime | None = None

    def in_use(self, now: datetime) -> bool:
        """Whether a caller has used it within the last day: one that is not we."""
        return self.last_used is not None and self.last_used != self.proved and now - self.last_used < ROTATION.idle


@dataclass
class SinkModel:
    """A file (it can be read, and keeps every part) or a program's place (blind, current only)."""

    readable: bool
    records: dict[str, tuple[Role, int]]  # by secret: the part, and the generation of the value
    announced: set[str] = field(default_factory=set)
    forgetful: bool = (
        False  # a program's place whose machine is gone: what was delivered is there, but nothing is known of it
    )

    @property
    def keeps(self) -> frozenset[Role]:
        return ALL if self.readable else frozenset({"current"})

    def current(self) -> tuple[str, int] | None:
        """The value that callers read here."""
        found = [(name, generation) for name, (role, generation) in self.records.items() if role == "current"]
        return found[0] if found else None


@dataclass
class KeyModel:
    """The whole: two secrets, their sinks, the clock."""

    secrets: dict[str, SecretModel]
    sinks: list[SinkModel]
    rotation: Rotation = ROTATION
    now: datetime = NOW
    tags: dict[str, str] = field(default_factory=dict)

    def copy(self) -> KeyModel:
        return deepcopy(self)

    def live(self) -> LiveResource:
        """As a list call shows it."""
        secrets = tuple(
            LiveSecret(name, one.state, f"{name}-{one.generation}", one.created, one.expires, one.last_used)  # type: ignore[arg-type]
            for name, one in self.secrets.items()
        )
        return LiveResource(
            "ApiKey", "ocid1.key", {}, "ocid1.c", "chat", "us-chicago-1", "ACTIVE", self.tags, None, None, secrets
        )

    def held(self) -> tuple[SinkState, ...]:
        """As a plan looks at the sinks."""
        return tuple(map(self._held, self.sinks))

    def step(self, request: RotationRequest | None = None) -> Step:
        """What the rotation would do next. Raises PlanError."""
        return rotate(RESOURCE, self.live(), self.rotation, self.facts(request))

    def facts(self, request: RotationRequest | None = None) -> DiffContext:
        def idle(secret: LiveSecret) -> bool:
            return secret.last_used is None or self.now - secret.last_used >= self.rotation.idle

        return DiffContext(self.now, lambda a, b: a == b, lambda a, b, c: True, self.held(), request, idle)

    def die_together(self) -> bool:
        """Whether both work, and one expires so soon after the other that there is no time for a rotation."""
        first, second = self.secrets.values()
        near = abs(first.expires - second.expires) < self.rotation.overlap
        return near and first.state == second.state == "ACTIVE"

    def serves(self, sink: SinkModel) -> bool | None:
        """Whether the value that callers read there is alive; None when there is none to read."""
        found = sink.current()
        return None if found is None else self.is_alive(*found)

    def is_alive(self, name: str, generation: int) -> bool:
        """Whether the endpoint takes that value."""
        secret = self.secrets[name]
        return secret.state == "ACTIVE" and secret.generation == generation

    def parts(self, step: Step) -> Iterator[tuple[str, Callable[[], None]]]:
        """The parts of a run that carries the step out, in order, with a word for each."""
        new_values: dict[str, int] = {}
        pending = bool(step.deliver)
        renewed = {call.secret for call in step.calls if call.operation == "RenewApiKey"}
        if renewed:
            yield "announce", lambda: self._announce({name for name in renewed if name})
        for call in step.calls:
            name = call.secret or ""
            if call.operation == "SetApiKeyState":
                if pending:
                    yield from self._delivery(step, new_values)
                    pending = False
                state = str(call.body["state"])
                yield f"{state} {name}", lambda name=name, call=call: self._set_state(name, call.body)  # type: ignore[misc]
            elif call.operation == "RenewApiKey":
                yield f"RENEW {name}", lambda name=name, call=call: self._renew(name, call.body, new_values)  # type: ignore[misc]
            else:
                yield call.operation, lambda call=call: self._tag(call.body)  # type: ignore[misc]
        if pending:
            yield from self._delivery(step, new_values)

    def _delivery(self, step: Step, new_values: dict[str, int]) -> Iterator[tuple[str, Callable[[], None]]]:
        handover = step.handover
        assert handover is not None
        if handover.prove:
            prove = handover.prove
            for index, sink in enumerate(self.sinks):
                if sink.readable:
                    yield f"stage {index}", lambda sink=sink: self._stage(sink, prove, new_values)  # type: ignore[misc]
            yield "prove", lambda: self._prove(prove)
        for index, sink in enumerate(self.sinks):
            yield f"deliver {index}", lambda sink=sink: self._write(sink, dict(handover.roles), new_values)  # type: ignore[misc]

    def _held(self, sink: SinkModel) -> SinkState:
        records = {
            name: role
            for name, (role, generation) in sink.records.items()
            if generation == self.secrets[name].generation and not sink.forgetful
        }
        unknown = frozenset() if sink.readable else frozenset(NAMES) - set(records) - sink.announced
        return SinkState(sink.keeps, sink.readable, records, unknown)

    def _announce(self, names: set[str]) -> None:
        for sink in self.sinks:
            if not sink.readable:
                sink.announced |= names

    def _renew(self, name: str, body: object, new_values: dict[str, int]) -> None:
        old = self.secrets[name]
        assert old.state != "REVOKED", "the service refuses that"
        assert isinstance(body, dict)
        expires = body["details"]["timeExpiry"]
        expiry = self.now + expires.length if isinstance(expires, Lifetime) else datetime.fromisoformat(expires)
        self.secrets[name] = SecretModel("ACTIVE", self.now, expiry, None, old.generation + 1)
        new_values[name] = old.generation + 1
        self._tag(body)

    def _set_state(self, name: str, body: object) -> None:
        assert isinstance(body, dict)
        secret = self.secrets[name]
        assert secret.state not in GONE or body["state"] == "REVOKED", "the service refuses that"
        secret.state = str(body["state"])
        self._tag(body)

    def _tag(self, body: object) -> None:
        assert isinstance(body, dict)
        self.tags = dict(body.get("freeformTags", self.tags))

    def _prove(self, name: str) -> None:
        assert self.secrets[name].state == "ACTIVE", "a value that does not work cannot be proved"
        self.secrets[name].last_used = self.secrets[name].proved = self.now

    def _stage(self, sink: SinkModel, name: str, new_values: dict[str, int]) -> None:
        held = self._held(sink)
        if name not in held.records:
            self._write(sink, {**held.records, name: "pending"}, new_values)

    def _write(self, sink: SinkModel, roles: dict[str, Role], new_values: dict[str, int]) -> None:
        records: dict[str, tuple[Role, int]] = {}
        for name, role in roles.items():
            generation = self.secrets[name].generation
            if self.secrets[name].state in GONE or role not in sink.keeps:
                continue
            held = sink.records.get(name, ("", -1))[1] == generation
            copies = any(other.readable and other.records.get(name, ("", -1))[1] == generation for other in self.sinks)
            if new_values.get(name) == generation or held or copies:
                records[name] = (role, generation)
        if not sink.readable and not records:
            return  # believed to hold it: the program is not run, and the place keeps what it has
        sink.records, sink.announced = records, sink.announced - set(records)


RESOURCE = Resource(
    Address("ApiKey", "chat"),
    {"secrets": {"one": {"state": "active", "expires": LIFE}, "two": {"state": "inactive", "expires": LIFE}}},
    Source("stack.yaml", 1, 1),
    settings={"rotation": {"every": "60d"}},
)


def revoking(key: KeyModel) -> KeyModel:
    """The same with `retire: revoke`."""
    key.rotation = replace(ROTATION, revokes=True)
    return key

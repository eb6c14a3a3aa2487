"""Ten keys that rotate in different ways, and what a log of their days must show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from plan_apply.manifests import Document, compartment, key, policy, stack

DAY = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)

_AROUND = (
    compartment("home", description="Home"),
    policy(
        "callers",
        description="Every key may call",
        statements=[
            "allow any-user to use generative-ai-chat in compartment id ${Compartment/home.id}",
            "allow any-user to manage generative-ai-response in compartment id ${Compartment/home.id}",
        ],
    ),
)


@dataclass(frozen=True)
class Habit:
    """How one key rotates: days, except `idle` (hours)."""

    name: str
    every: int
    overlap: int
    idle: int
    lives: tuple[int, int]
    sinks: tuple[str, ...]
    verified: bool = True

    def manifest(self, services: Mapping[str, Document]) -> Document:
        """Its document. A sink below `program/` is written by a program, one below the name of a service by that sink."""
        lives = zip(("key-one", "key-two"), self.lives, strict=True)
        rotation = {"every": f"{self.every}d", "overlap": f"{self.overlap}d", "idle": f"{self.idle}h"}
        return key(
            self.name,
            secrets=[{"name": name, "expires": f"{life}d"} for name, life in lives],
            deliverTo=[_entry(path, services) for path in self.sinks],
            rotation={**rotation, **({"verify": {"model": "xai.grok-4"}} if self.verified else {})},
        )

    def due(self, secret: str) -> timedelta:
        """How long after its creation or renewal the other one is renewed: when its time is over, or before it expires."""
        life = self.lives[("key-one", "key-two").index(secret)] * DAY
        return min(self.every * DAY, life - self.overlap * DAY - timedelta(hours=self.idle))


HABITS = (
    Habit("brisk", 5, 2, 24, (10, 10), ("secrets/brisk.env",)),
    Habit("weekly", 7, 3, 24, (21, 14), ("secrets/weekly.json", "secrets/deep/weekly.env"), verified=False),
    Habit("program", 10, 2, 12, (30, 30), ("program/program.env",)),
    Habit("fortnight", 14, 7, 48, (30, 45), ("secrets/fortnight.env", "kubernetes/fortnight", "program/fortnight.env")),
    Habit("month", 30, 3, 24, (60, 60), ("hashicorp/month", "secrets/month.env")),
    Habit("dying", 60, 7, 24, (50, 50), ("hashicorp/dying", "kubernetes/dying")),  # its expiry is sooner than its turn
    Habit("slow", 45, 14, 72, (90, 90), ("vault/slow", "secrets/slow.json")),
    Habit("usual", 60, 7, 24, (90, 135), ("secrets/usual.env", "vault/usual", "kubernetes/usual")),
    Habit("quarter", 90, 30, 24, (150, 120), ("secrets/quarter.env",), verified=False),
    Habit("season", 100, 10, 24, (180, 365), ("secrets/season.env", "secrets/season.json")),
)

NAMED_BY = {"hashicorp": "path", "kubernetes": "name", "vault": "name"}  # the setting that names a key's place


def manifests(habits: tuple[Habit, ...], services: Mapping[str, Document]) -> str:
    """The stack. `services` has what entries of each networked sink say beside the name: addresses, the OCIDs of a vault."""
    return stack(*_AROUND, *(habit.manifest(services) for habit in habits), name="calendar")


def _entry(path: str, services: Mapping[str, Document]) -> Document:
    """Of deliverTo."""
    service, _, name = path.partition("/")
    if service in services:
        return {service: {**services[service], NAMED_BY[service]: name}}
    if path.startswith("program/"):
        return {"exec": {"command": ["./deliver.sh", path]}}
    return {"file": {"path": path, "format": "json" if path.endswith(".json") else "dotenv"}}


@dataclass(frozen=True)
class Secret:
    """A secret on some day."""

    name: str
    state: str
    created: datetime
    expires: datetime
    shown: bool  # whether callers read it in the first sink


@dataclass(frozen=True)
class Entry:
    """When the run of a day began, and what it left of a key."""

    at: datetime
    secrets: tuple[Secret, Secret]
    killed: bool

    @property
    def current(self) -> Secret:
        return next(secret for secret in self.secrets if secret.shown)

    @property
    def other(self) -> Secret:
        return next(secret for secret in self.secrets if not secret.shown)


def find_rotations(entries: list[Entry]) -> list[tuple[Secret, Entry]]:
    """Each time that callers got another secret: the one they had, and the day."""
    return [(was.current, now) for was, now in pairwise(entries) if was.current.created != now.current.created]


def find_breaches(habit: Habit, entries: list[Entry]) -> Iterator[str]:
    """Every promise about time that the log of a key does not bear out.

    What is due is done by the first run that is not killed.
    """
    for had, day in find_rotations(entries):
        due = had.created + habit.due(had.name)
        if not due <= day.at <= _first_run(entries, due):
            yield f"{habit.name}: {had.name} made way at {day.at}, and was due at {due}"
        if day.current.name == had.name:
            yield f"{habit.name}: {had.name} was renewed while callers had it ({day.at})"
    for day in entries:
        yield from (f"{habit.name}: {what} ({day.at})" for what in _find_wrong(habit, entries, day))
    issued = {(secret.name, secret.created) for day in entries for secret in day.secrets}
    if len(issued) > 2 + len(find_rotations(entries)) + sum(day.killed for day in entries):
        yield f"{habit.name}: {len(issued)} new values for {len(find_rotations(entries))} rotations"


def _find_wrong(habit: Habit, entries: list[Entry], day: Entry) -> Iterator[str]:
    current, other = day.current, day.other
    if current.expires <= day.at:
        yield f"{current.name}, which callers have, is dead"
    if day.at >= _first_run(entries, current.created + habit.due(current.name)):
        yield f"{current.name} is overdue"
    if other.state != "ACTIVE":
        return
    if abs(other.expires - current.expires) < 2 * DAY:
        yield "both secrets die together"
    retired = current.created + habit.overlap * DAY + timedelta(hours=habit.idle)
    if other.created < current.created and day.at >= _first_run(entries, retired):
        yield f"{other.name} still works, and was to be retired by {retired}"


def _first_run(entries: list[Entry], due: datetime) -> datetime:
    """When the first run began, from then on, that was not killed: after it, what was due is done."""
    return next((day.at for day in entries if day.at >= due and not day.killed), _NEVER)

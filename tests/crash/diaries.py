"""Ten keys that take turns in different ways, and what a diary of their days must show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
GRACE = timedelta(days=4)  # a run that was killed is made good by that of another day

_HEAD = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: calendar}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: home}
spec: {description: Home}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: callers}
spec:
  compartment: home
  description: Every key may call
  statements:
    - allow any-user to use generative-ai-chat in compartment id ${Compartment/home.id}
    - allow any-user to manage generative-ai-response in compartment id ${Compartment/home.id}
"""
_KEY = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: {name}}}
spec:
  compartment: home
  secrets: [{{name: key-one, expires: {one}d}}, {{name: key-two, expires: {two}d}}]
  deliverTo: [{sinks}]
  rotation: {{every: {every}d, overlap: {overlap}d, idle: {idle}h{verify}}}
"""
DELIVER = """\
#!/bin/sh
umask 077
new=$(mktemp "$1.XXXXXX")
{ printf 'OPENAI_BASE_URL=%s\\nOPENAI_API_KEY=' "$GENAI_IAC_BASE_URL"; cat; } > "$new"
mv "$new" "$1"
"""


@dataclass(frozen=True)
class Habit:
    """How one key rotates: days, except `idle` (hours)."""

    name: str
    every: int
    overlap: int
    idle: int
    lives: tuple[int, int]
    sinks: tuple[str, ...]
    verify: str = ", verify: {model: xai.grok-4}"

    def manifest(self) -> str:
        """Its document. A sink below `program/` is written by a program."""
        one, two = self.lives
        entries = [
            f"{{exec: {{command: [./deliver.sh, {path}]}}}}"
            if path.startswith("program/")
            else f"{{file: {{path: {path}, format: {'json' if path.endswith('.json') else 'dotenv'}}}}}"
            for path in self.sinks
        ]
        return _KEY.format(**{**vars(self), "one": one, "two": two, "sinks": ", ".join(entries)})

    def due(self, secret: str) -> timedelta:
        """How long after its mint the other one is brought up: when its time is over, or before it expires."""
        life = self.lives[("key-one", "key-two").index(secret)] * DAY
        return min(self.every * DAY, life - self.overlap * DAY - timedelta(hours=self.idle))


HABITS = (
    Habit("brisk", 5, 2, 24, (10, 10), ("secrets/brisk.env",)),
    Habit("weekly", 7, 3, 24, (21, 14), ("secrets/weekly.json", "secrets/deep/weekly.env"), verify=""),
    Habit("program", 10, 2, 12, (30, 30), ("program/program.env",)),
    Habit("fortnight", 14, 7, 48, (30, 45), ("secrets/fortnight.env", "program/fortnight.env")),
    Habit("month", 30, 3, 24, (60, 60), ("secrets/month.env",)),
    Habit("dying", 60, 7, 24, (50, 50), ("secrets/dying.env",)),  # its expiry is sooner than its turn
    Habit("slow", 45, 14, 72, (90, 90), ("secrets/slow.json",)),
    Habit("usual", 60, 7, 24, (90, 135), ("secrets/usual.env",)),
    Habit("quarter", 90, 30, 24, (150, 120), ("secrets/quarter.env",), verify=""),
    Habit("season", 100, 10, 24, (180, 365), ("secrets/season.env", "secrets/season.json")),
)


def manifests(habits: tuple[Habit, ...]) -> str:
    return _HEAD + "".join(habit.manifest() for habit in habits)


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
    """A key at the end of a day."""

    at: datetime
    secrets: tuple[Secret, Secret]

    @property
    def current(self) -> Secret:
        return next(secret for secret in self.secrets if secret.shown)

    @property
    def other(self) -> Secret:
        return next(secret for secret in self.secrets if not secret.shown)


def turns(diary: list[Entry]) -> list[tuple[Secret, Entry]]:
    """Each time that callers got another secret: the one they had, and the day."""
    return [(was.current, now) for was, now in pairwise(diary) if was.current.created != now.current.created]


def find_breaches(habit: Habit, diary: list[Entry], killed: int) -> Iterator[str]:
    """Every promise about time that the diary of a key does not bear out."""
    for had, day in turns(diary):
        age, due = day.at - had.created, habit.due(had.name)
        if not due <= age <= due + GRACE:
            yield f"{habit.name}: {had.name} was current for {age}, and due after {due} ({day.at})"
        if day.current.name == had.name:
            yield f"{habit.name}: {had.name} was renewed while callers had it ({day.at})"
    last = diary[-1]
    if last.at - last.current.created > habit.due(last.current.name) + GRACE:
        yield f"{habit.name}: {last.current.name} is overdue at the end"
    for day in diary:
        if day.current.expires - day.at < min(habit.overlap, 2) * DAY:
            yield f"{habit.name}: {day.current.name}, which callers have, dies within {day.current.expires - day.at} ({day.at})"
        if day.other.state == "ACTIVE" and abs(day.other.expires - day.current.expires) < 2 * DAY:
            yield f"{habit.name}: both secrets die together ({day.at})"
        taken_over = day.at - day.current.created
        if day.other.state == "ACTIVE" and taken_over > habit.overlap * DAY + timedelta(hours=habit.idle) + GRACE:
            yield f"{habit.name}: {day.other.name} still works {taken_over} after it was replaced ({day.at})"
    mints = {(secret.name, secret.created) for day in diary for secret in day.secrets}
    if len(mints) > 2 + len(turns(diary)) + killed:
        yield f"{habit.name}: {len(mints)} values were made for {len(turns(diary))} turns"

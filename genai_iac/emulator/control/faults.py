"""Faults on demand: which call they affect, before or after its commit, and what they do to it.

Set through the control API; kept in the database, so that a fault set at one server takes effect in another that has the same file open.
"""

import json
import signal
import sqlite3
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from msgspec import Struct, field

from genai_iac.emulator.storage.database import encode_json
from genai_iac.emulator.storage.time_format import parse_duration

_SIGNALS = {name: getattr(signal, f"SIG{name}") for name in ("KILL", "TERM", "INT", "HUP", "QUIT", "PIPE")}
_KEYS = frozenset(
    {
        "status", "code", "message", "headers", "body", "contentType", "retryAfter",
        "quote", "drop", "reset", "truncate", "trickle", "delay", "silence", "kill", "signal", "lag",
    }
)  # fmt: skip


class FaultError(ValueError):
    """A fault that cannot be armed; the message says what is wrong with it."""


class Effect(Struct, frozen=True):
    """What a fault does. Durations are real milliseconds, except `lag`, which is the tenancy's."""

    status: int | None = None  # HTTP status of the answer in place of the operation's
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # JSON, or text for another content type
    content_type: str = ""
    quote: bool = False  # the error's message quotes the request, or after the commit the answer
    drop: bool = False  # close the connection without an answer
    reset: bool = False  # the same, with a TCP reset
    truncate: bool = False  # half of the body, then close
    trickle: bool = False  # the body a byte at a time
    delay: int = 0  # then go on
    silence: int = 0  # then close
    kill: int | None = None  # process id
    signal: int = signal.SIGKILL
    lag: int = 0  # this call sees nothing younger

    @property
    def cuts(self) -> bool:
        """Whether the caller gets no answer at all."""
        return self.drop or self.reset or bool(self.silence) or self.kill is not None

    @property
    def answers(self) -> bool:
        """Whether it answers in the place of the operation."""
        return self.status is not None


class ActiveFaults(Struct, frozen=True):
    """What strikes one call: before the operation, and after its commit."""

    before: tuple[Effect, ...] = ()  # the operation does not run if one of them answers or cuts
    after: tuple[Effect, ...] = ()  # the operation has run and is committed

    def without_kills(self) -> "ActiveFaults":
        """The same but for effects that end a process: a database that came from elsewhere may hold some."""
        return ActiveFaults(*(tuple(one for one in side if one.kill is None) for side in (self.before, self.after)))


def add_faults(
    connection: sqlite3.Connection, faults: Any, operations: Collection[str], *, allow_kill: bool = False
) -> None:
    """Add one fault (object) or several (list); FaultError when any of them will not do, or would kill without leave.

    Args:
        faults: JSON.
        operations: known names, so that a misspelt one is refused.
        allow_kill: the server was started with --allow-kill.
    """
    rows = [_read_fault(fault, operations) for fault in (faults if isinstance(faults, list) else [faults])]
    if not allow_kill and any("kill" in json.loads(effect) for *_, effect in rows):
        raise FaultError("effect.kill is refused: start genai-iac local serve --allow-kill")
    connection.executemany("INSERT INTO faults (operation, nth, count, side, effect) VALUES (?,?,?,?,?)", rows)
    _count(connection)


def list_faults(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """All armed faults, with how many calls each has seen."""
    return [
        {
            "operation": row["operation"],
            "nth": row["nth"],
            "count": row["count"],
            "when": row["side"],
            "effect": json.loads(row["effect"]),
            "seen": row["seen"],
        }
        for row in connection.execute("SELECT * FROM faults ORDER BY seq")
    ]


def remove_faults(connection: sqlite3.Connection) -> None:
    """Remove them all."""
    connection.execute("DELETE FROM faults")
    _count(connection)


def match_faults(connection: sqlite3.Connection, operation: str) -> ActiveFaults:
    """Count this call against every fault for it, and give those whose turn it is.

    Args:
        operation: name; `*` of a fault matches every operation.
    """
    # Counted before matching: `nth: 1` is the very next call.
    connection.execute("UPDATE faults SET seen = seen + 1 WHERE operation IN (?, '*')", (operation,))
    rows = connection.execute(
        "SELECT side, effect FROM faults WHERE operation IN (?, '*') AND seen >= nth AND seen < nth + count"
        " ORDER BY seq",
        (operation,),
    ).fetchall()
    effects = [(row["side"], _read_effect(json.loads(row["effect"]))) for row in rows]
    return ActiveFaults(
        tuple(effect for side, effect in effects if side == "before"),
        tuple(effect for side, effect in effects if side == "after"),
    )


def _count(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE world SET faults = (SELECT count(*) FROM faults)")


def _read_fault(fault: Any, operations: Collection[str]) -> tuple[str, int, int, str, str]:
    if not isinstance(fault, dict):
        raise FaultError("a fault is a JSON object with operation and effect")
    unknown = set(fault) - {"operation", "nth", "count", "when", "effect", "seen"}
    if unknown:
        raise FaultError(f"a fault has no {', '.join(sorted(unknown))}")
    operation, side = fault.get("operation"), fault.get("when", "before")
    if not isinstance(operation, str) or not operation:
        raise FaultError('operation is the name of an operation, such as CreatePolicy, or "*"')
    if operation != "*" and operation not in operations:
        near = get_close_matches(operation, operations, 1)
        raise FaultError(f"no operation is called {operation[:80]}" + (f"; did you mean {near[0]}?" if near else ""))
    if side not in ("before", "after"):
        raise FaultError("when is before or after (the commit)")
    effect = fault.get("effect")
    if not isinstance(effect, dict) or not effect:
        raise FaultError('effect is an object such as {"status": 500} or {"drop": true}')
    _read_effect(effect)
    return operation, _whole(fault, "nth"), _whole(fault, "count"), side, encode_json(effect)


def _whole(fault: Mapping[str, Any], name: str) -> int:
    value = fault.get(name, 1)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**31:
        raise FaultError(f"{name} is a whole number from 1")
    return value


def _read_effect(effect: Mapping[str, Any]) -> Effect:
    """The effect of a JSON object. Raises FaultError for an unknown member or a wrong value."""
    unknown = set(effect) - _KEYS
    if unknown:
        raise FaultError(f"an effect has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_KEYS))}")
    headers = effect.get("headers", {})
    if not isinstance(headers, dict):
        raise FaultError("effect.headers is an object")
    headers = {str(name).lower(): str(value) for name, value in headers.items()}
    if "retryAfter" in effect:
        headers["retry-after"] = str(effect["retryAfter"])
    return Effect(
        status=_status(effect),
        code=str(effect.get("code", "")),
        message=str(effect.get("message", "")),
        headers=headers,
        body=effect.get("body"),
        content_type=str(effect.get("contentType", "")),
        quote=bool(effect.get("quote")),
        drop=bool(effect.get("drop")),
        reset=bool(effect.get("reset")),
        truncate=bool(effect.get("truncate")),
        trickle=bool(effect.get("trickle")),
        delay=_duration(effect, "delay"),
        silence=_duration(effect, "silence"),
        lag=_duration(effect, "lag"),
        kill=_process(effect),
        signal=_signal(effect),
    )


def _status(effect: Mapping[str, Any]) -> int | None:
    status = effect.get("status")
    if status is not None and (isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599):
        raise FaultError("effect.status is an HTTP status from 200 to 599")
    return status


def _duration(effect: Mapping[str, Any], name: str) -> int:
    try:
        return parse_duration(effect.get(name, 0))
    except ValueError as error:
        raise FaultError(f"effect.{name}: {error}") from None


def _process(effect: Mapping[str, Any]) -> int | None:
    pid = effect.get("kill")
    # 0 and negative numbers mean groups of processes to kill(2), 1 is init
    if pid is not None and (isinstance(pid, bool) or not isinstance(pid, int) or not 1 < pid < 2**31):
        raise FaultError("effect.kill is the id of one process")
    return pid


def _signal(effect: Mapping[str, Any]) -> int:
    name = effect.get("signal", "KILL")
    if name not in _SIGNALS:
        raise FaultError(f"effect.signal is one of {', '.join(_SIGNALS)}")
    return int(_SIGNALS[name])

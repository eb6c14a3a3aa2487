"""The words and signs that every rendering shares, so that all of them describe the same change alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from genai_iac.core import ACTIONS, Action, Change, Invalidation, Notice, Plan, Summary
from genai_iac.render.common.attribute_values import moment_for_people
from genai_iac.render.common.sanitize import escape_control, named
from genai_iac.render.common.terminal import Terminal

_LIMIT = 2000  # characters


def notice_lines(notice: Notice, terminal: Terminal) -> list[str]:
    """`Note: ApiKey/chat-app: ...` in lines that fit."""
    about = f"{named(notice.address)}: " if notice.address else ""
    return note_lines(about + escape_control(notice.text, _LIMIT), terminal)


def note_lines(text: str, terminal: Terminal) -> list[str]:
    """`Note: ...` in lines that fit."""
    first, *others = terminal.wrap(text, "Note: ", "      ")
    return [terminal.paint("Note:", "change") + first.removeprefix("Note:"), *others]


NAME_LIMIT = 255  # characters of a name; OCI allows no longer one
SIGNS: Mapping[str, str] = {
    "+": "create",
    "~": "update in place",
    "-": "delete",
    "-/+": "delete and create again",
    "!": "a secret value stops working",
    ".": "forget",
    "=": "deliver again",
}
# Words for outcomes.
_DONE: Mapping[Action, str] = {
    "create": "created",
    "update": "updated",
    "renew": "renewed",
    "activate": "activated",
    "deactivate": "deactivated",
    "revoke": "revoked",
    "delete": "deleted",
    "forget": "forgotten",
    "deliver": "delivered",
}
# Words for plans; those of create, update and delete are Terraform's.
TO_DO: Mapping[Action, str] = {
    **{action: f"to {action}" for action in ACTIONS},
    "create": "to add",
    "update": "to change",
    "delete": "to destroy",
    "renew": "to rotate",
}
# Words for the last line of an apply.
_COUNTED: Mapping[Action, str] = {
    **_DONE,
    "create": "added",
    "update": "changed",
    "delete": "destroyed",
    "renew": "rotated",
}
_ALWAYS: tuple[Action, ...] = ("create", "update", "delete")  # counted even when there is none
# What callers notice when a secret's value is lost that way.
_EFFECT: Mapping[Action, str] = {
    "renew": "renew replaces its value, and callers that hold the old one get 401",
    "deactivate": "deactivate stops it until it is activated again; callers get 401",
    "revoke": "revoke is permanent; callers get 401",
    "delete": "delete is permanent; callers get 401",
}
_INVALIDATING = frozenset({"renew", "deactivate", "revoke"})  # actions that end a value
_STATE_CHANGES = frozenset({"update", "activate"})  # actions shown with `~`


def sign(change: Change) -> str:
    """The symbol of the change: the most serious thing about it."""
    actions = set(change.actions)
    if change.invalidates or actions & _INVALIDATING:
        return "!"
    if {"delete", "create"} <= actions:
        return "-/+"
    if "delete" in actions:
        return "-"
    if "create" in actions:
        return "+"
    if actions & _STATE_CHANGES:
        return "~"
    return "." if "forget" in actions else "="


def signs_used(plan: Plan, now: datetime | None) -> dict[str, str]:
    """The symbols of the plan's changes with their meaning; `!` is said to stop something only where that is in use."""
    used = {sign(change) for change in plan.changes}
    return {mark: stop_words(plan, now) if mark == "!" else words for mark, words in SIGNS.items() if mark in used}


def stop_words(plan: Plan, now: datetime | None) -> str:
    """What `!` means in this plan."""
    losses = [loss for change in plan.changes for loss in change.losses]
    if not any(loss.is_in_use(now) for loss in losses):
        return "renew, deactivate or revoke: no value in use stops working"
    return (
        SIGNS["!"] if any(loss.key is None and loss.is_in_use(now) for loss in losses) else "a key in use loses access"
    )


def danger_title(losses: Sequence[Invalidation]) -> str:
    """`2 secret values stop working`; losses of access and of values are counted apart."""
    values, keys = sum(loss.key is None for loss in losses), len({loss.key for loss in losses if loss.key})
    parts = [f"{count(values, 'secret value')} {'stops' if values == 1 else 'stop'} working"] if values else []
    parts += [f"{count(keys, 'key')} {'loses' if keys == 1 else 'lose'} access"] if keys else []
    return ", ".join(parts)


def plan_line(plan: Plan) -> str:
    """The last line: `Plan: 2 to add, 1 to change, 0 to destroy.`, or `No changes.`"""
    return f"Plan: {_counts(plan.summary, TO_DO)}." if plan else "No changes."


def resources_line(summary: Summary) -> str:
    """`Resources: 2 added, 1 changed, 0 destroyed.`"""
    return f"Resources: {_counts(summary, _COUNTED)}."


def verdict(plan: Plan, now: datetime | None = None) -> str:
    """The plan in a few words, dangers first.

    Args:
        plan: the plan.
        now: the service's clock; None: a value that was ever used counts as in use.
    """
    if not plan:
        return "No changes"
    counts = [f"{plan.summary[action]} {TO_DO[action]}" for action in ACTIONS if plan.summary[action]]
    lost = [loss for change in plan.changes for loss in change.losses if loss.is_in_use(now)]
    return ", ".join(([danger_title(lost)] if lost else []) + counts)


def done(actions: Iterable[Action]) -> str:
    """`created and delivered`."""
    return join_words(_DONE[action] for action in actions)


def human_name(change: Change) -> str | None:
    """What people call the resource in OCI: its display name or name; the coming one when it changes."""
    for attributes in (change.after, change.before):
        for field in ("displayName", "name"):
            name = (attributes or {}).get(field)
            if isinstance(name, str):
                return name
    return None


def loss_words(
    loss: Invalidation, now: datetime | None, *, lasting: bool = False, place: Callable[[str], str] | None = None
) -> str:
    """`was last used 4 minutes ago; renew replaces its value, and ...; still in file ...`, to stand after the secret's name.

    `lasting` is for what is read later: there the moment itself is said too. `place` writes a sink's name where plain text is not safe.

    Args:
        loss: one value or one permission.
        now: the service's clock; None: moments are written out.
        lasting: for renderings that are kept, where "4 minutes ago" would soon be wrong.
        place: how a sink's name is written; None: plain text.
    """
    if loss.key is not None:
        how = "until the change has ended" if loss.passing else "by any policy afterwards"
        key, apis = escape_control(loss.holder or str(loss.key), NAME_LIMIT), escape_control(loss.calls, 500)
        how += escape_control(f" when {loss.where}", 500) if loss.where else ""
        effect = f"{key} is not allowed to call {apis} {how}; callers get 401"
        if loss.project:
            effect = f"callers of {key} name this project, and get an error at {apis} without it"
    else:
        effect = f"{_EFFECT.get(loss.how, f'{loss.how} stops its value')}{_carrier_words(loss, place or _plain)}"
    return f"{_used_words(loss, now, lasting)}; {effect}"


def _used_words(loss: Invalidation, now: datetime | None, lasting: bool) -> str:
    if loss.last_used is None:
        used = "has no recorded use"
    elif now is None:
        used = f"was last used at {moment_for_people(loss.last_used)}"
    elif lasting:
        used = f"was last used at {moment_for_people(loss.last_used)}, {elapsed_words(now - loss.last_used)} before this plan"
    else:
        used = f"was last used {elapsed_words(now - loss.last_used)} ago"
    return used


def _carrier_words(loss: Invalidation, place: Callable[[str], str]) -> str:
    if not loss.carriers:
        return "; no sink has it" if loss.looked else ""
    return f"; {'' if loss.looked else 'perhaps '}still in {join_words(map(place, loss.carriers))}"


def _plain(place: str) -> str:
    return escape_control(place, NAME_LIMIT)


def elapsed_words(elapsed: timedelta) -> str:
    """`4 minutes`; whole units, rounded down, days only from two on. A use after now (two clocks) was a moment ago."""
    seconds = elapsed.total_seconds()
    if seconds < 1:
        return "a moment"
    # Below two days hours are exact enough to act on: "1 day" could be 47 hours.
    for size, unit, least in ((86400, "day", 2), (3600, "hour", 1), (60, "minute", 1)):
        if seconds >= size * least:
            return count(int(seconds // size), unit)
    return count(int(seconds), "second")


def count(number: int, noun: str) -> str:
    """`1 minute`, `2,000 minutes`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def join_words(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def stack_words(plan: Plan) -> str:
    """`chat@prod`."""
    return escape_control(f"{plan.stack}@{plan.environment}" if plan.environment else plan.stack, NAME_LIMIT)


def _counts(summary: Summary, words: Mapping[Action, str]) -> str:
    others = tuple(action for action in ACTIONS if action not in _ALWAYS and summary[action])
    return ", ".join(f"{summary[action]} {words[action]}" for action in (*_ALWAYS, *others))

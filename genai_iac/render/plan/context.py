"""What a rendering may show beside the plan (sources, destinations of secrets, the time, access), and the differences of a change.

Differences are worded here once for all renderings; every text is safe to stand on a line of its own. The expiries of a stack's secrets
after the plan are here too, soonest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from genai_iac.core import Address, Change, InterpolatedText, Lifetime, Plan, Source
from genai_iac.render.common.attribute_values import is_known, moment, moment_for_people, read_moment, symbol
from genai_iac.render.common.phrases import elapsed_words
from genai_iac.render.common.sanitize import dotted, escape_control, quoted
from genai_iac.render.plan.differences import (
    AttributeDifference,
    CompareTexts,
    Edit,
    as_texts,
    differences,
    line_edits,
    renewed_secrets,
)


class SecretExpiry(Struct, frozen=True):
    """A secret and when it expires."""

    address: Address
    secret: str
    at: datetime  # UTC
    works: bool = True  # one that is the standby, inactive, expires unnoticed


class AccessBeforeAfter(Struct, frozen=True):
    """What keys may do before and after the change, one line a permission."""

    before: Sequence[str]
    after: Sequence[str]


class PlanContext(Struct, frozen=True):
    """Everything here may be left out; a rendering then says less."""

    now: datetime | None = None  # "used 4 minutes ago" is counted from here; without it the moment itself is shown
    sources: Mapping[Address, Source] = field(default_factory=dict)
    sinks: Mapping[Address, Sequence[str]] = field(
        default_factory=dict
    )  # how people call each sink: `file secrets/chat-app.env`
    compare_texts: CompareTexts = line_edits  # for statements: the policy language knows better than line by line
    needs: Mapping[Address, Sequence[Address]] = field(default_factory=dict)  # the whole graph, for pictures
    access: AccessBeforeAfter | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # what people call an OCID: the path of a compartment
    expiries: Sequence[SecretExpiry] = ()  # of secrets that the plan leaves alone


UNKNOWN = "(known after apply)"  # Terraform's words
_VALUE_LIMIT = 2000  # characters of one value; the JSON plan has all of them
_TEXT_LIMIT = 8000  # a statement is shown whole, unless it is none


class ShownDifference(Struct, frozen=True):
    """One attribute by its path, and what becomes of it: one edit of a value, or the edits of a list of texts."""

    label: str  # dotted path
    edits: tuple[Edit, ...]
    texts: bool = False  # a list of statements or other texts


def shown_differences(change: Change, around: PlanContext) -> list[ShownDifference]:
    """The differences of the change as words. A forgotten resource stays as it is, so it has none."""
    if "forget" in change.actions:
        return []
    return [
        ShownDifference(dotted(difference.path), tuple(_edits(change, difference, around)), difference.texts)
        for difference in differences(change)
    ]


def show_value(value: Any, names: Mapping[str, str]) -> str:
    """One value: a text quoted, an OCID after what people call it, `(known after apply)` after what is not known yet."""
    if not is_known(value):
        return f"{escape_control(symbol(value), _VALUE_LIMIT)} {UNKNOWN}"
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return str(value).lower()
    when = read_moment(value)
    if when:
        return moment(when)
    if isinstance(value, InterpolatedText):
        return quoted(symbol(value), _VALUE_LIMIT)
    if isinstance(value, str):
        name = f"{quoted(names[value], _VALUE_LIMIT)} " if value in names else ""
        return name + quoted(value, _VALUE_LIMIT)
    return str(value) if isinstance(value, (int, float, Lifetime)) else quoted(str(value), _VALUE_LIMIT)


def _edits(change: Change, difference: AttributeDifference, around: PlanContext) -> Iterator[Edit]:
    if difference.texts:
        unknown = {symbol(item) for item in difference.after or () if not is_known(item)}
        for edit in around.compare_texts(as_texts(difference.before), as_texts(difference.after)):
            yield _safe(edit, edit.after in unknown)
    else:
        before = None if change.before is None else show_value(difference.before, around.names)
        yield Edit(before, None if change.after is None else show_value(difference.after, around.names))


def _safe(edit: Edit, unknown: bool) -> Edit:
    before = None if edit.before is None else escape_control(edit.before, _TEXT_LIMIT)
    after = None if edit.after is None else escape_control(edit.after, _TEXT_LIMIT) + (f" {UNKNOWN}" if unknown else "")
    return Edit(before, after, escape_control(edit.note, _TEXT_LIMIT))


SOON = timedelta(days=14)  # what renderings point out


def expiries_after(plan: Plan, around: PlanContext) -> list[SecretExpiry]:
    """The expiries that the plan leads to and those of secrets it leaves alone. A duration counts from `around.now`."""
    changed = {change.address for change in plan.changes}
    by_secret = {(expiry.address, expiry.secret): expiry for expiry in around.expiries if expiry.address not in changed}
    # one pass: a dictionary that was rebuilt for each change made a plan of many keys quadratic
    for change in plan.changes:
        for expiry in _expiries_of(change, around.now):
            by_secret[expiry.address, expiry.secret] = expiry
    return sorted(by_secret.values(), key=lambda expiry: (expiry.at, expiry.address, expiry.secret))


def expiry_words(plan: Plan, around: PlanContext, show: Callable[[str], str]) -> str | None:
    """The nearest expiry of a working secret in a sentence, or None when none is near; `show` makes a foreign name safe."""
    now = around.now
    working = [expiry for expiry in expiries_after(plan, around) if expiry.works]
    soon = [expiry for expiry in working if now is not None and expiry.at - now < SOON]
    if not soon or now is None:
        return None
    first = soon[0]
    left = first.at - now
    when = f"expires in {elapsed_words(left)}" if left > timedelta() else f"expired {elapsed_words(-left)} ago"
    others = f"; {len(soon) - 1} more within {SOON.days} days" if len(soon) > 1 else ""
    return f"{show(str(first.address))} {show(first.secret)} {when}, at {moment_for_people(first.at)}{others}"


def _expiries_of(change: Change, now: datetime | None) -> Iterator[SecretExpiry]:
    if change.after is None:
        return
    before, renewed = _secrets(change.before), renewed_secrets(change)
    for name, secret in {**before, **_secrets(change.after)}.items():
        if not isinstance(secret, Mapping) or secret.get("state") == "revoked":
            continue
        expires = secret.get("expires")
        was = before.get(name)
        if isinstance(expires, Lifetime) and isinstance(was, Mapping) and name not in renewed:
            expires = was.get("expires")
        at = now + expires.length if isinstance(expires, Lifetime) and now else read_moment(expires)
        if at is not None:
            yield SecretExpiry(change.address, name, at, secret.get("state") == "active")


def _secrets(attributes: Mapping[str, Any] | None) -> Mapping[str, Any]:
    secrets = (attributes or {}).get("secrets")
    return secrets if isinstance(secrets, Mapping) else {}

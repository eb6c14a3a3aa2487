"""When the secrets of a stack die once the plan was applied, soonest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from genai_iac.core import Change, Lifetime, Plan
from genai_iac.render.common.attribute_values import moment_for_people, read_moment
from genai_iac.render.common.phrases import elapsed_words
from genai_iac.render.plan.context import PlanContext, SecretExpiry
from genai_iac.render.plan.differences import renewed_secrets

SOON = timedelta(days=14)  # what renderings point out


def expiries_after(plan: Plan, around: PlanContext) -> list[SecretExpiry]:
    """The expiries that the plan leads to and those of secrets it leaves alone. A duration counts from `around.now`."""
    changed = {change.address for change in plan.changes}
    told = {(expiry.address, expiry.secret): expiry for expiry in around.expiries if expiry.address not in changed}
    # one pass: a dictionary that was rebuilt for each change made a plan of many keys quadratic
    for change in plan.changes:
        for expiry in _expiries_of(change, around.now):
            told[expiry.address, expiry.secret] = expiry
    return sorted(told.values(), key=lambda expiry: (expiry.at, expiry.address, expiry.secret))


def expiry_words(plan: Plan, around: PlanContext, show: Callable[[str], str]) -> str | None:
    """The nearest death of a working secret in a sentence, or None when none is near; `show` makes a foreign name safe."""
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

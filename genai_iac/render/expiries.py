"""When the secrets of a stack die once the plan was applied, soonest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from genai_iac.model import Change, Lifetime, Plan
from genai_iac.render.attributes import read_moment
from genai_iac.render.differences import minted_secrets
from genai_iac.render.surroundings import Expiry, Surroundings


def expiries_after(plan: Plan, around: Surroundings) -> list[Expiry]:
    """The expiries that the plan leads to and those of secrets it leaves alone. A life given at mint counts from `around.now`."""
    told = {(expiry.address, expiry.secret): expiry for expiry in around.expiries}
    for change in plan.changes:
        told = {key: expiry for key, expiry in told.items() if key[0] != change.address}
        for expiry in _expiries_of(change, around.now):
            told[expiry.address, expiry.secret] = expiry
    return sorted(told.values(), key=lambda expiry: (expiry.at, expiry.address, expiry.secret))


def _expiries_of(change: Change, now: datetime | None) -> Iterator[Expiry]:
    if change.after is None:
        return
    before, minted = _secrets(change.before), minted_secrets(change)
    for name, secret in {**before, **_secrets(change.after)}.items():
        if not isinstance(secret, Mapping) or secret.get("state") == "revoked":
            continue
        expires = secret.get("expires")
        was = before.get(name)
        if isinstance(expires, Lifetime) and isinstance(was, Mapping) and name not in minted:
            expires = was.get("expires")
        at = now + expires.length if isinstance(expires, Lifetime) and now else read_moment(expires)
        if at is not None:
            yield Expiry(change.address, name, at)


def _secrets(attributes: Mapping[str, Any] | None) -> Mapping[str, Any]:
    secrets = (attributes or {}).get("secrets")
    return secrets if isinstance(secrets, Mapping) else {}

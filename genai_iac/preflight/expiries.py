"""Secrets that would have to be made with an expiry that is past."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from genai_iac.errors import PlanError
from genai_iac.future import Future
from genai_iac.model import Change


def find_stillborn_secrets(changes: Iterable[Change], future: Future, now: datetime) -> Iterator[PlanError]:
    """Secrets of keys to be made whose exact expiry is not after `now`, the tenancy's own time."""
    for change in changes:
        for details in _details(change):
            expires = details["timeExpiry"]
            if isinstance(expires, str) and datetime.fromisoformat(expires) <= now:
                resource = future.resources[change.address]
                where = resource.places.get("secrets", resource.source)
                message = f"{where}: {change.address} secret {details['keyName']} would be made to expire at {expires}, which is past"
                yield PlanError(message, hint="give a later date or a duration such as 90d")


def _details(change: Change) -> Iterator[Mapping[str, Any]]:
    for call in change.calls:
        yield from cast("Sequence[Mapping[str, Any]]", call.body.get("keyDetails", ()))

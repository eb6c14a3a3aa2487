"""Keys that move to another compartment while a policy that admits them there has still to follow: their callers notice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from genai_iac.model import Change, Live, Notice


def note_refused_callers(changes: Sequence[Change], live: Live) -> Iterator[Notice]:
    """Whose calls the endpoints will refuse for a while, and how to move the key so that nobody notices."""
    for change in changes:
        if _moves(change) and _is_used(change, live):
            following = [
                str(one.address) for one in changes if one.address.kind == "Policy" and _admits(one, change.id)
            ]
            if following:
                yield Notice(
                    f"unless another policy admits it there already, its callers are refused from its move until {' and '.join(following)} "
                    "has followed and reached the endpoints; to move it unnoticed, apply such a policy first",
                    change.address,
                )


def _moves(change: Change) -> bool:
    return change.address.kind == "ApiKey" and any(call.operation == "ChangeApiKeyCompartment" for call in change.calls)


def _is_used(change: Change, live: Live) -> bool:
    key = live.one(change.address)
    return key is not None and any(secret.state == "ACTIVE" and secret.last_used for secret in key.secrets)


def _admits(change: Change, key: str | None) -> bool:
    """Whether a policy that is about to change names the key now."""
    statements: Iterable[str] = (change.before or {}).get("statements", ())
    return key is not None and any(key in statement for statement in statements)

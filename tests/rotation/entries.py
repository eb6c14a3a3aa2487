"""Secrets as `status` and `expiry` are given them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.core import Address

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
_CHAT = SecretStatus(
    address=Address("ApiKey", "chat-app"),
    id="ocid1.generativeaiapikey.oc1.us-chicago-1.aaaachat",
    secret="key-one",
    state="ACTIVE",
    mask="sk-Rq****JZ1S",
    expires=NOW + timedelta(days=12, hours=3),
    last_used=NOW - timedelta(minutes=4),
    role="current",
    sinks=("file secrets/chat-app.env", "vault chat-app in …a1b2c3"),
    step="overlap: key-two to be retired",
)


def entry(
    secret: str = "key-one", *, expires: timedelta | None = None, used: timedelta | None = None, **changes: object
) -> SecretStatus:
    """A secret of ApiKey/chat-app; times are told from NOW."""
    made = replace(_CHAT, secret=secret, **changes)  # type: ignore[arg-type]
    if expires is not None:
        made = replace(made, expires=NOW + expires)
    return replace(made, last_used=NOW - used) if used is not None else made


ENTRIES = (
    entry(),
    entry("key-two", expires=timedelta(hours=30), role="standby", used=timedelta(days=3), sinks=()),
    entry("key-one", address=Address("ApiKey", "embed"), id="ocid1.embed", expires=timedelta(days=200), step=""),
    entry(
        "key-two",
        address=Address("ApiKey", "embed"),
        id="ocid1.embed",
        state="INACTIVE",
        role="inactive",
        expires=timedelta(days=90),
        last_used=None,
        step="",
    ),
    entry("old", address=Address("ApiKey", "past"), state="EXPIRED", role="", expires=timedelta(hours=-5), sinks=()),
    entry("gone", address=Address("ApiKey", "past"), state="REVOKED", role="", expires=timedelta(days=40), sinks=()),
)


def hostile_entries(text: str) -> tuple[SecretStatus, ...]:
    """The text wherever another hand could have written it."""
    return (
        entry(
            text,
            address=Address("ApiKey", text),
            id=text,
            mask=text,
            role=text,
            sinks=(text, text),
            step=text,
        ),
        entry(text, state=text, sinks=()),
    )

"""The reference stack and what is done to it: three nested compartments, two policies, two keys with two secrets each.

Beside it a smaller one, whose key is also in OCI Vault.
"""

from __future__ import annotations

from typing import Any

from plan_apply.manifests import Document, compartment, document, key, policy, stack

PAIR = [{"name": "key-one", "expires": "90d"}, {"name": "key-two", "expires": "135d"}]
ROTATION = {"every": "60d", "overlap": "7d", "idle": "24h", "verify": {"model": "xai.grok-4"}}
KEYS = ("chat", "batch")
SINKS = {
    "chat": ["secrets/chat.env"],
    "batch": ["secrets/batch.json", "secrets/deep/batch.env"],
    "app": ["secrets/app.env"],
}
VAULTED = ("app",)  # keys that are in OCI Vault as well

_GRANTS = [{"apiKey": "batch", "apis": ["chat"], "models": ["xai.grok-4"]}]
_HEAD = (
    compartment("platform", description="Everything"),
    compartment("team", parent="platform", description="A team"),
    policy(
        "callers",
        compartment="platform",
        description="Every key of the platform may call",
        statements=[
            "allow any-user to use generative-ai-chat in compartment id ${Compartment/platform.id}",
            "allow any-user to manage generative-ai-response in compartment id ${Compartment/platform.id}",
        ],
    ),
)


def reference(*, rotating: bool = False) -> str:
    """The stack as it is first applied; `rotating`: both keys rotate, otherwise the one with one sink does."""
    kept: dict[str, Any] = {"rotation": ROTATION} if rotating else {"tags": {"tier": "two"}}
    return _reference(_chat("chat"), *_batch("team", "app", kept, {"grants": _GRANTS}))


def moved() -> str:
    """The same stack with a compartment, a key and a policy elsewhere, and a key renamed."""
    tagged = {"tags": {"tier": "one"}}
    return _reference(_chat("chat_app"), *_batch("platform", "team", tagged, tagged))


def pruned() -> str:
    """The same stack without its innermost compartment and what is in it."""
    return _reference(_chat("chat"))


def placed(where: str, *, region: str | None = None) -> str:
    """One key in `where` that only its own grant admits: a move of it needs the grant for the new place first."""
    spec = {"region": region} if region else {}
    return stack(
        compartment("platform", description="Everything"),
        compartment("team", parent="platform", description="A team"),
        compartment("app", parent="platform", description="An application"),
        key("chat", compartment=where, secrets=PAIR, deliverTo=[{"file": {"path": "secrets/chat.env"}}], **spec),
        policy(
            "chat-access",
            compartment="platform",
            description="chat may chat",
            grants=[{"apiKey": "chat", "apis": ["chat", "responses"], "models": ["xai.grok-4"]}],
        ),
        name="reference",
    )


def projected(*, changed: bool = False, pruned: bool = False) -> str:
    """A key whose callers name a project; `changed`: it is elsewhere and another one, `pruned`: it is gone, and nobody names it."""
    config = {"conversationsRetentionInHours": 24 if changed else 48}
    where, text = ("platform", "Another project") if changed else ("team", "A project")
    project = document(
        "Project",
        "chat",
        {"compartment": where, "description": text, "conversationConfig": config, "tags": {"tier": "two"}},
    )
    named = {} if pruned else {"project": "chat"}
    sink = {"file": {"path": "secrets/chat.env"}}
    return _reference(
        key("chat", compartment="team", secrets=PAIR, deliverTo=[sink], **named), *([] if pruned else [project])
    )


def vaulted(vault: str, key: str) -> str:
    """A stack of the same head with one key that is delivered to OCI Vault and to a file; its arguments are OCIDs."""
    return _reference(_rotating("app", {"vault": _secret(vault, key, "app")}, {"file": {"path": "secrets/app.env"}}))


def rooted(vault: str, key: str) -> str:
    """The head and a key whose Vault secret is in the tenancy itself: it keeps no compartment from being deleted."""
    secret = {**_secret(vault, key, "rooted"), "compartment": "tenancy"}
    return _reference(_rotating("chat", {"vault": secret}))


def watched(vault: str, key: str, *, found: bool = False) -> str:
    """A stack with every kind of sink and a key without any; `found`: and one to be imported."""
    return _reference(
        _rotating(
            "chat",
            {"file": {"path": "secrets/chat.env"}},
            {"file": {"path": "secrets/chat.json", "format": "json"}},
            {"vault": _secret(vault, key, "chat")},
            {"exec": {"command": ["./deliver.sh", "chat"]}},
        ),
        _bare("mute", "team", {"name": "only", "expires": "2031-01-01T00:00:00Z"}),
        policy(
            "chat-access",
            compartment="platform",
            description="chat may chat",
            grants=[{"apiKey": "chat", "apis": ["chat"], "models": ["xai.grok-4"]}],
        ),
        *([_bare("found", "tenancy", {"name": "only"})] if found else []),
    )


def _reference(*documents: Document) -> str:
    return stack(*_HEAD, *documents, name="reference")


def _rotating(name: str, *sinks: Document, **spec: Any) -> Document:
    return key(name, compartment="team", secrets=PAIR, deliverTo=list(sinks), rotation=ROTATION, **spec)


def _bare(name: str, where: str, secret: dict[str, str]) -> Document:
    return key(name, compartment=where, secrets=[secret])


def _secret(vault: str, key: str, name: str) -> Document:
    return {"vault": vault, "key": key, "compartment": "platform", "name": name}


def _chat(name: str) -> Document:
    return _rotating("chat", {"file": {"path": "secrets/chat.env"}}, displayName=name)


def _batch(parent: str, where: str, kept: dict[str, Any], granted: dict[str, Any]) -> tuple[Document, ...]:
    """The compartment of an application, its key in `where`, and its policy; what else these two have."""
    sinks = [{"file": {"path": "secrets/batch.json", "format": "json"}}, {"file": {"path": "secrets/deep/batch.env"}}]
    return (
        compartment("app", parent=parent, description="An application"),
        key("batch", compartment=where, secrets=PAIR, deliverTo=sinks, **kept),
        policy(
            "batch-access",
            compartment="app",
            description="batch may chat",
            statements=["allow any-user to read generative-ai-family in compartment id ${Compartment/app.id}"],
            **granted,
        ),
    )

"""The reference stack and what is done to it: three nested compartments, two policies, two keys with two secrets each.

Beside it a smaller one, whose key is also in OCI Vault.
"""

from __future__ import annotations

ROTATION = "rotation: {every: 60d, overlap: 7d, idle: 24h, verify: {model: xai.grok-4}}"
KEYS = ("chat", "batch")
SINKS = {
    "chat": ["secrets/chat.env"],
    "batch": ["secrets/batch.json", "secrets/deep/batch.env"],
    "app": ["secrets/app.env"],
}
VAULTED = ("app",)  # keys that are in OCI Vault as well

_HEAD = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: reference}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: platform}
spec: {description: Everything}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: team}
spec: {parent: platform, description: A team}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: callers}
spec:
  compartment: platform
  description: Every key of the platform may call
  statements:
    - allow any-user to use generative-ai-chat in compartment id ${Compartment/platform.id}
    - allow any-user to manage generative-ai-response in compartment id ${Compartment/platform.id}
"""
_CHAT = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: chat}}
spec:
  displayName: {name}
  compartment: team
  secrets: [{{name: key-one, expires: 90d}}, {{name: key-two, expires: 135d}}]
  deliverTo: [{{file: {{path: secrets/chat.env}}}}]
  {rotation}
"""
_BATCH = """\
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {{name: app}}
spec: {{parent: {parent}, description: An application}}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: batch}}
spec:
  compartment: {compartment}
  secrets: [{{name: key-one, expires: 90d}}, {{name: key-two, expires: 135d}}]
  deliverTo:
    - file: {{path: secrets/batch.json, format: json}}
    - file: {{path: secrets/deep/batch.env}}
  {rotation}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {{name: batch-access}}
spec:
  compartment: app
  description: batch may chat
  statements: ["allow any-user to read generative-ai-family in compartment id ${{Compartment/app.id}}"]
  {grants}
"""
_APP = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: app}}
spec:
  compartment: team
  secrets: [{{name: key-one, expires: 90d}}, {{name: key-two, expires: 135d}}]
  deliverTo:
    - vault: {{vault: {vault}, key: {key}, compartment: platform, name: app}}
    - file: {{path: secrets/app.env}}
  {rotation}
"""
_WATCHED = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: chat}}
spec:
  compartment: team
  secrets: [{{name: key-one, expires: 90d}}, {{name: key-two, expires: 135d}}]
  deliverTo:
    - file: {{path: secrets/chat.env}}
    - file: {{path: secrets/chat.json, format: json}}
    - vault: {{vault: {vault}, key: {key}, compartment: platform, name: chat}}
    - exec: {{command: [./deliver.sh, chat]}}
  {rotation}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: mute}}
spec: {{compartment: team, secrets: [{{name: only, expires: 2031-01-01T00:00:00Z}}]}}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {{name: chat-access}}
spec:
  compartment: platform
  description: chat may chat
  grants: [{{apiKey: chat, apis: [chat], models: [xai.grok-4]}}]
"""
_FOUND = """\
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: found}
spec: {compartment: tenancy, secrets: [{name: only}]}
"""
_GRANTS = "grants: [{apiKey: batch, apis: [chat], models: [xai.grok-4]}]"


def reference(*, rotating: bool = False) -> str:
    """The stack as it is first applied; `rotating`: both keys rotate, otherwise the one with one sink does."""
    chat = _CHAT.format(name="chat", rotation=ROTATION)
    batch = _BATCH.format(
        parent="team", compartment="app", rotation=ROTATION if rotating else "tags: {tier: two}", grants=_GRANTS
    )
    return _HEAD + chat + batch


def moved() -> str:
    """The same stack with a compartment, a key and a policy elsewhere, and a key renamed."""
    chat = _CHAT.format(name="chat_app", rotation=ROTATION)
    batch = _BATCH.format(
        parent="platform", compartment="team", rotation="tags: {tier: one}", grants="tags: {tier: one}"
    )
    return _HEAD + chat + batch


def pruned() -> str:
    """The same stack without its innermost compartment and what is in it."""
    return _HEAD + _CHAT.format(name="chat", rotation=ROTATION)


def vaulted(vault: str, key: str) -> str:
    """A stack of the same head with one key that is delivered to OCI Vault and to a file; its arguments are OCIDs."""
    return _HEAD + _APP.format(vault=vault, key=key, rotation=ROTATION)


def watched(vault: str, key: str, *, found: bool = False) -> str:
    """A stack with every kind of sink and a key without any; `found`: and one to be imported."""
    return _HEAD + _WATCHED.format(vault=vault, key=key, rotation=ROTATION) + (_FOUND if found else "")

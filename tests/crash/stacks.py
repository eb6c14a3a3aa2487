"""The reference stack and what is done to it: three nested compartments, two policies, two keys with two secrets each."""

from __future__ import annotations

ROTATION = "rotation: {every: 60d, overlap: 7d, idle: 24h, verify: {model: xai.grok-4}}"
SINKS = {"chat": ["secrets/chat.env"], "batch": ["secrets/batch.json", "secrets/deep/batch.env"]}
KEYS = tuple(SINKS)

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

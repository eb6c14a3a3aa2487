"""Manifests as the tests of this folder need them: documents as data, and the text of a stack."""

from __future__ import annotations

from typing import Any

import yaml

Document = dict[str, Any]


def stack(*documents: Document, name: str = "loop", **spec: Any) -> str:
    """The text of a stack with these documents."""
    head = document("Stack", name, {"region": "us-chicago-1", **spec})
    return yaml.safe_dump_all([head, *documents], sort_keys=False)


def document(kind: str, name: str, spec: dict[str, Any]) -> Document:
    return {"apiVersion": "genai-iac/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def compartment(name: str, /, **spec: Any) -> Document:
    return document("Compartment", name, spec)


def key(name: str, /, *, secrets: int | list[dict[str, str]] = 1, **spec: Any) -> Document:
    """A key with so many secrets, or with these; in the compartment `home` unless told otherwise."""
    named = secrets if isinstance(secrets, list) else [{"name": one} for one in ("key-one", "key-two")[:secrets]]
    return document("ApiKey", name, {"compartment": "home", "secrets": named, **spec})


def policy(name: str, /, **spec: Any) -> Document:
    """A policy in the compartment `home` unless told otherwise, with a statement that is true anywhere in the tenancy."""
    statements = ["allow any-user to inspect tag-namespaces in tenancy"]
    if "compartment" not in spec:
        spec["compartment"] = "home"
        statements = ["allow any-user to inspect policies in compartment id ${Compartment/home.id}"]
    return document("Policy", name, spec if "grants" in spec else {"statements": statements, **spec})

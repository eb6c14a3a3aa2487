"""Small stacks and what they take for granted, made through the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import oci
import yaml
from conftest import Project, Tenancy

REGION = "us-chicago-1"


def stack(statements: Sequence[str] = (), *more: dict[str, Any], **policy: Any) -> str:
    """A stack with one policy of these statements, and more documents."""
    documents: list[dict[str, Any]] = [{"kind": "Stack", "metadata": {"name": "s"}, "spec": {"region": REGION}}]
    if statements or policy:
        spec = {**policy, **({"statements": list(statements)} if statements else {})}
        documents.append({"kind": "Policy", "metadata": {"name": "p"}, "spec": spec})
    documents.extend(more)
    return yaml.safe_dump_all([{"apiVersion": "genai-iac/v1", **one} for one in documents], width=10_000)


def compartment(name: str, /, **spec: Any) -> dict[str, Any]:
    """A Compartment document."""
    return {"kind": "Compartment", "metadata": {"name": name}, "spec": spec}


def api_key(name: str, place: str, **spec: Any) -> dict[str, Any]:
    """An ApiKey document with one secret."""
    return {
        "kind": "ApiKey",
        "metadata": {"name": name},
        "spec": {"compartment": place, "secrets": [{"name": "key-one"}], **spec},
    }


def policy(name: str, /, **spec: Any) -> dict[str, Any]:
    """A Policy document."""
    return {"kind": "Policy", "metadata": {"name": name}, "spec": spec}


def plan_of(project: Project, *arguments: str) -> dict[str, Any]:
    """The plan as data."""
    document: dict[str, Any] = project.run("plan", "--format", "json", *arguments).json
    return document


def make_group(tenancy: Tenancy, name: str) -> str:
    """A group; answers its OCID."""
    details = oci.identity.models.CreateGroupDetails(compartment_id=tenancy.tenancy, name=name, description="Theirs")
    return str(tenancy.client("identity").create_group(details).data.id)


def make_dynamic_group(tenancy: Tenancy, name: str) -> str:
    """A dynamic group; answers its OCID."""
    details = oci.identity.models.CreateDynamicGroupDetails(
        compartment_id=tenancy.tenancy,
        name=name,
        description="Theirs",
        matching_rule="Any {instance.compartment.id = 'ocid1.compartment.oc1..a'}",
    )
    return str(tenancy.client("identity").create_dynamic_group(details).data.id)


def make_compartment(tenancy: Tenancy, name: str, parent: str | None = None) -> str:
    """A compartment; answers its OCID."""
    details = oci.identity.models.CreateCompartmentDetails(
        compartment_id=parent or tenancy.tenancy, name=name, description="Theirs"
    )
    return str(tenancy.client("identity").create_compartment(details).data.id)


def list_groups(tenancy: Tenancy) -> dict[str, str]:
    """The OCIDs of all groups by name."""
    return {one.name: one.id for one in tenancy.client("identity").list_groups(tenancy.tenancy).data}


def client_of(tenancy: Tenancy, principal: str) -> Any:
    """An Identity client that signs as somebody made by `POST /_local/principals`."""
    config = oci.config.from_file(str(tenancy.config_file), principal)
    return oci.identity.IdentityClient(
        config, service_endpoint=tenancy.url, retry_strategy=oci.retry.NoneRetryStrategy()
    )

"""The stack that these tests break off, hit and repair: a compartment, a key with two secrets, the policy that admits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import Project, Tenancy

from .curl_lines import read_dotenv, works
from .manifests import Document, compartment, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, compartments, keys, only, policies


def chat(**spec: Any) -> list[Document]:
    """Its documents, with something more in each spec."""
    return [
        compartment("home", **spec),
        key("app", secrets=2, deliverTo=[{"file": {"path": "secrets/app.env"}}], **spec),
        policy("access", grants=[{"apiKey": "app", "apis": ["chat", "responses"]}], **spec),
    ]


CHAT = stack(*chat())
VARIABLES = ("OPENAI_API_KEY", "OPENAI_API_KEY_STANDBY")


def assert_whole(project: Project, tenancy: Tenancy) -> None:
    """One of each, every live secret delivered and working, nothing to do, no scrap left."""
    assert only(compartments(tenancy)).name == "home"
    assert only(keys(tenancy)).display_name == "app"
    assert [one.name for one in policies(tenancy).values() if one.freeform_tags.get("genai-iac")] == ["access"]
    given = read_dotenv(project.path / "secrets/app.env")
    assert all(works(given["OPENAI_BASE_URL"], given[name]) for name in VARIABLES)
    assert [path.name for path in Path(project.path / "secrets").iterdir()] == ["app.env"]
    assert_settled(project)


def apply_again(project: Project, tenancy: Tenancy) -> None:
    """One more apply, with nothing in its way, makes it whole."""
    tenancy.control("DELETE", "faults")
    project.run(*APPROVED)
    assert_whole(project, tenancy)

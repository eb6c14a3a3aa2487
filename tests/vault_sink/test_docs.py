"""The vault section of docs/sinks.md: its example works as it stands, and it names only what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from conftest import Project, Tenancy
from plan_apply.manifests import compartment, key, stack
from plan_apply.sdk_helpers import apply_exactly, changes

from genai_iac.oci_client.sdk_clients import OPERATIONS

from .vault_setups import built_in, content, secrets

PAGE = (Path(__file__).parents[2] / "docs/sinks.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## vault\n")[2].partition("\n## ")[0]


def test_the_example_delivers(project: Project, tenancy: Tenancy) -> None:
    example = re.search(r"```yaml\n(.*?)```", SECTION, re.DOTALL)
    assert example
    there, text = built_in(tenancy), example[1]
    for kind in ("vault", "key"):
        text = text.replace(f"ocid1.{kind}.oc1.us-chicago-1.example", there[kind])
    written: dict[str, Any] = yaml.safe_load(text)
    project.write(stack(compartment("chat", name="chat"), key("chat-app", compartment="chat", **written)))
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/chat-app"]["calls"] == ["CreateApiKey", "CreateSecret"]
    assert list(secrets(tenancy)) == ["chat-app"] and content(tenancy, "chat-app")["OPENAI_API_KEY"]


def test_the_operations_it_names_are_those_that_are_called() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", SECTION))
    assert named and named <= set(OPERATIONS)

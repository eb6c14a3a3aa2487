"""A tenancy in which a stack lives, and the SDK's clients with which somebody changes things by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conftest import Project, Tenancy
from plan_apply.sdk_helpers import REGION, client, compartments, keys, named, policies


@dataclass
class Deployment:
    """The project, and the tenancy that it was applied to."""

    project: Project
    tenancy: Tenancy

    @property
    def identity(self) -> Any:
        return client(self.tenancy, "identity")

    @property
    def generative_ai(self) -> Any:
        return client(self.tenancy, "generative_ai", REGION)

    def live(self, kind: str, name: str) -> Any:
        """What lives under that name."""
        found = {"Compartment": compartments, "Policy": policies, "ApiKey": keys}[kind](self.tenancy)
        return named(found, name)

"""What the tests of pull requests share: a group that policies name, a stack that lives."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy

from .stacks import STACK


@pytest.fixture
def applied(project: Project, tenancy: Tenancy) -> Project:
    """The stack, applied; groups that its policy names are there."""
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(STACK)
    project.run("apply", "--auto-approve")
    tenancy.forget_calls()
    return project

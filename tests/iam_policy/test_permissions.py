"""Tables agree with themselves: what an operation needs, some verb on some resource type gives."""

from __future__ import annotations

from itertools import pairwise

import pytest

from genai_iac.iam_policy import members_of, operations_of, permissions_given, permissions_of
from genai_iac.iam_policy.permissions import SERVICES, permissions_taken
from genai_iac.iam_policy.syntax_tree import VERBS
from genai_iac.iam_policy.unknown_words import RESOURCE_TYPES

OPERATIONS = sorted(name for service in SERVICES for name in service.operations)
TYPES = sorted(name for service in SERVICES for name in (*service.types, *service.families))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_can_be_granted(operation: str) -> None:
    needed = set(permissions_of(operation))
    assert needed <= permissions_given("manage", "all-resources")
    assert all(operation in operations_of(permission) for permission in needed)


@pytest.mark.parametrize("resource", TYPES)
def test_verbs_are_a_ladder(resource: str) -> None:
    rungs = [permissions_given(verb, resource) for verb in VERBS]
    assert all(lower <= higher for lower, higher in pairwise(rungs))
    assert rungs[-1], "a resource type that grants nothing"
    falling = [permissions_taken(verb, resource) for verb in VERBS]
    assert falling[0] == rungs[-1]
    assert all(lower >= higher for lower, higher in pairwise(falling))
    assert resource in RESOURCE_TYPES


def test_operations_are_distinguished_by_name() -> None:
    assert len(OPERATIONS) == len(set(OPERATIONS))
    with pytest.raises(KeyError):
        permissions_of("TeleportTenancy")


def test_families() -> None:
    family = members_of("generative-ai-family")
    assert {"generative-ai-chat", "generative-ai-apikey", "generative-ai-model"} <= set(family)
    assert not {"generative-ai-response", "generative-ai-conversation"} & set(family)
    assert set(members_of("secret-family")) == {"secrets", "secret-versions", "secret-bundles"}
    assert members_of("alarms") == ("alarms",)
    assert set(family) < set(members_of("all-resources"))

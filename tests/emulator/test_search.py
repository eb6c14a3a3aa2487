"""Resource Search over what is in the tenancy, and only what the caller may inspect."""

from typing import Any

import oci
import pytest

from .clients import FRANKFURT, Clients, holds, refusal


def find(clients: Clients, query: str, region: str = "us-chicago-1", **options: Any) -> list[Any]:
    details = oci.resource_search.models.StructuredSearchDetails(query=query)
    return list(clients.search(region).search_resources(details, **options).data.items)


@pytest.fixture(scope="module")
def marked(shared: Clients) -> dict[str, str]:
    """A few tagged things."""
    inside = shared.compartment("searched")
    key = shared.key(inside, "findme")
    shared.ai().update_api_key(key.id, {"freeformTags": {"managed-by": "genai_iac"}})
    policy = shared.policy("findme", "allow group Administrators to use buckets in tenancy")
    return {"compartment": inside, "key": key.id, "policy": policy.id}


@holds("9.1")
def test_structured_queries(shared: Clients, marked: dict[str, str]) -> None:
    assert [item.identifier for item in find(shared, "query compartment resources where displayName = 'Searched'")] == [
        marked["compartment"]
    ]
    tagged = "query all resources where (freeformTags.key = 'managed-by' && freeformTags.value = 'genai_iac')"
    [hit] = find(shared, tagged)
    assert (hit.identifier, hit.resource_type, hit.compartment_id) == (
        marked["key"],
        "GenerativeAiApiKey",
        marked["compartment"],
    )
    both = "query compartment, policy resources where displayName =~ 'find' || displayName =~ 'searched' sorted by displayName asc"
    assert [item.display_name for item in find(shared, both)] == ["findme", "searched"]
    none = "query policy resources where lifecycleState != 'ACTIVE'"
    assert find(shared, none) == []
    assert find(shared, tagged, FRANKFURT) == []
    assert [
        item.identifier
        for item in find(shared, f"query all resources where identifier = '{marked['policy']}'", FRANKFURT)
    ]


def test_free_text_and_pages(shared: Clients, marked: dict[str, str]) -> None:
    details = oci.resource_search.models.FreeTextSearchDetails(text="FINDME")
    found = shared.search().search_resources(details, limit=1)
    rest = shared.search().search_resources(details, limit=1, page=found.next_page)
    assert {found.data.items[0].identifier, rest.data.items[0].identifier} == {marked["key"], marked["policy"]}


def test_types(shared: Clients) -> None:
    names = {item.name for item in shared.search().list_resource_types().data}
    assert {"Compartment", "Policy", "GenerativeAiApiKey"} <= names
    assert shared.search().get_resource_type("compartment").data.name == "Compartment"


def test_hits_are_those_the_caller_may_inspect(fresh: Clients) -> None:
    fresh.key(fresh.compartment("open"), "visible")
    fresh.key(fresh.compartment("closed"), "hidden")
    reader = fresh.principal("reader", "readers")
    assert find(reader, "query all resources") == []
    fresh.policy("read", "allow group readers to inspect generative-ai-family in compartment open")
    assert [item.display_name for item in find(reader, "query all resources")] == ["visible"]


@pytest.mark.parametrize(
    "query",
    ["", "query", "query compartment", "query nothing resources", "query all resources where", "query all resources where x = 'y'",
     "query all resources where displayName = y", "query all resources where (displayName = 'y'", "query all resources extra",
     "query all resources where " + "(" * 100, "query all resources where displayName = 'y' && " * 300, "query all resources where a\x00"],
)  # fmt: skip
def test_queries_that_are_none(shared: Clients, query: str) -> None:
    assert refusal(find, shared, query)[0] == 400

"""Who needs whom, an order that works, and cycles by name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genai_iac.core import Address, InterpolatedText, Reference, Resource, Source, Value
from genai_iac.core.errors import ManifestError
from genai_iac.manifest.graph import build_graph


def address(name: str) -> Address:
    return Address("Compartment", name)


def resource(name: str, *needs: str) -> Resource:
    placeholders: tuple[tuple[str, str | Reference], ...] = tuple((need, Reference(address(need))) for need in needs)
    value: Value = (
        InterpolatedText("text", placeholders) if len(needs) > 1 else [Reference(address(need)) for need in needs]
    )
    return Resource(address(name), {"list": [{"deep": value}]}, Source("a.yaml", 1, 1))


def graph_of(**needs: str) -> dict[Address, Resource]:
    return {address(name): resource(name, *needed.split()) for name, needed in needs.items()}


def test_order_follows_declaration_where_it_may() -> None:
    graph = build_graph(graph_of(d="a b", c="", b="a", a=""))
    assert [one.name for one in graph.order()] == ["c", "a", "b", "d"]
    assert graph.needs(address("d")) == {address("a"), address("b")}


def test_references_to_others_are_left_out() -> None:
    assert build_graph(graph_of(a="z")).needs(address("a")) == frozenset()


@pytest.mark.parametrize(
    ("needs", "way"),
    [
        ({"a": "a"}, "Compartment/a -> Compartment/a"),
        ({"a": "b", "b": "a"}, "Compartment/a -> Compartment/b -> Compartment/a"),
        ({"x": "a", "b": "c", "a": "b", "c": "a"}, "Compartment/b -> Compartment/c -> Compartment/a -> Compartment/b"),
    ],
)
def test_a_cycle_is_named_from_its_first_resource(needs: dict[str, str], way: str) -> None:
    with pytest.raises(ManifestError) as caught:
        build_graph(graph_of(**needs))
    (problem,) = caught.value.problems
    assert problem.message.endswith(f"cycle: {way}")


def test_a_long_cycle_is_reported_in_short() -> None:
    with pytest.raises(ManifestError) as caught:
        build_graph(graph_of(**{f"n{number}": f"n{(number + 1) % 400}" for number in range(400)}))
    assert "n8 -> Compartment/n9 -> (389 more) -> Compartment/n399 -> Compartment/n0" in str(caught.value)


@given(st.dictionaries(st.integers(0, 30), st.sets(st.integers(0, 30), max_size=4), max_size=30))
def test_every_order_works_or_a_cycle_is_true(edges: dict[int, set[int]]) -> None:
    resources = {
        address(f"n{one}"): resource(f"n{one}", *(f"n{other}" for other in others)) for one, others in edges.items()
    }
    try:
        graph = build_graph(resources)
    except ManifestError as error:
        for problem in error.problems:
            names = [
                int(name.removeprefix("Compartment/n"))
                for name in problem.message.partition("cycle: ")[2].split(" -> ")
                if "more" not in name
            ]
            assert names[0] == names[-1]
            assert "more" in problem.message or all(after in edges[before] for before, after in pairwise(names))
        return
    done: set[Address] = set()
    for one in graph.order():
        assert graph.needs(one) <= done
        done.add(one)
    assert done == set(resources)

"""Keys whose manifests exchange names and places: a place that holds another live key's values is never written over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy
from vault_sink.vault_setups import content, entry

from .manifests import Document, compartment, key, stack
from .sdk_helpers import APPROVED, assert_settled, words

HOME = compartment("home")
Entry = dict[str, Any]


def _file(**settings: str) -> Callable[[Tenancy, str], Entry]:
    return lambda _, place: {"file": {"path": f"secrets/{place}", **settings}}


def _names_in_one_file(_: Tenancy, place: str) -> Entry:
    letter = place.upper()
    return {
        "file": {
            "path": "secrets/all.env",
            "env": {"key": f"{letter}_K", "baseUrl": f"{letter}_U", "project": f"{letter}_P"},
        }
    }


PLACES = {
    "dotenv": _file(),
    "json": _file(format="json"),
    "raw": _file(format="raw"),
    "names in one file": _names_in_one_file,
    "vault": lambda tenancy, place: entry(tenancy, place),
}
# the name and the place of the first key and of the second: first "a" in place "a" and "b" in place "b"
EDITS = {
    "both exchange their names and places": (("b", "b"), ("a", "a")),
    "a becomes b, b becomes c, and the places follow": (("b", "b"), ("c", "c")),
    "the places are exchanged": (("a", "b"), ("b", "a")),
    "the first takes the place that the second leaves": (("a", "b"), ("b", "c")),
}


def _keys(place: Callable[[str], Entry], *wanted: tuple[str, str]) -> str:
    def one(displayed: str, first: str, name: str, at: str) -> Document:
        made = key(name, displayName=displayed, deliverTo=[place(at)])
        made["metadata"].update({"previousNames": [first]} if name != first else {})
        return made

    (name, at), (other, there) = wanted
    return stack(HOME, one("one", "a", name, at), one("two", "b", other, there))


def _stored(root: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in sorted((root / "secrets").rglob("*")) if one.is_file()}


@pytest.fixture
def started(project: Project, tenancy: Tenancy) -> Iterator[Callable[[str], Callable[[str], Entry]]]:
    """Makes two keys in places of that sort; returns what an entry for a place is."""

    def start(sort: str) -> Callable[[str], Entry]:
        def place(name: str) -> Entry:
            return PLACES[sort](tenancy, name)

        project.write(_keys(place, ("a", "a"), ("b", "b")))
        project.run(*APPROVED)
        return place

    yield start


@pytest.mark.parametrize("sort", ["dotenv", *(pytest.param(one, marks=pytest.mark.matrix) for one in [*PLACES][1:])])
def test_the_only_copy_of_a_live_keys_values_is_not_replaced(
    project: Project, tenancy: Tenancy, started: Callable[[str], Callable[[str], Entry]], sort: str
) -> None:
    """With one change at a time the second key's value was gone, and the apply said that all was delivered."""
    place = started(sort)
    before = _held(project, tenancy, sort)
    tenancy.forget_calls()
    for first, second in EDITS.values():
        project.write(_keys(place, first, second))
        ran = project.run(*APPROVED, "--parallelism", "1", code=1)
        assert f"holdsthesecretsofApiKey/{second[0]}" in words(ran.err)
        assert "previousNames" not in ran.err
    assert tenancy.writes() == []
    assert _held(project, tenancy, sort) == before


def test_the_way_out_is_another_place_first(project: Project, started: Callable[[str], Callable[[str], Entry]]) -> None:
    place = started("dotenv")
    for left, names in (("", ("a", "t")), ("b", ("b", "t")), ("a", ("b", "a"))):
        if left:
            (project.path / "secrets" / left).unlink()
        project.write(_keys(place, ("b", names[0]), ("a", names[1])))
        project.run(*APPROVED, "--parallelism", "1")
        assert_settled(project)
    one, two = (_stored(project.path)[name].decode() for name in ("b", "a"))
    assert '"address": "ApiKey/b"' in one and '"address": "ApiKey/a"' in two


def _held(project: Project, tenancy: Tenancy, sort: str) -> object:
    if sort != "vault":
        return _stored(project.path)
    return [content(tenancy, name) for name in ("a", "b")]

"""Names become OCIDs as the service compiles them, and what is not there is said with its column."""

from __future__ import annotations

import pytest

from genai_iac.iam_policy import UnresolvedName, parse, resolve, unparse

from .directory import HERE, SmallTree

TREE = SmallTree(
    paths=(("platform",), ("platform", "chat"), ("platform", "chat", "dev"), ("other",)),
    groups=frozenset({"admins"}),
    dynamic_groups=frozenset({"workers"}),
)
PLATFORM = TREE.ocids[("platform",)]
CHAT = TREE.ocids[("platform", "chat")]
DEV = TREE.ocids[("platform", "chat", "dev")]


@pytest.mark.parametrize(
    ("path", "attached", "found"),
    [
        ("platform", HERE, PLATFORM),
        ("Platform:CHAT", HERE, CHAT),
        ("chat", PLATFORM, CHAT),
        ("platform", PLATFORM, PLATFORM),
        ("platform:chat:dev", PLATFORM, DEV),
    ],
)
def test_paths_are_seen_from_the_policy(path: str, attached: str, found: str) -> None:
    tree = resolve(parse(f"allow group Admins to use x in compartment {path}"), TREE, attached)
    assert unparse(tree) == f"allow group id ocid1.group.oc1..admins to use x in compartment id {found}"


@pytest.mark.parametrize(
    ("text", "attached", "kind", "name"),
    [
        ("allow group Ghosts to use x in tenancy", HERE, "group", "Ghosts"),
        ("allow group Admins, Corp/Ghosts to use x in tenancy", HERE, "group", "Corp/Ghosts"),
        ("allow dynamic-group Admins to use x in tenancy", HERE, "dynamic-group", "Admins"),
        ("allow group Admins to use x in compartment chat", HERE, "compartment", "chat"),
        (
            "allow group Admins to use x in compartment ocid1.compartment.oc1..other",
            HERE,
            "compartment",
            "ocid1.compartment.oc1..other",
        ),
        (
            "allow group Admins to use x in compartment id ocid1.compartment.oc1..other",
            PLATFORM,
            "subtree",
            "ocid1.compartment.oc1..other",
        ),
        ("allow group Admins to use x in tenancy", PLATFORM, "subtree", "tenancy"),
    ],
)
def test_what_is_not_there_is_said(text: str, attached: str, kind: str, name: str) -> None:
    with pytest.raises(UnresolvedName) as missed:
        resolve(parse(text), TREE, attached)
    assert (missed.value.kind, missed.value.name) == (kind, name)
    assert text[missed.value.column - 1 :].startswith(name)


def test_an_ocid_as_a_name_is_reported_as_an_id() -> None:
    with pytest.raises(UnresolvedName, match="write `compartment id ocid1"):
        resolve(parse("allow any-user to use x in compartment ocid1.compartment.oc1..other"), TREE, HERE)


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        (
            "admit group Far of tenancy T to use x in compartment platform",
            f"admit group Far of tenancy T to use x in compartment id {PLATFORM}",
        ),
        (
            "endorse group Admins to use x in compartment there of tenancy T",
            "endorse group id ocid1.group.oc1..admins to use x in compartment there of tenancy T",
        ),
        (
            "endorse group Defined to associate x in compartment platform with y in tenancy T",
            f"endorse group Defined to associate x in compartment id {PLATFORM} with y in tenancy T",
        ),
        ("define group Far as ocid1.group.oc1..far", "define group Far as ocid1.group.oc1..far"),
        (
            "allow service faas to use x in compartment id " + CHAT,
            "allow service faas to use x in compartment id " + CHAT,
        ),
        (
            "allow resource svc kind to {P} in compartment platform",
            f"allow resource svc kind to {{P}} in compartment id {PLATFORM}",
        ),
    ],
)
def test_names_of_other_tenancies_stay(text: str, resolved: str) -> None:
    assert unparse(resolve(parse(text), TREE, HERE)) == resolved

"""Pairs of statements that mean the same, and pairs that do not: whoever confuses them loses an edit, or writes for nothing."""

from __future__ import annotations

from itertools import permutations

import pytest

from genai_iac.iam_policy import is_equivalent

from .directory import HERE, SmallTree

CHAT = "ocid1.compartment.oc1..chat"
ASSOCIATE = "endorse group a to associate x in compartment {} with y in tenancy {}"


def allow(place: str = "tenancy", who: str = "group a", what: str = "use buckets") -> str:
    return f"allow {who} to {what} in {place}"


def where(condition: str) -> str:
    return f"{allow()} where {condition}"


def clock(condition: str) -> str:
    return where(f"request.utc-timestamp{condition}")


SAME = [
    ("group", allow(who="group a, b/c, d/c, id ocid1.group.oc1..g"), allow(who="group id ocid1.group.oc1..G, D/c, B/c, a")),
    ("group of the default domain", allow(who="group Default/a, d/a"), allow(who="group d/a, a, 'A'")),
    ("resources", allow(what="use buckets, objects"), allow(what="use objects, Buckets, objects")),
    ("permissions", allow(what="{A, B}"), allow(what="{b, a, B}")),
    ("own tenancy", allow("tenancy"), allow(f"compartment id {HERE}")),
    ("own tenancy in capitals", allow("tenancy"), allow(f"compartment id {HERE.upper().replace('OCID1.TENANCY', 'ocid1.tenancy')}")),
    ("compartment", allow(f"compartment id {CHAT}"), allow(f"compartment id {CHAT[:-4]}CHAT")),
    ("source", "admit any-user of tenancy T to read x in tenancy", "admit any-user of tenancy t to read x in tenancy"),
    ("associated", ASSOCIATE.format("Team", "Far"), ASSOCIATE.format("team", "far")),
    ("define", "define group A as ocid1.group.oc1..x", "define group 'a' as ocid1.group.oc1..X"),
    ("variable", where("Target.X.y"), where("target.x.Y")),
    ("absent variable", where("not Target.X.y"), where("not target.x.y")),
    ("group of one", where("all {a.b = 'c'}"), where("any {a.b = 'c', a.b = 'c'}")),
    ("group in group", where("all {a.b = 'c', all {d.e = 'f', g.h = 'i'}}"), where("all {g.h = 'i', d.e = 'f', a.b = 'c'}")),
    ("one value", where("a.b in ('c')"), where("a.b = 'c'")),
    ("no value", where("a.b not in ('c', 'c')"), where("a.b != 'c'")),
    ("values", where("a.b in ('c', 'd')"), where("a.b in ('d', 'c', 'd')")),
    ("two variables", where("a.b = c.d"), where("C.d = a.b")),
    ("two other variables", where("a.b != c.d"), where("c.d != a.b")),
    ("sets", where("sets-equal(a.b, ('c', 'd'))"), where("sets-equal(('d', 'c', 'c'), A.b)")),
    ("zone", clock(" before '2027-03-03T13:00:00+01:00'"), clock(" before '2027-03-03T12:00:00Z'")),
    ("no zone", clock(" before '2027-03-03T12:00:00'"), clock(" before '2027-03-03t12:00:00z'")),
    ("time of day", clock(".time-of-day between '09:00' and '17:00'"), clock(".time-of-day between '09:00:00z' and '17:00Z'")),
    ("white space", " allow   group a to use\nbuckets in tenancy ", allow()),
    ("white space beside quotes", "allow group 'a'  to use\nbuckets in tenancy ", allow()),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), [pair[1:] for pair in SAME], ids=[pair[0] for pair in SAME])
def test_they_mean_the_same(left: str, right: str) -> None:
    assert is_equivalent([left], [right], None, HERE)
    assert is_equivalent([right, left], [left], None, HERE)


OTHER = [
    ("domain", allow(who="group b/a"), allow(who="group c/a")),
    ("name and OCID", allow(who="group ocid1"), allow(who="group id ocid1.group.oc1..ocid1")),
    ("compartments", allow(f"compartment id {CHAT}"), allow(f"compartment id {CHAT}2")),
    ("paths", allow("compartment a:b"), allow("compartment b:a")),
    ("tenancy and compartment", allow("tenancy"), allow(f"compartment id {CHAT}")),
    ("another tenancy", allow("tenancy"), allow("compartment id ocid1.tenancy.oc1..far")),
    ("tenancies", ASSOCIATE.format("team", "far"), ASSOCIATE.format("team", "near")),
    ("source", "admit any-user of tenancy T to read x in tenancy", "admit any-user of any-tenancy to read x in tenancy"),
    ("define", "define group a as ocid1.group.oc1..x", "define group a as ocid1.group.oc1..y"),
    ("presence", where("a.b"), where("not a.b")),
    ("groups", where("all {a.b = 'c', any {d.e = 'f', g.h = 'i'}}"), where("all {a.b = 'c', d.e = 'f', g.h = 'i'}")),
    ("in and not in", where("a.b in ('c')"), where("a.b not in ('c')")),
    ("two values and one", where("a.b in ('c', 'd')"), where("a.b = 'c'")),
    ("a variable and a value", where("b.b in (a.a, 'c')"), where("b.b in (a.a, 'd')")),
    ("order of times", where("a.b before c.d"), where("c.d before a.b")),
    ("value and pattern", where("a.b = 'c*'"), where("a.b = /c*/")),
    ("value and variable", where("a.b = 'c.d'"), where("a.b = c.d")),
    ("case of a value", where("a.b = 'c'"), where("a.b = 'C'")),
    ("spaces in a pattern", where("a.b = /c  d*/"), where("a.b = /c d*/")),
    ("times of no clock", where("a.b = '09:00'"), where("a.b = '09:00:00Z'")),
    ("hours", clock(".time-of-day after '09:00'"), clock(".time-of-day after '10:00'")),
    ("seconds", clock(".time-of-day after '09:00:01'"), clock(".time-of-day after '09:00'")),
    ("moments", clock(" after '2027-03-03T12:00:00Z'"), clock(" after '2027-03-03T12:00:01Z'")),
    ("time and pattern", clock(".time-of-day = /09:00:00Z/"), clock(".time-of-day = '09:00:00Z'")),
    ("case of a day", clock(".day-of-week = 'monday'"), clock(".day-of-week = 'Monday'")),
    ("one more", f"{allow(who='group a, b')}", allow()),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), [pair[1:] for pair in OTHER], ids=[pair[0] for pair in OTHER])
def test_they_do_not_mean_the_same(left: str, right: str) -> None:
    assert not is_equivalent([left], [right], None, HERE)
    assert not is_equivalent([right], [left], None, HERE)
    assert not is_equivalent([left, right], [left], None, HERE)


def test_the_tenancy_by_its_ocid_is_the_tenancy_only_in_its_own_policies() -> None:
    texts = [allow("tenancy")], [allow(f"compartment id {HERE}")]
    assert is_equivalent(*texts, None, HERE.upper().replace("OCID1", "ocid1"))
    assert not is_equivalent(*texts, None, CHAT)
    assert not is_equivalent([allow("tenancy")], [allow(f"compartment id {CHAT}")], None, CHAT)


def test_names_that_the_directory_does_not_know_stay_names() -> None:
    directory = SmallTree((("chat",),), frozenset({"a"}))
    chat = directory.ocids[("chat",)]
    left = allow("compartment Chat", who="group a, nobody")
    right = allow(f"compartment id {chat}", who="group NOBODY, id ocid1.group.oc1..a")
    assert is_equivalent([left], [right], directory, HERE)
    assert not is_equivalent([left], [right.replace("NOBODY", "somebody")], directory, HERE)


def test_the_order_of_many_groups_does_not_count() -> None:
    names = [f"domain{number}/admins" for number in range(150)] + ["admins"]
    assert is_equivalent(
        [allow(who=f"group {', '.join(names)}")], [allow(who=f"group {', '.join(names[::-1])}")], None, HERE
    )
    for some in permutations(("a", "b/a", "id ocid1.group.oc1..a")):
        assert is_equivalent(
            [allow(who=f"group {', '.join(some)}")], [allow(who="group a, b/a, id ocid1.group.oc1..a")], None, HERE
        )

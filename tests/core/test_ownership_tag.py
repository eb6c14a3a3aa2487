"""The ownership tag by itself: what it fits, what it never fits, and that OCI takes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from genai_iac.core import OWNERSHIP_TAG, Address, LiveResource, Owner, make_origin, read_ownership_tag
from genai_iac.core.ownership import fixed_part, judge

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
OWNER = Owner("ocid1.tenancy.oc1..t", "chat@prod")
KEY = Address("ApiKey", "app")


def live(
    id: str, tag: str, *, created: datetime = NOW, place: str = "c", kind: str = "ApiKey", name: str = "app"
) -> LiveResource:
    region = "us-chicago-1" if kind == "ApiKey" else None
    return LiveResource(
        kind, id, {}, place, name, region, "ACTIVE", {OWNERSHIP_TAG: tag}, created, read_ownership_tag(tag)
    )


def born(owner: Owner = OWNER, at: datetime = NOW) -> str:
    return owner.birth(KEY, "us-chicago-1", make_origin(at))


def fits(one: LiveResource, owner: Owner = OWNER) -> bool:
    return one.mark is not None and owner.fits(one.mark, one)


@pytest.mark.parametrize(
    ("seconds", "fit"), [(-6, False), (-5, True), (0, True), (59, True), (61, False), (3600, False), (-86400, False)]
)
def test_it_fits_what_was_created_at_its_moment(seconds: int, fit: bool) -> None:
    assert fits(live("a", born(), created=NOW + timedelta(seconds=seconds))) is fit


def test_it_fits_wherever_a_key_was_moved_and_whatever_it_is_called() -> None:
    assert fits(live("a", born(), place="elsewhere", name="renamed"))


def test_it_fits_no_other_region_tenancy_environment_or_address() -> None:
    tag = born()
    assert not fits(replace(live("a", tag), region="us-ashburn-1"))
    assert not fits(live("a", tag), Owner("ocid1.tenancy.oc1..u", "chat@prod"))
    assert not OWNER.owns(read_ownership_tag(tag.replace("@prod", "@dev")))
    assert not fits(live("a", tag.replace("/app", "/other")))


def test_a_policy_is_bound_to_its_name_and_compartment() -> None:
    address = Address("Policy", "rules")
    tag = OWNER.birth(address, fixed_part("Policy", "c", "rules", None), make_origin(NOW))
    assert fits(live("a", tag, kind="Policy", name="rules"))
    assert not fits(live("a", tag, kind="Policy", name="theirs"))
    assert not fits(live("a", tag, kind="Policy", name="rules", place="d"))


def test_a_seal_fits_one_ocid() -> None:
    for origin in ("", make_origin(NOW)):
        seal = OWNER.seal(KEY, "a", "retain", origin)
        assert fits(live("a", seal, created=NOW - timedelta(days=9))) and not fits(live("b", seal))
        mark = read_ownership_tag(seal)
        assert mark is not None and (mark.origin, mark.deletion, mark.sealed) == (origin, "retain", True)


def test_the_longest_has_as_many_characters_as_oci_takes() -> None:
    owner = Owner("t", f"{'s' * 63}@{'e' * 63}", "an id")
    for kind, deletion, names in (("Policy", "forbid", "0" * 16), ("Compartment", "forbid", "")):
        address = Address(kind, "n" * 63)
        for tag in (
            owner.birth(address, "", make_origin(NOW), deletion),
            owner.seal(address, "a", deletion, make_origin(NOW)),
        ):
            whole = Owner.with_names(tag, names)
            mark = read_ownership_tag(whole)
            assert len(whole) <= 256 and mark is not None
            assert (mark.owner, mark.address, mark.names, mark.deletion) == (owner.name, address, names, deletion)
            assert owner.owns(mark) and owner.names(mark)


def test_with_an_id_it_is_the_id_that_counts() -> None:
    before, after = Owner("t", "before", "1"), Owner("t", "after", "1")
    tag = born(before)
    assert after.owns(read_ownership_tag(tag)) and fits(live("a", tag), after)
    for other in (Owner("t", "before"), Owner("t", "before", "2"), Owner("t", "before@prod", "1")):
        assert not other.owns(read_ownership_tag(tag))
    assert not before.owns(read_ownership_tag(born(Owner("t", "before"))))
    assert Owner("t", "before", "1", claims=True).owns(read_ownership_tag(born(Owner("t", "before"))))


OLD = [
    "chat@prod/ApiKey/app#0123456789abcdef",
    "chat@prod/ApiKey/app=0123456789abcdef!forbid",
    "chat/Policy/p#0123456789abcdef!retain~0123456789abcdef",
]


@pytest.mark.parametrize("tag", OLD)
def test_tags_of_earlier_releases_are_read(tag: str) -> None:
    mark = read_ownership_tag(tag)
    assert mark is not None and mark.digest == "0123456789abcdef" and not mark.origin
    assert Owner.with_names(tag, "f" * 16).endswith("~" + "f" * 16)
    assert mark.bound_to_place is ("#" in tag)


@pytest.mark.parametrize(
    "tag",
    ["", "nonsense", "chat/ApiKey/app#2.short", "chat+12/ApiKey/app#0123456789abcdef", "chat/ApiKey/app#2." + "0" * 24],
)
def test_what_is_no_tag_is_none(tag: str) -> None:
    assert read_ownership_tag(tag) is None


def test_whatever_the_order_the_original_is_told_from_every_copy() -> None:
    tag, seal = born(), OWNER.seal(KEY, "original", origin=make_origin(NOW))
    young = live("young", tag, created=NOW + timedelta(seconds=3))
    old, late = (live(name, tag, created=NOW + timedelta(minutes=by)) for name, by in (("old", -3), ("late", 3)))
    first = live("first form", "chat@prod/ApiKey/app#0123456789abcdef")
    for original in (live("original", tag), live("original", seal, created=NOW - timedelta(days=1), place="far")):
        for group in permutations(
            (original, *((young,) if original.mark and not original.mark.sealed else ()), old, late, first)
        ):
            claimants = judge(OWNER, group)
            assert [one.id for one in claimants.ours] == ["original"]
            assert len(claimants.copies) == len(group) - 1


def test_a_copy_does_not_inherit_from_an_original_that_is_gone() -> None:
    tag = born()
    copy = live("copy", tag, created=NOW + timedelta(seconds=2))
    assert judge(OWNER, [copy], [live("original", tag)]).ours == ()


def test_two_creations_under_one_address_are_both_ours() -> None:
    both = [live("a", born()), live("b", born(at=NOW + timedelta(milliseconds=1)), created=NOW + timedelta(seconds=1))]
    assert [one.id for one in judge(OWNER, both).ours] == ["a", "b"]


def test_of_two_of_one_creation_and_one_age_neither_is_chosen_silently() -> None:
    tag = born()
    assert len(judge(OWNER, [live("a", tag), live("b", tag)]).ours) == 2

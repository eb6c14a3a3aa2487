"""The ownership tag by itself: what it fits, what it never fits, and that OCI takes it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from msgspec.structs import replace

from genai_iac.core import OWNERSHIP_TAG, Address, LiveResource, Owner, make_origin, read_ownership_tag
from genai_iac.core.ownership import find_claimants, fixed_part

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


def tag_at_creation(owner: Owner = OWNER, at: datetime = NOW) -> str:
    return owner.create_tag(KEY, "us-chicago-1", make_origin(at))


def fits(one: LiveResource, owner: Owner = OWNER) -> bool:
    return one.mark is not None and owner.fits(one.mark, one)


@pytest.mark.parametrize(
    ("seconds", "fit"),
    [(-6, False), (-5, True), (0, True), (59, True), (60, True), (61, False), (3600, False), (-86400, False)],
)
def test_it_fits_what_was_created_at_its_moment(seconds: int, fit: bool) -> None:
    assert fits(live("a", tag_at_creation(), created=NOW + timedelta(seconds=seconds))) is fit


def test_it_fits_wherever_a_key_was_moved_and_whatever_it_is_called() -> None:
    assert fits(live("a", tag_at_creation(), place="elsewhere", name="renamed"))


def test_it_fits_no_other_region_tenancy_environment_or_address() -> None:
    tag = tag_at_creation()
    assert not fits(replace(live("a", tag), region="us-ashburn-1"))
    assert not fits(live("a", tag), Owner("ocid1.tenancy.oc1..u", "chat@prod"))
    assert not OWNER.owns(read_ownership_tag(tag.replace("@prod", "@dev")))
    assert not fits(live("a", tag.replace("/app", "/other")))


def test_a_policy_is_bound_to_its_name_and_compartment() -> None:
    address = Address("Policy", "rules")
    tag = OWNER.create_tag(address, fixed_part("Policy", "c", "rules", None), make_origin(NOW))
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
            owner.create_tag(address, "", make_origin(NOW), deletion),
            owner.seal(address, "a", deletion, make_origin(NOW)),
        ):
            whole = Owner.with_names(tag, names)
            mark = read_ownership_tag(whole)
            assert len(whole) <= 256 and mark is not None
            assert (mark.owner, mark.address, mark.names, mark.deletion) == (owner.name, address, names, deletion)
            assert owner.owns(mark) and owner.names(mark)


def test_with_an_id_it_is_the_id_that_counts() -> None:
    before, after = Owner("t", "before", "1"), Owner("t", "after", "1")
    tag = tag_at_creation(before)
    assert after.owns(read_ownership_tag(tag)) and fits(live("a", tag), after)
    for other in (Owner("t", "before"), Owner("t", "before", "2"), Owner("t", "before@prod", "1")):
        assert not other.owns(read_ownership_tag(tag))
    assert not before.owns(read_ownership_tag(tag_at_creation(Owner("t", "before"))))
    assert Owner("t", "before", "1", claims=True).owns(read_ownership_tag(tag_at_creation(Owner("t", "before"))))


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


def test_whatever_the_order_the_original_is_distinguished_from_every_copy() -> None:
    tag, seal = tag_at_creation(), OWNER.seal(KEY, "original", origin=make_origin(NOW))
    young = live("young", tag, created=NOW + timedelta(seconds=3))
    old, late = (live(name, tag, created=NOW + timedelta(minutes=by)) for name, by in (("old", -3), ("late", 3)))
    first = live("first form", "chat@prod/ApiKey/app#0123456789abcdef")
    for original in (live("original", tag), live("original", seal, created=NOW - timedelta(days=1), place="far")):
        for group in permutations(
            (original, *((young,) if original.mark and not original.mark.sealed else ()), old, late, first)
        ):
            claimants = find_claimants(OWNER, group)
            assert [one.id for one in claimants.ours] == ["original"]
            assert len(claimants.copies) == len(group) - 1


def test_a_copy_does_not_inherit_from_an_original_that_is_gone() -> None:
    tag = tag_at_creation()
    copy = live("copy", tag, created=NOW + timedelta(seconds=2))
    assert find_claimants(OWNER, [copy], [live("original", tag)]).ours == ()


def test_two_creations_under_one_address_are_both_ours() -> None:
    both = [
        live("a", tag_at_creation()),
        live("b", tag_at_creation(at=NOW + timedelta(milliseconds=1)), created=NOW + timedelta(seconds=1)),
    ]
    assert [one.id for one in find_claimants(OWNER, both).ours] == ["a", "b"]


def test_of_two_of_one_creation_and_one_age_neither_is_chosen_silently() -> None:
    tag = tag_at_creation()
    assert len(find_claimants(OWNER, [live("a", tag), live("b", tag)]).ours) == 2


def first_form(place: str, address: Address = KEY) -> str:
    """A tag as releases before 0.2 wrote it: it is bound to the compartment."""
    text = "\n".join(("birth", "ocid1.tenancy.oc1..t", "chat@prod", str(address), place))
    return f"chat@prod/{address}#{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def test_a_tag_of_the_first_form_fits_its_compartment_and_is_recognised_elsewhere() -> None:
    here, there = live("a", first_form("c")), live("a", first_form("c"), place="d")
    assert fits(here) and not fits(there)
    assert all(one.mark and OWNER.recognises(one.mark, one) for one in (here, there))
    assert [one.id for one in find_claimants(OWNER, [there]).ours] == ["a"]
    for other in (here, there):
        assert find_claimants(OWNER, [live("sealed", OWNER.seal(KEY, "sealed")), other]).copies == (other,)
        assert find_claimants(OWNER, [live("later", tag_at_creation()), other]).copies == (other,)


def test_a_later_form_is_recognised_only_where_it_fits() -> None:
    near, late = live("a", tag_at_creation()), live("a", tag_at_creation(), created=NOW + timedelta(hours=1))
    assert near.mark and OWNER.recognises(near.mark, near)
    assert late.mark and not OWNER.recognises(late.mark, late)


def test_a_tag_of_before_the_stack_had_an_id_still_fits() -> None:
    before, after = Owner("t", "before"), Owner("t", "before", "1", claims=True)
    assert fits(live("a", tag_at_creation(before)), after)
    assert not fits(live("a", tag_at_creation(after)), before)


def test_stacks_without_ids_are_reported_apart_by_name() -> None:
    assert not fits(live("a", tag_at_creation()), Owner(OWNER.tenancy, "other@prod"))
    assert fits(live("a", tag_at_creation(Owner("t", "b", "1"))), Owner("t", "a", "1"))
    assert not fits(live("a", tag_at_creation(Owner("t", "b", "1"))), Owner("t", "a", "2"))
    assert not fits(live("a", tag_at_creation(Owner("t", "b@x", "1"))), Owner("t", "b@y", "1"))


def test_what_has_no_tag_is_nobodys() -> None:
    for owner in (OWNER, Owner("t", "chat", "1"), Owner("t", "chat", "1", claims=True)):
        assert not owner.owns(None)


def test_an_unknown_time_of_creation_counts_as_fitting() -> None:
    assert fits(replace(live("a", tag_at_creation()), created=None))


def test_an_origin_is_the_millisecond_and_three_digits_of_chance() -> None:
    origins = {make_origin(NOW) for _ in range(50)}
    assert {(len(one), int(one[:8], 36)) for one in origins} == {(11, int(NOW.timestamp() * 1000))}
    assert len(origins) > 40


def test_a_name_with_a_lone_surrogate_has_a_digest_too() -> None:
    tag = OWNER.create_tag(Address("Policy", "rules"), fixed_part("Policy", "c", "x", None), make_origin(NOW))
    assert not fits(live("a", tag, kind="Policy", name="\ud800"))


def test_a_tag_with_another_name_or_without_the_id_is_to_be_written_again() -> None:
    owner = Owner("t", "b", "1")
    for other, named in ((owner, True), (Owner("t", "a", "1"), False), (Owner("t", "b"), False)):
        mark = read_ownership_tag(tag_at_creation(other))
        assert mark is not None and owner.names(mark) is named
    plain = read_ownership_tag(tag_at_creation(owner))
    assert plain is not None and not Owner("t", "b").names(plain)


@pytest.mark.parametrize("kind", ["ApiKey", "Project"])
def test_what_lives_in_a_region_is_bound_to_it(kind: str) -> None:
    assert fixed_part(kind, "c", "n", "us-chicago-1") == "us-chicago-1"
    assert fixed_part(kind, "c", "n", None) == ""
    assert fixed_part("Policy", "c", "n", "us-chicago-1") == "c\nn"
    assert fixed_part("Compartment", "c", "n", None) == ""


def test_the_owner_of_a_record_of_contents_is_seven_digits_that_stay_the_same() -> None:
    """They are in tags that earlier versions wrote; other digits, or another number of them, would make every record unknown."""
    assert OWNER.contents_key == "546d605"
    assert Owner("ocid1.tenancy.oc1..t", "chat@prod", "an id").contents_key == "0d6a9c4"

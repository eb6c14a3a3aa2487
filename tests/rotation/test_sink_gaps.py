"""What sinks lack, in tables: what needs a renewal, a copy or a person, what is delivered for lack of it, and what is said."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from genai_iac.core import Call, Role, SinkState
from genai_iac.rotation.declared_states import renew, set_state
from genai_iac.rotation.delivery_gaps import (
    deliverable_roles,
    describe_sinks,
    find_delivery_gaps,
    sink_differences,
    why_incomplete,
)

from .test_steps import Situation

BOTH = {"one": "current", "two": "standby"}
STORED = {"one": "current", "two": "inactive"}


def situation(*lines: str, two: str = "ACTIVE") -> Situation:
    """Two secrets, and sinks as `steps.txt` writes them."""
    found = Situation()
    for line in ("one ACTIVE created=20", f"two {two}", *lines):
        found.read(line)
    return found


@pytest.mark.parametrize(
    ("lines", "roles", "expected"),
    [
        ((), BOTH, ("", "", "")),
        (("file one=current two=standby",), BOTH, ("", "", "")),
        (("file",), BOTH, ("one two", "", "")),
        (("file one=current",), BOTH, ("two", "", "")),
        (("file one=current two=inactive",), BOTH, ("", "two", "")),  # another role
        (("file one=current two=standby damage=x",), BOTH, ("", "one two", "")),
        (("file one=current two=standby", "file"), BOTH, ("", "one two", "")),  # a copy suffices
        (("program one=current", "file two=standby"), BOTH, ("one", "", "")),  # nothing can be copied out of a program
        (("program one=current",), BOTH, ("", "", "")),  # what it does not keep it cannot lack
        (("program unknown=one",), BOTH, ("", "", "")),
        (("program",), BOTH, ("one", "", "")),
        (("raw one=current damage=x",), BOTH, ("", "one", "")),
        (("raw two=current",), BOTH, ("one", "", "")),
        (("file elsewhere=one two=standby",), BOTH, ("", "", "one")),
        (("file elsewhere=one", "file one=current two=standby"), BOTH, ("", "one two", "")),
        (("file", "file elsewhere=one,two"), BOTH, ("", "", "one two")),
        (("file",), {"three": "current"}, ("", "", "")),
    ],
)
def test_a_gap_is_closed_by_a_renewal_a_copy_or_a_person(
    lines: tuple[str, ...], roles: dict[str, Role], expected: tuple[str, str, str]
) -> None:
    found = situation(*lines)
    gaps = find_delivery_gaps(roles, found.sinks, found.live())
    shown = tuple(" ".join(sorted(names)) for names in (gaps.undelivered, gaps.incomplete, gaps.elsewhere))
    assert shown == expected


@pytest.mark.parametrize("state", ["INACTIVE", "EXPIRED", "REVOKED"])
def test_a_value_that_works_nowhere_is_no_reason_to_renew(state: str) -> None:
    for line in ("file one=current", "file one=current elsewhere=two"):
        found = situation(line, two=state)
        gaps = find_delivery_gaps(STORED, found.sinks, found.live())  # type: ignore[arg-type]
        assert not gaps.undelivered | gaps.incomplete | gaps.elsewhere


@pytest.mark.parametrize(
    ("lines", "calls", "expected"),
    [
        (("file one=current two=standby",), "", "one=current two=standby"),
        (("file one=current",), "", "one=current"),  # nobody can give the standby
        (("file one=current",), "renew two", "one=current two=standby"),
        (("file two=standby",), "", "two=standby"),
        (("file two=current",), "", "two=current"),  # what callers read stays until its successor is there
        (("file two=current",), "renew one", "one=current two=standby"),
        (("file two=current",), "stop two", "two=standby"),
        (("file two=current elsewhere=one",), "", "two=current"),
        (("program two=current",), "", "two=current"),
        (("file",), "", ""),
    ],
)
def test_only_what_can_be_given_is_promised(lines: tuple[str, ...], calls: str, expected: str) -> None:
    found = situation(*lines)
    what, _, name = calls.partition(" ")
    call = (
        renew(found.live(), name, "2027-05-30T00:00:00Z")
        if what == "renew"
        else set_state(found.live(), name, "INACTIVE")
    )
    made: list[Call] = [call] if calls else []
    roles = deliverable_roles(BOTH, found.sinks, found.live(), made)  # type: ignore[arg-type]
    assert " ".join(f"{name}={role}" for name, role in roles.items()) == expected


def test_a_secret_that_stopped_does_not_stay_current() -> None:
    found = situation("file two=current", two="EXPIRED")
    assert deliverable_roles(BOTH, found.sinks, found.live(), ()) == {"two": "standby"}  # type: ignore[arg-type]


def test_of_several_that_callers_read_one_stays_current() -> None:
    found = situation("program one=current", "program two=current")
    roles = deliverable_roles({"three": "current"}, [_lacking("three"), *found.sinks], _with_third(found), ())
    assert roles == {"one": "current"}


def _lacking(name: str) -> SinkState:
    return SinkState(frozenset({"current"}), False, {}, place=f"lacks {name}")


def _with_third(found: Situation) -> object:
    live = found.live()
    return replace(live, secrets=(*live.secrets, replace(live.secrets[0], name="three")))


def test_a_delivery_says_the_damage_or_what_is_lacking() -> None:
    found = situation("file one=current damage=others_may_read_it", "file", "raw one=current damage=was_edited")
    assert why_incomplete(["two", "one"], {}, found.sinks) == "file 1: others may read it; raw 3: was edited"
    assert why_incomplete(["two", "one"], {}, found.sinks[1:2]) == "a sink lacks one and two"
    found = situation("file one=current two=current")
    assert why_incomplete(["two"], BOTH, found.sinks) == "a sink has two in another role"
    found = situation("file two=current", "file two=standby")
    assert why_incomplete(["two", "one"], BOTH, found.sinks) == "a sink lacks one; a sink has two in another role"


def test_what_no_step_corrects_is_said() -> None:
    found = situation(
        "file elsewhere=one,two", "file elsewhere=one", "file one=current two=standby former", "file former"
    )
    (former,) = describe_sinks(BOTH, found.sinks, found.live(), "ask")  # type: ignore[arg-type]
    assert former == "file 3 is not declared any more and still holds one and two: remove it once nothing reads it"
    declared = found.sinks[:2]
    first, second = describe_sinks(BOTH, declared, found.live(), "to ask: type this")  # type: ignore[arg-type]
    assert first.startswith("no sink on this machine holds the value of one (file 1, file 2): another machine may, so")
    assert second.startswith("no sink on this machine holds the value of two (file 1): ")
    assert first.endswith("; to ask: type this")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("file one=current two=standby",), []),
        (("file one=current",), ["file 1: two missing, not standby"]),
        (("file one=current stale=two", "raw"), ["file 1: two another value, not standby", "raw 2: one missing, not current"]),
        (("file stale=one,two former",), []),
        (("file one=current elsewhere=two",), []),
        (("program unknown=one",), []),
        (("program",), ["program 1: one missing, not current"]),
        (("file one=current two=standby damage=was_edited",), ["file 1:  was edited, not as it was delivered"]),
        (("file former damage=was_edited", "file two=standby"), ["file 2: one missing, not current"]),
    ],
)  # fmt: skip
def test_a_sink_that_is_not_as_it_was_delivered_is_a_difference(lines: tuple[str, ...], expected: list[str]) -> None:
    found = situation(*lines)
    shown = [
        f"{place}: {secret} {there}, not {wanted}"
        for place, secret, there, wanted in sink_differences(BOTH, found.sinks, found.live())  # type: ignore[arg-type]
    ]
    assert shown == expected


def test_what_does_not_work_or_is_not_read_is_no_difference() -> None:
    for roles, state in ((BOTH, "INACTIVE"), (STORED, "ACTIVE"), ({"three": "current"}, "ACTIVE")):
        found = situation("file one=current stale=two", two=state)
        assert list(sink_differences(roles, found.sinks, found.live())) == []  # type: ignore[arg-type]

"""Two texts that mean the same are the same; two that differ in one token are not, and the token is shown."""

from __future__ import annotations

import random

import pytest

from genai_iac.iam_policy import compare, is_equivalent, parse, resolve, unparse

from .corpora import statements
from .directory import HERE, EveryName
from .rewording import edit_one_token, reword

BASE = "allow group Admins, Ops to use buckets in compartment a:b where all {x.y = 'p', z.w in ('q', 'r')}"


@pytest.mark.parametrize(
    "other",
    [
        "ALLOW   GROUP admins,OPS TO Use Buckets IN Compartment A:B WHERE ALL{X.Y='p',Z.W in('q','r')}",
        "allow group 'Ops', 'Admins' to use buckets in compartment 'a':'b' where all {z.w in ('r', 'q', 'r'), x.y = 'p'}",
        "allow group Default/Admins, Ops to use buckets in compartment a:b where all {all {x.y = 'p'}, z.w in ('q', 'r')}",
        "allow group Admins, Ops, Admins to use buckets\n  in compartment a:b\n  where all {x.y = 'p', z.w in ('q', 'r')}\n",
    ],
)
def test_wording_does_not_count(other: str) -> None:
    assert is_equivalent([BASE], [other, BASE], None, HERE)
    assert compare([BASE], [other], None, HERE) == ()


@pytest.mark.parametrize(
    ("other", "change"),
    [
        (BASE.replace("use", "manage"), "verb use → manage"),
        (BASE.replace("Ops", "Oops"), "group Ops → Oops"),
        (BASE.replace(", Ops", ""), "group - Ops"),
        (BASE.replace("Ops", "Ops, SRE"), "group + SRE"),
        (BASE.replace("buckets", "objects"), "resource buckets → objects"),
        (BASE.replace("a:b", "a:c"), "compartment b → c"),
        (BASE.replace("'p'", "'P'"), "value 'p' → 'P'"),
        (BASE.replace("x.y =", "x.y !="), "operator = → !="),
        (BASE.replace("all {", "any {"), "joined by all → any"),
        (BASE.replace("allow group", "allow dynamic-group").replace("group", "group", 1), None),
        (BASE.replace("'r'", "/r*/"), None),
        (BASE.replace("allow", "deny"), "effect allow → deny"),
    ],
)
def test_an_edit_is_shown(other: str, change: str | None) -> None:
    assert not is_equivalent([BASE], [other], None, HERE)
    changes = compare([BASE], [other], None, HERE)
    assert [found.kind for found in changes] == ["edited"]
    assert changes[0].before == BASE
    assert changes[0].after == other
    assert change is None or str(changes[0]) == change


def test_other_statements_are_added_and_removed() -> None:
    other = "define tenancy Far as ocid1.tenancy.oc1..far"
    assert [str(change) for change in compare([BASE], [other], None, HERE)] == [f"- {BASE}", f"+ {other}"]


def test_edits_are_paired_with_what_they_edit() -> None:
    left = ["allow group A to use x in compartment p", "allow group B to use y in compartment q"]
    right = ["allow group B to manage y in compartment q", "allow group A to read x in compartment p"]
    assert [str(change) for change in compare(left, right, None, HERE)] == ["verb use → read", "verb use → manage"]
    assert [change.after for change in compare(left, right, None, HERE)] == right[::-1]


def test_bracketing_alone_is_a_change() -> None:
    left = "allow group A to use x in tenancy where any {a.b = 'c', all {d.e = 'f', g.h = 'i'}}"
    right = "allow group A to use x in tenancy where any {all {a.b = 'c', d.e = 'f'}, g.h = 'i'}"
    assert not is_equivalent([left], [right], None, HERE)
    (change,) = compare([left], [right], None, HERE)
    assert change.kind == "edited"
    assert change.tokens


def test_what_does_not_parse_equals_its_own_text() -> None:
    assert is_equivalent(["Allow  this\nplease"], ["Allow this please"], None, HERE)
    assert not is_equivalent(["Allow this please"], ["allow this please"], None, HERE)
    (change,) = compare(["Allow this please"], ["Allow this please now"], None, HERE)[:1]
    assert change.before == "Allow this please"


def test_spaces_in_quotes_count() -> None:
    one = "allow group 'a b' to use x in tenancy"
    assert not is_equivalent([one], [one.replace("a b", "a  b")], None, HERE)


def test_a_repetition_in_other_words_is_a_repetition() -> None:
    assert is_equivalent([BASE, BASE.upper().replace("'P'", "'p'").replace("'Q', 'R'", "'q', 'r'")], [BASE], None, HERE)


def test_a_name_is_its_ocid_only_with_a_directory() -> None:
    directory = EveryName()
    compiled = unparse(resolve(parse(BASE), directory, HERE))
    assert "ocid1.group" in compiled
    assert is_equivalent([BASE], [compiled], directory, HERE)
    assert compare([BASE], [compiled], directory, HERE) == ()
    assert not is_equivalent([BASE], [compiled], None, HERE)
    (change,) = compare([BASE], [compiled.replace(" use ", " manage ")], directory, HERE)
    assert str(change) == "verb use → manage"


def test_a_dead_ocid_is_a_difference() -> None:
    live = unparse(resolve(parse(BASE), EveryName(generation=2), HERE))
    dead = unparse(resolve(parse(BASE), EveryName(generation=1), HERE))
    assert is_equivalent([BASE], [live], EveryName(generation=2), HERE)
    assert not is_equivalent([BASE], [dead], EveryName(generation=2), HERE)


def test_reformatted_policies_are_the_same() -> None:
    chance = random.Random(7)
    directory = EveryName()
    texts = statements("policies.tsv")
    for start in range(0, len(texts), 16):
        policy = texts[start : start + 16]
        other = [reword(text, chance, directory, HERE) for text in policy]
        chance.shuffle(other)
        assert is_equivalent(policy, [*other, other[0]], directory, HERE), (policy, other)
        assert compare(policy, other, directory, HERE) == ()


def test_no_edit_of_one_token_is_missed() -> None:
    chance = random.Random(11)
    edits = 0
    for text in chance.sample(statements("policies.tsv"), 700):
        edited = edit_one_token(text, chance)
        if edited is None:
            continue
        edits += 1
        assert not is_equivalent([text], [edited], None, HERE), edited
        changes = compare([text], [edited], None, HERE)
        assert changes, edited
        assert changes[0].kind == "removed" or changes[0].tokens, edited
    assert edits >= 500

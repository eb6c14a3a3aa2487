"""The guards by themselves, on plans that are written down here: what each refuses, from which number on, and in what words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genai_iac.core import (
    OWNERSHIP_TAG,
    Address,
    Call,
    Change,
    CompartmentTree,
    Deletion,
    Invalidation,
    Live,
    LiveResource,
    Owner,
    Plan,
    Resource,
    SinkState,
    Source,
    read_ownership_tag,
)
from genai_iac.core.errors import GuardError
from genai_iac.planning.guards import (
    Overrides,
    check_plan,
    find_outdated_files,
    is_ci,
    refuse_file_sinks,
    say_ago,
)

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
KEY, OTHER = Address("ApiKey", "app"), Address("ApiKey", "other")
ACTIVE, INACTIVE = {"a": {"state": "active"}}, {"a": {"state": "inactive"}}


def live(*marked: LiveResource) -> Live:
    tree = CompartmentTree.of("t", ())
    return Live("t", "r", NOW, tree, {KEY: marked} if marked else {}, ())


def plan(changes: Iterable[Change], owned: int = 0) -> Plan:
    return Plan("chat", None, "t", "r", tuple(changes), unchanged=0, owned=owned)


def deletes(count: int) -> list[Change]:
    return [Change(Address("Policy", f"p{number}"), ("delete",), "") for number in range(count)]


def declared(deletion: Deletion = "delete", **settings: Any) -> Resource:
    return Resource(KEY, {}, Source("stack.yaml", 1, 1), deletion, settings=settings)


def refusals(
    changes: Iterable[Change],
    owned: int = 0,
    overrides: Overrides = Overrides(),  # noqa: B008  # frozen
    resource: Resource | None = None,
    tenancy: Live | None = None,
) -> list[str]:
    """The lines that the guards refuse with; none when the plan passes."""
    try:
        check_plan(plan(changes, owned), {KEY: resource} if resource else {}, tenancy or live(), overrides)
    except GuardError as error:
        assert str(error), "refused without a reason"
        return str(error).splitlines()
    return []


@pytest.mark.parametrize(
    ("count", "owned", "allowed", "refused"),
    [
        (3, 10, None, False),
        (4, 10, None, True),
        (4, 10, 3, True),
        (4, 10, 4, False),
        (4, 10, 5, False),
        (6, 20, None, False),
        (7, 20, None, True),
        (8, 9, None, False),
        (1, 10, None, False),
        (0, 10, None, False),
    ],
)
def test_more_than_three_in_ten_of_ten(count: int, owned: int, allowed: int | None, refused: bool) -> None:
    said = refusals(deletes(count), owned, Overrides(allow_destroy=allowed))
    assert said == (
        [
            f"refused: {count} of {owned} owned resources would be deleted, more than 30%; "
            f"if that is meant: --allow-destroy {count}"
        ]
        if refused
        else []
    )


@pytest.mark.parametrize(
    ("count", "owned", "allowed", "refused"),
    [
        (1, 1, None, True),
        (2, 2, 1, True),
        (2, 2, 2, False),
        (1, 2, None, False),
        (9, 9, None, True),
        (12, 12, None, True),
        (0, 0, None, False),
        (3, 2, None, True),
    ],
)
def test_everything_is_never_deleted_by_the_way(count: int, owned: int, allowed: int | None, refused: bool) -> None:
    said = refusals(deletes(count), owned, Overrides(allow_destroy=allowed))
    assert bool(said) is refused
    if refused:
        assert said == [
            f"refused: {count} of {owned} owned resources would be deleted, which is everything that the stack owns; "
            f"if that is meant: --allow-destroy {count}, or genai-iac destroy"
        ]


def test_destroy_says_what_it_is_about() -> None:
    assert refusals(deletes(12), 12, Overrides(everything=True)) == []
    assert refusals(deletes(12), 20, Overrides(everything=True)) == []


def test_a_replacement_is_no_end() -> None:
    replaced = Change(KEY, ("create", "delete"), "", {}, {})
    assert refusals([replaced], 1) == []


@pytest.mark.parametrize("actions", [("delete",), ("create", "delete"), ("forget",), ("update",)])
@pytest.mark.parametrize("where", ["manifest", "tag", "both", "nowhere"])
def test_what_is_protected_is_not_deleted(actions: Any, where: str) -> None:
    owner = Owner("t", "chat")
    tag = owner.seal(KEY, "id", "forbid" if where in ("tag", "both") else "delete")
    found = LiveResource(
        "ApiKey", "id", {}, "c", "app", "r", "ACTIVE", {OWNERSHIP_TAG: tag}, NOW, read_ownership_tag(tag)
    )
    resource = declared("forbid") if where in ("manifest", "both") else declared() if where == "nowhere" else None
    said = refusals([Change(KEY, actions, "", {})], 5, resource=resource, tenancy=live(found))
    refused = where != "nowhere" and "delete" in actions
    assert ["has deletion: forbid" in line for line in said] == [True] * refused


def test_what_nobody_knows_may_go() -> None:
    assert refusals([Change(KEY, ("delete",), "")], 5) == []


def loss(
    *,
    ago: timedelta | None = timedelta(minutes=4),
    how: Any = "revoke",
    asked: bool = False,
    carriers: tuple[str, ...] = (),
    looked: bool = False,
    key: Address | None = None,
    passing: bool = False,
) -> Invalidation:
    last = None if ago is None else NOW - ago
    return Invalidation(
        "one", last, how, asked, carriers, looked, key=key, apis=("chat",) if key else (), passing=passing
    )


def losing(*losses: Invalidation, before: Any = None, after: Any = None) -> Change:
    return Change(KEY, ("revoke",), "", before, after, losses=losses)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("renew", "renewing replaces"),
        ("deactivate", "deactivating stops"),
        ("revoke", "revoking permanently stops"),
        ("delete", "deleting it permanently stops"),
    ],
)
def test_a_value_in_use_is_named_with_what_ends_it(how: str, words: str) -> None:
    assert refusals([losing(loss(how=how))]) == [
        f"refused: ApiKey/app: {words} one, which was last used 4 minutes ago: callers would get 401; "
        "if that is meant: --accept-outage ApiKey/app"
    ]


def test_where_the_value_still_is_is_said_as_it_is_known() -> None:
    (looked,) = refusals([losing(loss(carriers=("file a", "file b"), looked=True))])
    (assumed,) = refusals([losing(loss(carriers=("file a",)))])
    assert "4 minutes ago and is still in file a, file b: callers" in looked
    assert "4 minutes ago and is perhaps still in file a: callers" in assumed


@pytest.mark.parametrize(
    ("one", "refused"),
    [
        (loss(ago=timedelta(hours=23)), True),
        (loss(ago=timedelta(hours=24)), False),
        (loss(ago=None), False),
        (loss(asked=True), False),
    ],
)
def test_what_is_idle_or_asked_for_may_end(one: Invalidation, refused: bool) -> None:
    assert bool(refusals([losing(one)])) is refused


def test_the_outage_of_that_key_alone_is_accepted() -> None:
    change = losing(loss(), before={"secrets": ACTIVE}, after={"secrets": INACTIVE})
    assert refusals([change], overrides=Overrides(accept_outage=frozenset({KEY}))) == []
    assert len(refusals([change], overrides=Overrides(accept_outage=frozenset({OTHER})))) == 2
    (said, _) = refusals([change], overrides=Overrides(outage_takes_address=False))
    assert said.endswith("if that is meant: --accept-outage")


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ({"secrets": ACTIVE}, {"secrets": INACTIVE}, True),
        ({"secrets": ACTIVE}, {"secrets": {}}, True),
        ({"secrets": ACTIVE}, {"secrets": ACTIVE}, False),
        ({"secrets": INACTIVE}, {"secrets": INACTIVE}, False),
        ({}, {"secrets": INACTIVE}, False),
        ({"secrets": ACTIVE}, {}, True),
        (None, {"secrets": INACTIVE}, False),
        ({"secrets": ACTIVE}, None, False),
        ({"secrets": {"a": "x"}}, {"secrets": {}}, False),
    ],
)
def test_no_key_is_left_without_an_active_secret(before: Any, after: Any, refused: bool) -> None:
    said = refusals([losing(loss(ago=None), before=before, after=after)])
    expected = "refused: ApiKey/app would be left with no ACTIVE secret; if that is meant: --accept-outage ApiKey/app"
    assert said == [expected] * refused
    assert refusals([losing(before=before, after=after)]) == []


def test_a_key_that_loses_access_is_named_once() -> None:
    lost = [losing(loss(key=OTHER), loss(key=OTHER, ago=None, passing=True), loss(key=OTHER, passing=True))]
    assert refusals(lost) == [
        "refused: ApiKey/app: revoke takes chat from ApiKey/other, whose secret one was last used 4 minutes ago: no policy admits "
        "it afterwards; if that is meant: --accept-outage ApiKey/other"
    ]
    (passing,) = refusals([losing(loss(key=OTHER, passing=True))])
    assert "no policy admits it while it is replaced;" in passing
    assert refusals([losing(loss(key=OTHER, ago=None))]) == []
    assert refusals(lost, overrides=Overrides(accept_outage=frozenset({OTHER}))) == []
    assert len(refusals(lost, overrides=Overrides(accept_outage=frozenset({KEY})))) == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "less than a minute"),
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (119, "1 minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86400, "24 hours"),
        (172799, "47 hours"),
        (172800, "2 days"),
        (260000, "3 days"),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert say_ago(NOW - timedelta(seconds=seconds), NOW) == f"{words} ago"


@pytest.mark.parametrize(
    ("value", "ci"), [("true", True), (" TRUE ", True), ("1", True), ("yes", True), ("false", False), ("", False)]
)
def test_what_says_ci(value: str, ci: bool) -> None:
    assert is_ci({"CI": value}) is ci
    assert is_ci({}) is False


FILE, VAULT = {"file": {"path": "a"}}, {"vault": {"name": "a"}}


@pytest.mark.parametrize(
    ("sinks", "secret", "refused"),
    [([FILE], "one", True), ([FILE, VAULT], "one", False), ([], "one", False), ([FILE], None, False)],
)
def test_values_for_files_of_a_runner(sinks: list[Any], secret: str | None, refused: bool) -> None:
    calls = (Call("RenewApiKey", secret=secret),) if secret else (Call("UpdateApiKey"),)
    made = Change(KEY, ("renew",), "", calls=calls)
    said = list(
        refuse_file_sinks(plan([Change(OTHER, ("renew",), "", calls=calls), made]), {KEY: declared(deliverTo=sinks)})
    )
    assert ["the value of one would go to files of this runner alone" in line for line in said] == [True] * refused
    assert list(refuse_file_sinks(plan([made]), {KEY: declared()})) == []


def state(**fields: Any) -> SinkState:
    return SinkState(frozenset(), True, {}, **{"place": "file a", **fields})


def test_files_with_a_revoked_value_are_named_where_nothing_is_delivered() -> None:
    held = {KEY: [state(outdated=True), state(), state(outdated=True, former=True, place="file b")]}
    (notice,) = find_outdated_files(plan([]), held)
    assert notice.address == KEY
    assert notice.text.startswith("file a shows a current value that no longer works")
    assert "genai-iac rotate ApiKey/app" in notice.text
    for served in (Change(KEY, ("deliver",), "", deliver=("one",)), Change(KEY, ("delete",), "")):
        assert list(find_outdated_files(plan([served]), held)) == []
    unserved = (Change(OTHER, ("deliver",), "", deliver=("one",)), Change(KEY, ("update",), "", {}, {}))
    assert len(list(find_outdated_files(plan(unserved), held))) == 1


def test_no_flag_is_given_unasked() -> None:
    assert Overrides() == Overrides(
        None, frozenset(), everything=False, outage_takes_address=True, allow_file_sinks=False
    )

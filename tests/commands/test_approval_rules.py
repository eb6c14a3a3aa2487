"""What an approval is taken for, without a service: which files are read, and which plans are the approved one or less of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace
from plan_apply.manifests import Document, compartment, key, policy
from plan_apply.pure_plans import NOW, REGION, TENANCY, Held, addresses, declare, strange

from genai_iac.cli.approval import (
    MOST_LEVELS,
    Approved,
    find_unapproved,
    hold_to_approval,
    parse_json,
    read_approval,
    read_approved,
    read_regular_file,
)
from genai_iac.cli.console import Console
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.planning import PlannedRun, PlanOptions, make_draft
from genai_iac.cli.session import Session, make_session
from genai_iac.core import Address, SinkState
from genai_iac.core.errors import GuardError, StalePlanError, UsageError
from genai_iac.delivery import with_destinations
from genai_iac.import_export.snapshot import Snapshot
from genai_iac.planning import PlanInputs
from genai_iac.planning.planner import compare
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.plan.json import fingerprint, render_json

FILE = Path("plan.json")


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "text",
    [
        nested(MOST_LEVELS),
        '{"a":' * MOST_LEVELS + "1" + "}" * MOST_LEVELS,
        f"[{','.join(['[]'] * 100)}]",
        f"[{','.join(['{}'] * 100)}]",
        json.dumps(["[" * 100, "{" * 100, '"[' * 100, "\\" * 3]),
        "1" * 32,
        "-" + "1" * 31,
        "1.7976931348623157e308",
        "-0.5",
        '{"a": {"b": 1}, "b": {"a": 1}}',
        '[{"a": 1}, {"a": 1}]',
        "null",
    ],
)
def test_what_is_json_and_means_one_thing_is_read_as_it_is(text: str) -> None:
    assert parse_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (nested(65), "it is nested deeper than 64 levels"),
        ('{"a":' * 65 + "1" + "}" * 65, "it is nested deeper than 64 levels"),
        (f"[[],{{}},[],{nested(64)}]", "it is nested deeper than 64 levels"),
        (f'["a","b","c",{nested(64)}]', "it is nested deeper than 64 levels"),
        ('{"a": 1, "b": 2, "b": 2, "c": 3}', "it names 'b' twice"),
        ('{"x": {"a": 1, "b": 2, "a": 3}}', "it names 'a' twice"),
        ("1" * 33, "a number in it is too long"),
        ("1e309", "a number in it is too large"),
        ("[-1e309]", "a number in it is too large"),
        ("NaN", "NaN is not a number in JSON"),
        ("-Infinity", "-Infinity is not a number in JSON"),
    ],
)
def test_what_two_readers_may_read_as_two_things_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        parse_json(text.encode())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (nested(65).encode(), ": it is nested deeper than 64 levels"),
        (b'{"changes": [], "changes": []}', ": it names 'changes' twice"),
        (b"{", ": Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"\xff", ""),
        (b"{}", ""),
        (b"[]", ""),
        (b'{"changes": 1, "format_version": "1.1"}', ""),
    ],
)
def test_what_is_no_plan_is_told_with_the_reason_where_that_says_something(data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_approval(FILE, data)
    assert caught.value.message == f"--approved plan.json is not a plan as JSON{why}"
    assert caught.value.hint == "make one: genai-iac plan --out json=FILE"


def test_a_file_larger_than_any_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    with file.open("wb") as made:
        made.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(UsageError, match=r"^--approved .*/plan\.json: this is larger than 64 MiB$"):
        read_regular_file(file, "--approved")


HOME, NEXT = compartment("home"), compartment("next", parent="home")
SINK = [{"exec": {"command": ["deliver"]}}]
APP = key("app", deliverTo=SINK)
BEFORE = Held().applied(declare(HOME, APP))


def draft(held: Held, *documents: Document, kind: type[Session] = Session) -> PlannedRun:
    """What `plan` makes of these manifests with a tenancy that holds that."""
    snapshot = Snapshot(TENANCY, REGION, NOW, (REGION,), (TENANCY,), tuple(held.resources.values()), {}, {})
    session = make_session(snapshot, GlobalOptions(), "-", declare(*documents))
    return make_draft(kind(**asdict(session)), PlanOptions())


def approve(run: PlannedRun) -> Approved:
    return read_approval(FILE, render_json(run.plan).encode())


def alone(run: PlannedRun) -> Approved:
    """The fingerprint without the file."""
    approved = read_approved(fingerprint(run.plan), None)
    assert approved is not None and approved.changes is None
    return approved


def unapproved(run: PlannedRun, approved: Approved) -> list[str]:
    return [str(change.address) for change in find_unapproved(run, approved)]


# On a stack that lives: two compartments, one in the other, and what lies in them; the key loses its description.
STACK = (
    HOME,
    NEXT,
    compartment("last", parent="next"),
    key("app", description="New", deliverTo=SINK),
    key("bot", compartment="next"),
    policy("rule", compartment="next", statements=["allow any-user to inspect policies in compartment next"]),
)
PROPOSED = draft(BEFORE, *STACK)
ORDER = ["Compartment/next", "Compartment/last", "ApiKey/bot", "Policy/rule"]  # each needs none but those before it


def partly(*done: str) -> Held:
    """The tenancy after an apply that was interrupted: these were created, a minute after each other."""
    held = BEFORE
    for number, address in enumerate(done):
        created = NOW - timedelta(minutes=len(done) - number)
        held = held.applied(declare(*STACK), address, created=created)
    return held


@pytest.mark.parametrize("count", range(5))
def test_what_is_left_of_an_approved_plan_is_approved(count: int) -> None:
    run = draft(partly(*ORDER[:count]), *STACK)
    assert set(addresses(run.plan)) == {"ApiKey/app", *ORDER[count:]}
    assert unapproved(run, approve(PROPOSED)) == []
    assert unapproved(run, alone(PROPOSED)) == []


def test_what_has_been_done_wholly_is_approved_whatever_was() -> None:
    done = partly(*ORDER).edited("ApiKey/app", description="New")
    assert unapproved(draft(done, *STACK), alone(PROPOSED)) == []


def test_the_newest_are_taken_away_first_whatever_their_names() -> None:
    """With the fingerprint alone: `aa` was created by the interrupted apply, `zz` is there for long."""
    old = declare(HOME, APP, compartment("zz"))
    stack = (HOME, APP, compartment("zz"), compartment("aa"), compartment("bb", parent="aa"))
    proposed = draft(Held().applied(old), *stack)
    left = draft(Held().applied(old).applied(declare(*stack), "Compartment/aa", created=NOW), *stack)
    assert addresses(left.plan) == ["Compartment/bb"]
    assert unapproved(left, alone(proposed)) == []


@pytest.mark.parametrize("with_file", [True, False])
def test_what_completed_and_is_to_change_again_was_not_approved_to(with_file: bool) -> None:
    """Somebody edits what the interrupted apply had created: undoing that is in no approved plan."""
    stack = (HOME, APP, compartment("aa"), compartment("bb"), compartment("cc"))
    proposed = draft(BEFORE, *stack)
    half = BEFORE.applied(declare(*stack), "Compartment/aa", created=NOW - timedelta(minutes=1))
    half = half.applied(declare(*stack), "Compartment/bb", created=NOW).edited("Compartment/bb", description="By hand")
    run = draft(half, *stack)
    assert set(addresses(run.plan)) == {"Compartment/bb", "Compartment/cc"}
    expected = ["Compartment/bb"] if with_file else addresses(run.plan)
    assert unapproved(run, approve(proposed) if with_file else alone(proposed)) == expected


def test_one_change_more_is_named_and_no_other() -> None:
    more = draft(partly("Compartment/next"), *STACK, compartment("more"))
    assert unapproved(more, approve(PROPOSED)) == ["Compartment/more"]
    assert set(unapproved(more, alone(PROPOSED))) == set(addresses(more.plan))


def test_the_edit_of_an_approved_change_is_named() -> None:
    other = [one for one in STACK if one["metadata"]["name"] != "last"]
    run = draft(partly("Compartment/next"), *other, compartment("last", parent="next", description="Other"))
    assert unapproved(run, approve(PROPOSED)) == ["Compartment/last"]


def test_what_could_not_be_planned_before_the_approved_part_was_done_is_not_approved() -> None:
    """A manifest that names a compartment of the stack by its path is new: without that compartment it is an error."""
    more = compartment("more", parent="/home/next")
    run = draft(partly("Compartment/next"), *STACK, more)
    assert "Compartment/more" in addresses(run.plan)
    assert unapproved(run, approve(PROPOSED)) == ["Compartment/more"]
    assert set(unapproved(run, alone(PROPOSED))) == set(addresses(run.plan))


class LackingSinks(Session):
    """A tenancy beside which a sink is found that lacks what it should hold, and can take it from another."""

    def inputs(self, *arguments: Any, **others: Any) -> PlanInputs:
        found = super().inputs(*arguments, **others)
        full = SinkState(frozenset({"current"}), True, {"key-one": "current"}, place="vault app")
        empty = SinkState(frozenset({"current"}), True, {}, place="exec deliver")
        return replace(found, held=dict.fromkeys(found.held, (full, empty)))


def test_a_delivery_is_approved_in_the_plan_as_it_was_before_a_part_was_done() -> None:
    stack = (HOME, APP, compartment("aa"))
    proposed, run = (
        draft(held, *stack, kind=LackingSinks)
        for held in (BEFORE, BEFORE.applied(declare(*stack), "Compartment/aa", created=NOW))
    )
    assert {str(one.address): one.actions for one in proposed.plan.changes} == {
        "Compartment/aa": ("create",),
        "ApiKey/app": ("deliver",),
    }
    assert addresses(run.plan) == ["ApiKey/app"]
    assert unapproved(run, approve(proposed)) == unapproved(run, alone(proposed)) == []


INSPECT = "allow any-user to inspect policies in compartment id ${Compartment/%s.id}"
REPLACED = policy("old", compartment="aa", statements=[INSPECT % "aa"])
REPLACING = (HOME, APP, compartment("aa"), REPLACED, compartment("bb"))


def replacing(*done: str, id: str = "") -> PlannedRun:
    """A policy moves into a compartment that the same plan makes; it has that other OCID when it has moved."""
    held = BEFORE.applied(declare(HOME, policy("old", compartment="home", statements=[INSPECT % "home"])))
    for address in done:
        held = held.applied(declare(*REPLACING), address, created=NOW)
    if id:
        mark = held.owner.seal(Address("Policy", "old"), id)
        new = replace(held.one("Policy/old"), id=id, tags={"genai-iac": mark})
        held = held.without("Policy/old").having(new)
    return draft(held, *REPLACING)


def test_a_replacement_is_approved_until_it_is_done() -> None:
    proposed = replacing()
    assert {str(one.address): one.actions for one in proposed.plan.changes}["Policy/old"] == ("delete", "create")
    for done in ([], ["Compartment/aa"], ["Compartment/bb"], ["Compartment/aa", "Compartment/bb"]):
        assert unapproved(replacing(*done), approve(proposed)) == []
    moved = replacing("Compartment/aa", "Policy/old", id="ocid1.policy.oc1..new")
    assert addresses(moved.plan) == ["Compartment/bb"]
    assert unapproved(moved, approve(proposed)) == []


def test_the_fingerprint_of_a_refused_plan_approves_nothing() -> None:
    """It names a change that could not be made by then; now it can, and nobody has seen it."""
    stack = (HOME, APP, compartment("aa"), compartment("more", parent="/aa"))
    refused = compare(BEFORE.inputs(declare(*stack)))
    assert refused.refusals
    run = draft(BEFORE.applied(declare(*stack[:3]), "Compartment/aa", created=NOW), *stack)
    assert addresses(run.plan) == ["Compartment/more"]
    shown = with_destinations(refused.plan, run.workspace.deliveries, run.workspace.manifest.resources)
    assert unapproved(run, Approved(fingerprint(shown))) == ["Compartment/more"]


def test_a_stranger_of_the_tenancy_is_there_in_every_plan_that_is_compared() -> None:
    """The stack lives below a compartment that is not its own."""
    theirs = strange("Compartment", "platform")
    stack = (
        compartment("aa", parent="/platform"),
        compartment("bb", parent="/platform"),
        compartment("cc", parent="aa"),
    )
    proposed = draft(Held().having(theirs), *stack)
    half = Held().having(theirs).applied(declare(*stack), "Compartment/aa", created=NOW)
    assert unapproved(draft(half, *stack), approve(proposed)) == []
    assert unapproved(draft(half, *stack), alone(proposed)) == []


def hold(run: PlannedRun, approved: Approved, quiet: bool = False) -> None:
    plain = Terminal(100, False, True)
    hold_to_approval(run, approved, Console(plain, plain, False), quiet=quiet)


@pytest.mark.parametrize(
    ("names", "words"),
    [(["more"], "1 change of this plan was not approved"), (["more", "most"], "2 changes of this plan were not")],
)
def test_what_nobody_approved_is_shown_alone(capsys: pytest.CaptureFixture[str], names: list[str], words: str) -> None:
    run = draft(partly("Compartment/next"), *STACK, *map(compartment, names))
    approved = approve(PROPOSED)
    with pytest.raises(StalePlanError) as caught:
        hold(run, approved)
    said = capsys.readouterr().out
    assert caught.value.message.startswith(words)
    assert caught.value.message.endswith(f"({approved.fingerprint}); nothing was changed")
    assert caught.value.hint == "approve the new plan"
    assert [name for name in ("more", "most", "bot", "app", "last") if f"/{name} " in said] == names
    assert run.plan.unchanged and "unchanged" not in said
    with pytest.raises(StalePlanError):
        hold(run, approved, quiet=True)
    assert capsys.readouterr().out == ""


def test_a_fingerprint_alone_says_what_it_cannot_tell(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StalePlanError, match="a fingerprint alone tells neither what differs") as caught:
        hold(draft(BEFORE, *STACK, compartment("more")), alone(PROPOSED))
    assert "--approved FILE" in (caught.value.hint or "")
    assert "Compartment/more" in capsys.readouterr().out


def test_the_approved_plan_passes_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    hold(draft(partly("Compartment/next"), *STACK), approve(PROPOSED))
    hold(PROPOSED, alone(PROPOSED))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("field", ["stack", "stack_id", "environment", "tenancy", "region"])
@pytest.mark.parametrize("was", ["other", None])
def test_the_plan_of_another_stack_is_refused_by_what_differs(field: str, was: str | None) -> None:
    approved = approve(PROPOSED)
    assert approved.header is not None
    now = approved.header[field]
    if was == now:
        return
    with pytest.raises(GuardError) as caught:
        hold(PROPOSED, replace(approved, header={**approved.header, field: was}))
    assert caught.value.message == (
        f"refused: the approved plan has the {field.replace('_', ' ')} {was or '(none)'}, this one {now or '(none)'}; "
        "nothing was changed"
    )


@pytest.mark.parametrize("text", ["sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha256:" + "A" * 64, "a" * 64, ""])
def test_a_part_of_a_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"^--expect-fingerprint {text} is not a fingerprint"):
        read_approved(text, None)


def test_both_flags_have_to_mean_one_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(render_json(PROPOSED.plan))
    print_of = fingerprint(PROPOSED.plan)
    assert read_approved(None, None) is None
    assert read_approved(None, file) == read_approved(print_of, file) == approve(PROPOSED)
    with pytest.raises(UsageError, match=f"is another plan: its fingerprint is {print_of}"):
        read_approved("sha256:" + "0" * 64, file)


def test_what_the_file_says_is_taken_from_it() -> None:
    approved = approve(PROPOSED)
    assert approved.fingerprint == fingerprint(PROPOSED.plan)
    assert set(approved.changes or ()) == set(addresses(PROPOSED.plan))
    assert {str(address): old for address, old in approved.created.items()} == dict.fromkeys(ORDER)
    assert approved.header == {
        "stack": "loop",
        "stack_id": None,
        "environment": None,
        "tenancy": TENANCY,
        "region": REGION,
    }

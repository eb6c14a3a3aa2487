"""An outage is judged by access: what a plan takes from a key in use, whatever edit takes it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from conftest import Project, Tenancy
from crash.load_generator import calling, probe
from crash.sink_setups import File

from .stacks import api_key, compartment, make_dynamic_group, plan_of, policy, stack

KEY = api_key("k", "one", deliverTo=[{"file": {"path": "k.env"}}])
AROUND = [compartment("top"), compartment("one", parent="top"), compartment("two", parent="top")]
GRANT = {"grants": [{"apiKey": "k", "apis": ["chat", "responses"], "models": ["xai.grok-4", "xai.grok-3"]}]}


def manifests(*policies: dict[str, Any], key: dict[str, Any] = KEY, around: Sequence[dict[str, Any]] = AROUND) -> str:
    return stack((), *around, key, *policies)


@pytest.fixture
def used_sink(project: Project) -> File:
    """A key that was used a moment ago."""
    project.write(manifests(policy("p", **GRANT)))
    project.run("apply", "--auto-approve")
    file = File(project.path / "k.env")
    assert probe(file).status == 200
    return file


def says(statement: str) -> dict[str, Any]:
    return {"statements": [f"allow any-user to {statement}"]}


OWN = "request.principal.id = '${ApiKey/k.id}'"
NARROW = f"all {{{OWN}, target.model.id = 'xai.grok-4'}}"
ALL = {
    "statements": [
        f"allow any-user to use generative-ai-chat in tenancy where {OWN}",
        f"allow any-user to manage generative-ai-response in tenancy where {OWN}",
    ]
}
TAKING: dict[str, str] = {
    "no policy": manifests(),
    "one api": manifests(policy("p", grants=[{**GRANT["grants"][0], "apis": ["chat"]}])),
    "one model": manifests(policy("p", grants=[{**GRANT["grants"][0], "models": ["xai.grok-4"]}])),
    "a condition": manifests(
        policy("p", statements=[*ALL["statements"][:1], ALL["statements"][1].replace(OWN, NARROW)])
    ),
    "another compartment": manifests(
        policy("p", **says(f"use generative-ai-family in compartment top:two where {OWN}"))
    ),
    "the key moves": manifests(
        policy("p", **says(f"use generative-ai-chat in compartment id ${{Compartment/one.id}} where {OWN}")),
        key=api_key("k", "two", deliverTo=[{"file": {"path": "k.env"}}]),
    ),
}
EQUAL: dict[str, str] = {
    "wider": manifests(policy("p", **ALL)),
    "another policy": manifests(policy("q", **ALL)),
    "two policies": manifests(
        policy("q", statements=ALL["statements"][:1]), policy("r", statements=ALL["statements"][1:])
    ),
    "renamed": manifests(policy("p", name="other", **GRANT)),
    "elsewhere and renamed": manifests(policy("p", name="other", compartment="top", **GRANT)),
    "compartment renamed": manifests(
        policy("p", **GRANT), around=[AROUND[0], compartment("one", parent="top", name="uno"), AROUND[2]]
    ),
}


@pytest.mark.parametrize("edit", [*TAKING.values()], ids=[*TAKING])
def test_what_takes_access_from_a_key_in_use_is_refused(project: Project, used_sink: File, edit: str) -> None:
    project.write(edit)
    losses = [loss for one in plan_of(project)["changes"] for loss in one["losses"]]
    assert {loss["key"] for loss in losses} == {"ApiKey/k"} and all(loss["last_used"] for loss in losses)
    assert "--accept-outage ApiKey/k" in project.run("apply", "--auto-approve", code=3).err
    project.run("apply", "--auto-approve", "--accept-outage", "ApiKey/k")
    assert plan_of(project)["changes"] == []


@pytest.mark.parametrize("edit", [*EQUAL.values()], ids=[*EQUAL])
def test_what_leaves_access_as_it_is_disturbs_no_caller(project: Project, used_sink: File, edit: str) -> None:
    project.write(edit)
    assert not any(one["losses"] for one in plan_of(project)["changes"])
    with calling([used_sink]) as history:
        project.run("apply", "--auto-approve")
    assert history.probes and history.failed == []
    assert plan_of(project)["changes"] == []


WHEN = "allow any-user to manage all-resources in compartment top where all {request.principal.type = 'generativeaiapikey', %s}"
OFFICE, WEEK = "request.networksource.name = 'office'", "request.utc-timestamp.day-of-week != 'sunday'"
# what nobody can know beforehand, before and after the change
NARROWED: dict[str, tuple[str, str]] = {
    "any to all": (f"any {{{OFFICE}, {WEEK}}}", f"all {{{OFFICE}, {WEEK}}}"),
    "an earlier end": (
        "request.utc-timestamp before '2090-01-01T00:00:00Z'",
        "request.utc-timestamp before '2080-01-01T00:00:00Z'",
    ),
    "one network less": ("request.networksource.name in ('office', 'home')", OFFICE),
    "another network": (OFFICE, "request.networksource.name = 'home'"),
}
NOT_NARROWED: dict[str, tuple[str, str]] = {
    "all to any": (f"all {{{OFFICE}, {WEEK}}}", f"any {{{OFFICE}, {WEEK}}}"),
    "a later end": (
        "request.utc-timestamp before '2080-01-01T00:00:00Z'",
        "request.utc-timestamp before '2090-01-01T00:00:00Z'",
    ),
    "one network more": (OFFICE, "request.networksource.name in ('office', 'home')"),
    "no condition": (OFFICE, "request.principal.id"),
}


@pytest.mark.parametrize("case", [*NARROWED, *NOT_NARROWED])
def test_access_that_depends_on_conditions_may_widen_and_not_narrow(
    project: Project, used_sink: File, case: str
) -> None:
    before, after = (NARROWED | NOT_NARROWED)[case]
    project.write(manifests(policy("p", statements=[WHEN % before])))
    project.run("apply", "--auto-approve", "--accept-outage", "ApiKey/k")
    project.write(manifests(policy("p", statements=[WHEN % after])))
    losses = [loss for one in plan_of(project)["changes"] for loss in one["losses"]]
    assert bool(losses) is (case in NARROWED)
    diff = project.run("access", "--diff", "--format", "json").json
    assert bool(diff["taken"]) is (case in NARROWED)
    if losses:
        assert all(loss["where"].startswith("not meeting ") for loss in losses)
        assert f"when {losses[0]['where']}, whose secret key-one" in project.run("apply", "--auto-approve", code=3).err
        project.run("apply", "--auto-approve", "--accept-outage", "ApiKey/k")
    else:
        project.run("apply", "--auto-approve")


KEYS = "request.principal.type = 'generativeaiapikey'"
EVERY_KEY = [f"allow any-user to manage all-resources in compartment top where {KEYS}"]
TAKING_FROM_OTHERS: dict[str, list[dict[str, Any]]] = {
    "no policy": [],
    "another compartment": [policy("p", statements=[EVERY_KEY[0].replace("top", "top:two")])],
    "one api": [policy("p", statements=[EVERY_KEY[0].replace("manage all-resources", "use generative-ai-chat")])],
    "a deny": [policy("p", statements=[*EVERY_KEY, "deny any-user to use generative-ai-chat in tenancy"])],
    "one key named": [
        policy("p", statements=[EVERY_KEY[0].replace(KEYS, "request.principal.id = 'ocid1.generativeaiapikey.oc1..a'")])
    ],
}
TAKING_NOTHING = {
    "another policy": [policy("q", statements=EVERY_KEY)],
    "wider": [policy("p", statements=[EVERY_KEY[0].replace("compartment top", "tenancy")])],
}


@pytest.mark.parametrize("case", [*TAKING_FROM_OTHERS, *TAKING_NOTHING])
def test_a_key_of_another_stack_in_use_is_not_cut_off_unasked(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory, case: str
) -> None:
    tenancy.settings(denyStatements=True)
    project.write(stack((), *AROUND, policy("p", statements=EVERY_KEY)))
    project.run("apply", "--auto-approve")
    app = Project(tmp_path_factory.mktemp("app"), project.environ)
    app.write(
        stack((), {**KEY, "spec": {**KEY["spec"], "compartment": "/top/one"}}).replace("name: s\n", "name: app\n")
    )
    app.run("apply", "--auto-approve")
    project.write(stack((), *AROUND, *(TAKING_FROM_OTHERS | TAKING_NOTHING)[case]))
    # nobody has called with it yet
    assert not any(one["losses"] for one in plan_of(project)["changes"])
    assert probe(File(app.path / "k.env")).status == 200
    losses = [loss for one in plan_of(project)["changes"] for loss in one["losses"]]
    assert {loss["other_key_name"] for loss in losses} == (
        {"ApiKey/k of stack app"} if case in TAKING_FROM_OTHERS else set()
    )
    if losses:
        refusal = project.run("apply", "--auto-approve", code=3).err
        assert "from ApiKey/k of stack app" in refusal and "--accept-outage Policy/p" in refusal
        project.run("apply", "--auto-approve", "--accept-outage", "ApiKey/k", code=3)
        project.run("apply", "--auto-approve", "--accept-outage", "Policy/p")
    else:
        with calling([File(app.path / "k.env")]) as history:
            project.run("apply", "--auto-approve")
        assert history.probes and history.failed == []
    assert plan_of(project)["changes"] == []


IN_GROUP = "dynamic-group keys to {} in compartment top"
NOTHING = "allow any-user to read buckets in compartment top where request.user.name = 'x'"
# statements before and after, and whether keys in the group may lose something
OF_DYNAMIC_GROUPS: dict[str, tuple[list[str], list[str], bool]] = {
    f"{words}, {what}": case
    for what in ("use generative-ai-chat", "manage all-resources", "{GENERATIVE_AI_CHAT}")
    for one in (IN_GROUP.format(what),)
    for words, case in {
        "removed": ([f"allow {one}"], [NOTHING], True),
        "denied": ([NOTHING], [NOTHING, f"deny {one}"], True),
        "narrowed": ([f"allow {one}"], [f"allow {one} where target.model.id = 'xai.grok-4'"], True),
        "in other words": ([f"allow {one}", NOTHING], [f"ALLOW  {one}"], False),
        "of instances": ([f"allow {one} where request.principal.type = 'instance'"], [NOTHING], False),
        "no longer denied": ([NOTHING, f"deny {one}"], [NOTHING], False),
    }.items()
}


@pytest.mark.parametrize("case", [*OF_DYNAMIC_GROUPS])
def test_what_a_dynamic_group_loses_is_said(project: Project, tenancy: Tenancy, case: str) -> None:
    """Whether it holds keys is not known, so the plan is not refused."""
    tenancy.settings(denyStatements=True)
    make_dynamic_group(tenancy, "keys")
    before, after, loses = OF_DYNAMIC_GROUPS[case]
    project.write(manifests(policy("p", statements=before), policy("all", **GRANT)))
    project.run("apply", "--auto-approve")
    assert probe(File(project.path / "k.env")).status == 200
    project.write(manifests(policy("p", statements=after), policy("all", **GRANT)))
    assert ("an API key in it loses access" in project.run("plan").out) is loses
    project.run("apply", "--auto-approve")


def test_what_is_only_forgotten_takes_access_from_nobody(project: Project) -> None:
    """A retained policy, or a retained key whose compartment moves, is out of the manifests: the key is called as before."""
    everybody = policy("all", statements=[text.partition(" where ")[0] for text in ALL["statements"]])
    kept = {"deletion": "retain"}
    retained = api_key("k", "one", deliverTo=[{"file": {"path": "k.env"}}], **kept)
    moved = [AROUND[0], compartment("one"), AROUND[2]]
    for before, after in (
        (manifests(policy("p", **ALL, **kept)), manifests()),
        (stack((), *AROUND, retained, everybody), stack((), *moved, everybody)),
    ):
        project.write(before)
        project.run("apply", "--auto-approve")
        file = File(project.path / "k.env")
        assert probe(file).status == 200
        project.write(after)
        document = plan_of(project)
        assert [loss for change in document["changes"] for loss in change["losses"]] == []
        assert "forget" in [action for change in document["changes"] for action in change["actions"]]
        project.run("apply", "--auto-approve", "--allow-destroy", "9")
        assert probe(file).status == 200


def test_a_key_that_was_idle_long_enough_is_no_outage(project: Project, used_sink: File, tenancy: Tenancy) -> None:
    tenancy.advance("25h")
    project.write(manifests())
    assert not any(one["losses"] for one in plan_of(project)["changes"])
    assert "Policy/p takes chat" in " ".join(project.run("plan").out.split())
    project.run("apply", "--auto-approve")


def test_a_policy_that_keeps_its_name_in_another_compartment_says_that_there_is_a_gap(
    project: Project, used_sink: File
) -> None:
    project.write(manifests(policy("p", compartment="top", **GRANT)))
    (change,) = plan_of(project)["changes"]
    assert change["calls"] == ["DeletePolicy", "CreatePolicy"]
    assert [loss["passing"] for loss in change["losses"]] == [True]
    assert "while it is replaced" in project.run("apply", "--auto-approve", code=3).err


def test_random_edits_are_refused_exactly_when_the_key_loses_something(project: Project, used_sink: File) -> None:
    chance = Random(11)
    models, apis = ("xai.grok-4", "xai.grok-3", "openai.gpt-oss-20b"), ("chat", "responses")
    had = {(api, model) for api in apis for model in models[:2]}
    for _ in range(12):
        grants = [
            {
                "apiKey": "k",
                "apis": chance.sample(apis, chance.randint(1, 2)),
                **({"models": chance.sample(models, chance.randint(1, 3))} if chance.random() < 0.7 else {}),
            }
            for _ in range(chance.randint(1, 3))
        ]
        will = {(api, model) for grant in grants for api in grant["apis"] for model in grant.get("models", models)}
        parts = [grants[:1], grants[1:]] if chance.random() < 0.5 else [grants]
        names = chance.sample("pqr", len(parts))
        project.write(manifests(*(policy(name, grants=part) for name, part in zip(names, parts, strict=True) if part)))
        refused = "apply will be refused" in " ".join(project.run("plan").out.split())
        assert refused == bool(had - will), (grants, names)


@pytest.mark.parametrize(
    ("operation", "when"),
    [("CreatePolicy", "after"), ("DeletePolicy", "before"), ("DeletePolicy", "after")],
)
def test_a_rename_that_was_stopped_is_finished_by_one_more_apply(
    project: Project, tenancy: Tenancy, used_sink: File, operation: str, when: str
) -> None:
    project.write(EQUAL["renamed"])
    effect = {"status": 400, "code": "InvalidParameter"}
    tenancy.control("POST", "faults", [{"operation": operation, "nth": 1, "count": 1, "when": when, "effect": effect}])
    with calling([used_sink]) as history:
        project.run("apply", "--auto-approve", code=4)
        tenancy.control("DELETE", "faults")
        project.run("apply", "--auto-approve")
    assert history.probes and history.failed == []
    assert plan_of(project)["changes"] == []
    policies = tenancy.client("identity").list_policies(tenancy.tenancy).data
    assert [one.name for one in policies if "genai-iac" in one.freeform_tags] == ["other"]


@pytest.mark.parametrize("operation", ["UpdatePolicy", "ChangeApiKeyCompartment"])
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_move_that_was_stopped_is_finished_without_a_failing_caller(
    project: Project, tenancy: Tenancy, used_sink: File, operation: str, nth: int, when: str
) -> None:
    project.write(manifests(policy("p", **GRANT), key=api_key("k", "two", deliverTo=[{"file": {"path": "k.env"}}])))
    effect = {"status": 400, "code": "InvalidParameter"}
    tenancy.control(
        "POST", "faults", [{"operation": operation, "nth": nth, "count": 1, "when": when, "effect": effect}]
    )
    with calling([used_sink]) as history:
        project.run("apply", "--auto-approve", code=None)
        tenancy.control("DELETE", "faults")
        project.run("apply", "--auto-approve")
    assert history.probes and history.failed == []
    assert plan_of(project)["changes"] == []


def test_how_to_call_is_said_only_of_a_key_that_a_live_policy_admits(project: Project, tenancy: Tenancy) -> None:
    admitting = policy("p", grants=[{"apiKey": "k", "apis": ["chat"], "models": ["xai.grok-3"]}])
    effect = {"status": 400, "code": "InvalidParameter"}
    tenancy.control(
        "POST", "faults", [{"operation": "CreatePolicy", "nth": 1, "count": 1, "when": "before", "effect": effect}]
    )
    project.write(manifests(admitting))
    assert "Call a model with" not in project.run("apply", "--auto-approve", code=4).out
    tenancy.control("DELETE", "faults")
    project.run("destroy", "--auto-approve")
    said = project.run("apply", "--auto-approve").out
    assert "Call a model with ApiKey/k" in said and "xai.grok-3" in said


def test_the_heading_speaks_of_a_stop_only_where_something_is_in_use(project: Project) -> None:
    project.write(manifests(policy("p", **GRANT)))
    project.run("apply", "--auto-approve")
    renewed = {**KEY["spec"], "secrets": [{"name": "key-one", "expires": "2031-01-01T00:00:00Z"}]}
    project.write(manifests(policy("p", **GRANT), key={**KEY, "spec": renewed}))
    assert "no value in use stops working" in project.run("plan").out
    assert "[!CAUTION]" not in project.run("plan", "--format", "markdown").out
    assert probe(File(project.path / "k.env")).status == 200
    assert "! a secret value stops working" in project.run("plan").out
    assert "[!CAUTION]" in project.run("plan", "--format", "markdown").out


@pytest.mark.parametrize(("revoke", "state"), [((), "ACTIVE"), (("--revoke",), "REVOKED")])
def test_a_leak_of_a_key_without_rotation(project: Project, revoke: tuple[str, ...], state: str) -> None:
    spec = {"secrets": [{"name": "key-one"}, {"name": "key-two"}], "deliverTo": [{"file": {"path": "k.env"}}]}
    project.write(manifests(policy("p", **GRANT), key=api_key("k", "one", **spec)))
    project.run("apply", "--auto-approve")
    file = File(project.path / "k.env")
    assert probe(file).status == 200
    with calling([file]) as history:
        project.run("rotate", "ApiKey/k", "--leaked", "key-one", *revoke, "--auto-approve")
    assert history.probes and history.failed == []
    if state == "ACTIVE":
        assert plan_of(project)["changes"] == []
    else:
        assert "declare state: revoked" in project.run("plan", code=1).err

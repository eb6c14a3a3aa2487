"""What the stack made is found wherever an edit or a person took it; what it did not make is never touched, whatever its tags say."""

from __future__ import annotations

from typing import Any

import oci
import pytest
from conftest import Project, Ran, Tenancy

from genai_iac.core import OWNERSHIP_TAG, Address, Owner

from .manifests import Document, compartment, document, key, policy, stack
from .sdk_helpers import (
    APPROVED,
    ASHBURN,
    REGION,
    apply_exactly,
    assert_settled,
    changes,
    client,
    compartments,
    ended,
    keys,
    named,
    only,
    plan,
    planned_calls,
    policies,
    wait_until_held,
)
from .test_ownership import make_compartment, make_key, make_policy

GENERATIVE_AI = oci.generative_ai.models
HOME, OTHER = compartment("home"), compartment("other")
FRANKFURT = "eu-frankfurt-1"
EVERYWHERE = (REGION, ASHBURN, FRANKFURT)


def move_key(tenancy: Tenancy, id: str, place: str) -> None:
    details = GENERATIVE_AI.ChangeApiKeyCompartmentDetails(compartment_id=place)
    client(tenancy, "generative_ai", REGION).change_api_key_compartment(id, details)


def unmanaged(project: Project) -> list[str]:
    ran = project.run("drift", "--unmanaged", "--format", "json", code=None)
    return [one["id"] for one in ran.json["unmanaged"]]


# 1. A region is changed


@pytest.mark.parametrize("way", ["stack", "key", "environment"])
def test_a_changed_region_replaces_the_key(project: Project, tenancy: Tenancy, way: str) -> None:
    environment: tuple[str, ...] = ("--env", "prod") if way == "environment" else ()
    text = stack(HOME, key("app"))
    project.write(text)
    project.write(
        "kind: Environment\napiVersion: genai-iac/v1\nmetadata: {name: prod}\nspec: {}\n", "environments/prod.yaml"
    )
    project.run(*APPROVED, *environment)
    old = only(keys(tenancy))
    if way == "stack":
        project.write(stack(HOME, key("app"), region=ASHBURN))
    elif way == "key":
        project.write(stack(HOME, key("app", region=ASHBURN)))
    else:
        project.write(
            f"kind: Environment\napiVersion: genai-iac/v1\nmetadata: {{name: prod}}\nspec: {{region: {ASHBURN}}}\n",
            "environments/prod.yaml",
        )
    reported = plan(project, *environment)
    assert changes(reported)["ApiKey/app"]["actions"] == ["create", "delete"]
    assert changes(reported)["ApiKey/app"]["id"] == old.id
    assert any(line.startswith("!") for line in project.run("plan", *environment).out.splitlines())
    project.run(*APPROVED, *environment)
    assert keys(tenancy) == {} and only(keys(tenancy, ASHBURN)).display_name == "app"
    assert_settled(project, *environment)


def test_a_changed_region_is_refused_while_the_key_is_used(project: Project, tenancy: Tenancy) -> None:
    used = key("app", deliverTo=[{"file": {"path": "app.env"}}])
    rules = policy("rules", grants=[{"apiKey": "app", "apis": ["chat"], "models": ["xai.grok-4"]}])
    project.write(stack(HOME, used, rules))
    project.run(*APPROVED)
    call_with(tenancy, (project.path / "app.env").read_text())
    project.write(stack(HOME, used, rules, region=ASHBURN))
    ran = project.run(*APPROVED, code=3)
    assert "--accept-outage ApiKey/app" in words_apart(ran)
    project.run(*APPROVED, "--accept-outage", "ApiKey/app")
    assert keys(tenancy) == {} and len(keys(tenancy, ASHBURN)) == 1


@pytest.mark.regions("eu-frankfurt-1")
def test_the_last_key_of_a_region_is_deleted_with_its_last_mention(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("near"), key("far", region=FRANKFURT)))
    project.run(*APPROVED)
    far = only(keys(tenancy, FRANKFURT))
    project.write(stack(HOME, key("near")))
    document, _ = apply_exactly(project, tenancy)
    assert [(change["id"], change["actions"]) for change in document["changes"]] == [(far.id, ["delete"])]
    assert keys(tenancy, FRANKFURT) == {} and len(keys(tenancy)) == 1


# 2. The last mention of a place is removed


@pytest.mark.parametrize("kind", ["ApiKey", "Policy"])
def test_the_last_resource_of_a_compartment_that_is_not_the_stacks(
    project: Project, tenancy: Tenancy, kind: str
) -> None:
    inner = make_compartment(tenancy, "b", parent=make_compartment(tenancy, "a"))
    far: Document = {
        "ApiKey": key("far", compartment="/a/b"),
        "Policy": policy(
            "far",
            compartment="/a/b",
            statements=[f"allow any-user to inspect policies in compartment id {inner}"],
        ),
    }[kind]
    project.write(stack(HOME, key("near"), far))
    project.run(*APPROVED)
    project.write(stack(HOME, key("near")))
    document, _ = apply_exactly(project, tenancy)
    assert [(one["address"], one["actions"]) for one in document["changes"]] == [(f"{kind}/far", ["delete"])]
    assert [one.display_name for one in keys(tenancy).values()] == ["near"] and policies(tenancy).keys().isdisjoint(
        {inner}
    )


@pytest.mark.regions("eu-frankfurt-1")
def test_drift_and_destroy_find_what_the_manifests_no_longer_mention(project: Project, tenancy: Tenancy) -> None:
    place = make_compartment(tenancy, "a")
    project.write(stack(HOME, key("app", compartment="/a"), key("far", region=FRANKFURT)))
    project.run(*APPROVED)
    project.write(stack(HOME))
    report = project.run("drift", "--unmanaged", "--format", "json", code=2).json
    assert {one["address"] for one in report["resources"]} == {"ApiKey/app", "ApiKey/far"}
    foreign = make_key(tenancy, place, "foreign")
    assert unmanaged(project) == [foreign]
    project.run("destroy", "--auto-approve")
    assert keys(tenancy, *EVERYWHERE).keys() == {foreign}
    assert compartments(tenancy).keys() == {place}


def test_a_policy_attached_elsewhere_under_another_name_is_replaced(project: Project, tenancy: Tenancy) -> None:
    make_compartment(tenancy, "a")
    statements = ["allow any-user to inspect policies in compartment a"]
    project.write(stack(HOME, policy("rules", compartment="/a", name="first", statements=statements)))
    project.run(*APPROVED)
    project.write(
        stack(
            HOME, policy("rules", name="second", statements=["allow any-user to inspect policies in compartment home"])
        )
    )
    assert changes(plan(project))["Policy/rules"]["actions"] == ["create", "delete"]
    apply_exactly(project, tenancy)
    assert [one.name for one in policies(tenancy).values() if OWNERSHIP_TAG in one.freeform_tags] == ["second"]


# 3. Moved, then removed


@pytest.mark.parametrize("mover", ["manifest", "person"])
@pytest.mark.parametrize("target", ["other", "not named"])
def test_a_key_that_was_moved_and_is_no_longer_declared_is_deleted(
    project: Project, tenancy: Tenancy, mover: str, target: str
) -> None:
    far = make_compartment(tenancy, "far")
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    place = named(compartments(tenancy), "other").id if target == "other" else far
    if mover == "manifest":
        project.write(stack(HOME, OTHER, key("app", compartment="other" if target == "other" else "/far")))
        document, _ = apply_exactly(project, tenancy)
        assert planned_calls(document) == {"ChangeApiKeyCompartment": 1}
    else:
        move_key(tenancy, ours.id, place)
    project.write(stack(HOME, OTHER))
    assert planned_calls(plan(project)) == {"DeleteApiKey": 1}
    apply_exactly(project, tenancy)
    assert keys(tenancy) == {}


def test_a_compartment_that_was_moved_and_is_no_longer_declared_is_deleted(project: Project, tenancy: Tenancy) -> None:
    make_compartment(tenancy, "far")
    for inner in ([compartment("inner", parent="home")], [compartment("inner", parent="/far")], []):
        project.write(stack(HOME, *inner))
        apply_exactly(project, tenancy)
    assert {one.name for one in compartments(tenancy).values()} == {"far", "home"}


def test_a_key_of_an_earlier_release_is_bound_to_its_ocid_when_it_is_moved(project: Project, tenancy: Tenancy) -> None:
    """Its tag knows the compartment it was made in and nothing else, so the move writes a better one: one more call, in the plan."""
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    age_tag(tenancy, ours)
    assert_settled(project)
    project.write(stack(HOME, OTHER, key("app", compartment="other")))
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"UpdateApiKey": 1, "ChangeApiKeyCompartment": 1}
    project.write(stack(HOME, OTHER))
    apply_exactly(project, tenancy)
    assert keys(tenancy) == {}


def test_a_key_of_an_earlier_release_that_a_person_moved_is_left_alone_and_named(
    project: Project, tenancy: Tenancy
) -> None:
    project.write(stack(HOME, OTHER, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    age_tag(tenancy, ours)
    move_key(tenancy, ours.id, named(compartments(tenancy), "other").id)
    project.write(stack(HOME, OTHER))
    reported = plan(project)
    assert reported["changes"] == []
    assert any(ours.id in one["text"] and "--delete-moved ApiKey/app" in one["text"] for one in reported["notices"])
    project.run(*APPROVED, "--delete-moved", "ApiKey/app")
    assert keys(tenancy) == {}


def age_tag(tenancy: Tenancy, live: Any) -> None:
    """The ownership tag as earlier releases wrote it inside the create call."""
    import hashlib

    bound = ("birth", tenancy.tenancy, "loop", "ApiKey/app", live.compartment_id)
    digest = hashlib.sha256("\n".join(bound).encode()).hexdigest()[:16]
    details = GENERATIVE_AI.UpdateApiKeyDetails(freeform_tags={OWNERSHIP_TAG: f"loop/ApiKey/app#{digest}"})
    client(tenancy, "generative_ai", REGION).update_api_key(live.id, details)


# 4. A person moves a key to a compartment that nobody names


@pytest.mark.parametrize("updated", [False, True])
def test_a_key_moved_by_hand_to_a_compartment_that_nobody_names_is_moved_back(
    project: Project, tenancy: Tenancy, updated: bool
) -> None:
    far = make_compartment(tenancy, "deep", parent=make_compartment(tenancy, "far"))
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    if updated:
        project.write(stack(HOME, key("app", description="Changed")))
        project.run(*APPROVED)
    ours = only(keys(tenancy))
    move_key(tenancy, ours.id, far)
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"ChangeApiKeyCompartment": 1}
    assert only(keys(tenancy)).id == ours.id


# 5. Copied tags


COPIED = [("ApiKey", at) for at in ("at once", "older", "younger")] + [("Policy", at) for at in ("at once", "younger")]


@pytest.mark.parametrize(("kind", "age"), COPIED)
@pytest.mark.parametrize("updated", [False, True])
@pytest.mark.parametrize("declared", [False, True])
def test_what_carries_a_copy_of_the_tag_is_never_touched(
    project: Project, tenancy: Tenancy, kind: str, age: str, updated: bool, declared: bool
) -> None:
    """With the original there its plan goes on; with the original gone too, another is made and the copy stays as it is."""
    maker = {"ApiKey": lambda **spec: key("app", **spec), "Policy": lambda **spec: policy("app", **spec)}[kind]
    project.write(stack(HOME))
    project.run(*APPROVED)
    home = only(compartments(tenancy)).id
    make = {"ApiKey": make_key, "Policy": make_policy}[kind]
    if age == "older":
        theirs = make(tenancy, home, "theirs")
        tenancy.advance("3m")
    project.write(stack(HOME, maker()))
    project.run(*APPROVED)
    if updated:
        project.write(stack(HOME, maker(description="Changed")))
        project.run(*APPROVED)
    if age == "younger":
        tenancy.advance("3m")
    ours = next(one for one in everything(tenancy, kind).values() if str(one.freeform_tags).find(f"{kind}/app") > 0)
    if age == "older":
        details = GENERATIVE_AI.UpdateApiKeyDetails(freeform_tags=ours.freeform_tags)
        client(tenancy, "generative_ai", REGION).update_api_key(theirs, details)
    else:
        theirs = make(tenancy, home, "theirs", ours.freeform_tags)
    before = oci.util.to_dict(everything(tenancy, kind)[theirs])
    assert_settled(project)
    (client(tenancy, "identity").delete_policy if kind == "Policy" else _delete_key(tenancy))(ours.id)
    documents = [HOME, maker()] if declared else [HOME]
    for _ in range(2):
        project.write(stack(*documents))
        reported = plan(project)
        assert theirs not in [change["id"] for change in reported["changes"]]
        assert any(theirs in one["text"] for one in reported["notices"])
        project.run(*APPROVED)
        assert oci.util.to_dict(everything(tenancy, kind)[theirs]) == before
    assert_settled(project)
    project.write(stack(HOME, maker()))
    project.run("destroy", "--auto-approve", code=4)  # the compartment cannot go while theirs is in it
    assert oci.util.to_dict(everything(tenancy, kind)[theirs]) == before


def everything(tenancy: Tenancy, kind: str) -> dict[str, Any]:
    return keys(tenancy) if kind == "ApiKey" else policies(tenancy)


def _delete_key(tenancy: Tenancy) -> Any:
    return client(tenancy, "generative_ai", REGION).delete_api_key


def test_a_copy_in_another_region_is_not_taken_for_the_original(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    ours = only(keys(tenancy))
    details = GENERATIVE_AI.CreateApiKeyDetails(
        compartment_id=ours.compartment_id,
        display_name="app",
        freeform_tags=ours.freeform_tags,
        key_details=[{"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}],
    )
    theirs = client(tenancy, "generative_ai", ASHBURN).create_api_key(details).data.id
    assert_settled(project)
    _delete_key(tenancy)(ours.id)
    project.run(*APPROVED)
    assert theirs in keys(tenancy, ASHBURN) and len(keys(tenancy)) == 1
    assert theirs in unmanaged(project)


def test_a_copy_of_a_compartments_tag_stays(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, OTHER))
    project.run(*APPROVED)
    ours = named(compartments(tenancy), "other")
    tenancy.advance("3m")
    theirs = make_compartment(tenancy, "theirs", ours.freeform_tags)
    assert_settled(project)
    project.write(stack(HOME))
    project.run(*APPROVED)
    assert {one.name for one in compartments(tenancy).values()} == {"home", "theirs"}
    assert any(theirs in one["text"] for one in plan(project)["notices"])


def test_a_creation_that_took_long_is_bound_to_its_ocid_at_once(project: Project, tenancy: Tenancy) -> None:
    """The moment in the tag would not fit what the service made minutes later, so the apply that made it writes the tag again."""
    project.write(stack(HOME))
    project.run(*APPROVED)
    project.write(stack(HOME, key("app")))
    fault = {"operation": "CreateApiKey", "nth": 1, "count": 1, "when": "before", "effect": {"delay": "2s"}}
    tenancy.control("POST", "faults", fault)
    process = project.spawn(*APPROVED)
    wait_until_held(tenancy)
    tenancy.advance("5m")
    ran = ended(process)
    assert ran.code == 0, ran
    ours = only(keys(tenancy))
    owner = Owner(tenancy.tenancy, "loop")
    assert owner.seal(Address("ApiKey", "app"), ours.id)[-16:][:12] == ours.freeform_tags[OWNERSHIP_TAG][-12:]
    assert_settled(project)


# 6. Two stacks of one name


def team(name: str, *documents: Document, **spec: Any) -> str:
    return stack(compartment(name), *documents, name="chat", **spec)


def test_equal_names_with_ids_are_two_stacks(project: Project, tenancy: Tenancy) -> None:
    for name in ("one", "two"):
        text = team(name, key("app", compartment=name), id=f"11111111-2222-3333-4444-{name}")
        project.write(text, f"{name}/stack.yaml")
        project.run(*APPROVED, name)
    assert len(keys(tenancy)) == 2
    for name in ("one", "two"):
        assert_settled(project, name)
    assert unmanaged_of(project, "one") == []
    project.run("destroy", "--auto-approve", "two")
    assert_settled(project, "one")
    assert only(compartments(tenancy)).name == "one"


def test_a_stack_with_an_id_leaves_one_of_its_name_without_an_id_alone(project: Project, tenancy: Tenancy) -> None:
    project.write(team("one", key("app", compartment="one")), "one/stack.yaml")
    project.run(*APPROVED, "one")
    project.write(team("two", key("app", compartment="two"), id="two"), "two/stack.yaml")
    project.run(*APPROVED, "two")
    assert len(keys(tenancy)) == 2
    assert_settled(project, "one")
    assert_settled(project, "two")


def test_a_stack_that_is_given_an_id_claims_what_it_declares(project: Project, tenancy: Tenancy) -> None:
    documents = (HOME, policy("rules"), key("app"))
    project.write(stack(*documents, key("gone")))
    project.run(*APPROVED)
    project.write(stack(*documents, id="0001"))
    ran = project.run(*APPROVED, code=1)  # nothing is taken over silently, and nothing made twice
    said = " ".join(ran.err.split())
    assert (
        "belongs to loop" in said and said.count("apply once with --claim-name") == 2 and "genai-iac import" not in said
    )
    document = plan(project, "--claim-name")
    assert planned_calls(document) == {"UpdateCompartment": 1, "UpdatePolicy": 1, "UpdateApiKey": 1}
    project.run("plan", "--claim-name", "--out", "saved.plan")
    project.run("apply", "saved.plan")
    assert_settled(project)
    assert len(keys(tenancy)) == 2  # what no manifest declares may be another stack's of that name
    app = named(keys(tenancy), "app")
    assert app.freeform_tags[OWNERSHIP_TAG].startswith("loop+")


def test_one_resource_of_the_name_is_imported(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    project.write(stack(HOME, key("app"), id="0001"))
    for address, id in (
        ("Compartment/home", only(compartments(tenancy)).id),
        ("ApiKey/app", only(keys(tenancy)).id),
    ):
        project.run("import", address, id)
    assert_settled(project)


def test_an_export_of_a_stack_with_an_id_says_that_it_is_to_be_added(project: Project) -> None:
    project.write(stack(HOME, policy("rules"), id="0001"))
    project.run(*APPROVED)
    ran = project.run("export")
    assert "add spec.id" in " ".join(ran.err.split())
    project.write(ran.out.replace("region: ", "id: '0001'\n  region: ", 1))
    assert_settled(project)


def test_a_stack_with_an_id_may_be_renamed(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, policy("rules"), key("app"), name="before", id="0001"))
    project.run(*APPROVED)
    project.write(stack(HOME, policy("rules"), key("app"), name="after", id="0001"))
    document, _ = apply_exactly(project, tenancy)
    assert planned_calls(document) == {"UpdateCompartment": 1, "UpdatePolicy": 1, "UpdateApiKey": 1}
    texts = [one["text"] for one in document["notices"]]
    # the same edit is a copied directory whose id was left as it is
    assert [text for text in texts if "3 of 3 resources with this spec.id belong to stack before" in text]
    assert "spec.id" not in project.run("plan").out  # they carry the new name by now
    project.write(stack(name="after", id="0001"))
    project.run("destroy", "--auto-approve")
    assert keys(tenancy) == {} and compartments(tenancy) == {}


def test_two_environments_of_one_id_are_two_owners(project: Project, tenancy: Tenancy) -> None:
    project.write(
        stack(compartment("home", name="${var.at}"), key("app"), id="0001", variables={"at": {"default": "x"}})
    )
    for name in ("dev", "prod"):
        project.write(
            f"kind: Environment\napiVersion: genai-iac/v1\nmetadata: {{name: {name}}}\nspec: {{variables: {{at: {name}}}}}\n",
            f"environments/{name}.yaml",
        )
        project.run(*APPROVED, "--env", name)
    assert len(keys(tenancy)) == 2
    project.run("destroy", "--auto-approve", "--env", "dev")
    assert_settled(project, "--env", "prod")


def unmanaged_of(project: Project, path: str) -> list[str]:
    ran = project.run("drift", path, "--unmanaged", "--format", "json", code=None)
    return [one["id"] for one in ran.json["unmanaged"]]


# A plan that would delete everything


def test_a_plan_that_deletes_everything_needs_the_number(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    project.write(stack())
    tenancy.forget_calls()
    ran = project.run(*APPROVED, code=3)
    assert "--allow-destroy 2" in words_apart(ran) and tenancy.writes() == []
    project.run(*APPROVED, "--allow-destroy", "1", code=3)
    project.run(*APPROVED, "--allow-destroy", "2")
    assert keys(tenancy) == {} and compartments(tenancy) == {}


@pytest.mark.regions("eu-frankfurt-1")
def test_an_empty_stack_of_another_region_does_not_delete_everything_silently(
    project: Project, tenancy: Tenancy
) -> None:
    make_compartment(tenancy, "a")
    project.write(stack(key("app", compartment="/a")))
    project.run(*APPROVED)
    project.write(stack(region=FRANKFURT))
    project.run(*APPROVED, code=3)
    assert len(keys(tenancy)) == 1


# A tenancy that is too large to be searched whole


def test_a_large_tenancy_is_not_searched_whole_and_the_plan_says_so(project: Project, tenancy: Tenancy) -> None:
    around = make_compartment(tenancy, "around")
    for number in range(110):
        make_compartment(tenancy, f"c{number}", parent=around)
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    tenancy.forget_calls()
    reported = plan(project)
    assert len([call for call in tenancy.calls() if call["operation"].startswith("List")]) <= 2 + 400
    assert any("--full-scan" in one["text"] for one in reported["notices"])
    ours = only(keys(tenancy))
    move_key(tenancy, ours.id, around)
    project.write(
        stack(
            HOME,
            document(
                "Policy",
                "p",
                {"compartment": "home", "statements": ["allow any-user to inspect policies in compartment home"]},
            ),
        )
    )
    assert planned_calls(plan(project, "--full-scan"))["DeleteApiKey"] == 1


def test_a_compartment_that_may_not_be_searched_stops_nothing_and_is_named(project: Project, tenancy: Tenancy) -> None:
    far = make_compartment(tenancy, "far")
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    made = tenancy.control("POST", "principals", {"name": "looker", "groups": ["lookers"]})
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy,
        name="lookers",
        description="What they may do",
        statements=[f"allow group lookers to inspect all-resources in tenancy where target.compartment.id != '{far}'"],
    )
    client(tenancy, "identity").create_policy(details)
    tenancy.settings(enforceIam=True)
    looker = Project(project.path, {**project.environ, "GENAI_IAC_CONFIG_FILE": made["configFile"]})
    looker.environ["GENAI_IAC_PROFILE"] = "looker"
    reported = plan(looker)
    assert reported["changes"] == []
    assert any("/far" in one["text"] and "could not be searched" in one["text"] for one in reported["notices"])
    project.write(stack(HOME, key("app", compartment="/far")))
    assert "ListPolicies" in looker.run("plan", code=1).err  # a place that the stack names must be read


def words_apart(ran: Ran) -> str:
    return " ".join(ran.err.split())


def call_with(tenancy: Tenancy, text: str) -> None:
    from urllib.request import Request, urlopen

    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    body = b'{"model": "xai.grok-4", "messages": [{"role": "user", "content": "hello"}]}'
    headers = {
        "Authorization": f"Bearer {values['OPENAI_API_KEY'].strip(chr(34) + chr(39))}",
        "Content-Type": "application/json",
    }
    url = values["OPENAI_BASE_URL"].strip("\"'") + "/chat/completions"
    with urlopen(Request(url, body, headers), timeout=30) as answer:
        assert answer.status == 200

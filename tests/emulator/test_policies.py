"""Policies: compiled when written, refused in the service's own words, and in force when the clock says so."""

from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from .clients import CHAT_ANY, MODEL, Clients, chat, holds, refusal

ADMINS = "allow group Administrators to use buckets in tenancy"


@holds("P01", "P23")
def test_create_and_read_back(shared: Clients) -> None:
    body = {
        "compartmentId": shared.root,
        "name": "p01",
        "description": "d",
        "statements": [ADMINS],
        "freeformTags": {"team": "ml"},
    }
    made = shared.identity().create_policy(body)
    assert (made.status, made.data.lifecycle_state) == (200, "ACTIVE")
    assert made.headers["etag"]
    read = shared.identity().get_policy(made.data.id)
    assert read.headers["etag"] == made.headers["etag"]
    assert (read.data.name, read.data.statements, read.data.freeform_tags) == ("p01", [ADMINS], {"team": "ml"})
    assert read.data.time_created == made.data.time_created
    assert set(read.data.defined_tags["Oracle-Tags"]) == {"CreatedBy", "CreatedOn"}


@holds("P02", "P03")
@pytest.mark.parametrize("statements", [[], [""], [ADMINS, "  "], [ADMINS, 7], "allow", {}])
def test_statements_that_are_none_are_refused(shared: Clients, statements: object) -> None:
    body = {"compartmentId": shared.root, "name": "p02", "description": "-", "statements": statements}
    assert refusal(shared.identity().create_policy, body)[:2] == (400, "InvalidParameter")


@holds("P04", "P05", "P22")
def test_a_statement_comes_back_as_written_and_means_the_same(shared: Clients) -> None:
    ocid = shared.compartment("p04")
    text = "ALLOW  any-user\n to USE generative-ai-chat in\tcompartment P04  where request.principal.type='generativeaiapikey'"
    made = shared.policy("p04", text)
    assert made.statements == [text]
    key = shared.key(ocid)
    assert chat(shared.openai(key.keys[0].key))
    before = shared.identity().get_policy(made.id).headers["etag"]
    again = shared.identity().update_policy(made.id, {"statements": [text], "versionDate": ""})
    assert again.headers["etag"] == before


@holds("P06", "P07", "P08")
def test_update_touches_what_it_names(shared: Clients) -> None:
    identity = shared.identity()
    made = shared.policy("p06", ADMINS)
    assert made.version_date is None
    described = identity.update_policy(made.id, {"description": "new"}).data
    assert (described.description, described.statements) == ("new", [ADMINS])
    other = ADMINS.replace("use", "manage")
    dated = identity.update_policy(made.id, {"statements": [other], "versionDate": "2026-01-31"}).data
    assert (dated.statements, str(dated.version_date)[:10]) == ([other], "2026-01-31")
    assert str(identity.get_policy(made.id).data.version_date)[:10] == "2026-01-31"
    cleared = identity.update_policy(made.id, {"statements": [other], "versionDate": ""}).data
    assert cleared.version_date is None
    assert refusal(identity.update_policy, made.id, {"versionDate": "yesterday"})[0] == 400


@holds("P09", "9.10")
def test_updates_and_deletes_mind_the_etag(shared: Clients) -> None:
    identity = shared.identity()
    made = shared.policy("p09", ADMINS)
    etag = identity.get_policy(made.id).headers["etag"]
    stale = (412, "NoEtagMatch")
    assert refusal(identity.update_policy, made.id, {"description": "x"}, if_match="other")[:2] == stale
    assert refusal(identity.update_policy, made.id, {"statements": [ADMINS]}, if_match="other")[:2] == stale
    assert refusal(identity.delete_policy, made.id, if_match="other")[:2] == stale
    new = identity.update_policy(made.id, {"description": "x"}, if_match=etag).headers["etag"]
    assert new != etag
    assert identity.delete_policy(made.id, if_match=new).status == 204


@holds("P10")
def test_name_and_compartment_do_not_change(shared: Clients) -> None:
    made = shared.policy("p10", ADMINS)
    shared.identity().update_policy(made.id, {"name": "other", "compartmentId": shared.compartment("p10")})
    read = shared.identity().get_policy(made.id).data
    assert (read.name, read.compartment_id) == ("p10", shared.root)


@holds("P11")
def test_names_are_unique(shared: Clients) -> None:
    shared.policy("p11", ADMINS)
    body = {"compartmentId": shared.root, "name": "P11", "description": "-", "statements": [ADMINS]}
    status, code, message = refusal(shared.identity().create_policy, body)
    assert (status, code) == (409, "PolicyAlreadyExists")
    assert "already exists" in message


@holds("P12")
def test_lists_show_one_compartment_in_pages(fresh: Clients) -> None:
    inside = fresh.compartment("p12")
    statement = "allow group Administrators to use buckets in compartment p12"
    names = [fresh.policy(f"p12-{number}", statement, compartment=inside).name for number in range(3)]
    above = fresh.policy("p12-above", ADMINS)
    identity = fresh.identity()
    assert {item.name for item in identity.list_policies(inside).data} == set(names)
    assert [item.id for item in identity.list_policies(fresh.root).data] == [above.id]
    page = identity.list_policies(inside, limit=1)
    assert len(page.data) == 1
    assert identity.list_policies(inside, limit=1, page=page.next_page).data[0].name in names
    assert [item.name for item in identity.list_policies(inside, name="p12-1").data] == ["p12-1"]


@holds("P13")
def test_ten_policies_written_at_once_all_exist(fresh: Clients) -> None:
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda number: fresh.policy(f"p13-{number}", ADMINS).id, range(10)))
    assert {item.id for item in fresh.identity().list_policies(fresh.root).data} == set(made)


@holds("P13")
def test_parallel_writes_collide_when_asked_to(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"policyWriteWindow": "10s"})
    fresh.policy("first", ADMINS)
    body = {"compartmentId": fresh.root, "name": "second", "description": "-", "statements": [ADMINS]}
    assert refusal(fresh.identity().create_policy, body)[:2] == (409, "Conflict")
    fresh.control("POST", "clock", {"advance": "11s"})
    fresh.identity().create_policy(body)


@holds("P14", "P15", "P16", "9.8")
def test_names_that_name_nothing_are_refused_in_the_services_words(shared: Clients) -> None:
    inside = shared.compartment("p14")
    outside = shared.compartment("p14-outside")

    def refused(statement: str, compartment: str = inside) -> str:
        body = {"compartmentId": compartment, "name": "p14", "description": "-", "statements": [statement]}
        status, code, message = refusal(shared.identity().create_policy, body)
        assert (status, code) == (400, "InvalidParameter")
        return message

    assert refused("allow group README to use buckets in compartment p14") == (
        "The group README specified in the policy statement does not exist under current compartment hierarchy."
    )
    assert refused("allow group Administrators to use buckets in compartment cloudnative-devrel") == (
        "The compartment cloudnative-devrel specified in the policy statement "
        "does not exist under current compartment hierarchy."
    )
    subtree = "Compartment {%s} does not exist or is not part of the policy compartment subtree"
    by_id = f"allow group Administrators to use buckets in compartment id {outside}"
    assert refused(by_id) == subtree % outside
    bare = f"allow group Administrators to use buckets in compartment {outside}"
    assert refused(bare) == subtree % outside
    assert "No permissions found" in refused("allow dynamic-group nobody to use buckets in compartment p14")
    assert "No permissions found" in refused("allow group Administrators to use buckets")
    assert refused("allow group Administrators to use buckets in tenancy") == subtree % "tenancy"


def test_unknown_groups_can_be_let_through(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"unknownNames": "accept"})
    assert fresh.policy("stranger", "allow group Nobody to use buckets in tenancy").statements


@holds("P17")
def test_deny_is_opt_in(fresh: Clients) -> None:
    deny = "deny group Administrators to use buckets in tenancy"
    body = {"compartmentId": fresh.root, "name": "p17", "description": "-", "statements": [deny]}
    assert refusal(fresh.identity().create_policy, body) == (
        400,
        "InvalidParameter",
        "Deny statement passed into a Allow compilation",
    )
    fresh.control("POST", "settings", {"denyStatements": True})
    assert fresh.identity().create_policy(body).data.statements == [deny]


@holds("P18")
def test_a_group_made_again_is_another_group_until_some_policy_is_edited(fresh: Clients) -> None:
    identity = fresh.identity()
    first = fresh.group("readers")
    reader = fresh.principal("reader")
    user = reader.config()["user"]
    policy = fresh.policy("read", "allow group readers to inspect compartments in tenancy")
    other = fresh.policy("other", ADMINS)

    membership = identity.add_user_to_group({"userId": user, "groupId": first}).data
    assert reader.identity().list_compartments(fresh.root).data == []
    identity.remove_user_from_group(membership.id)
    identity.delete_group(first)
    second = fresh.group("readers")
    identity.add_user_to_group({"userId": user, "groupId": second})
    assert identity.get_policy(policy.id).data.statements == policy.statements
    assert refusal(reader.identity().list_compartments, fresh.root)[0] == 404

    identity.update_policy(other.id, {"statements": [ADMINS.replace("use", "manage")]})
    assert reader.identity().list_compartments(fresh.root).data == []


@holds("P19")
def test_renames_and_moves_rewrite_paths_in_policies_above(fresh: Clients) -> None:
    identity = fresh.identity()
    left, right = fresh.compartment("left"), fresh.compartment("right")
    inner = fresh.compartment("inner", left)
    deep = fresh.compartment("deep", inner)
    above = fresh.policy("above", CHAT_ANY.replace("in tenancy", "in compartment left:inner:deep"))
    local = fresh.policy("local", CHAT_ANY.replace("in tenancy", "in compartment inner:deep"), compartment=left)
    key = fresh.key(deep)

    identity.update_compartment(inner, {"name": "renamed"})
    assert "compartment left:renamed:deep" in identity.get_policy(above.id).data.statements[0]
    assert "compartment renamed:deep" in identity.get_policy(local.id).data.statements[0]

    identity.move_compartment(inner, {"targetCompartmentId": right})
    assert identity.get_compartment(inner).data.compartment_id == right
    rewritten = identity.get_policy(above.id).data
    assert "compartment right:renamed:deep" in rewritten.statements[0]
    assert "compartment renamed:deep" in identity.get_policy(local.id).data.statements[0]
    assert chat(fresh.openai(key.keys[0].key))
    identity.delete_policy(above.id)
    with pytest.raises(openai.AuthenticationError):  # what is attached to the old parent grants nothing
        chat(fresh.openai(key.keys[0].key))


@holds("P20", "9.8")
def test_limits_of_number(fresh: Clients) -> None:
    identity = fresh.identity()
    fresh.control("POST", "settings", {"limits": {"statementsPerPath": 500}})
    inside = fresh.compartment("p20")
    statement = "allow group Administrators to use buckets in compartment p20"

    def body(name: str, count: int) -> dict[str, object]:
        return {"compartmentId": inside, "name": name, "description": "-", "statements": [statement] * count}

    assert refusal(identity.create_policy, body("fifty-one", 51))[:2] == (400, "InvalidParameter")
    for number in range(9):
        identity.create_policy(body(f"full-{number}", 50))
    child = fresh.compartment("child", inside)
    below = "allow group Administrators to use buckets in compartment child"
    last = fresh.policy("below", *[below] * 50, compartment=child)
    assert refusal(identity.create_policy, body("one-more", 1)) == (
        400,
        "PolicyStatementsLimitPerCompartmentChainExceeded",
        "You have reached the maximum number of policy statements allowed for this compartment hierarchy "
        "(Limit: 500, Current Usage: 501).",
    )
    beside = fresh.compartment("beside")
    assert fresh.policy("beside", below.replace("child", "beside"), compartment=beside)
    identity.delete_policy(last.id)
    identity.create_policy(body("one-more", 1))
    fresh.control("POST", "settings", {"limits": {"policyCount": 11}})
    status, code, message = refusal(identity.create_policy, body("over", 1))
    assert (status, code) == (400, "LimitExceeded")
    assert "policy-count" in message


@holds("P21", "9.6")
def test_policies_take_effect_after_the_propagation_delay(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"propagationDelay": "10s"})
    key = fresh.key(fresh.compartment("p21"))
    fresh.control("POST", "clock", {"advance": "11s"})
    client = fresh.openai(key.keys[0].key)
    policy = fresh.policy("chat", CHAT_ANY)
    with pytest.raises(openai.AuthenticationError):
        chat(client)
    fresh.control("POST", "clock", {"advance": "11s"})
    assert chat(client)
    fresh.identity().delete_policy(policy.id)
    assert chat(client)
    fresh.control("POST", "clock", {"advance": "11s"})
    with pytest.raises(openai.AuthenticationError):
        chat(client)


@holds("P24")
def test_tags_are_replaced_and_cleared(shared: Clients) -> None:
    identity = shared.identity()
    made = shared.policy("p24", ADMINS)
    tagged = identity.update_policy(made.id, {"freeformTags": {"a": "1"}, "definedTags": {"ns": {"k": "v"}}}).data
    assert (tagged.freeform_tags, tagged.defined_tags) == ({"a": "1"}, {"ns": {"k": "v"}})
    cleared = identity.update_policy(made.id, {"freeformTags": {}, "definedTags": {}}).data
    assert (cleared.freeform_tags, cleared.defined_tags) == ({}, {})
    read = identity.get_policy(made.id).data
    assert (read.freeform_tags, read.defined_tags) == ({}, {})


@pytest.mark.parametrize(
    "tags",
    [
        {"freeformTags": {str(number): "x" for number in range(11)}},
        {"freeformTags": {"k" * 101: "x"}},
        {"freeformTags": {"k": "x" * 257}},
        {"freeformTags": {"k": 1}},
        {"freeformTags": []},
        {"definedTags": {"ns": {str(number): "x" for number in range(65)}}},
        {"definedTags": {"ns": "x"}},
        {"definedTags": {"ns": {str(number): "x" * 250 for number in range(60)}}},
    ],
)
def test_tags_beyond_their_limits_are_refused(shared: Clients, tags: dict[str, object]) -> None:
    body = {"compartmentId": shared.root, "name": "tagged", "description": "-", "statements": [ADMINS], **tags}
    assert refusal(shared.identity().create_policy, body)[:2] == (400, "InvalidParameter")


def test_a_model_condition_decides(shared: Clients) -> None:
    key = shared.key(shared.compartment("models"))
    shared.policy(
        "models",
        "allow any-user to use generative-ai-chat in compartment models where ALL "
        f"{{request.principal.type='generativeaiapikey', request.principal.id='{key.id}', target.model.id='{MODEL}'}}",
    )
    client = shared.openai(key.keys[0].key)
    assert chat(client)
    with pytest.raises(openai.AuthenticationError):
        chat(client, "xai.grok-3")

"""Compartments as clients of the real service know them."""

import re

import pytest

from .clients import CHICAGO, Clients, holds, refusal


@holds("C01", "C02")
def test_create_answers_creating_and_then_it_is_active(shared: Clients) -> None:
    identity = shared.identity()
    made = identity.create_compartment({"compartmentId": shared.root, "name": "c01", "description": "first"})
    assert made.status == 200
    assert made.data.lifecycle_state == "CREATING"
    assert made.data.id.startswith("ocid1.compartment.oc1..")
    assert made.data.time_created
    assert made.headers["etag"]
    read = identity.get_compartment(made.data.id).data
    assert (read.lifecycle_state, read.compartment_id, read.name) == ("ACTIVE", shared.root, "c01")


def test_creating_lasts_as_long_as_the_setting_says(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"lifecycleDelay": "5s"})
    made = fresh.compartment("slow")
    identity = fresh.identity()
    assert identity.get_compartment(made).data.lifecycle_state == "CREATING"
    fresh.control("POST", "clock", {"advance": "6s"})
    assert identity.get_compartment(made).data.lifecycle_state == "ACTIVE"


@holds("C03", "C04")
def test_names_are_unique_under_a_parent_and_nowhere_else(shared: Clients) -> None:
    identity = shared.identity()
    left, right = shared.compartment("left"), shared.compartment("right")
    shared.compartment("same", left)
    shared.compartment("same", right)
    status, code, message = refusal(
        identity.create_compartment, {"compartmentId": left, "name": "same", "description": "-"}
    )
    assert (status, code) == (409, "CompartmentAlreadyExists")
    assert "already exists" in message


@holds("C05", "C15")
def test_update_keeps_the_ocid_and_minds_the_etag(shared: Clients) -> None:
    identity = shared.identity()
    ocid = shared.compartment("before")
    old = identity.get_compartment(ocid)
    new = identity.update_compartment(
        ocid, {"name": "after", "description": "new", "freeformTags": {"a": "1"}}, if_match=old.headers["etag"]
    )
    assert (new.data.id, new.data.name, new.data.description) == (ocid, "after", "new")
    assert new.data.freeform_tags == {"a": "1"}
    assert new.headers["etag"] != old.headers["etag"]
    status, code, _ = refusal(identity.update_compartment, ocid, {"description": "newer"}, if_match=old.headers["etag"])
    assert (status, code) == (412, "NoEtagMatch")


def test_an_update_that_changes_nothing_keeps_the_etag(shared: Clients) -> None:
    identity = shared.identity()
    ocid = shared.compartment("steady")
    old = identity.get_compartment(ocid)
    assert identity.update_compartment(ocid, {"name": "steady"}).headers["etag"] == old.headers["etag"]


@holds("C06", "N09")
def test_a_move_is_a_work_request_and_keeps_the_ocid(shared: Clients) -> None:
    identity = shared.identity()
    target, moved = shared.compartment("target"), shared.compartment("moved")
    answer = identity.move_compartment(moved, {"targetCompartmentId": target})
    work = identity.get_work_request(answer.headers["opc-work-request-id"]).data
    assert (work.status, work.operation_type) == ("SUCCEEDED", "UNKNOWN_ENUM_VALUE")
    assert identity.get_compartment(moved).data.compartment_id == target


@holds("C07")
def test_a_move_is_refused_where_its_name_is_taken_or_the_parents_own(shared: Clients) -> None:
    identity = shared.identity()
    target, moved = shared.compartment("c07"), shared.compartment("inner")
    shared.compartment("inner", target)
    assert refusal(identity.move_compartment, moved, {"targetCompartmentId": target})[0] == 409
    other = shared.compartment("elsewhere")
    same_name = shared.compartment("c07", other)
    assert refusal(identity.move_compartment, same_name, {"targetCompartmentId": target})[0] == 409


def test_a_compartment_cannot_be_moved_into_itself(shared: Clients) -> None:
    identity = shared.identity()
    outer = shared.compartment("outer")
    inner = shared.compartment("inner-of-outer", outer)
    assert refusal(identity.move_compartment, outer, {"targetCompartmentId": inner})[:2] == (400, "InvalidParameter")


@holds("C08", "C10", "C11", "W04", "9.7", "N09")
def test_delete_is_a_work_request_that_renames_and_frees_the_name(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"compartmentDeleteDuration": "30m"})
    identity = fresh.identity()
    ocid = fresh.compartment("CompartmentA")
    fresh.policy("names-it", "allow group Administrators to use buckets in compartment CompartmentA")
    answer = identity.delete_compartment(ocid)
    assert answer.status == 202
    work = answer.headers["opc-work-request-id"]
    assert identity.get_compartment(ocid).data.lifecycle_state == "DELETING"
    running = identity.get_work_request(work)
    assert (running.data.status, running.data.operation_type) == ("IN_PROGRESS", "DELETE_COMPARTMENT")
    assert running.headers["retry-after"]
    again = {"compartmentId": fresh.root, "name": "CompartmentA", "description": "-"}
    assert refusal(identity.create_compartment, again)[1] == "CompartmentAlreadyExists"

    fresh.control("POST", "clock", {"advance": "31m"})
    assert identity.get_work_request(work).data.status == "SUCCEEDED"
    gone = identity.get_compartment(ocid).data
    assert gone.lifecycle_state == "DELETED"
    assert re.fullmatch(r"CompartmentA\.[A-Za-z0-9]{10}", gone.name)
    assert ocid in {item.id for item in identity.list_compartments(fresh.root, limit=1000).data}
    [policy] = identity.list_policies(fresh.root).data
    assert policy.statements == [f"allow group Administrators to use buckets in compartment {gone.name}"]
    assert identity.create_compartment(again).data.id != ocid


@holds("C09", "9.7")
@pytest.mark.parametrize("inside", ["key", "policy", "compartment", "secret", "bucket"])
def test_delete_of_a_compartment_with_something_in_it_fails(shared: Clients, inside: str) -> None:
    identity = shared.identity()
    ocid = shared.compartment(f"full-of-{inside}")
    made = _put_inside(shared, ocid, inside)
    work = identity.delete_compartment(ocid).headers["opc-work-request-id"]
    request = identity.get_work_request(work).data
    assert request.status == "FAILED"
    assert made in request.errors[0].message
    assert identity.get_compartment(ocid).data.lifecycle_state == "ACTIVE"


def _put_inside(clients: Clients, ocid: str, kind: str) -> str:
    if kind == "key":
        return str(clients.key(ocid).id)
    if kind == "policy":
        statement = "allow group Administrators to use buckets in compartment full-of-policy"
        return str(clients.policy("inside", statement, compartment=ocid).id)
    if kind == "compartment":
        return clients.compartment("child", ocid)
    if kind == "bucket":
        storage = clients.storage()
        namespace = storage.get_namespace().data
        return str(storage.create_bucket(namespace, {"compartmentId": ocid, "name": "inside"}).data.id)
    vault = clients.control("GET", "health")["vaults"][CHICAGO]
    body = {
        "compartmentId": ocid,
        "vaultId": vault["vault"],
        "keyId": vault["key"],
        "secretName": "inside",
        "secretContent": {"contentType": "BASE64", "content": "eA=="},
    }
    return str(clients.vaults().create_secret(body).data.id)


def test_a_deleted_compartment_can_be_recovered(shared: Clients) -> None:
    identity = shared.identity()
    ocid = shared.compartment("phoenix")
    identity.delete_compartment(ocid)
    assert identity.get_compartment(ocid).data.lifecycle_state == "DELETED"
    back = identity.recover_compartment(ocid).data
    assert back.lifecycle_state == "ACTIVE"
    assert back.name.startswith("phoenix.")


@holds("C12")
def test_lists_show_first_level_children_or_the_whole_tree_of_the_tenancy(shared: Clients) -> None:
    identity = shared.identity()
    top = shared.compartment("c12")
    child = shared.compartment("c12-child", top)
    direct = {item.id for item in identity.list_compartments(shared.root, limit=1000).data}
    assert top in direct
    assert child not in direct
    everything = identity.list_compartments(
        shared.root, compartment_id_in_subtree=True, access_level="ANY", limit=1000
    ).data
    assert {top, child} <= {item.id for item in everything}
    status, code, _ = refusal(identity.list_compartments, top, compartment_id_in_subtree=True)
    assert (status, code) == (400, "InvalidParameter")


@holds("C13")
def test_lists_filter_sort_and_page(shared: Clients) -> None:
    identity = shared.identity()
    parent = shared.compartment("c13")
    made = [shared.compartment(name, parent) for name in ("b", "c", "a")]
    by_name = identity.list_compartments(parent, name="c").data
    assert [item.id for item in by_name] == [made[1]]
    assert identity.list_compartments(parent, lifecycle_state="DELETED").data == []
    sorted_names = identity.list_compartments(parent, sort_by="NAME", sort_order="DESC").data
    assert [item.name for item in sorted_names] == ["c", "b", "a"]
    newest_first = identity.list_compartments(parent, sort_by="TIMECREATED").data
    assert [item.id for item in newest_first] == made[::-1]

    first = identity.list_compartments(parent, limit=1)
    assert len(first.data) == 1
    assert first.has_next_page
    seen = [first.data[0].id]
    while first.has_next_page:
        first = identity.list_compartments(parent, limit=1, page=first.next_page)
        seen += [item.id for item in first.data]
    assert seen == made[::-1]
    assert "opc-next-page" not in first.headers


@holds("C14")
def test_the_tenancy_is_the_root_but_in_no_list(shared: Clients) -> None:
    identity = shared.identity()
    listed = identity.list_compartments(shared.root, compartment_id_in_subtree=True, limit=1000).data
    assert shared.root not in {item.id for item in listed}
    root = identity.get_compartment(shared.root).data
    assert (root.id, root.lifecycle_state) == (shared.root, "ACTIVE")
    assert refusal(identity.delete_compartment, shared.root)[0] == 400
    assert refusal(identity.update_compartment, shared.root, {"name": "x"})[0] == 400


@holds("C16", "C17", "9.6")
def test_with_a_consistency_delay_what_is_new_is_not_there_yet(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"consistencyDelay": "98s"})
    identity, ai = fresh.identity(), fresh.ai()
    ocid = fresh.compartment("young")
    child = {"compartmentId": ocid, "name": "child", "description": "-"}
    key = {"compartmentId": ocid, "displayName": "k", "keyDetails": [{"keyName": "one"}]}
    statement = "allow group Administrators to use buckets in compartment young"
    policy = {"compartmentId": fresh.root, "name": "p", "description": "-", "statements": [statement]}
    assert refusal(identity.get_compartment, ocid)[:2] == (404, "NotAuthorizedOrNotFound")
    assert refusal(identity.create_compartment, child)[:2] == (404, "NotAuthorizedOrNotFound")
    assert refusal(ai.create_api_key, key)[:2] == (400, "RelatedResourceNotAuthorizedOrNotFound")
    assert refusal(identity.create_policy, policy)[:2] == (400, "InvalidParameter")
    assert identity.list_compartments(fresh.root).data == []

    fresh.control("POST", "clock", {"advance": "99s"})
    assert identity.get_compartment(ocid).data.lifecycle_state == "ACTIVE"
    assert [item.id for item in identity.list_compartments(fresh.root).data] == [ocid]
    identity.create_compartment(child)
    identity.create_policy(policy)
    ai.create_api_key(key)


@holds("C18")
def test_limits_of_depth_name_and_number(fresh: Clients) -> None:
    identity = fresh.identity()
    parent = fresh.root
    for level in range(1, 7):
        parent = fresh.compartment(f"level-{level}", parent)
    too_deep = {"compartmentId": parent, "name": "level-7", "description": "-"}
    assert refusal(identity.create_compartment, too_deep)[:2] == (400, "InvalidParameter")
    for name in ("finance/accounts", "", "x" * 101, "with space", "ünicode"):
        bad = {"compartmentId": fresh.root, "name": name, "description": "-"}
        assert refusal(identity.create_compartment, bad)[0] == 400, name
    fresh.compartment("x" * 100)
    long = {"compartmentId": fresh.root, "name": "long", "description": "d" * 401}
    assert refusal(identity.create_compartment, long)[0] == 400
    assert identity.create_compartment({"compartmentId": fresh.root, "name": "empty", "description": ""}).data.id

    fresh.control("POST", "settings", {"limits": {"compartmentCount": 8}})
    over = {"compartmentId": fresh.root, "name": "over", "description": "-"}
    status, code, message = refusal(identity.create_compartment, over)
    assert (status, code) == (400, "LimitExceeded")
    assert message == (
        "The following service limits were exceeded: compartment-count. "
        "Request a service limit increase from the service limits page in the console."
    )


def test_a_move_may_not_make_the_tree_too_deep(fresh: Clients) -> None:
    parent = fresh.root
    for level in range(1, 6):
        parent = fresh.compartment(f"level-{level}", parent)
    tall = fresh.compartment("tall")
    fresh.compartment("short", tall)
    assert refusal(fresh.identity().move_compartment, tall, {"targetCompartmentId": parent})[0] == 400


@holds("C19")
def test_create_and_get_agree_on_accessibility(shared: Clients) -> None:
    identity = shared.identity()
    made = identity.create_compartment({"compartmentId": shared.root, "name": "c19", "description": "-"}).data
    assert identity.get_compartment(made.id).data.is_accessible is made.is_accessible is True


def test_home_region_alone_takes_writes(fresh: Clients) -> None:
    away = fresh.identity(CHICAGO)
    body = {"compartmentId": fresh.root, "name": "away", "description": "-"}
    assert refusal(away.create_compartment, body) == (
        403,
        "NotAllowed",
        "Please go to your home region IAD to execute CREATE, UPDATE and DELETE operations.",
    )
    ocid = fresh.compartment("home")
    assert away.get_compartment(ocid).data.name == "home"
    fresh.control("POST", "settings", {"homeRegion": "us-phoenix-1"})
    assert "PHX" in refusal(fresh.identity("us-ashburn-1").create_compartment, body)[2]

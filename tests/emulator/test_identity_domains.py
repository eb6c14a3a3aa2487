"""Identity domains: made and ended by the SDK, their groups, and statements that name them."""

import socket
import sqlite3
from typing import Any

import oci
import pytest
from openai import AuthenticationError

from genai_iac.emulator import running

from .clients import ASHBURN, CHICAGO, Clients, chat, holds, refusal, to_close

models = oci.identity.models
scim = oci.identity_domains.models
READ_BUCKETS = "allow group {} to inspect compartments in tenancy"


@pytest.fixture(autouse=True)
def names_below_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the loopback (RFC 6761), also where the machine's resolver does not know it."""
    resolve = socket.getaddrinfo

    def look_up(host: Any, *more: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def make_domain(clients: Clients, name: str, compartment: str | None = None) -> Any:
    """A new domain, as GetDomain shows it, by the work request that its creation answers."""
    identity = clients.identity()
    details = models.CreateDomainDetails(
        compartment_id=compartment or clients.root,
        display_name=name,
        description="made by a test",
        home_region=ASHBURN,
        license_type="free",
    )
    made = identity.create_domain(details)
    work = identity.get_iam_work_request(made.headers["opc-work-request-id"]).data
    assert (work.operation_type, work.status, work.resources[0].entity_type) == ("CREATE_DOMAIN", "SUCCEEDED", "domain")
    return identity.get_domain(work.resources[0].identifier).data


def groups_of(clients: Clients, domain: Any) -> Any:
    """The SDK's client of that domain's own URL."""
    made = oci.identity_domains.IdentityDomainsClient(
        clients.config(), domain.url, retry_strategy=oci.retry.NoneRetryStrategy()
    )
    return to_close(made)


def make_group(clients: Clients, domain: Any, name: str, *members: str) -> Any:
    details = scim.Group(
        schemas=["urn:ietf:params:scim:schemas:core:2.0:Group"],
        display_name=name,
        members=[scim.GroupMembers(value=member, type="User") for member in members],
    )
    return groups_of(clients, domain).create_group(group=details).data


def test_every_tenancy_has_the_default_domain(fresh: Clients) -> None:
    (domain,) = fresh.identity().list_domains(fresh.root).data
    assert (domain.display_name, domain.type, domain.lifecycle_state) == ("Default", "DEFAULT", "ACTIVE")
    assert domain.home_region == ASHBURN and domain.url == domain.home_region_url
    names = {group.display_name for group in groups_of(fresh, domain).list_groups().data.resources}
    assert names == {group.name for group in fresh.identity().list_groups(fresh.root).data}


def test_a_domain_is_made_renamed_moved_and_ended(fresh: Clients) -> None:
    identity = fresh.identity()
    domain = make_domain(fresh, "Corp")
    assert (domain.type, domain.lifecycle_state, domain.display_name) == ("SECONDARY", "ACTIVE", "Corp")
    assert [one.id for one in identity.list_domains(fresh.root, display_name="Corp").data] == [domain.id]
    assert [one.id for one in identity.list_domains(fresh.root, type="SECONDARY").data] == [domain.id]
    assert identity.list_domains(fresh.root, url=domain.url).data[0].id == domain.id
    identity.update_domain(domain.id, models.UpdateDomainDetails(display_name="Staff"))
    home = fresh.compartment("people")
    move = models.ChangeDomainCompartmentDetails(compartment_id=home)
    identity.change_domain_compartment(domain.id, move)
    assert [one.display_name for one in identity.list_domains(home).data] == ["Staff"]
    assert refusal(identity.delete_domain, domain.id)[0] == 409
    identity.deactivate_domain(domain.id)
    assert identity.get_domain(domain.id).data.lifecycle_state == "INACTIVE"
    identity.activate_domain(domain.id)
    identity.deactivate_domain(domain.id)
    work = identity.delete_domain(domain.id).headers["opc-work-request-id"]
    assert identity.get_iam_work_request(work).data.status == "SUCCEEDED"
    assert refusal(identity.get_domain, domain.id)[0] == 404
    kinds = [one.operation_type for one in identity.list_iam_work_requests(home).data]
    assert kinds[0] == "DELETE_DOMAIN" and kinds.count("DEACTIVATE_DOMAIN") == 2
    assert identity.list_iam_work_request_errors(work).data == []
    assert identity.list_iam_work_request_logs(work).data


def test_what_cannot_be_done_to_domains(shared: Clients) -> None:
    identity = shared.identity()
    (default,) = identity.list_domains(shared.root, display_name="Default").data
    assert refusal(identity.deactivate_domain, default.id)[0] == 400
    assert refusal(make_domain, shared, "default")[:2] == (409, "DomainAlreadyExists")
    assert refusal(shared.identity(CHICAGO).deactivate_domain, default.id)[0] == 403


@holds("N05")
def test_groups_of_a_domain_are_apart_from_those_of_default(fresh: Clients) -> None:
    identity, domain = fresh.identity(), make_domain(fresh, "Corp")
    fresh.group("ops")
    made = make_group(fresh, domain, "ops")
    client = groups_of(fresh, domain)
    assert refusal(make_group, fresh, domain, "OPS")[0] == 409
    listed = client.list_groups(filter='displayName eq "ops"').data
    assert [one.ocid for one in listed.resources] == [made.ocid] and listed.total_results == 1
    assert client.get_group(made.id).data.domain_ocid == domain.id
    assert made.ocid not in {group.id for group in identity.list_groups(fresh.root).data}
    assert refusal(identity.get_group, made.ocid)[0] == 404
    user = identity.create_user({"compartmentId": fresh.root, "name": "ann", "description": "-"}).data.id
    patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
    add = scim.Operations(op="ADD", path="members", value=[{"value": user, "type": "User"}])
    joined = client.patch_group(made.id, patch_op=scim.PatchOp(schemas=[patch], operations=[add])).data
    assert [member.value for member in joined.members] == [user]
    assert refusal(client.delete_group, made.id)[0] == 409
    leave = scim.Operations(op="REMOVE", path=f'members[value eq "{user}"]')
    client.patch_group(made.id, patch_op=scim.PatchOp(schemas=[patch], operations=[leave]))
    client.delete_group(made.id)
    assert refusal(client.get_group, made.id)[0] == 404


@holds("N05")
@pytest.mark.parametrize(
    ("written", "admitted"),
    [("'Corp'/'ops'", "insider"), ("corp/OPS", "insider"), ("ops", "outsider"), ("'Default'/'ops'", "outsider")],
)
def test_a_statement_means_the_group_of_the_domain_that_it_names(fresh: Clients, written: str, admitted: str) -> None:
    people = {"insider": fresh.principal("insider", "Corp/ops"), "outsider": fresh.principal("outsider", "ops")}
    fresh.policy("reads", READ_BUCKETS.format(written))
    for name, person in people.items():
        if name == admitted:
            assert person.identity().list_compartments(fresh.root).data == []
        else:
            assert refusal(person.identity().list_compartments, fresh.root)[0] == 404
    shown = {one["name"]: one["groups"] for one in fresh.control("GET", "principals")}
    assert shown["insider"] == ["Corp/ops"] and shown["outsider"] == ["ops"]


def test_a_group_or_domain_that_is_not_there_is_refused(fresh: Clients) -> None:
    make_group(fresh, make_domain(fresh, "Corp"), "ops")
    for name in ("'Corp'/'dev'", "'Nowhere'/'ops'", "ops"):
        assert "does not exist" in refusal(fresh.policy, "p", READ_BUCKETS.format(name))[2]
    assert fresh.policy("p", READ_BUCKETS.format("'Corp'/'ops'")).statements


def test_groups_of_a_deactivated_domain_cannot_be_named(fresh: Clients) -> None:
    domain = make_domain(fresh, "Corp")
    make_group(fresh, domain, "ops")
    fresh.identity().deactivate_domain(domain.id)
    assert "does not exist" in refusal(fresh.policy, "p", READ_BUCKETS.format("'Corp'/'ops'"))[2]
    assert refusal(groups_of(fresh, domain).list_groups)[0] == 404


def test_a_dynamic_group_of_a_domain_admits_the_keys_that_its_rule_matches(fresh: Clients) -> None:
    home, domain = fresh.compartment("home"), make_domain(fresh, "Corp")
    rule = f"ALL {{resource.type='generativeaiapikey', resource.compartment.id='{home}'}}"
    details = scim.DynamicResourceGroup(
        schemas=["urn:ietf:params:scim:schemas:oracle:idcs:DynamicResourceGroup"],
        display_name="keys",
        matching_rule=rule,
    )
    client = groups_of(fresh, domain)
    made = client.create_dynamic_resource_group(dynamic_resource_group=details).data
    assert [one.matching_rule for one in client.list_dynamic_resource_groups().data.resources] == [rule]
    value = fresh.key(home).keys[0].key
    with pytest.raises(AuthenticationError):
        chat(fresh.openai(value))
    fresh.policy("keys", "allow dynamic-group 'Corp'/'keys' to use generative-ai-chat in tenancy")
    assert chat(fresh.openai(value))
    assert refusal(fresh.policy, "p", "allow dynamic-group keys to use generative-ai-chat in tenancy")[0] == 400
    client.delete_dynamic_resource_group(made.id)
    with pytest.raises(AuthenticationError):
        chat(fresh.openai(value))


def test_policies_open_domains_and_limit_people_to_one(fresh: Clients) -> None:
    corp, other = make_domain(fresh, "Corp"), make_domain(fresh, "Other")
    clerk = fresh.principal("clerk", "clerks")
    fresh.policy(
        "clerks",
        "allow group clerks to inspect domains in tenancy",
        "allow group clerks to manage groups in tenancy where target.resource.domain.name = 'Corp'",
    )
    assert {one.display_name for one in clerk.identity().list_domains(fresh.root).data} == {"Default", "Corp", "Other"}
    assert refusal(clerk.identity().get_domain, corp.id)[0] == 404
    assert make_group(clerk, corp, "new").display_name == "new"
    assert refusal(make_group, clerk, other, "new")[0] == 404
    assert refusal(clerk.identity().list_groups, fresh.root)[0] == 404


def test_a_database_of_an_earlier_release_gets_its_default_domain(tmp_path: Any) -> None:
    with running(tmp_path / "local.db") as tenancy:
        first = Clients(tenancy).identity().list_domains(tenancy.tenancy).data
    with sqlite3.connect(tmp_path / "local.db") as connection:
        connection.execute("DELETE FROM resources WHERE kind = 'domain'")
    with running(tmp_path / "local.db") as tenancy:
        (domain,) = Clients(tenancy).identity().list_domains(tenancy.tenancy).data
    assert domain.display_name == "Default" and domain.id != first[0].id

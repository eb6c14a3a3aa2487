"""Who may do what: nobody anything without a policy, and with one exactly that."""

from typing import Any

import pytest

from genai_iac.emulator.services.registry import OPERATIONS

from .clients import CHICAGO, Clients, holds, refusal
from .signed import call

NOT_FOUND = (404, "NotAuthorizedOrNotFound")


@pytest.fixture
def planner(fresh: Clients) -> Clients:
    """A principal in the group `planners`, which may do nothing yet."""
    return fresh.principal("planner", "planners")


def test_every_operation_knows_what_it_needs() -> None:
    free = {"ListRegions", "GetNamespace", "SearchResources", "ListResourceTypes", "GetResourceType"}
    for operation in OPERATIONS:
        if operation.auth == "signature":
            assert bool(operation.needs()) is (operation.name not in free), operation.name


GUARDED = [item for item in OPERATIONS if item.auth == "signature" and item.needs()]


@pytest.mark.parametrize("operation", GUARDED, ids=lambda item: f"{item.service}-{item.name}")
def test_without_a_policy_nothing_can_be_done(shared: Clients, operation: Any) -> None:
    things = _things(shared)
    target, body = operation.path, things["body"]
    for name, value in things["path"].items():
        target = target.replace(f"{{{name}}}", value).replace(f"{{{name}...}}", value)
    assert "{" not in target
    if not operation.home:
        target = f"/r/{CHICAGO}{target}"
    if operation.name.startswith("List") or operation.name in ("GetResourceAvailability", "AssembleEffectiveTagSet"):
        target += f"?compartmentId={shared.root}&serviceName=generative-ai"
    if operation.name == "ListEvents":
        target += "&startTime=2027-01-01T00:00:00Z&endTime=2027-01-02T00:00:00Z"
    if operation.name == "GetSecretBundleByName":
        target += f"?secretName=secret&vaultId={body['vaultId']}"
    reads = operation.method in ("GET", "HEAD")
    content = None if reads or operation.method == "DELETE" else b"x" if operation.streamed else body
    reply = call(Clients(shared.tenancy, "nobody"), operation.method, target, content)
    assert reply.status == 404, reply.body
    if reads:  # so it was not for want of the thing
        assert call(shared, operation.method, target, content).status == 200


_MADE: dict[str, Any] = {}


def _things(clients: Clients) -> dict[str, Any]:
    """One of everything, and a body that has whatever any operation asks for."""
    if clients.root in _MADE:
        return dict(_MADE[clients.root])
    clients.principal("nobody")
    admin = clients.config()
    compartment, group = clients.compartment("things"), clients.group("things")
    policy = clients.policy("things", "allow group things to use buckets in tenancy")
    key = clients.key(compartment)
    identity = clients.identity()
    rule = {
        "compartmentId": clients.root,
        "name": "things",
        "description": "-",
        "matchingRule": "ANY {instance.id = 'x'}",
    }
    dynamic = identity.create_dynamic_group(rule).data
    membership = identity.list_user_group_memberships(clients.root).data[0]
    place = clients.control("GET", "health")["vaults"][CHICAGO]
    body = {
        "compartmentId": clients.root,
        "targetCompartmentId": compartment,
        "name": "new",
        "description": "-",
        "displayName": "new",
        "statements": ["allow group things to use buckets in tenancy"],
        "matchingRule": "ANY {instance.id = 'x'}",
        "userId": admin["user"],
        "groupId": group,
        "key": "-",
        "keyName": "one",
        "state": "INACTIVE",
        "details": {"keyName": "one"},
        "keyDetails": [{"keyName": "one"}],
        "vaultId": place["vault"],
        "keyId": place["key"],
        "secretName": "secret",
        "secretContent": {"contentType": "BASE64", "content": "eA=="},
        "servingMode": {"servingType": "ON_DEMAND", "modelId": "xai.grok-4"},
    }
    secret = clients.vaults().create_secret({**body, "secretName": "secret"}).data
    storage = clients.storage()
    namespace = storage.get_namespace().data
    storage.create_bucket(namespace, {"compartmentId": clients.root, "name": "things"})
    storage.put_object(namespace, "things", "object", b"x")
    doomed = clients.compartment("doomed")
    work = identity.delete_compartment(doomed).headers["opc-work-request-id"]
    space = identity.create_tag_namespace({"compartmentId": clients.root, "name": "things", "description": "-"}).data
    tag = identity.create_tag(space.id, {"name": "thing", "description": "-"}).data
    tagged = {"compartmentId": doomed, "tagDefinitionId": tag.id, "value": "x"}
    ai, named = clients.ai(), {"compartmentId": compartment, "displayName": "things"}
    routes = {
        "regionRoutingPolicy": {"allowedRegions": [CHICAGO]},
        "modelRoutingPolicy": {"allowedModels": ["openai.gpt-oss-120b"]},
    }
    domain = identity.list_domains(clients.root).data[0].id
    renaming = {"displayName": "Default", "description": "-"}
    iam_work = identity.update_domain(domain, renaming).headers["opc-work-request-id"]
    path = {
        "domainId": domain, "iamWorkRequestId": iam_work,
        "generativeAiProjectId": ai.create_generative_ai_project(named).data.id,
        "routingProfileId": ai.create_routing_profile({**named, **routes}).data.id,
        "tenancyId": clients.root, "compartmentId": compartment, "policyId": policy.id, "groupId": group, "userId": admin["user"],
        "fingerprint": admin["fingerprint"], "dynamicGroupId": dynamic.id, "membershipId": membership.id, "workRequestId": work,
        "apiKeyId": key.id, "vaultId": place["vault"], "keyId": place["key"], "secretId": secret.id, "number": "1",
        "tagNamespaceId": space.id, "tagName": tag.name, "tagDefaultId": identity.create_tag_default(tagged).data.id,
        "serviceName": "generative-ai", "limitName": "api-key-count", "modelId": clients.ai().list_models(clients.root).data.items[0].id,
        "namespaceName": namespace, "bucketName": "things", "objectName": "object",
    }  # fmt: skip
    _MADE[clients.root] = {"path": path, "body": body}
    return dict(_MADE[clients.root])


@holds("9.6")
def test_a_policy_gives_exactly_what_it_says(fresh: Clients, planner: Clients) -> None:
    ocid = fresh.compartment("apps")
    key = fresh.key(ocid)
    ai = planner.ai()
    assert refusal(ai.list_api_keys, ocid)[:2] == NOT_FOUND
    policy = fresh.policy("planners", "allow group planners to inspect generative-ai-apikey in compartment apps")
    assert [item.id for item in ai.list_api_keys(ocid).data.items] == [key.id]
    assert refusal(ai.get_api_key, key.id)[:2] == NOT_FOUND
    assert refusal(ai.list_api_keys, fresh.root)[:2] == NOT_FOUND

    def allow(verb: str) -> None:
        statement = f"allow group planners to {verb} generative-ai-apikey in compartment apps"
        fresh.identity().update_policy(policy.id, {"statements": [statement]})

    allow("read")
    assert ai.get_api_key(key.id).data.id == key.id
    assert refusal(ai.update_api_key, key.id, {"description": "x"})[:2] == NOT_FOUND
    allow("use")
    assert ai.update_api_key(key.id, {"description": "x"}).data.description == "x"
    body = {"compartmentId": ocid, "displayName": "mine", "keyDetails": [{"keyName": "one"}]}
    assert refusal(ai.create_api_key, body)[:2] == NOT_FOUND
    assert refusal(ai.renew_api_key, key.id, {"details": {"keyName": "one"}})[:2] == NOT_FOUND
    assert refusal(ai.set_api_key_state, key.id, {"keyName": "one", "state": "INACTIVE"})[:2] == NOT_FOUND
    allow("manage")
    made = ai.create_api_key(body).data
    assert ai.renew_api_key(made.id, {"details": {"keyName": "one"}}).data.keys[0].key
    assert ai.set_api_key_state(made.id, {"keyName": "one", "state": "INACTIVE"}).data
    assert refusal(ai.create_api_key, {**body, "compartmentId": fresh.root})[:2] == NOT_FOUND
    elsewhere = fresh.compartment("elsewhere")
    assert refusal(ai.change_api_key_compartment, made.id, {"compartmentId": elsewhere})[:2] == NOT_FOUND
    ai.delete_api_key(made.id)
    assert refusal(planner.identity().list_policies, fresh.root)[:2] == NOT_FOUND


def test_what_is_unknown_and_what_is_forbidden_look_the_same(fresh: Clients, planner: Clients) -> None:
    real = fresh.key(fresh.compartment("apps")).id
    unreal = real[:-8] + "a" * 8
    assert refusal(planner.ai().get_api_key, real) == refusal(planner.ai().get_api_key, unreal)
    body = {"displayName": "k", "keyDetails": [{"keyName": "one"}]}
    answers = {refusal(planner.ai().create_api_key, {**body, "compartmentId": ocid}) for ocid in (real, fresh.root)}
    assert len(answers) == 1


def test_variables_of_the_request_are_known(fresh: Clients, planner: Clients) -> None:
    ocid = fresh.compartment("apps")
    user = planner.config()["user"]
    conditions = [
        f"request.user.id = '{user}'",
        "request.region = 'iad'",
        "request.operation = 'ListCompartments'",
        f"target.compartment.id = '{fresh.root}'",
        "request.utc-timestamp before '2099-01-01T00:00:00Z'",
    ]
    statement = f"allow group planners to inspect compartments in tenancy where all {{{', '.join(conditions)}}}"
    fresh.policy("conditions", statement)
    assert [item.id for item in planner.identity().list_compartments(fresh.root).data] == [ocid]
    assert refusal(planner.identity().get_compartment, ocid)[:2] == NOT_FOUND
    assert refusal(planner.identity(CHICAGO).list_compartments, fresh.root)[:2] == NOT_FOUND


def test_accessible_lists_show_what_may_be_inspected(fresh: Clients, planner: Clients) -> None:
    mine, _other = fresh.compartment("mine"), fresh.compartment("other")
    child = fresh.compartment("child", mine)
    fresh.policy("mine", "allow group planners to inspect compartments in compartment mine")
    identity = planner.identity()
    assert refusal(identity.list_compartments, fresh.root)[:2] == NOT_FOUND
    everything = identity.list_compartments(fresh.root, access_level="ACCESSIBLE", compartment_id_in_subtree=True).data
    assert {item.id for item in everything} == {mine, child}


def test_deny_beats_allow(fresh: Clients, planner: Clients) -> None:
    fresh.control("POST", "settings", {"denyStatements": True})
    fresh.policy("allow", "allow group planners to manage all-resources in tenancy")
    assert planner.identity().list_compartments(fresh.root).data == []
    fresh.policy("deny", "deny group planners to inspect compartments in tenancy")
    assert refusal(planner.identity().list_compartments, fresh.root)[:2] == NOT_FOUND
    assert planner.identity().list_groups(fresh.root).data


def test_enforcement_can_be_switched_off(fresh: Clients, planner: Clients) -> None:
    assert refusal(planner.identity().list_groups, fresh.root)[:2] == NOT_FOUND
    fresh.control("POST", "settings", {"enforceIam": False})
    assert planner.identity().list_groups(fresh.root).data


def test_a_secret_needs_its_vault_and_key_wherever_they_lie(fresh: Clients, planner: Clients) -> None:
    ocid = fresh.compartment("apps")
    place = fresh.control("GET", "health")["vaults"][CHICAGO]
    body = {
        "compartmentId": ocid,
        "vaultId": place["vault"],
        "keyId": place["key"],
        "secretName": "s",
        "secretContent": {"contentType": "BASE64", "content": "eA=="},
    }
    family = "allow group planners to manage secret-family in compartment apps"
    policy = fresh.policy("vault", family)
    assert refusal(planner.vaults().create_secret, body)[:2] == NOT_FOUND
    use = ["allow group planners to use vaults in tenancy", "allow group planners to use keys in tenancy"]
    fresh.identity().update_policy(policy.id, {"statements": [family, *use]})
    made = planner.vaults().create_secret(body).data
    planner.vaults().update_secret(made.id, {"description": "x"})
    assert planner.bundles().get_secret_bundle(made.id).data.version_number == 1

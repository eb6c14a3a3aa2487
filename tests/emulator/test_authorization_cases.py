"""Authorisation cases, each with the page it comes from: what the local emulator admits, and for keys what `access` says of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import oci
import openai
import pytest

from genai_iac.emulator import running
from genai_iac.iam_policy import StatementInForce, compile_rules, parse, resolve
from genai_iac.iam_policy.evaluator import assess
from genai_iac.iam_policy.request import KeyUse, is_unknown_of_key, key_request

from .clients import CHICAGO, Clients

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "iam_policy" / "cases" / "authorization.json").read_text(encoding="utf-8")
)
OPERATIONS = {"chat": "ChatCompletions", "responses": "CreateResponse"}
NOW = datetime(2031, 6, 18, 12, 0, tzinfo=UTC)  # a Wednesday
RED = {"definedTags": {"team": {"name": "red"}}}


@dataclass(frozen=True)
class World:
    """A tenancy with one of everything that the cases name."""

    admin: Clients
    ids: dict[str, str]
    value: str  # the key's

    def client(self, who: str) -> Clients:
        return Clients(self.admin.tenancy, who)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running() as tenancy:
        yield _furnish(Clients(tenancy))


def _furnish(admin: Clients) -> World:
    admin.control("POST", "clock", {"set": NOW.strftime("%Y-%m-%dT%H:%M:%SZ")})
    admin.control("POST", "settings", {"denyStatements": True})
    identity, root = admin.identity(), admin.root
    ids = {"root": root, "top": admin.compartment("top"), "other": admin.compartment("other")}
    tagged = {"compartmentId": ids["top"], "name": "chat", "description": "-", **RED}
    ids["chat"] = identity.create_compartment(tagged).data.id
    for name in ("devs", "ops"):
        tags = RED if name == "devs" else {}
        ids[name] = identity.create_group({"compartmentId": root, "name": name, "description": "-", **tags}).data.id
    for name, group in (("ann", "devs"), ("bob", "ops")):
        admin.principal(name, group)
        ids[name] = next(one.id for one in identity.list_users(root).data if one.name == name)
    admin.control("POST", "principals", {"name": "vm", "type": "instance", "compartment": ids["chat"]})
    for name, rule in (
        ("vms", f"ALL {{instance.compartment.id = '{ids['chat']}'}}"),
        ("keys", f"ALL {{resource.type = 'generativeaiapikey', resource.compartment.id = '{ids['chat']}'}}"),
    ):
        body = {"compartmentId": root, "name": name, "description": "-", "matchingRule": rule}
        identity.create_dynamic_group(body)
    fixed = ["allow group Administrators to use buckets in tenancy"]
    ids["policy"] = admin.policy("fixed", *fixed).id
    key = {
        "compartmentId": ids["chat"],
        "displayName": "app",
        "keyDetails": [{"keyName": "one", "timeExpiry": "2040-01-01T00:00:00Z"}],
        **RED,
    }
    made = admin.ai().create_api_key(key).data
    ids["key"] = made.id
    storage = admin.storage()
    ids["namespace"] = storage.get_namespace().data
    storage.create_bucket(ids["namespace"], {"compartmentId": ids["chat"], "name": "things"})
    storage.put_object(ids["namespace"], "things", "prod/a", b"x")
    return World(admin, ids, made.keys[0].key)


DO: dict[str, Callable[[Clients, dict[str, str]], Any]] = {
    "ListPolicies": lambda as_, ids: as_.identity().list_policies(ids["root"]),
    "ListApiKeys": lambda as_, ids: as_.ai().list_api_keys(ids["chat"]),
    "GetApiKey": lambda as_, ids: as_.ai().get_api_key(ids["key"]),
    "UpdateApiKey": lambda as_, ids: as_.ai().update_api_key(ids["key"], {"description": "changed"}),
    "GetGroup": lambda as_, ids: as_.identity().get_group(ids["devs"]),
    "UpdateGroup": lambda as_, ids: as_.identity().update_group(ids["devs"], {"description": "changed"}),
    "GetUser": lambda as_, ids: as_.identity().get_user(ids["bob"]),
    "GetOwnUser": lambda as_, ids: as_.identity().get_user(ids["ann"]),
    "AddUserToGroup": lambda as_, ids: as_.identity().add_user_to_group({"userId": ids["ann"], "groupId": ids["ops"]}),
    "GetPolicy": lambda as_, ids: as_.identity().get_policy(ids["policy"]),
    "GetObject": lambda as_, ids: as_.storage().get_object(ids["namespace"], "things", "prod/a"),
    "GetBucket": lambda as_, ids: as_.storage().get_bucket(ids["namespace"], "things"),
}


def test_there_are_a_hundred_cases_each_with_a_page() -> None:
    assert len(CASES) >= 100
    assert all(case["page"].endswith(".htm") for case in CASES)
    assert len({json.dumps(case) for case in CASES}) == len(CASES)


def test_the_clock_of_the_cases_is_set_to_a_wednesday() -> None:
    assert NOW.strftime("%A") == "Wednesday"


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=lambda number: f"{number}-{CASES[number]['page'].split('/')[-1]}"
)
def test_a_case(world: World, number: int) -> None:
    case = CASES[number]
    statements = [_filled(text, world.ids) for text in case["statements"]]
    policy = world.admin.policy(f"case-{number}", *statements)
    try:
        assert _may(world, case) is case["allowed"], statements
        if case["who"] == "key" and "dynamic-group" not in statements[0]:
            said = _said(world, case, statements)
            assert said is case["allowed"] or (said is None and "utc-timestamp" in statements[0]), statements
    finally:
        world.admin.identity().delete_policy(policy.id)
        _undo(world, case)


def _filled(text: str, ids: dict[str, str]) -> str:
    for name, ocid in ids.items():
        text = text.replace(f"{{{name}}}", ocid)
    return text


def _may(world: World, case: dict[str, Any]) -> bool:
    if case["who"] == "key":
        client = world.admin.openai(world.value)
        try:
            if case["do"] == "chat":
                client.chat.completions.create(model=case["model"], messages=[{"role": "user", "content": "x"}])
            else:
                client.responses.create(model=case["model"], input="x")
        except openai.AuthenticationError:
            return False
        return True
    try:
        DO[case["do"]](world.client(case["who"]), world.ids)
    except oci.exceptions.ServiceError as refused:
        assert refused.status in (401, 404), refused
        return False
    return True


def _undo(world: World, case: dict[str, Any]) -> None:
    if case["do"] == "AddUserToGroup":
        identity = world.admin.identity()
        for one in identity.list_user_group_memberships(
            world.ids["root"], user_id=world.ids["ann"], group_id=world.ids["ops"]
        ).data:
            identity.remove_user_from_group(one.id)


class Tree:
    """The compartments of the cases, as `resolve` asks for them."""

    def __init__(self, ids: dict[str, str]) -> None:
        self._paths = {("top",): ids["top"], ("other",): ids["other"], ("top", "chat"): ids["chat"]}
        self._ids = ids

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        return self._paths.get(path)

    def contains(self, ancestor: str, compartment: str) -> bool:
        return True

    def group(self, name: str, domain: str | None) -> str | None:
        return self._ids.get(name, "ocid1.group.oc1..administrators")

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        return f"ocid1.dynamicgroup.oc1..{name}"


def _said(world: World, case: dict[str, Any], statements: list[str]) -> bool | None:
    root = world.ids["root"]
    rules = compile_rules(
        StatementInForce(f"p{number}", root, resolve(parse(text), Tree(world.ids), root), text)
        for number, text in enumerate(statements)
    )
    use = KeyUse(world.ids["key"], (world.ids["chat"], world.ids["top"], root), "chat", CHICAGO)
    request = key_request(use, OPERATIONS[case["do"]], case["model"], NOW)
    return assess(request, rules, lambda part: is_unknown_of_key(part, request)).allowed


def test_what_nobody_fills_is_noted_beside_the_call(world: World) -> None:
    """It was silently false, which in a deny is the open side."""
    text = "allow group devs to inspect policies in tenancy where target.shoe.size = '43'"
    policy = world.admin.policy("shoes", text)
    try:
        assert not _may(world, {"who": "ann", "do": "ListPolicies"})
        call = next(one for one in reversed(world.admin.calls()) if one["operation"] == "ListPolicies")
        assert call["unfilled"] == ["target.shoe.size"]
        before = [one for one in world.admin.calls() if one["operation"] == "CreatePolicy"]
        assert all(one["unfilled"] == [] for one in before)
    finally:
        world.admin.identity().delete_policy(policy.id)


def test_a_key_is_in_groups_when_it_is_set(world: World) -> None:
    text = "allow group Administrators to use generative-ai-chat in tenancy"
    case = {"who": "key", "do": "chat", "model": "openai.gpt-oss-120b"}
    policy = world.admin.policy("grouped", text)
    try:
        assert not _may(world, case)
        world.admin.control("POST", "settings", {"keysInGroups": True})
        assert _may(world, case)
    finally:
        world.admin.control("POST", "settings", {"keysInGroups": False})
        world.admin.identity().delete_policy(policy.id)

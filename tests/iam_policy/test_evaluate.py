"""Who may do what: subjects, places, permissions, conditions, denial, and both halves of crossing tenancies."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from genai_iac.iam_policy import (
    AccessRequest,
    Principal,
    StatementInForce,
    compile_rules,
    condition_holds,
    evaluate,
    parse,
    parse_matching_rule,
    permissions_of,
)
from genai_iac.iam_policy.condition_eval import match_pattern

from .directory import HERE

CHAT = "ocid1.compartment.oc1..chat"
DEV = "ocid1.compartment.oc1..dev"
OTHER = "ocid1.compartment.oc1..other"
FAR = "ocid1.tenancy.oc1..far"
KEY = Principal("generativeaiapikey", "ocid1.generativeaiapikey.oc1.iad.k", tenancy=HERE)
ANN = Principal("user", "ocid1.user.oc1..ann", frozenset({"ocid1.group.oc1..devs"}), tenancy=HERE)
VM = Principal(
    "instance", "ocid1.instance.oc1..vm", dynamic_groups=frozenset({"ocid1.dynamicgroup.oc1..vms"}), tenancy=HERE
)
NOON = datetime(2027, 3, 3, 12, 0, tzinfo=UTC)  # a Wednesday
IS_KEY = "request.principal.type = 'generativeaiapikey'"


def rule(text: str, attached: str = HERE, source: str = "p") -> StatementInForce:
    return StatementInForce(source, attached, parse(text), text)


def ask(
    who: Principal,
    operation: str,
    *rules: StatementInForce,
    path: tuple[str, ...] = (DEV, CHAT, HERE),
    now: datetime = NOON,
    **variables: str | tuple[str, ...],
) -> bool:
    dotted = {name.replace("__", "."): value for name, value in variables.items()}
    return bool(evaluate(AccessRequest(who, permissions_of(operation), path, dotted, now), rules))


@pytest.mark.parametrize(
    ("subject", "who", "allowed"),
    [
        ("any-user", KEY, True),
        ("any-user", ANN, True),
        ("any-user", VM, True),
        ("any-group", ANN, True),
        ("any-group", VM, True),
        ("any-group", KEY, False),
        ("group id ocid1.group.oc1..devs", ANN, True),
        ("group id ocid1.group.oc1..DEVS", ANN, True),
        ("group id ocid1.group.oc1..ops, id ocid1.group.oc1..devs", ANN, True),
        ("group id ocid1.group.oc1..ops", ANN, False),
        ("group devs", ANN, False),  # an unresolved name is nobody
        ("dynamic-group id ocid1.dynamicgroup.oc1..vms", VM, True),
        ("dynamic-group id ocid1.group.oc1..devs", ANN, False),
        ("service faas", Principal("service", "FaaS", tenancy=HERE), True),
        ("service faas", ANN, False),
        ("service faas", Principal("service", "objectstorage", tenancy=HERE), False),
        ("service faas", Principal("user", "faas", tenancy=HERE), False),
        ("resource svc kind", Principal("resource", "kind", tenancy=HERE), True),
    ],
)
def test_subjects(subject: str, who: Principal, allowed: bool) -> None:
    assert ask(who, "ChatCompletions", rule(f"allow {subject} to use generative-ai-chat in tenancy")) is allowed


def test_a_key_is_in_no_group_whatever_it_says() -> None:
    key = Principal("generativeaiapikey", KEY.id, frozenset({"ocid1.group.oc1..devs"}), tenancy=HERE)
    assert not ask(
        key, "ChatCompletions", rule("allow group id ocid1.group.oc1..devs to use generative-ai-family in tenancy")
    )


@pytest.mark.parametrize(
    ("place", "attached", "path", "allowed"),
    [
        ("tenancy", HERE, (DEV, CHAT, HERE), True),
        ("tenancy", CHAT, (DEV, CHAT, HERE), False),  # reaches outside its policy: never valid
        (f"compartment id {CHAT}", HERE, (DEV, CHAT, HERE), True),
        (f"compartment id {CHAT}", CHAT, (DEV, CHAT, HERE), True),
        (f"compartment id {DEV}", CHAT, (DEV, CHAT, HERE), True),
        (f"compartment id {DEV}", HERE, (CHAT, HERE), False),
        (f"compartment id {CHAT}", DEV, (DEV, CHAT, HERE), False),
        (f"compartment id {OTHER}", HERE, (DEV, CHAT, HERE), False),
        (f"compartment id {CHAT}", OTHER, (DEV, CHAT, HERE), False),
        ("compartment chat", HERE, (DEV, CHAT, HERE), False),  # an unresolved name is nowhere
    ],
)
def test_places(place: str, attached: str, path: tuple[str, ...], allowed: bool) -> None:
    statement = rule(f"allow any-user to use generative-ai-chat in {place}", attached)
    assert ask(KEY, "ChatCompletions", statement, path=path) is allowed


@pytest.mark.parametrize(
    ("action", "operation", "allowed"),
    [
        ("read generative-ai-chat", "ChatCompletions", False),
        ("use generative-ai-chat", "ChatCompletions", True),
        ("use generative-ai-family", "ChatCompletions", True),
        ("manage all-resources", "ChatCompletions", True),
        ("manage generative-ai-family", "CreateResponse", False),  # responses are outside the family
        ("manage generative-ai-family", "CreateConversation", False),
        ("use generative-ai-response", "CreateResponse", False),
        ("manage generative-ai-response", "CreateResponse", True),
        ("manage all-resources", "CreateResponse", True),
        ("inspect generative-ai-apikey", "ListApiKeys", True),
        ("inspect generative-ai-apikey", "GetApiKey", False),
        ("read generative-ai-apikey", "GetApiKey", True),
        ("use generative-ai-apikey", "UpdateApiKey", True),
        ("use generative-ai-apikey", "RenewApiKey", False),
        ("manage generative-ai-apikey", "RenewApiKey", True),
        ("manage generative-ai-apikey", "SetApiKeyState", True),
        ("manage generative-ai-family", "CreateApiKey", True),
        ("inspect policies", "GetPolicy", True),
        ("use policies", "UpdatePolicy", False),
        ("manage policies", "UpdatePolicy", True),
        ("use compartments", "CreateCompartment", False),
        ("manage compartments", "CreateCompartment", True),
        ("manage secret-family", "CreateSecret", False),  # also needs its vault and key
        ("read secret-family", "GetSecretBundle", True),
        ("manage object-family", "PutObject", True),
        ("{OBJECT_CREATE}", "PutObject", False),
        ("{object_create, OBJECT_OVERWRITE}", "PutObject", True),
        ("manage unheard-of-things", "ChatCompletions", False),
        ("use generative-ai-model, generative-ai-chat", "ChatCompletions", True),
    ],
)
def test_verbs_and_permissions(action: str, operation: str, allowed: bool) -> None:
    assert ask(ANN, operation, rule(f"allow any-user to {action} in tenancy")) is allowed


def test_several_statements_add_up() -> None:
    parts = ("manage secret-family", "use vaults", "use keys")
    rules = [rule(f"allow any-user to {part} in tenancy") for part in parts]
    assert ask(ANN, "CreateSecret", *rules)
    assert not ask(ANN, "CreateSecret", *rules[1:])


def test_what_needs_nothing_is_allowed_and_what_nobody_grants_is_not() -> None:
    assert ask(ANN, "GetNamespace")
    assert not ask(ANN, "ListApiKeys")


@pytest.mark.parametrize(
    ("denied", "operation", "allowed"),
    [
        ("deny any-user to manage policies in tenancy", "CreatePolicy", False),
        ("deny any-user to manage policies in tenancy", "ListPolicies", True),  # takes what manage adds
        ("deny any-user to inspect policies in tenancy", "CreatePolicy", False),  # takes it and all above
        ("deny any-user to {POLICY_DELETE} in tenancy", "DeletePolicy", False),
        ("deny any-user to {POLICY_DELETE} in tenancy", "CreatePolicy", True),
        ("deny group id ocid1.group.oc1..ops to manage policies in tenancy", "CreatePolicy", True),
        (f"deny any-user to manage policies in compartment id {OTHER}", "CreatePolicy", True),
        (
            "deny any-user to manage policies in tenancy where request.user.id != 'ocid1.user.oc1..ann'",
            "CreatePolicy",
            True,
        ),
        (
            "deny any-user to manage policies in tenancy where request.unheard = 'x'".replace("unheard", "un.heard"),
            "CreatePolicy",
            True,
        ),
    ],
)
def test_denial_beats_allowance(denied: str, operation: str, allowed: bool) -> None:
    assert ask(ANN, operation, rule("allow any-user to manage all-resources in tenancy"), rule(denied)) is allowed


def test_a_decision_names_its_statements() -> None:
    wide, narrow = (
        rule("allow any-user to manage all-resources in tenancy"),
        rule("allow any-user to use policies in tenancy"),
    )
    stop = rule("deny any-user to {POLICY_READ} in tenancy")
    request = AccessRequest(ANN, permissions_of("ListPolicies"), (HERE,), {}, NOON)
    assert evaluate(request, [wide, narrow]).by == (wide, narrow)
    assert evaluate(request, [wide, narrow, stop]).by == (stop,)
    assert evaluate(request, []).by == ()


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        (IS_KEY, True),
        (f"all {{{IS_KEY}, request.principal.id = '{KEY.id}'}}", True),
        (f"all {{{IS_KEY}, request.principal.id = '{KEY.id.upper()}'}}", True),
        (f"all {{{IS_KEY}, request.principal.id = 'ocid1.generativeaiapikey.oc1.iad.other'}}", False),
        (f"any {{{IS_KEY}, request.principal.id = 'x'}}", True),
        (f"all {{{IS_KEY}, target.model.id in ('xai.grok-3', 'XAI.Grok-4')}}", True),
        (f"all {{{IS_KEY}, target.model.id not in ('xai.grok-3', 'xai.grok-4')}}", False),
        (f"all {{{IS_KEY}, target.model.id not in ('xai.grok-3')}}", True),
        (f"all {{{IS_KEY}, target.model.id = /xai.*/}}", True),
        (f"all {{{IS_KEY}, target.model.id != /xai.*/}}", False),
        ("target.model.id = 'xai.grok*'", False),  # a star in quotes is a star
        ("target.model.id = '*'", True),
        ("target.nothing.id = 'x'", False),
        ("target.nothing.id != 'x'", False),  # unknown is false, also negated
        ("target.nothing.id not in ('x')", False),
        ("target.model.id = target.nothing.id", False),
        ("target.model.id != target.nothing.id", False),
        ("target.model.id in (target.nothing.id, 'xai.grok-4')", False),
        ("target.object.name = 'prod/*'", True),  # Oracle's page shows a star in quotes for this variable
        ("target.object.name = 'test/*'", False),
        ("target.other.id = 'xai.grok*'", False),
        ("target.object.name = target.model.id", False),
        ("target.model.id = target.other.id", True),
        ("target.model.id", True),
        ("not target.model.id", False),
        ("not target.nothing.id", True),
        ("target.compartment.id = '" + DEV + "'", True),
        ("request.permission = 'GENERATIVE_AI_CHAT'", True),
        ("request.permission != 'generative_ai_chat'", False),
        ("sets-intersect(target.tags.id, ('a', 'z'))", True),
        ("sets-intersect(target.tags.id, ('y', 'z'))", False),
        ("sets-intersect(target.nothing.id, ('y', 'z'))", False),
        ("sets-equal(target.tags.id, ('B', 'a'))", True),
        ("sets-equal(target.tags.id, ('a'))", False),
        ("sets-unheard-of(target.tags.id, ('a'))", False),
        ("target.tags.id = 'b'", True),
        ("target.tags.id != 'b'", False),
        ("request.utc-timestamp before '2027-03-03T12:00:01Z'", True),
        ("request.utc-timestamp before '2027-03-03T13:00:00+02:00'", False),
        ("request.utc-timestamp after '2027-03-03T11:59:59Z'", True),
        ("request.utc-timestamp between '2027-03-01T00:00:00Z' and '2027-03-04T00:00:00Z'", True),
        ("request.utc-timestamp.time-of-day between '09:00:00Z' and '17:00:00Z'", True),
        ("request.utc-timestamp.time-of-day between '22:00:00Z' and '06:00:00Z'", False),
        ("request.utc-timestamp.time-of-day between '11:00:00Z' and '06:00:00Z'", True),
        ("request.utc-timestamp.day-of-week = 'Wednesday'", True),
        ("request.utc-timestamp.day-of-month = '3'", True),
        ("request.utc-timestamp.month-of-year = '3'", True),
        ("request.utc-timestamp.month-of-year in ('2','3','4')", True),
        ("request.utc-timestamp.month-of-year = '03'", False),
        ("request.utc-timestamp.month-of-year = 'march'", False),
        ("request.utc-timestamp before target.nothing.id", False),
        ("target.nothing.id before '2027-03-03T12:00:01Z'", False),
        ("request.utc-timestamp before '2027-03-03T12:00:00Z'", False),  # neither before nor after itself
        ("request.utc-timestamp after '2027-03-03T12:00:00Z'", False),
        ("request.utc-timestamp between '2027-03-03T12:00:00Z' and '2027-03-03T13:00:00Z'", True),  # both ends count
        ("request.utc-timestamp between '2027-03-03T11:00:00Z' and '2027-03-03T12:00:00Z'", True),
        ("request.utc-timestamp between '2027-03-01T00:00:00Z' and '2027-03-02T00:00:00Z'", False),
        ("request.utc-timestamp between '2027-03-04T00:00:00Z' and '2027-03-05T00:00:00Z'", False),
        ("request.utc-timestamp between '2027-03-02T00:00:00Z' and '2027-03-02T00:00:00Z'", False),
        # days have no midnight to go over: nothing lies between two dates in the wrong order
        ("request.utc-timestamp between '2027-03-02T00:00:00Z' and '2027-03-01T00:00:00Z'", False),
        ("request.utc-timestamp between '2027-03-05T00:00:00Z' and '2027-03-04T00:00:00Z'", False),
        ("REQUEST.utc-timestamp.Time-of-Day between '12:00:00Z' and '06:00:00Z'", True),
        ("request.utc-timestamp.time-of-day between '12:00:00Z' and '06:00:00Z'", True),
        ("request.utc-timestamp.time-of-day between '22:00:00Z' and '12:00:00Z'", True),
        ("request.utc-timestamp.time-of-day between '12:00:01Z' and '11:59:59Z'", False),
        ("request.utc-timestamp after target.nothing.id", False),
        ("request.utc-timestamp after target.empty.at", False),
        ("request.utc-timestamp between '2027-03-01T00:00:00Z' and target.nothing.id", False),
        ("request.utc-timestamp before target.deadline.at", True),  # of several values the first
        ("request.utc-timestamp after target.deadline.at", False),
        ("target.empty.at after '2027-03-03T12:00:00Z'", False),
        ("request.user.id", False),
        ("request.groups.id", False),
    ],
)
def test_conditions(condition: str, allowed: bool) -> None:
    statement = rule(f"allow any-user to use generative-ai-chat in tenancy where {condition}")
    answer = ask(
        KEY,
        "ChatCompletions",
        statement,
        target__model__id="xai.grok-4",
        Target__Other__Id="XAI.grok-4",
        target__tags__id=("a", "b"),
        target__object__name="prod/a",
        target__deadline__at=("2027-03-03T12:00:01Z", "2027-03-03T11:00:00Z"),
        target__empty__at=(),
        now=NOON.astimezone(timezone(timedelta(hours=5))),
    )
    assert answer is allowed


@pytest.mark.parametrize(
    ("condition", "who", "allowed"),
    [
        (f"request.user.id = '{ANN.id}'", ANN, True),
        ("request.groups.id = 'ocid1.group.oc1..devs'", ANN, True),
        ("request.groups.id", Principal("user", ANN.id, tenancy=HERE), False),
        ("request.user.id", VM, False),
        ("request.principal.id", VM, True),
    ],
)
def test_who_asks_is_known_to_conditions(condition: str, who: Principal, allowed: bool) -> None:
    assert (
        ask(who, "ChatCompletions", rule(f"allow any-user to use generative-ai-chat in tenancy where {condition}"))
        is allowed
    )


def test_a_request_for_nothing_known_is_refused() -> None:
    statement = rule("allow any-user to use generative-ai-chat in tenancy")
    assert not ask(KEY, "ChatCompletions", statement, path=())
    assert ask(KEY, "GetNamespace", statement, path=())


def test_what_conditions_ask_for_in_vain_is_collected() -> None:
    texts = (
        "request.principal.id = 'another'",
        "all {target.some.tag = 'a', target.model.id = 'b'}",
        "request.principal.type = 'x'",
    )
    rules = [rule(f"allow any-user to use generative-ai-chat in tenancy where {text}") for text in texts]
    missing: set[str] = set()
    request = AccessRequest(KEY, permissions_of("ChatCompletions"), (DEV, HERE), {}, NOON, missing)
    assert not evaluate(request, rules)
    assert missing == {"target.some.tag", "target.model.id"}


def test_a_time_without_a_zone_is_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    statement = (
        "allow any-user to use generative-ai-chat in tenancy where request.utc-timestamp before '2027-03-03T12:00:01'"
    )
    try:
        for zone in ("Asia/Tokyo", "America/Los_Angeles"):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert ask(KEY, "ChatCompletions", rule(statement))
            assert not ask(KEY, "ChatCompletions", rule(statement), now=NOON + timedelta(seconds=1))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_rule_of_a_dynamic_group_holds_or_not() -> None:
    known = {"resource.type": ("apiSigningKey",), "resource.compartment.id": (DEV,)}
    for text, holds in [
        (f"all {{resource.type = 'apisigningkey', resource.compartment.id = '{DEV}'}}", True),
        (f"any {{resource.type = 'x', resource.compartment.id = '{DEV}'}}", True),
        ("resource.type = 'x'", False),
        ("resource.id != 'x'", False),
    ]:
        assert condition_holds(parse_matching_rule(text), known.get) is holds


def test_each_permission_is_judged_alone() -> None:
    statement = rule("allow any-user to manage objects in tenancy where request.permission != 'OBJECT_OVERWRITE'")
    assert not ask(ANN, "PutObject", statement)
    assert ask(ANN, "DeleteObject", statement)


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([], False),
        (["endorse"], False),
        (["admit"], False),
        (["endorse", "admit"], True),
        (["endorse any", "admit any"], True),
        (["endorse", "admit other"], False),
        (["endorse other", "admit"], False),
        (["endorse", "admit", "deny admit"], False),
        (["endorse", "admit", "deny endorse"], False),
        (["allow"], False),
        (["endorse at", "admit"], True),
        (["endorse nowhere", "admit"], False),
        (["endorse below", "admit"], False),
        (["endorse", "admit elsewhere"], False),
    ],
)
def test_crossing_tenancies_takes_both_sides(statements: list[str], allowed: bool) -> None:
    known = {
        "endorse": rule("endorse group id ocid1.group.oc1..devs to read objects in tenancy Theirs", HERE, "ours"),
        "endorse any": rule("endorse any-user to read objects in any-tenancy", HERE, "ours"),
        "endorse other": rule("endorse any-user to read objects in tenancy Unheard", HERE, "ours"),
        "endorse at": rule("endorse any-user to read objects in compartment box of tenancy Theirs", HERE, "ours"),
        "endorse nowhere": rule(
            "endorse any-user to read objects in compartment nowhere of tenancy Theirs", HERE, "ours"
        ),
        "endorse below": rule("endorse any-user to read objects in any-tenancy", CHAT, "ours"),
        "admit elsewhere": rule(
            "admit any-user of any-tenancy to read objects in compartment id " + OTHER, FAR, "theirs"
        ),
        "deny endorse": rule("deny endorse any-user to read objects in any-tenancy", HERE, "ours"),
        "admit": rule("admit group Devs of tenancy Ours to read objects in tenancy", FAR, "theirs"),
        "admit any": rule("admit any-user of any-tenancy to read objects in tenancy", FAR, "theirs"),
        "admit other": rule("admit any-user of tenancy Unheard to read objects in tenancy", FAR, "theirs"),
        "deny admit": rule("deny admit any-user of any-tenancy to read objects in tenancy", FAR, "theirs"),
        "allow": rule("allow any-user to read objects in tenancy", FAR, "theirs"),
    }
    definitions = [
        rule(f"define tenancy Theirs as {FAR}", HERE, "ours"),
        rule("define compartment box as ocid1.compartment.oc1..box", HERE, "ours"),
        rule(f"define tenancy Ours as {HERE}", FAR, "theirs"),
        rule("define group Devs as ocid1.group.oc1..devs", FAR, "theirs"),
    ]
    rules = [*definitions, *(known[name] for name in statements)]
    assert ask(ANN, "GetObject", *rules, path=("ocid1.compartment.oc1..box", FAR)) is allowed


def test_compiled_rules_answer_alike() -> None:
    rules = [rule(f"allow group id ocid1.group.oc1..g{n} to use generative-ai-chat in tenancy") for n in range(500)]
    compiled = compile_rules([*rules, rule(f"allow any-user to use generative-ai-chat in tenancy where {IS_KEY}")])
    for who in (KEY, ANN):
        request = AccessRequest(who, permissions_of("ChatCompletions"), (DEV, CHAT, HERE), {}, NOON)
        assert evaluate(request, compiled).allowed is (who is KEY)
    assert evaluate(request, rules) == evaluate(request, compile_rules(rules))


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("a", "A", True),
        ("a", "ab", False),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("*b*", "abc", True),
        ("*a*", "abc", True),
        ("*c*", "abc", True),
        ("*", "", True),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "ac", False),
        ("ab*ba", "aba", False),
        ("*a*a*", "a", False),
        ("a*b*b", "ab", False),
        ("x*" * 200 + "y", "x" * 5_000, False),
    ],
)
def test_stars_stand_for_any_run(pattern: str, value: str, fits: bool) -> None:
    assert match_pattern(pattern, value) is fits

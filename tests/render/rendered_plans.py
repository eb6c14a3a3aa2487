"""Plans to render: one with every kind of change, large ones, and one with a hostile text in every field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from genai_iac.core import (
    Address,
    Call,
    Change,
    Destination,
    ExistingCompartment,
    InterpolatedText,
    Invalidation,
    Lifetime,
    Notice,
    Outcome,
    Plan,
    Reference,
    Source,
    StatementText,
    Status,
)
from genai_iac.core.errors import GuardError, IacError, ManifestError, PlanError, Problem, ServiceFailure
from genai_iac.render.plan.context import AccessBeforeAfter, PlanContext, SecretExpiry
from genai_iac.render.plan.differences import Edit

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TENANCY = "ocid1.tenancy.oc1..aaaaaaaaba3pv6wkcr4jqae5f44n2b2m2yt2j6rx32uzr4h25vqstifsfdsq"
LIFE = Lifetime("90d", timedelta(days=90))
COMPARTMENT = Address("Compartment", "chat")
KEY = Address("ApiKey", "chat-app")


def key_id(name: str) -> str:
    return f"ocid1.generativeaiapikey.oc1.us-chicago-1.amaaaaaa{name:x<52}"


def key(**other: object) -> dict[str, object]:
    return {
        "displayName": "chat_app",
        "compartmentId": "ocid1.compartment.oc1..aaaaaaaaoldhome",
        "description": "Keys of the chat front end",
        "secrets": {
            "key-one": {"state": "active", "expires": "2026-12-31T00:00:00+00:00"},
            "key-two": {"state": "inactive", "expires": "2027-01-31T00:00:00+00:00"},
        },
        "freeformTags": {"team": "ml"},
        "region": "us-chicago-1",
        **other,
    }


SINKS = (
    Destination(
        "file",
        "file secrets/chat-app.env",
        None,
        "dotenv",
        {"key-one": "current", "key-two": "inactive"},
        {"path": "secrets/chat-app.env"},
        "sha256:" + "1" * 64,
        {},
    ),
    Destination(
        "exec",
        "exec ./deliver.sh chat-app",
        ("./deliver.sh", "chat-app"),
        None,
        {"key-one": "current"},
        {"timeout": "30s"},
        "sha256:" + "2" * 64,
        {"./deliver.sh": "sha256:" + "3" * 64, "./check.sh": None},
    ),
    Destination("acme.ssm", "acme.ssm chat", None, None, {"key-one": "current"}, None, "sha256:" + "4" * 64, {}),
)
CREATES = (
    Change(
        COMPARTMENT,
        ("create",),
        "not in the tenancy",
        after={
            "name": "chat-prod",
            "compartmentId": ExistingCompartment("/platform"),
            "description": "Chat workloads",
            "freeformTags": {"team": "ml-platform", "cost.centre": "4711"},
        },
        calls=(Call("CreateCompartment"),),
    ),
    Change(
        KEY,
        ("create",),
        "not in the tenancy",
        after={
            "displayName": "chat_app",
            "compartmentId": Reference(COMPARTMENT),
            "description": None,
            "secrets": {
                "key-one": {"state": "active", "expires": "2027-06-30T00:00:00Z"},
                "key-two": {"state": "inactive", "expires": LIFE},
            },
            "freeformTags": {},
            "region": "us-chicago-1",
        },
        calls=(Call("CreateApiKey"), Call("SetApiKeyState", secret="key-two")),
        needs=(COMPARTMENT,),
        deliver=("key-one", "key-two"),
        sinks=SINKS,
        settings={"rotation": {"every": "60d"}, "deletion": "forbid"},
    ),
    Change(
        Address("Policy", "chat-access"),
        ("create",),
        "not in the tenancy",
        after={
            "name": InterpolatedText(
                "chat-${Compartment/chat.name}", (("Compartment/chat.name", Reference(COMPARTMENT, "name")),)
            ),
            "compartmentId": Reference(COMPARTMENT),
            "description": "chat-app may chat",
            "statements": [
                "allow group ml-engineers to read generative-ai-family in tenancy",
                StatementText(
                    "allow any-user to use generative-ai-chat in compartment id ${compartment} where all "
                    "{request.principal.type = 'generativeaiapikey', request.principal.id = '${key}', target.model.id in ('${model0}')}",
                    (("compartment", Reference(COMPARTMENT)), ("key", Reference(KEY)), ("model0", "xai.grok-4")),
                ),
            ],
        },
        calls=(Call("CreatePolicy"),),
        needs=(COMPARTMENT, KEY),
    ),
)

UPDATES = (
    Change(
        Address("Compartment", "lab"),
        ("update",),
        "description, tags differ; it is below another parent",
        before={
            "name": "lab",
            "compartmentId": "ocid1.compartment.oc1..aaaaaaaaoldhome",
            "description": "Old",
            "freeformTags": {"team": "ml", "kept": "x"},
        },
        after={
            "name": "lab",
            "compartmentId": Reference(COMPARTMENT),
            "description": "Experiments, wiped every Friday",
            "freeformTags": {"team": "ml-platform", "owner": "ada"},
        },
        calls=(Call("UpdateCompartment"), Call("MoveCompartment")),
        id="ocid1.compartment.oc1..aaaaaaaalab",
        needs=(COMPARTMENT,),
    ),
    Change(
        Address("Policy", "readers"),
        ("update",),
        "statements differ",
        before={
            "name": "readers",
            "statements": [
                "allow group readers to inspect generative-ai-family in tenancy",
                "allow group analysts to use generative-ai-chat in compartment lab",
                "allow group old-hands to manage all-resources in compartment lab",
            ],
        },
        after={
            "name": "readers",
            "statements": [
                "allow group readers to inspect generative-ai-family in tenancy",
                "allow group analysts to manage generative-ai-chat in compartment lab",
                "endorse any-user to read objects in any-tenancy where target.bucket.name = 'models'",
            ],
        },
        calls=(Call("UpdatePolicy"),),
        id="ocid1.policy.oc1..aaaaaaaareaders",
    ),
    Change(
        Address("Policy", "moved-policy"),
        ("delete", "create"),
        "OCI cannot change the compartmentId of a policy: replaced",
        before={
            "name": "moved-policy",
            "compartmentId": TENANCY,
            "statements": ["allow group a to inspect users in tenancy"],
        },
        after={
            "name": "moved-policy",
            "compartmentId": Reference(COMPARTMENT),
            "statements": ["allow group a to inspect users in tenancy"],
        },
        calls=(Call("DeletePolicy"), Call("CreatePolicy")),
        id="ocid1.policy.oc1..aaaaaaaamoved",
        needs=(COMPARTMENT,),
    ),
    Change(
        Address("ApiKey", "batch"),
        ("activate",),
        "key-two is inactive",
        before=key(displayName="batch"),
        after=key(
            displayName="batch",
            secrets={"key-one": {"state": "active", "expires": LIFE}, "key-two": {"state": "active", "expires": LIFE}},
        ),
        calls=(Call("SetApiKeyState", secret="key-two"),),
        id=key_id("batch"),
    ),
)

INVALIDATING = (
    Change(
        Address("ApiKey", "front"),
        ("renew", "deactivate"),
        "key-one expires at another time, and OCI changes an expiry only by Renew; key-two is active",
        before=key(
            displayName="front",
            secrets={
                "key-one": {"state": "active", "expires": "2026-12-31T00:00:00+00:00"},
                "key-two": {"state": "active", "expires": "2027-01-31T00:00:00+00:00"},
            },
        ),
        after=key(
            displayName="front",
            secrets={
                "key-one": {"state": "active", "expires": "2027-06-30T00:00:00Z"},
                "key-two": {"state": "inactive", "expires": LIFE},
            },
        ),
        calls=(Call("RenewApiKey", secret="key-one"), Call("SetApiKeyState", secret="key-two")),
        id=key_id("front"),
        losses=(
            Invalidation("key-one", NOW - timedelta(minutes=4, seconds=59), "renew"),
            Invalidation("key-two", None, "deactivate"),
        ),
        deliver=("key-one",),
    ),
    Change(
        Address("ApiKey", "leaked"),
        ("revoke",),
        "key-one is not revoked",
        before=key(displayName="leaked"),
        after=key(displayName="leaked", secrets={"key-one": {"state": "revoked", "expires": LIFE}}),
        calls=(Call("SetApiKeyState", secret="key-one"),),
        id=key_id("leaked"),
        losses=(Invalidation("key-one", NOW - timedelta(hours=47), "revoke"),),
    ),
    Change(
        Address("ApiKey", "retired"),
        ("delete",),
        "no manifest declares it",
        before=key(displayName="retired"),
        calls=(Call("DeleteApiKey"),),
        id=key_id("retired"),
        losses=(Invalidation("key-one", NOW - timedelta(days=40), "delete"),),
    ),
)

LEAVES = (
    Change(
        Address("ApiKey", "worker"),
        ("deliver",),
        "a sink lacks key-one",
        before=key(displayName="worker"),
        after=key(displayName="worker"),
        id=key_id("worker"),
        deliver=("key-one",),
    ),
    Change(
        Address("Policy", "old"),
        ("delete",),
        "no manifest declares it",
        before={"name": "old", "statements": ["allow group gone to manage all-resources in tenancy"]},
        calls=(Call("DeletePolicy"),),
        id="ocid1.policy.oc1..aaaaaaaaold",
    ),
    Change(
        Address("Compartment", "kept"),
        ("forget",),
        "no manifest declares it, and it says deletion: retain",
        before={"name": "kept", "description": "Data that outlives the stack"},
        calls=(Call("UpdateCompartment"),),
        id="ocid1.compartment.oc1..aaaaaaaakept",
    ),
)

EVERYTHING = Plan(
    stack="chat",
    environment="prod",
    tenancy=TENANCY,
    region="us-chicago-1",
    changes=(*CREATES, *UPDATES, *INVALIDATING, *LEAVES),
    unchanged=7,
    owned=16,
    notices=(
        Notice("no deliverTo: the values of its secrets will be lost", Address("ApiKey", "retired")),
        Notice("the tenancy's clock is 3 minutes ahead of this machine's"),
    ),
)
NOTHING = Plan("chat", None, TENANCY, "us-chicago-1", (), unchanged=12, owned=12)

AROUND = PlanContext(
    now=NOW,
    sources={
        change.address: Source("stacks/chat.yaml", 10 + 9 * line, 1)
        for line, change in enumerate(EVERYTHING.changes[:6])
    },
    sinks={
        KEY: ("file secrets/chat-app.env", "vault chat-app"),
        Address("ApiKey", "front"): ("exec gh secret set OPENAI_API_KEY",),
        Address("ApiKey", "worker"): ("file secrets/worker.env",),
    },
    needs={change.address: change.needs for change in EVERYTHING.changes} | {Address("Policy", "quiet"): (KEY,)},
    access=AccessBeforeAfter(
        before=(
            "group analysts: use generative-ai-chat in compartment lab",
            "group readers: inspect generative-ai-family in tenancy",
        ),
        after=(
            "group analysts: manage generative-ai-chat in compartment lab",
            "group readers: inspect generative-ai-family in tenancy",
        ),
    ),
    expiries=(
        SecretExpiry(Address("ApiKey", "quiet"), "key-one", NOW + timedelta(days=5)),
        SecretExpiry(Address("ApiKey", "quiet"), "key-two", NOW + timedelta(days=300)),
        SecretExpiry(Address("ApiKey", "forgotten"), "key-one", NOW - timedelta(days=2)),
    ),
)

OUTCOMES = (
    Outcome(CREATES[0], Status.DONE, "ocid1.compartment.oc1..aaaaaaaanew", seconds=12.34),
    Outcome(CREATES[1], Status.DONE, key_id("new"), seconds=0.4),
    Outcome(
        UPDATES[1],
        Status.FAILED,
        note="CreatePolicy: 400 InvalidParameter: No permissions found\nopc-request-id: A1/B2/C3",
        seconds=3,
    ),
    Outcome(CREATES[2], Status.SKIPPED, note="needs Policy/readers, which failed"),
)


def large_plan(size: int, text: str = "Ordinary words", losses: bool = True) -> Plan:
    """A plan of that many changes, creates and invalidating changes in turn, with the text in every description."""
    return Plan(
        "big",
        "prod",
        TENANCY,
        "us-chicago-1",
        tuple(_large_change(number, text, losses) for number in range(size)),
        3,
        size,
    )


def _large_change(number: int, text: str, losses: bool) -> Change:
    if number % 3:
        after = {"name": f"c{number}", "description": text, "compartmentId": TENANCY}
        return Change(
            Address("Compartment", f"c{number}"),
            ("create",),
            "not in the tenancy",
            after=after,
            calls=(Call("CreateCompartment"),),
        )
    lost = (Invalidation("key-one", NOW - timedelta(minutes=number), "delete"),) if losses else ()
    return Change(
        Address("ApiKey", f"k{number}"),
        ("delete",),
        "no manifest declares it",
        before=key(displayName=f"k{number}", description=text),
        calls=(Call("DeleteApiKey"),),
        id=key_id(str(number)),
        losses=lost,
    )


def hostile_plan(text: str) -> Plan:
    """A plan with the text in every field that a colleague, a service or a live tag may fill."""
    address = Address("ApiKey", text)
    attributes = {
        "displayName": text,
        "description": text,
        "freeformTags": {text: text, "k": text},
        "secrets": {text: {"state": text, "expires": text}},
        "statements": [
            text,
            f"allow {text}",
            StatementText(text + "${placeholder}", (("placeholder", Reference(Address(text, "x"))),)),
        ],
    }
    others = dict.fromkeys(attributes, "benign")
    calls = (Call("UpdateApiKey"),)
    losses = (Invalidation(text, NOW, "renew"),)
    return Plan(
        stack=text,
        environment=text,
        tenancy=text,
        region=text,
        changes=(
            Change(address, ("create",), text, None, attributes, calls, text, (), (), (text,)),
            Change(
                Address("Policy", "p"),
                ("update", "renew"),
                text,
                {**attributes, **others, "statements": ["unlike"]},
                attributes,
                calls,
                text,
                (),
                losses,
                (text,),
            ),
            Change(Address(text, "p"), ("delete",), text, attributes, None, calls, text, (address,), losses),
        ),
        unchanged=1,
        owned=3,
        notices=(Notice(text, address), Notice(text)),
    )


def hostile_surroundings(text: str) -> PlanContext:
    """PlanContext with the text wherever text goes."""
    address = Address("ApiKey", text)
    return PlanContext(
        now=NOW,
        sources={address: Source(text, 1, 1)},
        sinks={address: (text,), Address("Policy", "p"): (text, text)},
        needs={address: (Address(text, "p"),), Address("Policy", "p"): (address,)},
        access=AccessBeforeAfter((text, "same"), ("same", text + "2")),
        expiries=(SecretExpiry(address, text, NOW + timedelta(days=3)),),
        names={"unlike": text},
        compare_texts=lambda before, after: [Edit(text, line, text) for line in after],
    )


ERRORS: tuple[IacError, ...] = (
    ManifestError(
        [
            Problem(
                Source("stacks/chat.yaml", 12, 5),
                'duplicate key "name", first written at line 10',
                "remove one of the two",
            ),
            Problem(
                Source("stacks/chat.yaml", 3, 1), "spec.secrets[0].expires: 2026-13-45 is not a moment of the calendar"
            ),
        ]
    ),
    ServiceFailure(
        "ApiKey/chat-app: CreateApiKey was refused: Authorization failed or requested resource not found.",
        operation="CreateApiKey",
        status=404,
        code="NotAuthorizedOrNotFound",
        request_id="7E3C/0D8A/11F2",
        hint="see which permissions it takes: genai-iac permissions apply",
    ),
    GuardError("2 of 3 owned resources would be deleted\nCompartment/a\nCompartment/b", hint="add --allow-destroy 2"),
)


def hostile_errors(text: str) -> tuple[IacError, ...]:
    """Errors with the text wherever a file, a name or a service may have brought it."""
    return (
        ManifestError(
            [Problem(Source(text, 1, 1), text, text), Problem(Source("a.yaml", 1, 1), f"{text}\n{text}", text)]
        ),
        ServiceFailure(text, operation=text, status=400, code=text, request_id=text, hint=text),
        PlanError(f"first\n{text}"),
    )


def hostile_outcomes(text: str) -> tuple[Outcome, ...]:
    """Outcomes with the text wherever a service may have brought it."""
    change = Change(Address("ApiKey", text), ("create",), text)
    return (
        Outcome(change, Status.DONE, text, text, 1),
        Outcome(change, Status.FAILED, None, f"{text}\n{text}", 1),
        Outcome(change, Status.SKIPPED, None, text, 1),
    )

"""Whatever is sent, signed or not: an answer that is no accident, and a tenancy that is still there afterwards."""

import json
import os
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genai_iac.emulator import running
from genai_iac.emulator.http.router import Operation
from genai_iac.emulator.services.registry import OPERATIONS

from .clients import CHICAGO, Clients
from .signed import call, send
from .test_authorization import _things

# of every field any operation reads, so that what is random gets past the first check
FIELDS = [
    *("compartmentId", "targetCompartmentId", "name", "displayName", "description", "statements", "versionDate"),
    *("freeformTags", "definedTags", "keyDetails", "details", "keyName", "timeExpiry", "state", "secretName"),
    *("secretContent", "secretRules", "metadata", "currentVersionNumber", "timeOfDeletion", "vaultId", "keyId", "type"),
    *("query", "text", "matchingRule", "userId", "groupId", "key", "email", "model", "messages", "input", "stream"),
]
WORDS = st.sampled_from(
    [
        *("", "x", "ACTIVE", "REVOKED", "one", "CURRENT", "BASE64", "eA==", "Structured", "query all resources", "%00"),
        *(
            "allow any-user to use all-resources in tenancy",
            "ocid1.compartment.oc1..x",
            "2099-01-01T00:00:00Z",
            "1e999",
        ),
        *("../..", "'; --", "☃", "\0", "\u202e", "a" * 5000),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "page",
            "sortBy",
            "sortOrder",
            "name",
            "lifecycleState",
            "stage",
            "versionNumber",
            "prefix",
            "delimiter",
            "id",
        ]
    ),
    WORDS | st.integers().map(str) | st.text(max_size=10),
    max_size=3,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "if-match",
            "if-none-match",
            "opc-retry-token",
            "opc-request-id",
            "opc-client-request-id",
            "content-md5",
            "range",
        ]
    ),
    st.text(string.ascii_letters + string.punctuation, max_size=80),
    max_size=2,
)
EXAMPLES = int(os.environ.get("GENAI_IAC_EXAMPLES", "80"))
SIGNED = [operation for operation in OPERATIONS if operation.auth == "signature"]
QUICK = settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(data=st.data())
def test_signed_nonsense_for_every_operation(shared: Clients, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(SIGNED))
    target = _target(shared, operation, data)
    changed = data.draw(BODIES)
    body = {**_things(shared)["body"], **changed} if data.draw(st.booleans()) else changed
    content = (
        None if operation.method in ("GET", "HEAD", "DELETE") else json.dumps(body).encode("utf-8", "surrogatepass")
    )
    reply = call(shared, operation.method, target, content, extra=data.draw(HEADERS))
    _is_no_accident(reply.status)


@QUICK
@given(
    body=st.binary(max_size=200) | BODIES.map(lambda body: json.dumps(body).encode()),
    header=st.text(string.printable, max_size=40),
)
def test_unsigned_nonsense_for_the_inference_endpoints(shared: Clients, body: bytes, header: str) -> None:
    cleaned = header.replace("\r", "").replace("\n", "")
    for path in ("chat/completions", "responses"):
        headers = {"authorization": f"Bearer {cleaned}", "content-type": "application/json"}
        reply = send(shared.tenancy.url, "POST", f"/openai/v1/{path}", body, headers)
        _is_no_accident(reply.status)
        assert reply.status in (400, 401, 415)


@QUICK
@given(body=BODIES)
def test_nonsense_with_a_good_key(keyed: tuple[Clients, str], body: dict[str, Any]) -> None:
    clients, value = keyed
    headers = {"authorization": f"Bearer {value}", "content-type": "application/json"}
    content = json.dumps({"model": "xai.grok-4", **body}).encode("utf-8", "surrogatepass")
    for path in ("chat/completions", "responses"):
        _is_no_accident(send(clients.tenancy.url, "POST", f"/r/{CHICAGO}/openai/v1/{path}", content, headers).status)


@QUICK
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=40),
    query=st.binary(max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
)
def test_paths_that_lead_nowhere(shared: Clients, path: str, query: bytes, method: str) -> None:
    target = "/" + quote(path, safe="/:@;,+") + "?" + quote(query, safe="=&+")
    if target.startswith(("/_local", "/_page")):
        return
    _is_no_accident(send(shared.tenancy.url, method, target).status)


@QUICK
@given(route=st.sampled_from(["clock", "settings", "faults", "principals"]), body=VALUES)
def test_control_nonsense(scratch: Clients, route: str, body: Any) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    _is_no_accident(send(scratch.tenancy.url, "POST", f"/_local/{route}", content).status)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Clients]:
    """A tenancy of its own for what turns clocks and arms faults."""
    with running() as tenancy:
        yield Clients(tenancy)


@pytest.fixture(scope="module")
def keyed() -> Iterator[tuple[Clients, str]]:
    """A tenancy of its own, with a key that may do everything."""
    with running() as tenancy:
        clients = Clients(tenancy)
        statement = "allow any-user to manage {} in tenancy where request.principal.type='generativeaiapikey'"
        clients.policy("all", statement.format("generative-ai-family"), statement.format("generative-ai-response"))
        yield clients, clients.key(clients.compartment("good")).keys[0].key
        assert [item for item in clients.calls() if item["status"] == 500] == []


@pytest.fixture(autouse=True)
def still_there(shared: Clients) -> Iterator[None]:
    """After every test the tenancy answers, and has logged no accident."""
    yield
    assert shared.control("GET", "health")["status"] == "ok"
    assert [item for item in shared.calls() if item["status"] == 500] == []


def _target(clients: Clients, operation: Operation, data: st.DataObject) -> str:
    target = operation.path
    for name, value in _things(clients)["path"].items():
        chosen = value if data.draw(st.booleans()) else data.draw(WORDS | st.text(max_size=12))
        for placeholder in (f"{{{name}}}", f"{{{name}...}}"):
            target = target.replace(placeholder, quote(chosen.encode("utf-8", "surrogatepass"), safe=""))
    query = "&".join(
        f"{name}={quote(value.encode('utf-8', 'surrogatepass'), safe='')}" for name, value in data.draw(QUERIES).items()
    )
    region = "" if operation.home else f"/r/{CHICAGO}"
    return f"{region}{target}?compartmentId={clients.root}&{query}"


def _is_no_accident(status: int) -> None:
    assert status < 500, status

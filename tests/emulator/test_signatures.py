"""Signatures: verified over the request as it came, whoever made them, and refused for every reason alike."""

import base64
from collections.abc import Callable

import pytest

from genai_iac.emulator.http.responses import NOT_AUTHENTICATED_TEXT

from .clients import CHICAGO, Clients, holds
from .signed import ORDERS, Reply, call, send, sign

REGIONS = "/20160918/regions"


@holds("9.2")
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_parameters_come_in_any_order(shared: Clients, order: tuple[str, ...]) -> None:
    assert call(shared, "GET", REGIONS, order=order).status == 200


@holds("9.2")
@pytest.mark.parametrize(
    "target",
    [
        "//20160918/regions",
        "/20160918/regions/",
        "///20160918//regions//",
        "/20160918/regions?",
        "/20160918/regions?limit=1",
        "/20160918/%72egions",
        f"/r/{CHICAGO}/20160918/regions",
        f"//r/{CHICAGO}//20160918/regions/",
    ],
)
def test_the_raw_target_is_what_is_signed(shared: Clients, target: str) -> None:
    assert call(shared, "GET", target).status == 200
    headers = sign(shared, "GET", "/20160918/regions?other=1")
    assert send(shared.tenancy.url, "GET", target, None, headers).status == 401


def test_escapes_in_the_query_survive(shared: Clients) -> None:
    target = f"/20160918/groups?compartmentId={shared.root}&name=a%2Fb%20c+d%C3%BC"
    assert call(shared, "GET", target).json == []


def test_the_date_may_be_x_date_and_any_day(shared: Clients) -> None:
    extra = {"x-date": "Thu, 05 Jan 2014 21:31:40 GMT"}
    names = ["x-date", "(request-target)", "host"]
    assert call(shared, "GET", REGIONS, extra=extra, names=names).status == 200


def _without(header: str) -> Callable[[dict[str, str]], None]:
    return lambda headers: headers.pop(header) and None


def _with(header: str, value: str) -> Callable[[dict[str, str]], None]:
    return lambda headers: headers.update({header: value})


def _edited(old: str, new: str) -> Callable[[dict[str, str]], None]:
    def edit(headers: dict[str, str]) -> None:
        assert old in headers["authorization"]
        headers["authorization"] = headers["authorization"].replace(old, new, 1)

    return edit


SPOILS: dict[str, Callable[[dict[str, str]], None]] = {
    "no header": _without("authorization"),
    "empty header": _with("authorization", ""),
    "no parameters": _with("authorization", "Signature"),
    "basic": _with("authorization", "Basic dXNlcjpwYXNz"),
    "bearer": _with("authorization", "Bearer sk-123"),
    "garbage": _with("authorization", 'Signature ,,,=""\''),
    "another version": _edited('version="1"', 'version="2"'),
    "another algorithm": _edited("rsa-sha256", "hmac-sha256"),
    "no algorithm": _edited('algorithm="rsa-sha256",', ""),
    "a parameter twice": _edited('version="1"', 'version="1",version="1"'),
    "a short keyId": _edited('keyId="', 'keyId="x'),
    "no base64": _edited('signature="', 'signature="*'),
    "another signature": _edited('signature="', 'signature="AAAA'),
    "another date": _with("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
    "no date": _without("date"),
    "unsigned target": _edited("(request-target) ", ""),
    "unsigned host": _edited(" host", ""),
    "unsigned date": _edited("date ", ""),
    "a header that is not there": _edited("date ", "date x-nothing "),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
def test_whatever_is_wrong_the_answer_is_the_same(shared: Clients, spoil: Callable[[dict[str, str]], None]) -> None:
    headers = sign(shared, "GET", REGIONS)
    spoil(headers)
    _is_refused(send(shared.tenancy.url, "GET", REGIONS, None, headers))


def test_another_users_key_or_a_strange_tenancy_is_refused(shared: Clients) -> None:
    other = shared.principal("other").config()
    own = shared.config()
    for name in ("tenancy", "user", "fingerprint"):
        headers = sign(shared, "GET", REGIONS)
        replacement = other[name] if name != "tenancy" else "ocid1.tenancy.oc1..other"
        headers["authorization"] = headers["authorization"].replace(own[name], replacement)
        _is_refused(send(shared.tenancy.url, "GET", REGIONS, None, headers))


@pytest.mark.parametrize("header", ["x-content-sha256", "content-type", "content-length"])
def test_a_body_must_be_signed_whole(shared: Clients, header: str) -> None:
    names = ["date", "(request-target)", "host", "x-content-sha256", "content-type", "content-length"]
    names.remove(header)
    _is_refused(call(shared, "POST", "/20160918/groups", b"{}", names=names))


def test_a_changed_body_is_refused(shared: Clients) -> None:
    headers = sign(shared, "POST", "/20160918/groups", b'{"name":"a"}')
    _is_refused(send(shared.tenancy.url, "POST", "/20160918/groups", b'{"name":"b"}', headers))
    headers["x-content-sha256"] = base64.b64encode(b"\0" * 32).decode()
    _is_refused(send(shared.tenancy.url, "POST", "/20160918/groups", b'{"name":"a"}', headers))


@holds("9.11")
def test_operations_that_are_none(shared: Clients) -> None:
    for target in ("/", "/20160918", "/20160918/nothing", "/20231130/apikeys/a/b/c/d", "/99999999/x", "/n/a/b/c/d/e"):
        reply = call(shared, "POST", target, {})
        assert (reply.status, reply.code) in ((404, "NotFound"), (405, "MethodNotAllowed")), target
    reply = call(shared, "PATCH", "/20160918/policies", {})
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "MethodNotAllowed", "GET, POST")


def test_a_region_the_tenancy_has_not_subscribed_does_not_know_it(fresh: Clients) -> None:
    _is_refused(call(fresh, "GET", "/r/ap-tokyo-1/20160918/regions"))
    _is_refused(call(fresh, "GET", "/r/nowhere-1/20160918/regions"))
    fresh.control("POST", "settings", {"subscribedRegions": ["us-ashburn-1", "ap-tokyo-1"]})
    assert call(fresh, "GET", "/r/ap-tokyo-1/20160918/regions").status == 200


def test_a_key_removed_from_its_user_signs_no_more(fresh: Clients) -> None:
    leaver = fresh.principal("leaver", "Administrators")
    config = leaver.config()
    assert leaver.identity().list_regions().data
    [key] = fresh.identity().list_api_keys(config["user"]).data
    assert key.fingerprint == config["fingerprint"]
    fresh.identity().delete_api_key(config["user"], config["fingerprint"])
    _is_refused(call(leaver, "GET", REGIONS))
    fresh.identity().upload_api_key(config["user"], {"key": key.key_value})
    assert leaver.identity().list_regions().data


def _is_refused(reply: Reply) -> None:
    assert reply.status == 401
    assert reply.json == {"code": "NotAuthenticated", "message": NOT_AUTHENTICATED_TEXT}


@holds("9.12", "W04")
def test_what_terraform_sends_to_make_and_destroy_a_compartment_and_a_policy(fresh: Clients) -> None:
    options = {
        "order": ORDERS["go"],
        "extra": {"opc-request-id": "0" * 32, "user-agent": "Oracle-GoSDK/65.117 (linux/amd64)"},
    }
    token = {"extra": {**options["extra"], "opc-retry-token": "a" * 32}, "order": ORDERS["go"]}  # type: ignore[dict-item]
    body = {"compartmentId": fresh.root, "name": "tf", "description": "d"}
    compartment = call(fresh, "POST", "/20160918/compartments", body, **token).json["id"]
    assert call(fresh, "GET", f"/20160918/compartments/{compartment}", **options).json["lifecycleState"] == "ACTIVE"
    policy = {**body, "statements": ["allow group Administrators to use buckets in tenancy"]}
    made = call(fresh, "POST", "/20160918/policies", policy, **token)
    assert made.json["lifecycleState"] == "ACTIVE"
    target = f"/20160918/policies/{made.json['id']}"
    assert call(fresh, "GET", target, **options).headers["etag"] == made.headers["etag"]
    assert call(fresh, "DELETE", target, **options).status == 204
    assert call(fresh, "GET", target, **options).status == 404
    deleted = call(fresh, "DELETE", f"/20160918/compartments/{compartment}", **options)
    assert (deleted.status, bool(deleted.headers["opc-work-request-id"])) == (202, True)
    assert call(fresh, "GET", f"/20160918/compartments/{compartment}", **options).json["lifecycleState"] == "DELETED"

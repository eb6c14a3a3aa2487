"""The wire itself: ids, dates, error bodies, pages, odd bodies. What every service has in common."""

import json
import re
import socket
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import oci
import pytest

from .clients import CHICAGO, Clients, holds, refusal
from .signed import call, send


@holds("W01", "9.3")
@pytest.mark.parametrize("target", ["/20160918/regions", "/20160918/groups/none", "/20231130/apikeys", "/nothing"])
def test_every_answer_carries_the_callers_request_id(shared: Clients, target: str) -> None:
    extra = {"opc-request-id": "mine123", "opc-client-request-id": "client7"}
    reply = call(shared, "GET", target, extra=extra)
    assert re.fullmatch(r"mine123/[0-9A-F]{32}/[0-9A-F]{32}", reply.headers["opc-request-id"])
    assert reply.headers["opc-client-request-id"] == "client7"
    own = call(shared, "GET", target).headers["opc-request-id"]
    assert re.fullmatch(r"[0-9A-F]{32}/[0-9A-F]{32}", own)


@holds("W02")
def test_error_bodies_are_what_the_sdk_reads(shared: Clients) -> None:
    identity = shared.identity()
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        identity.get_policy("ocid1.policy.oc1..none")
    assert caught.value.status == 404
    assert caught.value.code == "NotAuthorizedOrNotFound"
    assert caught.value.message == "Authorization failed or requested resource not found."
    assert caught.value.request_id
    assert refusal(identity.create_group, {"compartmentId": shared.root})[:2] == (400, "MissingParameter")


def test_the_date_is_the_tenancys(fresh: Clients) -> None:
    fresh.control("POST", "clock", {"set": "2031-05-06T07:08:09Z"})
    date = call(fresh, "GET", "/20160918/regions").headers["date"]
    assert parsedate_to_datetime(date).strftime("%Y-%m-%d %H:%M") == "2031-05-06 07:08"
    made = fresh.identity().create_group({"compartmentId": fresh.root, "name": "g", "description": "-"}).data
    assert made.time_created.year == 2031


def test_no_server_header_and_json_everywhere(shared: Clients) -> None:
    reply = call(shared, "GET", "/20160918/regions")
    assert "server" not in reply.headers
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "CannotParseRequest"),
        (b"{", "CannotParseRequest"),
        (b"[]", "CannotParseRequest"),
        (b"null", "CannotParseRequest"),
        (b'"text"', "CannotParseRequest"),
        (b'{"name": NaN}', "CannotParseRequest"),
        (b'{"name": "\\ud800"}', "CannotParseRequest"),
        (b'\xff{"name": 1}', "CannotParseRequest"),
        (b"[" * 100_000, "CannotParseRequest"),
        (b'{"a":' * 100_000, "CannotParseRequest"),
        (b"{}", "MissingParameter"),
        (b'{"compartmentId": {"a": 1}}', "InvalidParameter"),
    ],
)
def test_odd_bodies_are_refused(shared: Clients, body: bytes, code: str) -> None:
    for target in ("/20160918/groups", f"/r/{CHICAGO}/20231130/apikeys"):
        reply = call(shared, "POST", target, body)
        assert (reply.status, reply.code) == (400, code)


def test_bodies_of_other_types_and_sizes_are_refused(shared: Clients) -> None:
    reply = call(shared, "POST", "/20160918/groups", b"{}", content_type="text/plain")
    assert (reply.status, reply.code) == (415, "UnsupportedMediaType")
    huge = b'{"a": "' + b"x" * (17 * 1024 * 1024) + b'"}'
    reply = call(shared, "POST", "/20160918/groups", huge)
    assert (reply.status, reply.code) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "ten", "1.5", "9" * 400, "١"])
def test_limits_out_of_range_are_refused(shared: Clients, limit: str) -> None:
    reply = call(
        shared,
        "GET",
        f"/20160918/groups?compartmentId={shared.root}&limit={limit.encode().hex('%') if not limit.isascii() else limit}",
    )
    assert (reply.status, reply.code) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    "page",
    ["x", "%00", "e30=", "WzEsMl0", "WzEsMl0=", "W10=", "bnVsbA==", "WyJhIiwxXQ==", "WzEsIjEiXQ==", "WzFlOTksMV0="],
)
def test_page_tokens_that_are_none_are_refused(shared: Clients, page: str) -> None:
    reply = call(shared, "GET", f"/20160918/groups?compartmentId={shared.root}&page={page}")
    assert reply.status in (200, 400)
    if reply.status == 400:
        assert reply.code == "PaginationTokenFormat"


def test_a_page_holds_a_hundred_unless_asked_otherwise(fresh: Clients) -> None:
    for number in range(101):
        fresh.group(f"group-{number:03}")
    identity = fresh.identity()
    first = identity.list_groups(fresh.root)
    assert len(first.data) == 100
    everything = oci.pagination.list_call_get_all_results(identity.list_groups, fresh.root).data
    assert len({item.id for item in everything}) == 102  # with Administrators
    assert len(identity.list_groups(fresh.root, limit=1000).data) == 102


def test_pages_neither_repeat_nor_skip_when_rows_come_and_go(fresh: Clients) -> None:
    identity = fresh.identity()
    made = [fresh.group(f"g{number}") for number in range(6)]
    first = identity.list_groups(fresh.root, limit=3, sort_by="NAME")
    fresh.group("a-new-one")
    identity.delete_group(made[0])
    second = identity.list_groups(fresh.root, limit=10, sort_by="NAME", page=first.next_page)
    assert [item.name for item in first.data] == ["Administrators", "g0", "g1"]
    assert [item.name for item in second.data] == ["g2", "g3", "g4", "g5"]


@pytest.mark.parametrize("name", ["sortBy", "sortOrder", "lifecycleState"])
def test_unknown_words_in_the_query_are_refused(shared: Clients, name: str) -> None:
    reply = call(shared, "GET", f"/20160918/groups?compartmentId={shared.root}&{name}=SIDEWAYS")
    assert (reply.status, reply.code) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    "target", ["/20160918/groups?compartmentId=%ff", "/20160918/groups/%ff%fe", "/r/%ff/20160918/x"]
)
def test_what_is_not_utf8_is_refused(shared: Clients, target: str) -> None:
    assert call(shared, "GET", target).status in (400, 401, 404)


def test_a_parameter_given_twice_is_refused(shared: Clients) -> None:
    reply = call(shared, "GET", f"/20160918/groups?compartmentId={shared.root}&name=a&name=b")
    assert (reply.status, reply.code) == (400, "InvalidParameter")


def test_head_has_no_body(shared: Clients) -> None:
    reply = call(shared, "HEAD", "/20160918/regions")
    assert (reply.status, reply.body) == (405, b"")


def test_pipelined_and_malformed_requests(shared: Clients) -> None:
    place = urlsplit(shared.tenancy.url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=300) as line:
        line.sendall(f"GET /_local/health HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode() * 3)
        received = b""
        while received.count(b'"status":"ok"') < 3:
            received += line.recv(65536)
        line.sendall(b"NONSENSE\r\n\r\n")
        while chunk := line.recv(65536):
            received += chunk
    assert received.count(b"HTTP/1.1 200") == 3
    assert received.count(b"HTTP/1.1 400") == 1
    assert json.loads(send(shared.tenancy.url, "GET", "/_local/health").body)["status"] == "ok"

"""Every answer is bounded, no redirect is followed, and no header breaks an answer: by both HTTP clients."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Tenancy

from genai_iac.core.errors import ServiceFailure
from genai_iac.network import HttpClient, connections
from genai_iac.oci_client import Connection, OciClient, connect

from .raw import answer, serving

POLICY = json.dumps({"id": "ocid1.policy.oc1..a", "name": "p"}).encode()
Ask = Callable[[str], tuple[int, bytes, str]]


@pytest.fixture
def provider_for(tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], OciClient]]:
    """A connection of the SDK's to any address, which pauses no time between two attempts."""
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.01)
    made: list[OciClient] = []

    def make(url: str) -> OciClient:
        made.append(connect(Connection(config_file=str(tenancy.config_file), endpoint=url)))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture(params=["the SDK", "verification"])
def ask(request: pytest.FixtureRequest, provider_for: Callable[[str], OciClient]) -> Ask:
    """One request by one of the two clients: the status, the body, and why there is none."""

    def by_sdk(url: str) -> tuple[int, bytes, str]:
        try:
            reply = provider_for(url).get("GetPolicy", "ocid1.policy.oc1..a", "us-chicago-1")
        except ServiceFailure as failure:
            return failure.status or 0, b"", str(failure)
        return 200, json.dumps(reply.data).encode(), ""

    def by_client(url: str) -> tuple[int, bytes, str]:
        client = HttpClient()
        found = client.post(url, b"{}", {})
        client.close()
        return found.status, found.body, found.reason.text if found.reason else found.location

    return by_sdk if request.param == "the SDK" else by_client


def test_an_ordinary_answer(ask: Ask) -> None:
    with serving(answer(POLICY)) as raw:
        status, body, _ = ask(raw.url)
    assert status == 200 and json.loads(body) == json.loads(POLICY)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_a_redirect_is_not_followed_and_says_where_it_pointed(ask: Ask, status: int) -> None:
    with serving(answer(b"stolen")) as elsewhere:
        target = f"{elsewhere.url}/take".encode()
        with serving(answer(b"", b"location: " + target, status=b"%d Go" % status)) as raw:
            found, _, said = ask(raw.url)
            assert len(raw.requests) == 1
        assert found == status and target.decode() in said
        assert elsewhere.requests == []


HEADERS: dict[str, bytes] = {
    "a line without a colon": b"this is no header",
    "a line of 100 KB": b"x-long: " + b"y" * 100_000,
    "two hundred lines": b"\r\n".join(b"x-%d: y" % number for number in range(200)),
    "bytes that are no text": b"x-\xff\xfe: \x00\x01\x80",
    "a folded line": b"x-folded: one\r\n two\r\n\tthree",
    "an empty name": b": nothing",
    "a second length": b"content-length: 3",
    "a length that is no number": b"content-length: many",
    "a line feed alone": b"x-one: 1\nx-two: 2",
    "a packing that is none": b"content-encoding: gzip, br, zstd, identity",
    "a cookie of nonsense": b"set-cookie: =;=;=\xff; Expires=never",
}


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_line_breaks_an_answer(ask: Ask, name: str) -> None:
    with serving(answer(POLICY, HEADERS[name])) as raw:
        status, body, said = ask(raw.url)
    assert (status, said) == (200, "") and json.loads(body) == json.loads(POLICY)


PACKED = {
    "gzip": (gzip.compress(POLICY), b"content-encoding: gzip"),
    "gzip that nobody announces": (gzip.compress(POLICY), b"x-nothing: 1"),
    "deflate": (zlib.compress(POLICY), b"content-encoding: deflate"),
    "raw deflate": (zlib.compress(POLICY)[2:-4], b"content-encoding: deflate"),
    "announced as gzip and plain": (POLICY, b"content-encoding: gzip"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_body_is_unpacked_by_what_it_is(ask: Ask, name: str) -> None:
    body, header = PACKED[name]
    with serving(answer(body, header)) as raw:
        status, found, _ = ask(raw.url)
    assert status == 200 and json.loads(found) == json.loads(POLICY)


def _bomb(times: int) -> bytes:
    packed = b'"' + b"0" * 4 * connections.BYTES + b'"'
    for _ in range(times):
        packed = gzip.compress(packed)
    return packed


@pytest.mark.parametrize("header", [b"content-encoding: gzip", b"x-nothing: 1"])
def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(ask: Ask, header: bytes) -> None:
    with serving(answer(_bomb(1), header)) as raw:
        status, _, said = ask(raw.url)
        assert len(raw.requests) == 1, "asking again gives the same"
    assert status == 0 and "unpacks to more than" in said


def test_a_packing_in_a_packing_is_unpacked_once(ask: Ask) -> None:
    with serving(answer(_bomb(2), b"content-encoding: gzip, gzip")) as raw:
        ask(raw.url)  # whatever it is taken for, it takes no memory


def test_a_body_without_an_end_is_cut_off(ask: Ask) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
        while True:
            yield b" " * 65536

    with serving(endless()) as raw:
        status, _, said = ask(raw.url)
    assert status == 0 and "larger than" in said


DRIPS: dict[str, bytes] = {
    "the body": b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
    "the chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "the headers": b"HTTP/1.1 200 OK\r\n",
    "the status": b"",
}


@pytest.mark.parametrize("part", DRIPS)
def test_an_answer_that_drips_ends(ask: Ask, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SECONDS", 1.0)

    def drip() -> Iterator[bytes]:
        yield DRIPS[part]
        while True:
            yield b"1\r\nx\r\n" if part == "the chunks" else b"x"

    with serving(drip(), pause=0.02) as raw:
        status, _, said = ask(raw.url)
    assert status == 0 and "did not end within" in said


def test_headers_without_an_end_are_cut_off(ask: Ask) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n"
        while True:
            yield b"x-more: " + b"y" * 60_000 + b"\r\n"

    with serving(endless()) as raw:
        status, _, said = ask(raw.url)
    assert status == 0 and "headers" in said


@pytest.mark.parametrize("depth", [33, 500, 100_000])
def test_json_that_is_nested_too_deep_is_no_resource_and_no_crash(
    provider_for: Callable[[str], OciClient], depth: int
) -> None:
    body = b'{"id": "a", "deep": ' + b"[" * depth + b"]" * depth + b"}"
    with serving(answer(body)) as raw:
        try:
            data: Any = provider_for(raw.url).get("GetPolicy", "ocid1.policy.oc1..a", "us-chicago-1").data
        except ServiceFailure as failure:
            assert depth > 900 and "nested" in str(failure)
        else:
            assert data["id"] == "a" and str(data).count("[") < 33


@pytest.mark.parametrize("tokens", [("a", "a"), ("a", "b", "a"), ("a", "b", "c", "b")])
def test_pages_that_go_round_in_a_cycle_end(provider_for: Callable[[str], OciClient], tokens: tuple[str, ...]) -> None:
    answers = [answer(b"[]", b"opc-next-page: " + token.encode()) for token in tokens]
    with serving(*answers) as raw, pytest.raises(ServiceFailure, match="does not end"):
        provider_for(raw.url).read_all("ListPolicies", "ocid1.tenancy.oc1..a", "us-chicago-1")
    assert len(raw.requests) == len(tokens)


def test_pages_that_are_always_others_end(
    provider_for: Callable[[str], OciClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genai_iac.oci_client.client.PAGES", 5)
    answers = [answer(b"[]", b"opc-next-page: %d" % number) for number in range(20)]
    with serving(*answers) as raw, pytest.raises(ServiceFailure, match="does not end"):
        provider_for(raw.url).read_all("ListPolicies", "ocid1.tenancy.oc1..a", "us-chicago-1")
    assert len(raw.requests) == 6

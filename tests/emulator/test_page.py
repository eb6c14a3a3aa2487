"""The page for people: it shows what is there, loads nothing, runs nothing, and its buttons work from it alone."""

import os
import re
from html.parser import HTMLParser

import pytest

from .clients import CHAT_ANY, Clients, chat
from .signed import call, send

TOKEN = os.environ["GENAI_IAC_CONTROL_TOKEN"]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;\u202e\u200b"


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def look(clients: Clients) -> tuple[str, dict[str, str]]:
    reply = send(clients.tenancy.url, "GET", "/")
    assert reply.status == 200
    return reply.body.decode("utf-8"), dict(reply.headers)


def test_it_shows_the_tree_the_keys_the_policies_and_the_calls(fresh: Clients) -> None:
    inside = fresh.compartment("inside", fresh.compartment("outside"))
    key = fresh.key(inside, "my_key")
    fresh.policy("my-policy", CHAT_ANY)
    chat(fresh.openai(key.keys[0].key))
    fresh.control("POST", "clock", {"advance": "80d"})
    page, _ = look(fresh)
    text = Seen(page).text
    for shown in ("outside", "inside", "my_key", key.keys[0].key_mask, "my-policy", "ChatCompletions", "in 9d", "+80d"):
        assert shown in text, shown
    assert text.index("outside") < text.index("inside")
    for item in key.keys:
        assert item.key not in page
    fresh.ai().set_api_key_state(key.id, {"keyName": "one", "state": "REVOKED"})
    assert "REVOKED" in look(fresh)[0]


def test_hostile_names_are_text(fresh: Clients) -> None:
    ocid = fresh.compartment("plain")
    fresh.identity().update_compartment(ocid, {"description": HOSTILE[:100]})
    fresh.policy(
        "plain", "allow group Administrators to use buckets in tenancy where target.bucket.name = '<b onclick=x>\"'"
    )
    call(fresh, "GET", "/r/%3Cscript%3Ealert(1)%3C/20160918/%3Cscript%3E")
    call(fresh, "GET", "/%22%3E%3Cscript%3E")
    page, _ = look(fresh)
    seen = Seen(page)
    assert "<script>alert(1)</script>" in seen.text
    assert not {"script", "img", "b onclick", "iframe", "link", "object"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "href")]
    assert "\u202e" not in page
    assert "\u200b" not in page


def test_nothing_may_be_loaded_run_or_framed(shared: Clients) -> None:
    page, headers = look(shared)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert not re.findall(r"https?://|url\(|@import", page)
    assert headers["content-type"] == "text/html; charset=utf-8"


def test_buttons_move_the_clock_and_lead_back(fresh: Clients) -> None:
    url = fresh.tenancy.url
    headers = {"origin": url, "content-type": "application/x-www-form-urlencoded"}
    reply = send(url, "POST", "/_page/clock", f"advance=30d&token={TOKEN}".encode(), headers)
    assert (reply.status, reply.headers["location"]) == (303, f"/?token={TOKEN}")
    assert fresh.control("GET", "clock")["offset"] == "30d"
    send(url, "POST", "/_page/clock", f"set=now&token={TOKEN}".encode(), headers)
    assert fresh.control("GET", "clock")["offset"] == "0s"
    assert fresh.calls() == []


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_buttons_are_for_the_page_alone(shared: Clients, headers: dict[str, str]) -> None:
    body = f"advance=30d&token={TOKEN}".encode()
    assert send(shared.tenancy.url, "POST", "/_page/clock", body, headers).status == 403


@pytest.mark.parametrize("token", ["", "&token=", "&token=wrong", f"&token={TOKEN}x"])
def test_buttons_need_the_control_token(shared: Clients, token: str) -> None:
    headers = {"origin": shared.tenancy.url}
    assert send(shared.tenancy.url, "POST", "/_page/clock", f"advance=30d{token}".encode(), headers).status == 403
    page = send(shared.tenancy.url, "GET", f"/?{token[1:]}").body.decode()
    assert "<button" not in page and TOKEN not in page
    assert "<button" in send(shared.tenancy.url, "GET", f"/?token={TOKEN}").body.decode()


@pytest.mark.parametrize("body", [b"", b"advance=soon", b"set=2027", b"x=1", b"\xff\xfe", b"advance=1d&set=now"])
def test_buttons_that_are_none(shared: Clients, body: bytes) -> None:
    body += f"{'&' if body else ''}token={TOKEN}".encode()
    assert send(shared.tenancy.url, "POST", "/_page/clock", body, {"origin": shared.tenancy.url}).status == 400


def test_large_tenancies_are_cut_to_what_can_be_looked_at(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"limits": {"apiKeyCount": 1000}})
    ocid = fresh.compartment("crowded")
    for _ in range(103):
        fresh.key(ocid, names=("one",))
    page, _ = look(fresh)
    assert "… and 3 more" in page

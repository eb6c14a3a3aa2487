"""The control API: clock, settings, calls, principals, reset; and who may not use it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import oci
import pytest

from genai_iac.emulator import running
from genai_iac.emulator.control.routes import CONTROL_ROUTES

from .clients import CHICAGO, Clients, control, refusal
from .signed import send


def test_health(shared: Clients) -> None:
    health = shared.control("GET", "health")
    assert (health["status"], health["tenancy"], health["homeRegion"]) == ("ok", shared.root, "us-ashburn-1")
    assert health["vaults"][CHICAGO]["vault"].startswith("ocid1.vault.oc1.us-chicago-1.")


def test_calls_are_counted_and_forgotten(fresh: Clients) -> None:
    fresh.control("DELETE", "calls")
    fresh.identity().list_regions()
    fresh.ai().list_api_keys(fresh.root)
    refusal(fresh.identity().get_group, "ocid1.group.oc1..none")
    first, second, third = fresh.calls()
    assert {name: first[name] for name in ("n", "service", "operation", "method", "path", "status")} == {
        "n": 1,
        "service": "identity",
        "operation": "ListRegions",
        "method": "GET",
        "path": "/20160918/regions",
        "status": 200,
    }
    assert (second["service"], second["region"], second["principal"]) == ("generative-ai", CHICAGO, "administrator")
    assert second["path"] == f"/r/{CHICAGO}/20231130/apikeys"
    assert second["query"] == f"compartmentId={fresh.root}"
    assert (third["status"], third["code"]) == (404, "NotAuthorizedOrNotFound")
    fresh.control("DELETE", "calls")
    fresh.identity().list_regions()
    assert [item["n"] for item in fresh.calls()] == [1]


def test_the_clock_is_advanced_and_set_and_ticks_on(fresh: Clients) -> None:
    assert fresh.control("GET", "clock")["offset"] == "0s"
    moved = fresh.control("POST", "clock", {"advance": "30d"})
    assert moved["offset"] == "30d"
    ahead = datetime.fromisoformat(moved["now"]) - datetime.now(UTC)
    assert 29.9 < ahead.total_seconds() / 86400 < 30.1
    assert fresh.control("POST", "clock", {"set": "2027-01-01T00:00:00Z"})["now"].startswith("2027-01-01T00:00:00")
    assert fresh.control("POST", "clock", {"set": "2027-01-01T02:00:00+02:00"})["now"].startswith("2027-01-01T00:00")
    assert fresh.control("POST", "clock", {"advance": "1h30m"})["now"].startswith("2027-01-01T01:30")


@pytest.mark.parametrize(
    "change",
    [{}, {"advance": "soon"}, {"advance": -1}, {"advance": "1d", "set": "2027-01-01T00:00:00Z"}, {"set": 7},
     {"set": "2027"}, {"set": "2027-02-30T00:00:00Z"}, {"advance": "9999999d"},
     {"advance": 1e308}, {"advance": True}, {"set": "9999-12-31T00:00:00Z"}, [], 7],
)  # fmt: skip
def test_clocks_that_are_none(shared: Clients, change: Any) -> None:
    _refused(shared, "clock", change)


def test_settings_are_shown_and_changed(fresh: Clients) -> None:
    shown = fresh.control("GET", "settings")
    assert {name: shown[name] for name in ("latency", "consistencyDelay", "propagationDelay")} == {
        "latency": "0s",
        "consistencyDelay": "0s",
        "propagationDelay": "0s",
    }
    assert (shown["retryTokenReplay"], shown["homeRegion"], shown["enforceIam"]) == ("full", "us-ashburn-1", True)
    changed = fresh.control("POST", "settings", {"consistencyDelay": "98s", "limits": {"apiKeyCount": 7}})
    assert changed["consistencyDelay"] == "98s"
    assert (changed["limits"]["apiKeyCount"], changed["limits"]["compartmentCount"]) == (7, 1000)
    assert fresh.control("POST", "settings", {"latency": "1ms"})["consistencyDelay"] == "98s"


@pytest.mark.parametrize(
    "change",
    [{"colour": 1}, {"latency": "slow"}, {"latency": -1}, {"retryTokenReplay": "maybe"}, {"homeRegion": "mars-1"}, {"enforceIam": "yes"},
     {"subscribedRegions": []}, {"subscribedRegions": ["mars-1"]}, {"limits": 7}, {"limits": {"none": 1}}, {"limits": {"apiKeyCount": -1}},
     {"limits": {"apiKeyCount": True}}, {"homeRegion": ["us-ashburn-1"]}, [], 7, None],
)  # fmt: skip
def test_settings_that_are_none(shared: Clients, change: Any) -> None:
    before = shared.control("GET", "settings")
    _refused(shared, "settings", change)
    assert shared.control("GET", "settings") == before


def test_the_home_region_can_be_another(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"homeRegion": "eu-frankfurt-1"})
    assert fresh.config()["region"] == "eu-frankfurt-1"
    subscriptions = fresh.identity().list_region_subscriptions(fresh.root).data
    assert [item.region_name for item in subscriptions if item.is_home_region] == ["eu-frankfurt-1"]
    assert {item.status for item in subscriptions} == {"READY"}
    assert fresh.identity().get_tenancy(fresh.root).data.home_region_key == "FRA"
    assert fresh.compartment("in-frankfurt")


def test_principals_get_profiles_and_keep_them(fresh: Clients) -> None:
    added = fresh.control("POST", "principals", {"name": "ci", "groups": ["planners", "Administrators"]})
    assert (added["profile"], added["groups"]) == ("ci", ["Administrators", "planners"])
    ci = Clients(fresh.tenancy, "ci")
    assert ci.config()["user"] == added["user"]
    assert ci.compartment("by-ci")
    assert fresh.calls()[-1]["principal"] == "ci"
    key_file = ci.config()["key_file"]
    again = fresh.control("POST", "principals", {"name": "ci", "groups": ["others"]})
    assert again["user"] == added["user"]
    assert again["groups"] == ["Administrators", "others", "planners"]
    assert ci.config()["key_file"] == key_file
    assert {item["name"] for item in fresh.control("GET", "principals")} == {"administrator", "ci"}
    assert {item.name for item in fresh.identity().list_groups(fresh.root).data} == {
        "Administrators",
        "planners",
        "others",
    }


@pytest.mark.parametrize(
    "wanted",
    [{}, {"name": ""}, {"name": "DEFAULT"}, {"name": "administrator"}, {"name": "../up"}, {"name": "a]\n[b"}, {"name": 7},
     {"name": "a", "groups": "g"}, {"name": "a", "groups": [7]}, {"name": "a", "groups": ["x/y/z"]}, {"name": "a", "colour": 1}, [], "ci"],
)  # fmt: skip
def test_principals_that_are_none(shared: Clients, wanted: Any) -> None:
    _refused(shared, "principals", wanted)


def test_reset_forgets_all_but_the_administrator(fresh: Clients) -> None:
    root, config = fresh.root, fresh.config()
    fresh.compartment("gone")
    fresh.principal("ci", "planners")
    fresh.control("POST", "settings", {"latency": "1ms", "limits": {"apiKeyCount": 1}})
    fresh.control("POST", "clock", {"advance": "30d"})
    fresh.control("POST", "faults", {"operation": "GetTenancy", "effect": {"status": 500}})
    fresh.control("POST", "reset")
    assert fresh.control("GET", "health")["tenancy"] == root
    assert fresh.config() == config
    assert fresh.calls() == []
    assert fresh.control("GET", "faults") == []
    assert fresh.control("GET", "clock")["offset"] == "0s"
    assert fresh.control("GET", "settings")["limits"]["apiKeyCount"] == 100
    assert fresh.identity().list_compartments(root).data == []
    assert fresh.identity().get_tenancy(root).data.id == root
    with pytest.raises(oci.exceptions.ProfileNotFound):
        oci.config.from_file(str(fresh.tenancy.config_file), "ci")


def test_unknown_control_routes(shared: Clients) -> None:
    url = shared.tenancy.url
    reply = send(url, "GET", "/_local/nothing")
    assert (reply.status, reply.code) == (404, "NotFound")
    reply = send(url, "GET", "/_local/reset")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert send(url, "GET", f"/r/{CHICAGO}/_local/health").status == 404


@pytest.mark.parametrize(
    "host", ["evil.example:4180", "evil.example", "127.0.0.1.evil.example:80", "", "[::2]:80", "localhost@evil"]
)
def test_names_that_are_not_loopback_are_refused(shared: Clients, host: str) -> None:
    for target in ("/_local/calls", "/", "/20160918/regions"):
        reply = send(shared.tenancy.url, "GET", target, None, {"host": host})
        assert (reply.status, reply.code) == (403, "Forbidden")


def test_pages_of_other_origins_are_refused(shared: Clients) -> None:
    url = shared.tenancy.url
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert send(url, "POST", "/_local/reset", b"", {"origin": origin}).status == 403
    assert send(url, "POST", "/_local/clock", b'{"advance": "0s"}', {"origin": url}).status == 200


def test_control_bodies_may_be_odd(shared: Clients) -> None:
    for route in ("clock", "faults", "settings", "principals"):
        for body in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}'):
            reply = send(shared.tenancy.url, "POST", f"/_local/{route}", body)
            assert (reply.status, reply.code) == (400, "CannotParseRequest")


def _refused(clients: Clients, route: str, body: Any) -> None:
    reply = send(clients.tenancy.url, "POST", f"/_local/{route}", json.dumps(body).encode())
    assert reply.status == 400
    assert reply.json["message"]
    assert control(clients.tenancy.url, "GET", "health")["status"] == "ok"


ROUTES_AND_METHODS = [
    (route, method) for route, methods in CONTROL_ROUTES.items() if route != "health" for method in methods
]


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
def test_every_control_route_but_health_requires_the_token(shared: Clients, sent: str | None) -> None:
    token = os.environ["GENAI_IAC_CONTROL_TOKEN"]
    headers = {} if sent is None else {"authorization": sent.format(token=token)}
    for route, method in [*ROUTES_AND_METHODS, ("nothing", "GET"), ("faults", "PUT")]:
        reply = send(shared.tenancy.url, method, f"//_local/{route}", b"{}", headers)
        assert (reply.status, reply.code, reply.headers["www-authenticate"]) == (401, "NotAuthenticated", "Bearer")
        assert token not in reply.body.decode()
    assert send(shared.tenancy.url, "GET", "//_local/health", None, headers).status == 200


def test_without_a_control_api_only_health_answers() -> None:
    with running(control=False) as tenancy:
        assert tenancy.control_token is None
        for route, method in ROUTES_AND_METHODS:
            assert send(tenancy.url, method, f"/_local/{route}", b"{}").status == 404
        assert send(tenancy.url, "GET", "/_local/health").status == 200
        assert send(tenancy.url, "POST", "/_page/clock", b"advance=1d&token=", {"origin": tenancy.url}).status == 403


def test_a_random_token_is_kept_beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENAI_IAC_CONTROL_TOKEN")
    with running(tmp_path / "local.db") as first:
        kept = tmp_path / "local.db.control-token"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert first.control_token == kept.read_text() and len(kept.read_text()) >= 32
        monkeypatch.setenv("GENAI_IAC_CONTROL_TOKEN", kept.read_text())
        assert control(first.url, "GET", "clock")["offset"] == "0s"
    monkeypatch.delenv("GENAI_IAC_CONTROL_TOKEN")
    with running(tmp_path / "local.db") as again, running() as other:
        assert again.control_token == first.control_token != other.control_token


def test_a_kill_is_neither_armed_nor_carried_out_without_leave(tmp_path: Path) -> None:
    fault = {"operation": "ListRegions", "effect": {"kill": os.getpid(), "signal": "KILL"}}
    with running(tmp_path / "local.db") as tenancy:
        reply = send(tenancy.url, "POST", "/_local/faults", json.dumps(fault).encode())
        assert reply.status == 400 and "--allow-kill" in reply.json["message"]
        with running(tmp_path / "local.db", allow_kill=True) as willing:
            assert send(willing.url, "POST", "/_local/faults", json.dumps(fault).encode()).status == 200
        # armed in the file, as in one that came with a checkout: this process is still there afterwards
        assert Clients(tenancy).identity().list_regions().status == 200


@pytest.mark.parametrize("operation", ["CreateGroups", "createpolicy", "Everything", "**", " ", "x" * 100_000])
def test_faults_for_operations_that_are_none_are_refused(shared: Clients, operation: str) -> None:
    fault = {"operation": operation, "effect": {"drop": True}}
    reply = send(shared.tenancy.url, "POST", "/_local/faults", json.dumps(fault).encode())
    assert reply.status == 400 and "no operation is called" in reply.json["message"] and len(reply.body) < 500


def test_the_log_keeps_a_thousand_characters_of_a_path(fresh: Clients) -> None:
    send(fresh.tenancy.url, "GET", f"/{'p' * 9000}?q={'q' * 9000}")
    assert {len(fresh.calls()[-1][name]) for name in ("path", "query")} == {1000}

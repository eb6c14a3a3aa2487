"""Faults: what a call meets when it is its turn, before or after the commit."""

import signal
import subprocess
import sys
import time
from typing import Any

import oci
import pytest

from .clients import CHAT_ANY, Clients, chat, control, holds, refusal
from .signed import call, send

GROUPS = "/20160918/groups"


def arm(clients: Clients, operation: str, effect: dict[str, Any], **more: Any) -> None:
    clients.control("POST", "faults", [{"operation": operation, "effect": effect, **more}])


def create(clients: Clients, name: str = "g") -> Any:
    return clients.identity().create_group({"compartmentId": clients.root, "name": name, "description": "-"})


def names(clients: Clients) -> set[str]:
    clients.control("DELETE", "faults")
    return {item.name for item in clients.identity().list_groups(clients.root).data} - {"Administrators"}


ERRORS: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "500": ({"status": 500, "code": "InternalServerError"}, 500, "InternalServerError"),
    "502 html": ({"status": 502, "body": "<html>Bad Gateway</html>"}, 502, None),
    "503": ({"status": 503, "code": "ServiceUnavailable"}, 503, "ServiceUnavailable"),
    "429": ({"status": 429, "code": "TooManyRequests"}, 429, "TooManyRequests"),
    "429 with retry-after": ({"status": 429, "code": "TooManyRequests", "retryAfter": 3}, 429, "TooManyRequests"),
    "401 clock skew": ({"status": 401, "code": "NotAuthenticated", "message": "clock skew"}, 401, "NotAuthenticated"),
    "404": ({"status": 404, "code": "NotAuthorizedOrNotFound"}, 404, "NotAuthorizedOrNotFound"),
    "409": ({"status": 409, "code": "IncorrectState"}, 409, "IncorrectState"),
    "412": ({"status": 412, "code": "NoEtagMatch"}, 412, "NoEtagMatch"),
}


@holds("9.6")
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("effect", "status", "code"), ERRORS.values(), ids=ERRORS)
def test_errors_before_and_after_the_commit(
    fresh: Clients, effect: dict[str, Any], status: int, code: str | None, side: str
) -> None:
    arm(fresh, "CreateGroup", effect, when=side)
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        create(fresh)
    assert caught.value.status == status
    if code is not None:
        assert caught.value.code == code
    assert caught.value.headers.get("retry-after") == ("3" if "retryAfter" in effect else None)
    assert fresh.calls()[-1]["status"] == status
    assert names(fresh) == ({"g"} if side == "after" else set())


@holds("9.6")
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(
    "effect", [{"drop": True}, {"reset": True}, {"silence": "300ms"}], ids=["drop", "reset", "silence"]
)
def test_connections_that_are_cut(fresh: Clients, effect: dict[str, Any], side: str) -> None:
    arm(fresh, "CreateGroup", effect, when=side)
    started = time.monotonic()
    with pytest.raises((oci.exceptions.RequestException, oci.exceptions.ConnectTimeout)):
        create(fresh)
    assert time.monotonic() - started > (0.3 if "silence" in effect else 0)
    assert (fresh.calls()[-1]["operation"], fresh.calls()[-1]["status"]) == ("CreateGroup", 0)
    assert names(fresh) == ({"g"} if side == "after" else set())
    create(fresh, "next")


def test_half_a_body_then_the_end(fresh: Clients) -> None:
    arm(fresh, "ListGroups", {"truncate": True})
    with pytest.raises((oci.exceptions.RequestException, oci.exceptions.ServiceError)):
        fresh.identity().list_groups(fresh.root)
    assert fresh.identity().list_groups(fresh.root).data


def test_a_body_byte_by_byte_is_still_a_body(fresh: Clients) -> None:
    arm(fresh, "ListGroups", {"trickle": True})
    assert [item.name for item in fresh.identity().list_groups(fresh.root).data] == ["Administrators"]
    arm(fresh, "ListGroups", {"trickle": True})
    reply = call(fresh, "GET", f"{GROUPS}?compartmentId={fresh.root}")
    assert reply.headers["transfer-encoding"] == "chunked"


def test_json_of_the_wrong_shape_and_redirects(fresh: Clients) -> None:
    target = f"{GROUPS}?compartmentId={fresh.root}"
    arm(fresh, "ListGroups", {"status": 200, "body": {"unexpected": []}})
    assert call(fresh, "GET", target).json == {"unexpected": []}
    arm(fresh, "ListGroups", {"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}})
    reply = call(fresh, "GET", target)
    assert (reply.status, reply.headers["location"]) == (302, "http://127.0.0.1:9/")


def test_delays_hold_only_the_call_they_strike(fresh: Clients) -> None:
    arm(fresh, "ListGroups", {"delay": "1s"})
    fresh.identity().list_regions()
    assert not control(fresh.tenancy.url, "GET", "faults")[0]["seen"]
    started = time.monotonic()
    assert fresh.identity().list_groups(fresh.root).data
    assert time.monotonic() - started >= 1  # however busy the machine is


def test_nth_and_count_choose_the_calls(fresh: Clients) -> None:
    arm(fresh, "CreateGroup", {"status": 500}, nth=2, count=2)
    outcomes = []
    for number in range(5):
        try:
            create(fresh, f"g{number}")
            outcomes.append(200)
        except oci.exceptions.ServiceError as error:
            outcomes.append(error.status)
    assert outcomes == [200, 500, 500, 200, 200]
    [shown] = fresh.control("GET", "faults")
    assert (shown["seen"], shown["nth"], shown["count"], shown["when"]) == (5, 2, 2, "before")


def test_a_star_strikes_every_operation(fresh: Clients) -> None:
    arm(fresh, "*", {"status": 503}, count=2)
    assert refusal(fresh.identity().list_regions)[0] == 503
    assert refusal(fresh.identity().list_groups, fresh.root)[0] == 503
    assert fresh.identity().list_regions().data


@holds("9.6")
def test_reads_lag_for_a_number_of_calls(fresh: Clients) -> None:
    made = create(fresh).data.id
    arm(fresh, "ListGroups", {"lag": "1h"}, count=2)
    arm(fresh, "GetGroup", {"lag": "1h"})
    identity = fresh.identity()
    assert [len(identity.list_groups(fresh.root, name="g").data) for _ in range(3)] == [0, 0, 1]
    assert refusal(identity.get_group, made)[0] == 404
    assert identity.get_group(made).data.name == "g"


def test_faults_strike_inference_too(fresh: Clients) -> None:
    import openai

    fresh.policy("chat", CHAT_ANY)
    client = fresh.openai(fresh.key(fresh.compartment("faulty")).keys[0].key)
    arm(fresh, "ChatCompletions", {"status": 429, "code": "TooManyRequests", "retryAfter": 1})
    with pytest.raises(openai.RateLimitError):
        chat(client)
    arm(fresh, "ChatCompletions", {"drop": True})
    with pytest.raises(openai.APIConnectionError):
        chat(client)
    assert chat(client)


CHILD = "import time; print('up', flush=True); time.sleep(60)"


@pytest.mark.parametrize("number", ["KILL", "TERM"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_process_is_killed_at_the_call(fresh: Clients, side: str, number: str) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        arm(fresh, "CreateGroup", {"kill": child.pid, "signal": number}, when=side)
        with pytest.raises(oci.exceptions.RequestException):
            create(fresh)
        assert child.wait(5) == -getattr(signal, f"SIG{number}")
    assert names(fresh) == ({"g"} if side == "after" else set())


@pytest.mark.parametrize(
    "fault",
    [
        7, {}, [7], {"operation": "X"}, {"operation": "", "effect": {"drop": True}}, {"operation": "X", "effect": {}},
        {"operation": "X", "effect": {"explode": True}}, {"operation": "X", "effect": {"status": 99}},
        {"operation": "X", "effect": {"status": "500"}}, {"operation": "X", "effect": {"delay": "long"}},
        {"operation": "X", "effect": {"kill": 0}}, {"operation": "X", "effect": {"kill": -1}},
        {"operation": "X", "effect": {"kill": 1}}, {"operation": "X", "effect": {"kill": "me"}},
        {"operation": "X", "effect": {"drop": True}, "nth": 0}, {"operation": "X", "effect": {"drop": True}, "count": "2"},
        {"operation": "X", "effect": {"drop": True}, "when": "during"}, {"operation": "X", "effect": {"drop": True}, "x": 1},
        {"operation": "X", "effect": {"status": 200, "headers": 7}}, {"operation": "X", "effect": {"signal": "HUP", "kill": 5}},
    ],
)  # fmt: skip
def test_faults_that_cannot_be_armed(shared: Clients, fault: Any) -> None:
    import json

    reply = send(shared.tenancy.url, "POST", "/_local/faults", json.dumps(fault).encode())
    assert (reply.status, reply.code) == (400, "InvalidParameter")
    assert control(shared.tenancy.url, "GET", "faults") == []


def test_latency_is_before_every_answer(fresh: Clients) -> None:
    fresh.control("POST", "settings", {"latency": "200ms"})
    started = time.monotonic()
    fresh.identity().list_regions()
    assert time.monotonic() - started > 0.2
    fresh.control("GET", "health")

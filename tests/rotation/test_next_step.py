"""Whole turns of a key's rotation, seen by consumers that read their sink anew for every call and never meet a refusal."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy
from crash.load_generator import calling
from crash.programs import write_program
from crash.sink_setups import File, read_key
from crash.stacks import PAIR, ROTATION
from msgspec.structs import replace
from plan_apply import manifests
from plan_apply.manifests import Document
from plan_apply.sdk_helpers import REGION, client, ended, keys
from plan_apply.test_command_line import at_a_terminal

from genai_iac.cli.leak_renewal import is_announced_renewal
from genai_iac.core import Address, Call, Change, Invalidation, Plan

from .rotation_cases import (
    APPLY,
    FILE,
    KEY,
    ROTATE,
    begin,
    planned_calls,
    secrets,
    stack,
    states,
    use,
    value,
    verified_by,
    words,
)

STEADY = {"key-one": ("ACTIVE", "current"), "key-two": ("INACTIVE", "inactive")}
SWITCHED = {"key-one": ("ACTIVE", "standby"), "key-two": ("ACTIVE", "current")}
TURNED = {"key-one": ("INACTIVE", "inactive"), "key-two": ("ACTIVE", "current")}


@contextmanager
def unnoticed(*sinks: Path) -> Iterator[None]:
    """While this is open consumers of those sinks call again and again; none may be refused."""
    with calling([File(sink) for sink in sinks]) as history:
        history.wait_for(len(sinks))
        yield
        history.wait_for(len(history.probes) + len(sinks))
    assert history.failed == []


def test_a_year_of_rotations_begins_with_the_first(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    assert states(project) == STEADY
    with unnoticed(sink):
        tenancy.advance("59d")
        assert planned_calls(project) == []
        tenancy.advance("2d")
        text = project.run("plan").out
        assert "! ApiKey/chat  renew" in text
        assert "key-one has been current for 61 days: rotate to key-two" in words(project.run("plan"))
        assert planned_calls(project) == ["RenewApiKey"]
        first = value(sink)
        rotated = words(project.run(*APPLY))
        assert "key-two answered with xai.grok-4" in rotated
        assert "both secrets work until " in rotated.partition("Apply complete!")[2]
        assert states(project) == SWITCHED
        assert value(sink) != first

        again = words(project.run(*APPLY))
        assert "No changes" in again
        assert "both secrets work until " in again and "then key-one is retired, once idle: apply again" in again

        tenancy.advance("8d")
        tenancy.forget_calls()
        retired = words(project.run(*APPLY))
        assert "the old value no longer works" in retired
        assert "the next rotation (to key-one) is due from 20" in retired.partition("Apply complete!")[2]
        assert tenancy.writes() == ["SetApiKeyState"]
        assert states(project) == TURNED

        tenancy.advance("53d")
        project.run(*APPLY)
        assert states(project)["key-one"] == ("ACTIVE", "current")
        assert secrets(project)["key-two"]["rotation"] == "overlap: key-two to be retired"


def test_after_a_long_pause_one_apply_is_enough(project: Project, tenancy: Tenancy) -> None:
    """The old one was to be retired, and the new one is due by now."""
    sink = begin(project)
    with unnoticed(sink):
        project.run(*ROTATE)
        tenancy.advance("70d")
        assert planned_calls(project) == ["RenewApiKey"]
        project.run(*APPLY)
        assert planned_calls(project) == []
        assert states(project)["key-one"] == ("ACTIVE", "current")


def test_the_old_value_is_kept_while_anybody_uses_it(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    url, old = read_key(File(sink)) or ("", "")
    project.run(*ROTATE)
    tenancy.advance("8d")
    assert use(tenancy, url, old) == 200
    said = words(project.run(*APPLY))
    assert "No changes" in said and "key-one is still in use by callers that do not read the sinks again" in said
    tenancy.advance("25h")
    project.run(*APPLY)
    assert use(tenancy, url, old) == 401
    assert states(project) == TURNED


def test_rotate_begins_early_and_goes_on_as_far_as_is_safe(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    with unnoticed(sink):
        assert "requested: rotate to key-two" in words(project.run(*ROTATE))
        assert states(project) == SWITCHED
        assert "both secrets work until" in words(project.run(*ROTATE))
        tenancy.advance("8d")
        project.run(*ROTATE)
        assert states(project) == TURNED


def test_the_new_value_waits_for_the_endpoints_to_know_it(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    time.sleep(1.1)
    tenancy.settings(propagationDelay="1s")
    with unnoticed(sink):
        began = time.monotonic()
        project.run(*ROTATE)
        assert time.monotonic() - began >= 1
        tenancy.advance("8d")
        assert "the old value no longer works" in words(project.run(*APPLY))
    assert states(project) == TURNED


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_the_new_value_is_proved_with_the_api_that_the_key_names(project: Project, tenancy: Tenancy, api: str) -> None:
    begin(project, rotation=verified_by("xai.grok-3", api=api))
    tenancy.forget_calls()
    assert "key-two answered with xai.grok-3" in words(project.run(*ROTATE))
    operation = {"chat": "ChatCompletions", "responses": "CreateResponse"}[api]
    assert [call["operation"] for call in tenancy.calls() if "/actions/v1/" in call["path"]] == [operation]


def test_without_verify_nothing_is_called(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project, rotation={"every": "60d"})
    tenancy.forget_calls()
    project.run(*ROTATE)
    assert [call for call in tenancy.calls() if "/actions/v1/" in call["path"]] == []
    with unnoticed(sink):
        assert states(project) == SWITCHED


def test_a_value_that_does_not_pass_never_becomes_current(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project, rotation=verified_by("acme.unknown"))
    with unnoticed(sink):
        before = value(sink)
        ran = project.run(*ROTATE, code=4)
        assert "the new secret did not pass its call of acme.unknown" in words(ran)
        assert "nothing was switched" in words(ran)
        assert "re-run: genai-iac rotate ApiKey/chat" in words(ran)
        assert value(sink) == before
        assert states(project) == {"key-one": ("ACTIVE", "current"), "key-two": ("ACTIVE", "pending")}
        assert secrets(project)["key-one"]["rotation"] == "rotating to key-two"
        begin(project)  # with the model corrected the same value goes on
        assert value(sink) != before
    assert states(project) == SWITCHED


def test_a_key_that_is_delivered_nowhere_is_rotated(project: Project, tenancy: Tenancy) -> None:
    """Nobody will ever read its values, which plan says; it is no reason never to come to rest."""
    mute = manifests.key("chat", secrets=PAIR, rotation=ROTATION)
    project.write(manifests.stack(manifests.compartment("home"), mute))
    project.run(*APPLY)
    for days, calls in (
        (0, []),
        (61, ["RenewApiKey"]),
        (0, []),
        (8, ["SetApiKeyState"]),
        (0, []),
        (53, ["RenewApiKey"]),
    ):
        tenancy.advance(f"{days}d")
        assert planned_calls(project) == calls
        assert project.run("plan", "--detailed-exitcode", code=None).code == (2 if calls else 0)
        project.run(*APPLY)


def test_a_rotation_that_is_taken_out_leaves_callers_what_works(project: Project, tenancy: Tenancy) -> None:
    """Somebody renewed the first secret by hand and uses it: no sink can be given it, so each keeps the one that it shows.

    Whoever did that has the value, which is not renewed however long it is idle, unless a person asks.
    """
    sink = begin(project)
    project.run(*ROTATE)
    before = value(sink)
    live = next(iter(keys(tenancy).values()))
    made = client(tenancy, "generative_ai", REGION).renew_api_key(live.id, {"details": {"keyName": "key-one"}})
    url, _ = read_key(File(sink)) or ("", "")
    assert use(tenancy, url, next(one.key for one in made.data.keys if one.key)) == 200
    project.write(stack(rotation=None))
    said = words(project.run(*APPLY))
    assert "No changes." in said and "no sink on this machine holds the value of key-one" in said
    assert value(sink) == before
    tenancy.advance("25h")
    assert planned_calls(project) == []


def test_only_the_answer_of_a_model_proves_a_value(project: Project, tenancy: Tenancy) -> None:
    """Whatever stands before the endpoint may say 200 to everything."""
    begin(project)
    effect = {"status": 200, "body": ["something", {"else": 1}]}
    tenancy.control("POST", "faults", {"operation": "ChatCompletions", "count": 2, "effect": effect})
    tenancy.forget_calls()
    project.run(*ROTATE)
    assert [call["operation"] for call in tenancy.calls()].count("ChatCompletions") == 3
    assert states(project) == SWITCHED


def test_a_rotation_is_taken_back_before_the_switch(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project, rotation=verified_by("acme.unknown"))
    with unnoticed(sink):
        before = value(sink)
        project.run(*ROTATE, code=4)
        said = words(project.run(*ROTATE, "--abort"))
        assert "the rotation is aborted: key-one stays current" in said and "the old value no longer works" in said
        assert value(sink) == before
    assert "begins this turn again" not in said
    assert states(project) == STEADY
    assert "is not rotating; there is nothing to abort" in words(project.run(*ROTATE, "--abort", code=1))


def test_a_rotation_that_was_due_and_is_rolled_back_begins_again(project: Project, tenancy: Tenancy) -> None:
    begin(project, rotation=verified_by("acme.unknown"))
    tenancy.advance("61d")
    project.run(*APPLY, code=4)
    said = words(project.run(*ROTATE, "--abort"))
    assert (
        "key-one has been current for 61 days, so an apply starts this rotation again: first fix what stopped it"
        in said
    )
    begin(project)
    assert states(project) == SWITCHED


def test_a_rotation_is_taken_back_after_the_switch(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    with unnoticed(sink):
        before = value(sink)
        project.run(*ROTATE)
        assert value(sink) != before
        said = words(project.run(*ROTATE, "--abort"))
        assert "key-two is still in use; it is deactivated once it is idle: apply again" in said
        assert value(sink) == before
        assert secrets(project)["key-one"]["rotation"] == "rolling back: key-two to be deactivated"
        project.run(*APPLY)
        assert states(project) == {"key-one": ("ACTIVE", "current"), "key-two": ("ACTIVE", "inactive")}
        tenancy.advance("25h")
        project.run(*APPLY)
        assert states(project) == STEADY


def test_a_leak_of_the_current_value_is_answered_at_once(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    with unnoticed(sink):
        url, leaked = read_key(File(sink)) or ("", "")
        tenancy.forget_calls()
        said = words(project.run(*ROTATE, "--leaked", "key-one", "--revoke"))
        assert "key-one leaked: rotate to key-two" in said and "the old value no longer works" in said
        assert tenancy.writes() == ["RenewApiKey", "SetApiKeyState"]
        assert use(tenancy, url, leaked) == 401
        assert states(project) == {"key-one": ("REVOKED", None), "key-two": ("ACTIVE", "current")}
        assert "key-one is revoked already" in words(project.run(*ROTATE, "--leaked", "key-one", "--revoke"))
        assert secrets(project)["key-two"]["rotation"] == "cannot rotate again: key-one is revoked"
        ahead = words(project.run("plan"))
        assert "declare a second ApiKey with two fresh secrets" in ahead and "before key-two expires at" in ahead
        tenancy.advance("61d")
        assert "key-two has been current for 61 days, but key-one was revoked" in words(project.run(*APPLY))


def test_a_leaked_current_value_is_replaced_deactivated_and_renewed(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    with unnoticed(sink):
        url, leaked = read_key(File(sink)) or ("", "")
        tenancy.forget_calls()
        said = words(project.run(*ROTATE, "--leaked", "key-one"))
        assert said.index("what this costs: callers that still hold key-one get 401 at once") < said.index(
            "no longer works"
        )
        assert tenancy.writes() == ["RenewApiKey", "SetApiKeyState", "RenewApiKey", "SetApiKeyState"]
        assert use(tenancy, url, leaked) == 401
        assert states(project) == {"key-one": ("INACTIVE", "inactive"), "key-two": ("ACTIVE", "current")}
        assert project.run("plan", "--format", "json").json["changes"] == []
        tenancy.advance("61d")
        project.run(*APPLY)  # it can rotate again, with the slot of the leaked one
        assert states(project)["key-one"][0] == "ACTIVE"


def test_the_renewal_of_a_leak_is_agreed_to_with_its_first_half(project: Project, tenancy: Tenancy) -> None:
    begin(project)
    tenancy.forget_calls()
    ran = at_a_terminal(project, "rotate", KEY, "--leaked", "key-one", typed="yes")
    assert ran.code == 0 and ran.out.count("Type yes to rotate") == 1, ran.out
    assert tenancy.writes() == ["RenewApiKey", "SetApiKeyState", "RenewApiKey", "SetApiKeyState"]


def test_a_second_half_that_was_not_announced_is_asked_for() -> None:
    renew = Call("RenewApiKey", {"details": {"keyName": "one"}}, "ocid", REGION, "one")
    end = Call("SetApiKeyState", {"keyName": "one", "state": "INACTIVE"}, "ocid", REGION, "one")
    other = replace(renew, body={"details": {"keyName": "two"}}, secret="two")
    update = Call("UpdateApiKey", {"description": "x"}, "ocid", REGION)

    def announced(*calls: Call, **more: Any) -> bool:
        change = Change(Address("ApiKey", "chat"), ("renew",), "", None, {}, calls, **more)
        return is_announced_renewal(Plan("s", None, "t", REGION, (change,), 0, 0), {change.address: "one"})

    assert announced(renew) and announced(renew, end)
    assert not announced(other) and not announced(renew, other) and not announced(renew, update) and not announced(end)
    assert not announced(renew, losses=(Invalidation("one", None, "renew"),))


def test_a_leaked_standby_is_renewed_and_the_current_one_left_alone(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    project.run(*ROTATE)
    with unnoticed(sink):
        before = value(sink)
        project.run(*ROTATE, "--leaked", "key-one")
        assert value(sink) == before
    assert states(project) == {"key-one": ("INACTIVE", "inactive"), "key-two": ("ACTIVE", "current")}


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_leak_is_answered_to_its_end_wherever_the_first_run_stopped(
    project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch, nth: int, when: str
) -> None:
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.05)  # the service refuses until the client gives up
    sink = begin(project)
    url, leaked = read_key(File(sink)) or ("", "")
    operation = "RenewApiKey" if nth % 2 else "SetApiKeyState"
    fault = {"operation": operation, "nth": (nth + 1) // 2, "count": 9, "when": when, "effect": {"drop": True}}
    with unnoticed(sink):
        tenancy.control("POST", "faults", [{**fault, "effect": {"status": 500, "code": "InternalServerError"}}])
        project.run(*ROTATE, "--leaked", "key-one", code=None)
        tenancy.control("DELETE", "faults")
        for _ in range(3):
            project.run(*ROTATE, "--leaked", "key-one") if use(tenancy, url, leaked) == 200 else project.run(*APPLY)
    assert use(tenancy, url, leaked) == 401
    assert project.run("plan", "--format", "json").json["changes"] == []


@pytest.mark.parametrize("leaked", ["key-one", "key-two"])
def test_a_leak_in_the_overlap_renews_nothing(project: Project, tenancy: Tenancy, leaked: str) -> None:
    sink = begin(project)
    project.run(*ROTATE)
    with unnoticed(sink):
        tenancy.forget_calls()
        project.run(*ROTATE, "--leaked", leaked, "--revoke")
    assert "RenewApiKey" not in tenancy.writes()
    kept = {"key-one": "key-two", "key-two": "key-one"}[leaked]
    assert states(project) == {leaked: ("REVOKED", None), kept: ("ACTIVE", "current")}


def test_a_leak_of_the_standby_leaves_the_current_alone(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    with unnoticed(sink):
        before = value(sink)
        tenancy.forget_calls()
        project.run(*ROTATE, "--leaked", "key-two", "--revoke")
        assert tenancy.writes() == ["SetApiKeyState"]
        assert value(sink) == before


def test_a_leak_of_the_last_slot_asks_first(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    project.run(*ROTATE, "--leaked", "key-two", "--revoke")
    url, leaked = read_key(File(sink)) or ("", "")
    assert use(tenancy, url, leaked) == 200
    refused = project.run(*ROTATE, "--leaked", "key-one", "--revoke", code=3)
    assert "renewing replaces key-one, which was last used" in words(refused)
    assert use(tenancy, url, leaked) == 200
    project.run(*ROTATE, "--leaked", "key-one", "--revoke", "--accept-outage")
    assert use(tenancy, url, leaked) == 401
    assert use(tenancy, url, value(sink)) == 200


def test_a_lost_sink_brings_up_the_other_and_kills_nobody(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    url, old = read_key(File(sink)) or ("", "")
    assert use(tenancy, url, old) == 200
    sink.unlink()
    said = words(project.run("plan"))
    assert "a sink lacks the value of key-one, which OCI shows only once: rotate to key-two" in said
    project.run(*APPLY)
    assert use(tenancy, url, old) == 200
    assert use(tenancy, url, value(sink)) == 200
    sink.unlink()
    tenancy.forget_calls()
    said = words(project.run(*APPLY))
    assert tenancy.writes() == []
    assert "a sink lacks the value of key-two, none can give it, and it is in use" in said
    assert "genai-iac rotate ApiKey/chat --accept-outage" in said
    refused = words(project.run(*ROTATE, code=3))
    assert "key-two, which was last used" in refused
    assert refused.strip().endswith("if that is meant: --accept-outage"), "it takes no address where there is one key"
    project.run(*ROTATE, "--accept-outage")
    assert use(tenancy, url, value(sink)) == 200
    assert use(tenancy, url, old) == 200


def test_in_the_overlap_a_new_sink_is_filled_from_the_others(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    project.run(*ROTATE)
    tenancy.forget_calls()
    begin(project, FILE, {"file": {"path": "secrets/more.json", "format": "json"}})
    assert tenancy.writes() == []
    assert value(project.path / "secrets/more.json") == value(sink)
    assert states(project) == SWITCHED


def test_a_program_is_given_each_new_value(project: Project, tenancy: Tenancy) -> None:
    place = _program(project)
    with _consuming(tenancy, project, place):
        tenancy.advance("61d")
        project.run(*APPLY)
        tenancy.advance("8d")
        project.run(*APPLY)
        assert {name: one["state"] for name, one in secrets(project).items()} == {
            "key-one": "INACTIVE",
            "key-two": "ACTIVE",
        }


@pytest.mark.parametrize("check", [{}, {"check": ["sh", "-c", "cat place.mask || true"]}], ids=["", "check"])
def test_a_program_that_outlives_the_run_has_delivered(project: Project, tenancy: Tenancy, check: Document) -> None:
    """Nobody lives to note that the value arrived; that it is called with tells."""
    place = _program(project, **check)
    tenancy.advance("61d")
    with _consuming(tenancy, project, place):
        (project.path / "deadly").touch()
        assert ended(project.spawn(*APPLY)).code == -signal.SIGKILL
        (project.path / "deadly").unlink()
        before = place.read_text()
        tenancy.advance("1h")
        assert use(tenancy, f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1", before) == 200
        assert "both secrets work until" in words(project.run(*APPLY))
        tenancy.advance("8d")
        project.run(*APPLY)
        assert place.read_text() == before
        tenancy.advance("61d")
        project.run(*APPLY)
    assert place.read_text() != before
    assert secrets(project)["key-two"]["state"] == secrets(project)["key-one"]["state"] == "ACTIVE"


def test_one_sink_that_fails_half_way_is_completed_by_the_next_apply(project: Project, tenancy: Tenancy) -> None:
    place = _program(project, FILE)
    sink = project.path / "secrets/chat.env"
    with unnoticed(sink), _consuming(tenancy, project, place):
        (project.path / "broken").touch()
        tenancy.advance("61d")
        ran = project.run(*APPLY, code=4)
        assert "a value was not stored everywhere: exec" in words(ran)
        assert "fix the sink and apply again" in words(ran)
        assert value(sink) != place.read_text()
        assert project.run(*APPLY, code=4)
        (project.path / "broken").unlink()
        tenancy.forget_calls()
        project.run(*APPLY)
        assert tenancy.writes() == []
        assert value(sink) == place.read_text()
        tenancy.advance("8d")
        project.run(*APPLY)
    assert states(project) == TURNED


def test_a_sink_that_cannot_be_written_prevents_a_new_value(project: Project, tenancy: Tenancy) -> None:
    sink = begin(project)
    tenancy.advance("61d")
    sink.parent.chmod(0o777)
    tenancy.forget_calls()
    ran = project.run(*APPLY, code=1)
    assert "other users may write to secrets" in words(ran)
    assert tenancy.writes() == []


def _program(project: Project, *sinks: Document, **more: Any) -> Path:
    """A key that is delivered by a program which puts the value into a file, and its mask into another one.

    Where there is a file called broken it fails; one called deadly makes it kill the run when all is done.
    """
    deliver = 'test ! -e broken || exit 1\ncat > place.new && mv place.new place\necho "$GENAI_IAC_MASK" > place.mask\n'
    script = f"#!/bin/sh\n{deliver}test ! -e deadly || kill -9 $PPID\n"
    write_program(project.path / "deliver.sh", script)
    begin(project, *sinks, {"exec": {"command": ["./deliver.sh"], **more}})
    return project.path / "place"


@contextmanager
def _consuming(tenancy: Tenancy, project: Project, place: Path) -> Iterator[None]:
    """The same as `unnoticed`, of a place that holds the bare value."""
    shown = project.path / "consumer.env"
    url = f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1"

    class Place(type(shown)):  # type: ignore[misc]
        """Reads as a dotenv file with what the place holds."""

        def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
            return f"OPENAI_BASE_URL={url}\nOPENAI_API_KEY={place.read_text()}\n"

    with unnoticed(Place(shown)):
        yield


def test_a_key_without_rotation_cannot_be_rotated(project: Project) -> None:
    begin(project)
    other = words(project.run("rotate", "ApiKey/other", "--auto-approve", code=1))
    assert "the manifests declare no ApiKey/other" in other and "their keys: ApiKey/chat" in other
    assert "--leaked and --abort exclude each other" in words(
        project.run(*ROTATE, "--abort", "--leaked", "key-one", code=1)
    )
    assert "has no secret three" in words(project.run("rotate", KEY, "--leaked", "three", "--auto-approve", code=1))
    project.write(manifests.stack(manifests.compartment("home"), manifests.key("chat", secrets=2)))
    assert "has no rotation" in words(project.run(*ROTATE, code=1))

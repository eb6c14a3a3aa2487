"""Rotations of keys in OCI Vault: CURRENT always works, PENDING until verified, versions for every rotation, recovery from any crash."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from conftest import Project, Tenancy
from plan_apply.curl_lines import read_dotenv, works
from plan_apply.sdk_helpers import apply_exactly, assert_settled, changes, client, plan

from .consumer import consuming
from .vault_setups import ROTATION, VERIFIED, content, entry, secrets, stages, write_key

FILE = {"file": {"path": "secrets/app.env"}}


@pytest.fixture
def rotating_in_vault(project: Project, tenancy: Tenancy) -> Project:
    """A key that has been in the Vault for a month, current value and standby."""
    write_key(project, entry(tenancy), secrets=2, rotation=VERIFIED)
    project.run("apply", "--auto-approve")
    project.run("apply", "--auto-approve")
    assert_settled(project)
    tenancy.advance("31d")
    return project


def fail(tenancy: Tenancy, operation: str, nth: int, **effect: Any) -> None:
    tenancy.control(
        "POST", "faults", [{"operation": operation, "nth": nth, "count": 1, "when": "before", "effect": effect}]
    )


REFUSED = {"status": 400, "code": "InvalidParameter", "message": "not today"}


def test_a_consumer_of_the_current_version_is_never_refused(rotating_in_vault: Project, tenancy: Tenancy) -> None:
    with consuming(tenancy) as consumer:
        for _ in range(3):
            assert calls_of_apply(rotating_in_vault, tenancy) == ["RenewApiKey", "UpdateSecret", "UpdateSecret"]
            tenancy.advance("3d")
            consumer.call()
            assert calls_of_apply(rotating_in_vault, tenancy) == ["UpdateSecret", "UpdateSecret", "SetApiKeyState"]
            tenancy.advance("31d")
    assert len(consumer.seen) == 4, "and it has seen every new value"


def calls_of_apply(project: Project, tenancy: Tenancy) -> list[str]:
    """The writes that the plan lists for the key and that the apply makes, but for the removal of old versions."""
    calls: list[str] = changes(plan(project))["ApiKey/app"]["calls"]
    tenancy.forget_calls()
    project.run("apply", "--auto-approve")
    assert Counter(tenancy.writes()) == Counter(calls)
    return [call for call in calls if call != "ScheduleSecretVersionDeletion"]


def test_a_value_that_is_not_verified_stays_pending(rotating_in_vault: Project, tenancy: Tenancy) -> None:
    before = content(tenancy)
    fail(tenancy, "ChatCompletions", 1, **REFUSED)
    ran = rotating_in_vault.run("apply", "--auto-approve", code=4)
    assert "did not pass its call of xai.grok-4" in ran.out
    assert content(tenancy) == before
    pending = content(tenancy, stage="PENDING")
    assert pending["OPENAI_API_KEY"] != before["OPENAI_API_KEY"] == pending["OPENAI_API_KEY_STANDBY"]
    planned, _ = apply_exactly(rotating_in_vault, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["UpdateSecret"], "one promotion of what was verified"
    assert content(tenancy) == pending and content(tenancy, stage="PENDING") == {}


def test_a_rotation_taken_back_leaves_the_old_value_current(rotating_in_vault: Project, tenancy: Tenancy) -> None:
    before = content(tenancy)["OPENAI_API_KEY"]
    fail(tenancy, "ChatCompletions", 1, **REFUSED)
    rotating_in_vault.run("apply", "--auto-approve", code=4)
    rotating_in_vault.run("rotate", "ApiKey/app", "--abort", "--auto-approve")
    held = content(tenancy)
    assert held["OPENAI_API_KEY"] == before and works(held["OPENAI_BASE_URL"], before)


@pytest.mark.parametrize("rotations", [6, pytest.param(40, marks=pytest.mark.matrix)])
def test_there_is_room_for_the_versions_of_every_rotation(project: Project, tenancy: Tenancy, rotations: int) -> None:
    write_key(project, entry(tenancy), secrets=2, rotation=ROTATION)
    project.run("apply", "--auto-approve")
    for _ in range(rotations):
        for length in ("3d", "31d"):
            tenancy.advance(length)
            project.run("apply", "--auto-approve")
        rows = client(tenancy, "vault", "us-chicago-1").list_secret_versions(secrets(tenancy)["app"].id).data
        assert len([row for row in rows if row.time_of_deletion is None]) <= 5
        held = content(tenancy)
        assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])
    assert stages(tenancy)["CURRENT"] >= 2 * rotations


def test_many_rotations_within_a_day_fit_too(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), secrets=2, rotation=ROTATION)
    project.run("apply", "--auto-approve")
    project.run("apply", "--auto-approve")
    for _ in range(5):
        project.run("rotate", "ApiKey/app", "--auto-approve")
        project.run("rotate", "ApiKey/app", "--abort", "--auto-approve", "--accept-outage")
    held = content(tenancy)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])


@pytest.mark.parametrize("nth", [1, 2])
def test_a_run_killed_before_a_vault_write_is_healed_by_the_next(
    rotating_in_vault: Project, tenancy: Tenancy, nth: int
) -> None:
    before = content(tenancy)
    with consuming(tenancy):
        process = rotating_in_vault.spawn("apply", "--auto-approve")
        fail(tenancy, "UpdateSecret", nth, kill=process.pid)
        assert process.wait(timeout=300) == -9
        process.communicate()
        assert content(tenancy) == before
        assert bool(content(tenancy, stage="PENDING")) == (nth == 2)
        planned, _ = apply_exactly(rotating_in_vault, tenancy)
    renews = changes(planned)["ApiKey/app"]["calls"]
    # the first one lost the value with the process: nobody has it, so it is renewed again; the second had it in the Vault
    assert renews == (["UpdateSecret"] if nth == 2 else ["RenewApiKey", "UpdateSecret", "UpdateSecret"])
    held = content(tenancy)
    assert held["OPENAI_API_KEY"] != before["OPENAI_API_KEY"] and works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])


def test_a_run_killed_after_the_promotion_is_finished_by_the_next(rotating_in_vault: Project, tenancy: Tenancy) -> None:
    process = rotating_in_vault.spawn("apply", "--auto-approve")
    fault = {"operation": "UpdateSecret", "nth": 2, "count": 1, "when": "after", "effect": {"kill": process.pid}}
    tenancy.control("POST", "faults", [fault])
    assert process.wait(timeout=300) == -9
    process.communicate()
    assert_settled(rotating_in_vault)
    held = content(tenancy)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])


@pytest.mark.parametrize("vault_first", [True, False])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_file_and_a_vault_agree_again_after_one_of_them_failed(
    project: Project, tenancy: Tenancy, vault_first: bool, nth: int
) -> None:
    places = [entry(tenancy), FILE]
    write_key(project, *(places if vault_first else places[::-1]), secrets=2, rotation=VERIFIED)
    for _ in range(2):
        project.run("apply", "--auto-approve")
    tenancy.advance("31d")
    fail(tenancy, "UpdateSecret", nth, **REFUSED)
    file = project.path / "secrets/app.env"
    with consuming(tenancy):
        ran = project.run("apply", "--auto-approve", code=4)
        assert "a value was not stored everywhere: vault app in" in ran.out and "not today" in ran.out
        held = read_dotenv(file)
        assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"]), "readers of the file are served as well"
        planned, _ = apply_exactly(project, tenancy)
    assert "RenewApiKey" not in changes(planned)["ApiKey/app"]["calls"], "nothing was lost"
    fresh = held["OPENAI_API_KEY_PENDING" if nth == 1 else "OPENAI_API_KEY"]
    assert content(tenancy)["OPENAI_API_KEY"] == read_dotenv(file)["OPENAI_API_KEY"] == fresh


def test_a_leaked_value_leaves_the_vault_before_it_is_revoked(rotating_in_vault: Project, tenancy: Tenancy) -> None:
    leaked = content(tenancy)["OPENAI_API_KEY"]
    tenancy.forget_calls()
    rotating_in_vault.run("rotate", "ApiKey/app", "--leaked", "key-one", "--revoke", "--auto-approve")
    held = content(tenancy)
    assert leaked not in held.values() and works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])
    assert not works(held["OPENAI_BASE_URL"], leaked)
    writes = tenancy.writes()
    assert writes.index("UpdateSecret") < writes.index("SetApiKeyState")

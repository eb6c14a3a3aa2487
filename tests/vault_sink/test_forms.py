"""What a Vault secret looks like from inside: the value alone, other names, moved, deleted by hand, written by an earlier version."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from conftest import Project, Tenancy
from plan_apply.curl_lines import read_dotenv, works
from plan_apply.sdk_helpers import (
    APPROVED,
    REGION,
    apply_exactly,
    assert_settled,
    changes,
    client,
    plan,
    planned_calls,
    words,
)

from .vault_setups import content, entry, secrets, write_key

FILE = {"file": {"path": "secrets/app.env"}}
ROTATION = {"every": "60d"}


def vault(tenancy: Tenancy, name: str = "app", **more: Any) -> dict[str, Any]:
    return {"vault": {**entry(tenancy, name)["vault"], **more}}


def raw_content(tenancy: Tenancy, name: str = "app") -> str:
    bundle = client(tenancy, "secrets", REGION).get_secret_bundle(secrets(tenancy)[name].id).data
    return base64.b64decode(bundle.secret_bundle_content.content).decode()


def test_the_content_can_be_the_value_alone(project: Project, tenancy: Tenancy) -> None:
    write_key(project, vault(tenancy, format="raw"), secrets=2, rotation=ROTATION)
    apply_exactly(project, tenancy)
    first = raw_content(tenancy)
    url = f"{tenancy.url}/r/{REGION}/20231130/actions/v1"
    assert works(url, first)
    assert [one["live"] for one in drift(project, 0)] == []
    tenancy.advance("61d")
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"][0] == "RenewApiKey"
    second = raw_content(tenancy)
    assert second != first and works(url, first) and works(url, second)
    tenancy.advance("8d")
    project.run(*APPROVED)
    assert raw_content(tenancy) == second and works(url, second)
    assert_settled(project)
    made = client(tenancy, "vault", REGION).get_secret(secrets(tenancy)["app"].id).data
    assert first not in str(made) and second not in str(made)


def test_the_names_can_be_chosen(project: Project, tenancy: Tenancy) -> None:
    write_key(project, vault(tenancy), secrets=2)
    project.run(*APPROVED)
    before = content(tenancy)["OPENAI_API_KEY"]
    write_key(project, vault(tenancy, env={"key": "OCI_GENAI_API_KEY", "baseUrl": "BASE"}), secrets=2)
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["actions"] == ["deliver"]
    held = content(tenancy)
    assert held["OCI_GENAI_API_KEY"] == before and {"BASE", "OCI_GENAI_API_KEY_STANDBY"} < set(held)
    assert not any(name.startswith("OPENAI") for name in held)


@pytest.mark.parametrize("rotates", [False, True])
def test_a_vault_secret_of_another_name_gets_the_value_of_the_first(
    project: Project, tenancy: Tenancy, rotates: bool
) -> None:
    more: dict[str, Any] = {"rotation": ROTATION} if rotates else {}
    write_key(project, vault(tenancy), secrets=2, **more)
    project.run(*APPROVED)
    before = content(tenancy)["OPENAI_API_KEY"]
    write_key(project, vault(tenancy, "other"), secrets=2, **more)
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateSecret"]
    assert content(tenancy, "other")["OPENAI_API_KEY"] == before
    said = words(" ".join(one["text"] for one in plan(project)["notices"]))
    assert words("vault app in") in said and words("not declared any more and still holds key-one") in said


def drift(project: Project, code: int) -> list[dict[str, Any]]:
    report = project.run("drift", "--format", "json", code=code).json
    return [leaf for one in report["resources"] for leaf in one["differences"]]


@pytest.mark.parametrize("beside", [True, False])
def test_a_vault_secret_that_was_deleted_by_hand_is_drift(project: Project, tenancy: Tenancy, beside: bool) -> None:
    sinks = [vault(tenancy), *([FILE] if beside else [])]
    write_key(project, *sinks, secrets=2, rotation=ROTATION)
    project.run(*APPROVED)
    held = content(tenancy)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])
    client(tenancy, "vault", REGION).schedule_secret_deletion(secrets(tenancy)["app"].id, {})
    assert [leaf["live"] for leaf in drift(project, 2)] == ["missing"]
    calls = planned_calls(plan(project))
    assert ("RenewApiKey" in calls) is not beside
    project.run(*APPROVED)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"]), "the value in use lives on"
    now = content(tenancy)
    assert works(now["OPENAI_BASE_URL"], now["OPENAI_API_KEY"])
    assert drift(project, 0) == []
    if beside:
        assert read_dotenv(project.path / "secrets/app.env")["OPENAI_API_KEY"] == now["OPENAI_API_KEY"]


def test_a_dying_vault_secret_is_recognised_by_its_tag_whatever_its_description(
    project: Project, tenancy: Tenancy
) -> None:
    write_key(project, vault(tenancy))
    project.run(*APPROVED)
    made = secrets(tenancy)["app"]
    assert made.freeform_tags["genai-iac-sink"] == "1 loop ApiKey/app"
    vaults = client(tenancy, "vault", REGION)
    vaults.update_secret(made.id, {"description": "Other words"})
    vaults.schedule_secret_deletion(made.id, {})
    project.run(*APPROVED)
    assert secrets(tenancy)["app"].lifecycle_state == "ACTIVE"


def test_a_dying_vault_secret_of_an_earlier_version_is_recognised_by_its_description(
    project: Project, tenancy: Tenancy
) -> None:
    write_key(project, vault(tenancy))
    project.run(*APPROVED)
    made = secrets(tenancy)["app"]
    vaults = client(tenancy, "vault", REGION)
    vaults.update_secret(made.id, {"freeformTags": {}})
    vaults.schedule_secret_deletion(made.id, {})
    project.run(*APPROVED)
    assert secrets(tenancy)["app"].lifecycle_state == "ACTIVE"
    vaults.update_secret(made.id, {"freeformTags": {}, "description": "Somebody's"})
    vaults.schedule_secret_deletion(made.id, {})
    assert "was not made by genai-iac" in project.run(*APPROVED, code=1).err


def test_a_sink_that_may_not_be_read_is_reported_and_is_no_drift(project: Project, tenancy: Tenancy) -> None:
    write_key(project, vault(tenancy))
    project.run(*APPROVED)
    refusal = {"status": 404, "code": "NotAuthorizedOrNotFound"}
    tenancy.control("POST", "faults", {"operation": "GetSecretBundle", "nth": 1, "count": 99, "effect": refusal})
    report = project.run("drift", "--format", "json").json
    assert words("a sink could not be asked") in words(" ".join(report["notices"]))

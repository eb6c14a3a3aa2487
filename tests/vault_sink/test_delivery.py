"""Keys delivered to OCI Vault by the command line: every apply makes the Vault writes that its plan lists, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import Project, Ran, Tenancy
from plan_apply.curl_lines import works
from plan_apply.manifests import compartment, document, key, stack
from plan_apply.sdk_helpers import apply_exactly, assert_settled, changes, client, keys, only, plan, planned_calls

from .vault_setups import GRANT, HOME, built_in, content, entry, secrets, stages, write_key

FRANKFURT = "eu-frankfurt-1"


def test_both_values_are_delivered_and_work(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), secrets=2)
    planned, text = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateApiKey", "CreateSecret"]
    assert "calls: CreateApiKey, CreateSecret" in text and "delivered to vault app in" in text
    held = content(tenancy)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY_STANDBY"])
    made = secrets(tenancy)["app"]
    assert made.description == "Secrets of ApiKey/app of loop, kept by genai-iac"
    assert held["OPENAI_API_KEY"] not in text and made.lifecycle_state == "ACTIVE"


@pytest.mark.parametrize("where", ["home", "/vault-home", "tenancy", "ocid"])
def test_the_compartment_may_be_named_in_every_way(project: Project, tenancy: Tenancy, where: str) -> None:
    write_key(project)
    apply_exactly(project, tenancy)
    identity = client(tenancy, "identity")
    (home,) = identity.list_compartments(tenancy.tenancy, name="vault-home").data
    write_key(project, entry(tenancy, where=home.id if where == "ocid" else where))
    tenancy.advance("25h")
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["RenewApiKey", "CreateSecret"], "nobody had its value"
    assert secrets(tenancy)["app"].compartment_id == (tenancy.tenancy if where == "tenancy" else home.id)


def test_the_compartment_of_the_vault_secret_is_made_first(project: Project, tenancy: Tenancy) -> None:
    write_key(
        project,
        entry(tenancy, where="keep"),
        around=(HOME, compartment("keep", name="vault-keep")),
        compartment="tenancy",
    )
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["needs"] == ["Compartment/keep"]
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateApiKey", "CreateSecret"]
    assert content(tenancy)["OPENAI_API_KEY"]


def test_a_new_compartment_may_be_news_to_the_vault_for_a_while(project: Project, tenancy: Tenancy) -> None:
    tenancy.settings(consistencyDelay="2s")
    write_key(project, entry(tenancy))
    project.run("apply", "--auto-approve")
    tenancy.advance("1m")
    assert_settled(project)
    assert content(tenancy)["OPENAI_API_KEY"]


def test_a_compartment_that_nobody_declares_is_an_error_with_its_place(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="hmoe"))
    ran = project.run("validate", code=1)
    assert "no Compartment is called hmoe" in ran.err and "did you mean home?" in ran.err
    write_key(project, entry(tenancy, where="/nowhere"))
    ran = project.run("plan", code=1)
    assert "there is no compartment /nowhere in the tenancy" in ran.err


@pytest.mark.regions("eu-frankfurt-1")
def test_a_vault_of_another_region_is_reached_there(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, region=FRANKFURT))
    apply_exactly(project, tenancy)
    held = content(tenancy, region=FRANKFURT)
    assert "us-chicago-1" in held["OPENAI_BASE_URL"] and works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])


def test_a_renewed_value_takes_the_place_of_the_old_one(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), secrets=[{"name": "key-one", "expires": "2028-01-01T00:00:00Z"}])
    apply_exactly(project, tenancy)
    before = content(tenancy)["OPENAI_API_KEY"]
    write_key(project, entry(tenancy), secrets=[{"name": "key-one", "expires": "2028-06-01T00:00:00Z"}])
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["RenewApiKey", "UpdateSecret", "UpdateSecret"]
    held = content(tenancy)
    assert held["OPENAI_API_KEY"] != before and works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])
    assert stages(tenancy) == {"CURRENT": 2, "LATEST": 2, "PREVIOUS": 1}


@pytest.mark.parametrize("state", ["inactive", "revoked"])
def test_the_vault_lets_a_value_go_before_it_stops_working(project: Project, tenancy: Tenancy, state: str) -> None:
    write_key(project, entry(tenancy), secrets=2)
    apply_exactly(project, tenancy)
    write_key(project, entry(tenancy), secrets=[{"name": "key-one"}, {"name": "key-two", "state": state}])
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["UpdateSecret", "UpdateSecret", "SetApiKeyState"]
    assert [call["operation"] for call in tenancy.calls() if call["method"] in ("PUT", "POST")][-1] == "SetApiKeyState"
    held = content(tenancy)
    assert "OPENAI_API_KEY_STANDBY" not in held and ("OPENAI_API_KEY_INACTIVE" in held) == (state == "inactive")


def test_a_secret_that_was_deleted_by_hand_is_delivered_again_from_another_sink(
    project: Project, tenancy: Tenancy
) -> None:
    write_key(project, entry(tenancy), {"file": {"path": "secrets/app.env"}})
    apply_exactly(project, tenancy)
    before = content(tenancy)
    client(tenancy, "vault", "us-chicago-1").schedule_secret_deletion(secrets(tenancy)["app"].id, {})
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["actions"] == ["deliver"]
    assert changes(planned)["ApiKey/app"]["calls"] == ["CancelSecretDeletion", "UpdateSecret", "UpdateSecret"]
    assert content(tenancy) == before


def test_what_is_not_a_secrets_business_writes_nothing_to_the_vault(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy))
    apply_exactly(project, tenancy)
    write_key(project, entry(tenancy), description="Chat", displayName="other")
    planned, _ = apply_exactly(project, tenancy)
    assert planned_calls(planned) == {"UpdateApiKey": 1}
    assert stages(tenancy) == {"CURRENT": 1, "LATEST": 1}


def test_destroying_a_key_schedules_the_deletion_of_its_vault_secret(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"), {"file": {"path": "secrets/app.env"}})
    apply_exactly(project, tenancy)
    file = project.path / "secrets/app.env"
    assert file.exists()
    tenancy.forget_calls()
    ran = project.run("destroy", "--auto-approve")
    assert "DeleteApiKey, ScheduleSecretDeletion" in ran.out and "emptied vault app in" in ran.out
    assert sorted(tenancy.writes()) == ["DeleteApiKey", "DeleteCompartment", "DeletePolicy", "ScheduleSecretDeletion"]
    assert secrets(tenancy)["app"].lifecycle_state == "PENDING_DELETION" and not file.exists()


def test_a_compartment_outlives_the_vault_secret_in_it_by_a_day(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy))
    apply_exactly(project, tenancy)
    ran = project.run("destroy", "--auto-approve", code=4)
    assert "Compartment/home: what ApiKey/app was delivered to is in it" in " ".join(ran.out.split())
    assert "vaultsecret 'app'" in ran.out and not keys(tenancy)
    tenancy.advance("25h")
    project.run("destroy", "--auto-approve")
    assert secrets(tenancy) == {}


def test_a_key_made_again_recovers_the_secret_that_waits_to_be_deleted(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"))
    apply_exactly(project, tenancy)
    first = secrets(tenancy)["app"]
    project.run("destroy", "--auto-approve")
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == [
        "CreateApiKey", "CancelSecretDeletion", "UpdateSecret", "UpdateSecret",
    ]  # fmt: skip
    assert secrets(tenancy)["app"].id == first.id
    held = content(tenancy)
    assert works(held["OPENAI_BASE_URL"], held["OPENAI_API_KEY"])


def test_a_secret_that_is_really_gone_is_made_anew(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"))
    apply_exactly(project, tenancy)
    first = secrets(tenancy)["app"]
    project.run("destroy", "--auto-approve")
    tenancy.advance("2d")
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateApiKey", "CreateSecret"]
    assert secrets(tenancy)["app"].id != first.id


def test_a_key_that_no_manifest_declares_any_more_leaves_its_vault_secret(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"))
    apply_exactly(project, tenancy)
    project.write(stack(HOME))
    planned, _ = apply_exactly(project, tenancy)
    assert planned_calls(planned) == {"DeleteApiKey": 1, "DeletePolicy": 1}
    assert secrets(tenancy)["app"].lifecycle_state == "ACTIVE"


def test_a_forgotten_key_keeps_its_vault_secret(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"), deletion="retain", around=(HOME,), compartment="tenancy")
    apply_exactly(project, tenancy)
    project.run("destroy", "--auto-approve")
    held = content(tenancy)
    assert held["OPENAI_API_KEY"] and only(keys(tenancy)).display_name == "app"


def test_a_place_that_is_not_ours_does_not_stop_a_destroy(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy, where="tenancy"))
    apply_exactly(project, tenancy)
    vaults = client(tenancy, "vault", "us-chicago-1")
    import base64

    body = {"contentType": "BASE64", "content": base64.b64encode(b"precious").decode()}
    vaults.update_secret(secrets(tenancy)["app"].id, {"secretContent": body})
    ran = project.run("destroy", "--auto-approve")
    assert "left as it is: vault app in" in ran.out and "ScheduleSecretDeletion" not in ran.out
    assert secrets(tenancy)["app"].lifecycle_state == "ACTIVE" and not keys(tenancy)


@pytest.mark.regions("eu-frankfurt-1")
def test_a_key_that_leaves_its_region_takes_its_vault_secret_along(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), around=(HOME,))
    apply_exactly(project, tenancy)
    write_key(project, entry(tenancy), region=FRANKFURT, around=(HOME,))
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateApiKey", "UpdateSecret", "UpdateSecret", "DeleteApiKey"]
    assert FRANKFURT in content(tenancy)["OPENAI_BASE_URL"]


def test_two_environments_do_not_share_a_vault_secret(project: Project, tenancy: Tenancy) -> None:
    for name in ("dev", "prod"):
        project.write(
            yaml.safe_dump(document("Environment", name, {"variables": {"env": name}})), f"environments/{name}.yaml"
        )
    home = compartment("home", name="home-${var.env}")
    vault = {"vault": {**built_in(tenancy), "compartment": "tenancy", "name": "app"}}
    project.write(stack(home, key("app", deliverTo=[vault]), variables={"env": {"default": "dev"}}))
    project.run("apply", "--auto-approve", "--env", "dev")
    before = content(tenancy)
    tenancy.forget_calls()
    for verb in (("plan",), ("apply", "--auto-approve")):
        ran = project.run(*verb, "--env", "prod", code=1)
        assert "holds the secrets of ApiKey/app of loop@dev, not those of ApiKey/app of loop@prod" in unwrapped(ran)
    assert tenancy.writes() == [] and content(tenancy) == before


def test_two_keys_do_not_share_a_vault_secret(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy))
    apply_exactly(project, tenancy)
    project.write(stack(HOME, GRANT, *(key(name, deliverTo=[entry(tenancy)]) for name in ("app", "other"))))
    assert "is delivered to twice" in unwrapped(project.run("validate", code=1))
    project.write(stack(HOME, GRANT, key("app"), key("other", deliverTo=[entry(tenancy)])))
    ran = project.run("apply", "--auto-approve", code=1)
    assert "holds the secrets of ApiKey/app of loop, not those of ApiKey/other" in unwrapped(ran)


@pytest.mark.parametrize("wrong", ["vault", "key"])
def test_a_wrong_vault_or_key_is_reported_before_a_value_is_created(
    project: Project, tenancy: Tenancy, wrong: str
) -> None:
    write_key(project)
    apply_exactly(project, tenancy)
    place = entry(tenancy)
    place["vault"][wrong] = place["vault"][wrong][:-4] + "aaaa"
    project.write(stack(HOME, GRANT, key("app"), key("other", deliverTo=[place])))
    tenancy.forget_calls()
    ran = project.run("apply", "--auto-approve", code=1)
    assert "could not look at its key" in ran.err and tenancy.writes() == []


def test_the_other_sinks_have_their_values_when_one_fails_and_the_next_apply_heals(
    project: Project, tenancy: Tenancy
) -> None:
    write_key(project, entry(tenancy), {"file": {"path": "secrets/app.env"}}, secrets=2)
    fault = {
        "operation": "CreateSecret",
        "nth": 1,
        "count": 1,
        "when": "before",
        "effect": {"status": 400, "code": "InvalidParameter"},
    }
    tenancy.control("POST", "faults", [fault])
    ran = project.run("apply", "--auto-approve", code=4)
    assert "a value was not stored everywhere: vault app in" in ran.out + ran.err
    file = (project.path / "secrets/app.env").read_text()
    planned, _ = apply_exactly(project, tenancy)
    assert changes(planned)["ApiKey/app"]["actions"] == ["deliver"]
    assert changes(planned)["ApiKey/app"]["calls"] == ["CreateSecret"], "copied from the file, not renewed"
    assert content(tenancy)["OPENAI_API_KEY"] in file and (project.path / "secrets/app.env").read_text() == file


def test_no_value_is_in_plans_outcomes_or_notes(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), secrets=2)
    printed = [project.run("apply", "--auto-approve", "--json").out, project.run("status").out]
    held = content(tenancy)
    write_key(project, entry(tenancy), secrets=[{"name": "key-one"}, {"name": "key-two", "state": "inactive"}])
    printed += [
        project.run("plan", "--format", form).out for form in ("text", "json", "markdown", "html", "terraform-json")
    ]
    printed += [file.read_text(errors="replace") for file in _files(project.path)]
    values = [held["OPENAI_API_KEY"], held["OPENAI_API_KEY_STANDBY"]]
    assert all(value.startswith("sk-") for value in values)
    assert not [value for value in values for text in printed if value[5:25] in text]


def unwrapped(ran: Ran) -> str:
    """What was printed of an error, without its line breaks."""
    return " ".join(ran.err.split())


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.suffix != ".db"]


def test_the_whole_plan_is_shown_with_its_vault_writes(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy))
    forms = {form: project.run("plan", "--format", form).out for form in ("text", "markdown", "html", "terraform-json")}
    assert all("CreateSecret" in text for text in forms.values())
    assert planned_calls(plan(project)) == {
        "CreateCompartment": 1,
        "CreateApiKey": 1,
        "CreateSecret": 1,
        "CreatePolicy": 1,
    }

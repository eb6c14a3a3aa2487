"""A plan refuses itself: exit 3, nothing written, and the flag that lets it pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy

from genai_iac.cli.session import Session

from .curl_lines import read_dotenv, works
from .manifests import compartment, document, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, keys, only, plan, policies, words

HOME = compartment("home")
FILE = {"deliverTo": [{"file": {"path": "secrets/app.env"}}]}
MAY_CHAT = policy("access", grants=[{"apiKey": "app"}])


def refused(project: Project, tenancy: Tenancy, *arguments: str) -> str:
    """What a refused apply says; it has written nothing, and plan tells beforehand."""
    tenancy.forget_calls()
    ran = project.run(*APPROVED, *arguments, code=3)
    assert tenancy.writes() == []
    assert any(notice["text"].startswith("apply will be refused") for notice in plan(project, *arguments)["notices"])
    return ran.err


# Many deletes


def declare(project: Project, count: int) -> None:
    """The home compartment and so many policies."""
    project.write(stack(HOME, *(policy(f"p{number}") for number in range(count))))


@pytest.mark.parametrize(("left", "passes"), [(6, True), (5, False), (0, False)])
def test_more_than_three_in_ten_are_not_deleted_by_the_way(
    project: Project, tenancy: Tenancy, left: int, passes: bool
) -> None:
    declare(project, 9)
    project.run(*APPROVED)
    declare(project, left)
    if not passes:
        gone = 9 - left
        assert words(f"--allow-destroy {gone}") in words(refused(project, tenancy))
        refused(project, tenancy, "--allow-destroy", str(gone - 1))
        project.run(*APPROVED, "--allow-destroy", str(gone))
    else:
        project.run(*APPROVED)
    assert len(policies(tenancy)) == left
    assert_settled(project)


def test_an_emptied_manifest_does_not_empty_the_tenancy(project: Project, tenancy: Tenancy) -> None:
    declare(project, 9)
    project.run(*APPROVED)
    project.write(stack())
    assert words("10 of 10 owned resources") in words(refused(project, tenancy))


def test_fewer_than_ten_may_go_but_for_the_last(project: Project, tenancy: Tenancy) -> None:
    declare(project, 8)
    project.run(*APPROVED)
    declare(project, 0)
    project.run(*APPROVED)
    assert policies(tenancy) == {}
    project.write(stack())
    assert "--allow-destroy1" in words(refused(project, tenancy))
    project.run(*APPROVED, "--allow-destroy", "1")


def test_destroy_is_asked_for_and_needs_no_number(project: Project, tenancy: Tenancy) -> None:
    declare(project, 9)
    project.run(*APPROVED)
    ran = project.run("destroy", "--auto-approve")
    assert policies(tenancy) == {} and "Destroy complete! Resources: 0 added, 0 changed, 10 destroyed." in ran.out


# A value in use


INVALIDATING: dict[str, list[dict[str, Any]]] = {
    "deactivate": [
        key("app", secrets=[{"name": "key-one", "state": "inactive"}, {"name": "key-two"}], **FILE),
        MAY_CHAT,
    ],
    "revoke": [key("app", secrets=[{"name": "key-one", "state": "revoked"}, {"name": "key-two"}], **FILE), MAY_CHAT],
    "renew": [
        key("app", secrets=[{"name": "key-one", "expires": "2035-01-01T00:00:00Z"}, {"name": "key-two"}], **FILE),
        MAY_CHAT,
    ],
    "delete": [],
    "replace": [key("app", secrets=2, region="eu-frankfurt-1", **FILE), MAY_CHAT],
}


def use_the_key(project: Project) -> dict[str, str]:
    """Call a model with the delivered value; answers the file."""
    given = read_dotenv(project.path / "secrets/app.env")
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    return given


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("invalidating", INVALIDATING)
def test_a_value_in_use_is_not_invalidated(project: Project, tenancy: Tenancy, invalidating: str) -> None:
    project.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    project.run(*APPROVED)
    given = use_the_key(project)
    project.write(stack(HOME, *INVALIDATING[invalidating]))
    said = refused(project, tenancy)
    assert words("key-one, which was last used") in words(said) and words("--accept-outage ApiKey/app") in words(said)
    carried = words("still in file secrets/app.env")
    named = {words(text).count(carried) > 0 for text in (said, project.run("plan").out)}
    assert named == {invalidating != "delete"}, "of a key that is no longer declared nothing says where its values went"
    refused(project, tenancy, "--accept-outage", "ApiKey/other")
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    project.run(*APPROVED, "--accept-outage", "ApiKey/app")
    assert not works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    assert_settled(project)


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("invalidating", INVALIDATING)
def test_a_value_idle_for_a_day_may_go(project: Project, tenancy: Tenancy, invalidating: str) -> None:
    project.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    project.run(*APPROVED)
    given = use_the_key(project)
    project.write(stack(HOME, *INVALIDATING[invalidating]))
    tenancy.advance("23h")
    refused(project, tenancy)
    tenancy.advance("2h")
    assert "last used" in project.run("plan").out
    project.run(*APPROVED)
    assert not works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    assert_settled(project)


@pytest.mark.parametrize("flag", ["--accept-outage", "--delete-moved"])
def test_an_address_that_nothing_has_is_named(project: Project, tenancy: Tenancy, flag: str) -> None:
    """It allows nothing, which a typo would hide. What was deleted is no error: the command may be run again."""
    project.write(stack(HOME, key("app", secrets=2, **FILE)))
    notes = [one["text"] for one in plan(project, flag, "ApiKey/apq", flag, "ApiKey/app")["notices"]]
    assert [text for text in notes if flag in text] == [
        f"{flag} ApiKey/apq: no such resource; did you mean ApiKey/app?"
    ]
    project.run(*APPROVED)
    project.write(stack(HOME))
    for is_there in (True, False):
        notes = [one["text"] for one in plan(project, flag, "ApiKey/app")["notices"]]
        assert (f"{flag} ApiKey/app: no such resource" in notes) != is_there
        project.run(*APPROVED, flag, "ApiKey/app")


def test_destroying_a_key_in_use_is_refused_too(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    project.run(*APPROVED)
    use_the_key(project)
    tenancy.forget_calls()
    assert words("perhaps still in file secrets/app.env") in words(project.run("destroy", "--auto-approve", code=3).out)
    assert tenancy.writes() == []
    project.run("destroy", "--auto-approve", "--accept-outage", "ApiKey/app")
    assert keys(tenancy) == {}


@pytest.mark.parametrize("state", ["inactive", "revoked"])
def test_a_key_is_not_left_without_an_active_secret(project: Project, tenancy: Tenancy, state: str) -> None:
    project.write(stack(HOME, key("app")))
    project.run(*APPROVED)
    off = key("app", secrets=[{"name": "key-one", "state": state}])
    project.write(stack(HOME, off))
    assert words("no ACTIVE secret") in words(refused(project, tenancy))
    project.run(*APPROVED, "--accept-outage", "ApiKey/app")
    assert only(keys(tenancy)).keys[0].state == state.upper()
    assert_settled(project)


# Another tenancy


@pytest.mark.parametrize("pinned", ["stack", "environment"])
def test_another_tenancy_than_the_pinned_one_is_refused(project: Project, tenancy: Tenancy, pinned: str) -> None:
    elsewhere = "ocid1.tenancy.oc1..aaaaaaaaelsewhere"
    project.write(stack(HOME, **({"tenancy": elsewhere} if pinned == "stack" else {})))
    flags: tuple[str, ...] = ()
    if pinned == "environment":
        write_environment(project.path, {"tenancy": elsewhere})
        flags = ("--env", "prod")
    for verb in (("plan",), APPROVED, ("destroy", "--auto-approve")):
        ran = project.run(*flags, *verb, code=3)
        assert elsewhere in words(ran.err) and tenancy.tenancy in words(ran.err)
        assert ("environments/prod.yaml:" if flags else "stack.yaml:7:") in words(ran.err)
    assert tenancy.writes() == []


def test_the_pinned_tenancy_passes(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, tenancy=tenancy.tenancy))
    project.run(*APPROVED)
    assert_settled(project)


def write_environment(path: Path, spec: dict[str, Any]) -> None:
    import yaml

    (path / "environments").mkdir()
    (path / "environments/prod.yaml").write_text(yaml.safe_dump(document("Environment", "prod", spec)))


# Files in CI


@pytest.fixture
def runner(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project on a CI runner; its tenancy counts as a real one."""
    monkeypatch.setattr(Session, "is_emulated", False)
    project.environ["CI"] = "true"
    return project


EXEC = {"exec": {"command": ["sh", "-c", "cat > stored"]}}


def test_in_ci_values_are_not_made_for_files_alone(runner: Project, tenancy: Tenancy) -> None:
    runner.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    said = refused(runner, tenancy)
    assert words("ApiKey/app: under CI=true the value of key-one and key-two would go to files") in words(said)
    assert words("--allow-file-sinks") in words(said)
    runner.run(*APPROVED, "--allow-file-sinks")
    assert len(keys(tenancy)) == 1
    assert_settled(runner)


def test_in_ci_a_value_is_not_renewed_for_files_alone(runner: Project, tenancy: Tenancy) -> None:
    rotating = key("app", secrets=2, rotation={"every": "60d"}, **FILE)
    runner.write(stack(HOME, rotating, MAY_CHAT))
    runner.environ["CI"] = ""
    runner.run(*APPROVED)
    runner.environ["CI"] = "true"
    tenancy.advance("61d")
    assert words("the value of key-two would go to files") in words(refused(runner, tenancy))
    assert runner.run("rotate", "ApiKey/app", "--auto-approve", code=3).err.count("--allow-file-sinks") == 1
    runner.run("rotate", "ApiKey/app", "--auto-approve", "--allow-file-sinks")


@pytest.mark.parametrize("ci", ["", "false", "0", "no"])
def test_out_of_ci_files_are_enough(runner: Project, ci: str) -> None:
    runner.environ["CI"] = ci
    runner.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    runner.run(*APPROVED)


def test_in_ci_another_sink_beside_the_file_is_enough(runner: Project) -> None:
    runner.write(stack(HOME, key("app", secrets=2, deliverTo=[*FILE["deliverTo"], EXEC]), MAY_CHAT))
    runner.run(*APPROVED)


def test_the_emulator_is_exempt(project: Project) -> None:
    project.environ["CI"] = "true"
    project.write(stack(HOME, key("app", secrets=2, **FILE), MAY_CHAT))
    project.run(*APPROVED)

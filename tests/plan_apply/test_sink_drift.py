"""Sinks that somebody emptied, edited, opened to others or moved, and those of two machines: seen, and mended without losing a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Tenancy, read_journal
from vault_sink.vault_setups import entry as vault_entry

from .curl_lines import read_dotenv, works
from .manifests import Document, compartment, key, policy, stack
from .sdk_helpers import APPROVED, REGION, assert_settled, changes, client, keys, only, plan, planned_calls, words

FILE = {"file": {"path": "secrets/app.env"}}
JSON = {"file": {"path": "secrets/app.json", "format": "json"}}
ROTATION = {"every": "60d"}
PAIR = [{"name": "key-one"}, {"name": "key-two"}]


def write(project: Project, *sinks: Document, rotates: bool = False, secrets: int = 2) -> None:
    named = PAIR[:secrets]
    more = {"rotation": ROTATION} if rotates else {}
    documents = [compartment("home"), key("app", secrets=named, deliverTo=list(sinks), **more)]
    project.write(stack(*documents, policy("access", grants=[{"apiKey": "app"}])))


def begin(project: Project, *sinks: Document, rotates: bool = False, secrets: int = 2) -> dict[str, str]:
    """Apply it; answers what the first file holds."""
    write(project, *sinks, rotates=rotates, secrets=secrets)
    project.run(*APPROVED)
    return read_dotenv(project.path / "secrets/app.env")


def use(given: dict[str, str]) -> None:
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])


def drift(project: Project, code: int = 2) -> list[tuple[str, Any, Any]]:
    """What differs, of the key."""
    report = project.run("drift", "--format", "json", code=code).json
    return [(leaf["path"], leaf["live"], leaf["desired"]) for one in report["resources"] for leaf in one["differences"]]


def notices(project: Project) -> str:
    return words(" ".join(one["text"] for one in plan(project)["notices"]))


# Deleted or edited


def remove(file: Path) -> None:
    file.unlink()


def edit_value(file: Path) -> None:
    file.write_text(file.read_text().replace(read_dotenv(file)["OPENAI_API_KEY"], "sk-" + "x" * 40))


def drop_line(file: Path) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join(line for line in lines if not line.startswith("OPENAI_API_KEY=")) + "\n")


def truncate(file: Path) -> None:
    file.write_text("")


HARMS = [remove, edit_value, drop_line, truncate]


@pytest.mark.parametrize("harm", HARMS)
def test_a_harmed_sink_in_use_is_drift_and_is_copied_from_another(
    project: Project, tenancy: Tenancy, harm: Callable[[Path], None]
) -> None:
    given = begin(project, FILE, JSON)
    use(given)
    assert drift(project, code=0) == []
    harm(project.path / "secrets/app.env")
    (project.path / "secrets/app.env").exists() and (project.path / "secrets/app.env").chmod(0o600)
    assert ("deliverTo.file secrets/app.env.key-one", "missing", "current") in drift(project)
    document = plan(project)
    assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
    project.run(*APPROVED)
    assert read_dotenv(project.path / "secrets/app.env") == given
    assert drift(project, code=0) == []
    assert_settled(project)


@pytest.mark.parametrize("harm", HARMS)
def test_where_no_sink_can_give_it_the_standby_is_renewed_and_never_the_one_in_use(
    project: Project, tenancy: Tenancy, harm: Callable[[Path], None]
) -> None:
    given = begin(project, FILE, rotates=True)
    use(given)
    harm(project.path / "secrets/app.env")
    assert drift(project)[0][0] == "deliverTo.file secrets/app.env.key-one"
    document = plan(project)
    assert planned_calls(document) == {"RenewApiKey": 1}
    assert "key-two" in changes(document)["ApiKey/app"]["reason"]
    project.run(*APPROVED)
    use(given)
    use(read_dotenv(project.path / "secrets/app.env"))
    assert drift(project, code=0) == []


def test_the_only_value_in_use_is_not_renewed_and_drift_fails(project: Project, tenancy: Tenancy) -> None:
    given = begin(project, FILE, secrets=1)
    use(given)
    remove(project.path / "secrets/app.env")
    assert [leaf[0] for leaf in drift(project)] == ["deliverTo.file secrets/app.env.key-one"]
    assert planned_calls(plan(project)) == {}
    assert words("key-one is in use but a sink lacks its value") in notices(project)
    project.run(*APPROVED)
    use(given)


def test_a_sink_with_lines_of_another_hand_keeps_them(project: Project, tenancy: Tenancy) -> None:
    given = begin(project, FILE)
    file = project.path / "secrets/app.env"
    file.write_text(file.read_text() + "# mine\nFOO=bar\n")
    assert_settled(project)
    file.chmod(0o644)
    project.run(*APPROVED)
    assert read_dotenv(file) == {**given, "FOO": "bar"} and "# mine\n" in file.read_text()


@pytest.mark.parametrize("change", ["crlf", "byte order mark", "blank lines", "spaces", "wording"])
def test_what_is_not_content_is_no_change(project: Project, tenancy: Tenancy, change: str) -> None:
    given = begin(project, FILE)
    use(given)
    file = project.path / "secrets/app.env"
    text = file.read_text()
    changed = {
        "crlf": text.replace("\n", "\r\n"),
        "byte order mark": "\ufeff" + text,
        "blank lines": text.replace("\n", "\n\n"),
        "spaces": text.replace("\n", "  \n"),
        "wording": "\n".join("# Other words" if line.startswith("# Written") else line for line in text.splitlines()),
    }[change]
    file.write_bytes(changed.encode())
    assert_settled(project)
    assert drift(project, code=0) == []
    tenancy.forget_calls()
    project.run(*APPROVED)
    assert tenancy.writes() == []


def test_a_record_that_is_gone_does_not_lead_to_a_renew_by_following_the_advice(
    project: Project, tenancy: Tenancy
) -> None:
    given = begin(project, FILE)
    use(given)
    file = project.path / "secrets/app.env"
    text = file.read_text()
    file.write_text("\n".join(line for line in text.splitlines() if not line.startswith("#")) + "\n")
    said = project.run("plan", code=1).err
    assert "secrets/app.env" in said and "sk-" not in said
    assert [leaf[0] for leaf in drift(project)] == ["deliverTo"]
    file.write_text(text)
    assert_settled(project)


# The mode


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
@pytest.mark.parametrize("entry", [FILE, JSON, {"file": {"path": "secrets/app.key", "format": "raw"}}])
def test_a_file_that_was_opened_to_others_is_drift_and_closed(
    project: Project, tenancy: Tenancy, mode: int, entry: Document
) -> None:
    write(project, entry)
    project.run(*APPROVED)
    file = project.path / entry["file"]["path"]
    before = file.read_bytes()
    file.chmod(mode)
    (leaf,) = drift(project)
    assert f"{mode:04o}" in leaf[1]
    document = plan(project)
    assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
    project.run(*APPROVED)
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_bytes() == before
    assert drift(project, code=0) == []
    assert_settled(project)


# Moved


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize(
    "place", [{"path": "secrets/new.env"}, {"path": "other/app.json", "format": "json"}, {"path": "a", "format": "raw"}]
)
def test_a_sink_that_moves_takes_the_value_along(
    project: Project, tenancy: Tenancy, used: bool, rotates: bool, place: dict[str, str]
) -> None:
    given = begin(project, FILE, rotates=rotates)
    if used:
        use(given)
    write(project, {"file": place}, rotates=rotates)
    tenancy.forget_calls()
    document = plan(project)
    assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
    assert words("secrets/app.env is not declared any more and still holds key-one") in notices(project)
    project.run(*APPROVED)
    assert tenancy.writes() == []
    assert given["OPENAI_API_KEY"] in (project.path / place["path"]).read_text()
    assert_settled(project)
    assert words("remove it once nothing reads it") in notices(project)
    (project.path / "secrets/app.env").unlink()
    assert_settled(project)
    assert "not declared" not in notices(project)


@pytest.mark.parametrize("name", ["app", "other"])
def test_a_replaced_key_leaves_no_value_in_the_file_it_was_moved_from(
    project: Project, tenancy: Tenancy, name: str
) -> None:
    begin(project, FILE)
    moved = key(name, secrets=2, deliverTo=[{"file": {"path": "secrets/new.env"}}], region="us-ashburn-1")
    moved["metadata"]["previousNames"] = ["old", "app"] if name != "app" else []
    project.write(stack(compartment("home"), moved))
    ran = project.run(*APPROVED, "--accept-outage", f"ApiKey/{name}")
    assert words("emptied file secrets/app.env") in words(ran.out)
    assert [file.name for file in (project.path / "secrets").iterdir()] == ["new.env"]
    assert_settled(project)


def test_a_rotation_ends_although_the_file_of_before_is_still_there(project: Project, tenancy: Tenancy) -> None:
    """Nothing is brought to the old file, so it shows the old value as current permanently: that is no switch half-way."""
    begin(project, FILE, rotates=True)
    write(project, {"file": {"path": "secrets/new.env"}}, rotates=True)
    project.run(*APPROVED)
    for life, calls in (("61d", ["RenewApiKey"]), ("8d", ["SetApiKeyState"])):
        tenancy.advance(life)
        tenancy.forget_calls()
        project.run(*APPROVED)
        assert tenancy.writes() == calls
        assert_settled(project)
        assert drift(project, code=0) == []
    roles = [secret["role"] for secret in project.run("status", "-o", "json").json["secrets"]]
    assert roles.count("current") == 1


def test_a_destroyed_key_leaves_no_value_in_the_file_it_was_moved_from(project: Project, tenancy: Tenancy) -> None:
    begin(project, FILE)
    write(project, JSON)
    project.run(*APPROVED)
    project.run("destroy", "--auto-approve")
    assert list((project.path / "secrets").iterdir()) == []


def test_other_names_are_written_without_a_new_value(project: Project, tenancy: Tenancy) -> None:
    given = begin(project, FILE)
    write(project, {"file": {**FILE["file"], "env": {"key": "OCI_GENAI_API_KEY", "baseUrl": "OPENAI_API_BASE_URL"}}})
    document = plan(project)
    assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
    project.run(*APPROVED)
    assert read_dotenv(project.path / "secrets/app.env") == {
        "OCI_GENAI_API_KEY": given["OPENAI_API_KEY"],
        "OCI_GENAI_API_KEY_STANDBY": given["OPENAI_API_KEY_STANDBY"],
        "OPENAI_API_BASE_URL": given["OPENAI_BASE_URL"],
    }
    assert_settled(project)


@pytest.mark.parametrize("old", ["dotenv", *(pytest.param(one, marks=pytest.mark.matrix) for one in ("json", "raw"))])
def test_another_format_of_the_same_file_keeps_the_value(project: Project, tenancy: Tenancy, old: str) -> None:
    def at(path: str, layout: str) -> Document:
        return {"file": {"path": path, "format": layout}}

    file = project.path / "secrets/app"
    write(project, at("secrets/app", old))
    project.run(*APPROVED)
    given = file.read_bytes()
    for new in sorted({"dotenv", "json", "raw"} - {old}):
        write(project, at("secrets/app", new))
        ran = project.run("plan", code=1)
        assert words(f"secrets/app was written with format {old}, and the manifest says {new}") in words(ran.err)
    write(project, at("secrets/app.new", new))  # what the hint says
    project.run(*APPROVED)
    assert_settled(project)
    assert "sk-" in (project.path / "secrets/app.new").read_text()
    write(project, at("secrets/app", old))
    assert_settled(project)
    assert file.read_bytes() == given


# Two keys in one file


def test_two_keys_share_a_dotenv_file(project: Project, tenancy: Tenancy) -> None:
    def shared(name: str, path: str = "secrets/app.env") -> Document:
        env = {"key": f"{name}_API_KEY", "baseUrl": f"{name}_BASE_URL", "project": f"{name}_PROJECT"}
        return {"file": {"path": path, "env": env}}

    documents = [key(name, secrets=2, deliverTo=[shared(name.upper())]) for name in ("one", "two")]
    grants = policy("access", grants=[{"apiKey": "one"}, {"apiKey": "two"}])
    project.write(stack(compartment("home"), *documents, grants))
    project.run(*APPROVED)
    given = read_dotenv(project.path / "secrets/app.env")
    assert all(works(given[f"{name}_BASE_URL"], given[f"{name}_API_KEY"]) for name in ("ONE", "TWO"))
    assert_settled(project)
    project.write(stack(compartment("home"), documents[0], grants_of("one")))
    project.run(*APPROVED, "--accept-outage", "ApiKey/two")
    assert {name for name in read_dotenv(project.path / "secrets/app.env") if name.startswith("ONE")} == {
        "ONE_API_KEY",
        "ONE_API_KEY_STANDBY",
        "ONE_BASE_URL",
    }
    assert_settled(project)


def grants_of(name: str) -> Document:
    return policy("access", grants=[{"apiKey": name}])


# Two machines


def clone(project: Project, path: Path) -> Project:
    """Another machine's checkout of the same manifests."""
    path.mkdir()
    other = Project(path, project.environ)
    other.write((project.path / "stack.yaml").read_text())
    return other


@pytest.mark.parametrize("rotates", [False, True])
@pytest.mark.parametrize("used", [False, True])
def test_a_second_machine_renews_nothing_that_the_first_delivered(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory, rotates: bool, used: bool
) -> None:
    given = begin(project, FILE, rotates=rotates)
    if used:
        use(given)
    other = clone(project, tmp_path_factory.mktemp("other") / "checkout")
    for days in ("1s", "2d", "65d"):
        tenancy.advance(days)
        tenancy.forget_calls()
        assert planned_calls(plan(other)) == {}
        assert words("no sink on this machine holds the value of key-one") in notices(other)
        assert "reached no sink" not in other.run("plan").out
        other.run(*APPROVED)
        assert tenancy.writes() == []
        assert drift(other, code=0) == []
    use(given)


def test_a_person_may_ask_a_second_machine_for_a_value_and_the_first_keeps_its_own(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given = begin(project, FILE, rotates=True)
    other = clone(project, tmp_path_factory.mktemp("other") / "checkout")
    other.run("rotate", "ApiKey/app", "--auto-approve")
    use(read_dotenv(other.path / "secrets/app.env"))
    use(given)
    # the first one knows nothing of the new value: it neither renews it nor takes away the one that its file shows
    for days in ("1s", "8d", "30d"):
        tenancy.advance(days)
        tenancy.forget_calls()
        assert words("no sink on this machine holds the value of key-two") in notices(project)
        project.run(*APPROVED)
        assert tenancy.writes() == []
    use(read_dotenv(other.path / "secrets/app.env"))
    use(given)


def test_two_machines_with_copies_of_one_file_do_not_renew_each_others_values(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    begin(project, FILE, rotates=True)
    other = clone(project, tmp_path_factory.mktemp("other") / "checkout")
    other.write((project.path / "secrets/app.env").read_text(), "secrets/app.env").chmod(0o600)
    (other.path / "secrets").chmod(0o700)
    assert_settled(other)
    tenancy.advance("61d")
    project.run(*APPROVED)
    turned = read_dotenv(project.path / "secrets/app.env")
    for machine in (other, project, other):
        tenancy.forget_calls()
        machine.run(*APPROVED)
        assert tenancy.writes() == []
    assert words("no sink on this machine holds the value of key-two") in notices(other)
    use(turned)


def test_a_refused_renewal_is_not_taken_for_a_lost_value(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The second of two machines that rotate at once is refused; what the first made is not renewed by it later."""
    begin(project, FILE, rotates=True)
    other = clone(project, tmp_path_factory.mktemp("other") / "checkout")
    other.write((project.path / "secrets/app.env").read_text(), "secrets/app.env").chmod(0o600)
    (other.path / "secrets").chmod(0o700)
    refusal = {"status": 412, "code": "NoEtagMatch"}
    tenancy.advance("61d")
    tenancy.control("POST", "faults", {"operation": "RenewApiKey", "nth": 1, "count": 9, "effect": refusal})
    other.run(*APPROVED, code=4)
    tenancy.control("DELETE", "faults")
    project.run(*APPROVED)
    turned = read_dotenv(project.path / "secrets/app.env")
    tenancy.forget_calls()
    other.run(*APPROVED)
    assert tenancy.writes() == []
    use(turned)


def test_what_a_vault_can_give_is_copied_to_the_second_machine(
    project: Project, tenancy: Tenancy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given = begin(project, FILE, vault_entry(tenancy), rotates=True)
    other = clone(project, tmp_path_factory.mktemp("other") / "checkout")
    document = plan(other)
    assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
    other.run(*APPROVED)
    assert read_dotenv(other.path / "secrets/app.env") == given
    assert_settled(other)


def test_a_file_with_a_revoked_value_fails_the_runs_that_are_about_its_key(project: Project, tenancy: Tenancy) -> None:
    entries = [
        key(name, secrets=PAIR, deliverTo=[{"file": {"path": f"secrets/{name}.env"}}]) for name in ("app", "other")
    ]
    entries[1]["spec"]["rotation"] = ROTATION
    grants = policy("access", grants=[{"apiKey": "app"}, {"apiKey": "other"}])
    project.write(stack(compartment("home"), *entries, grants))
    project.run(*APPROVED)
    (live,) = [one for one in keys(tenancy).values() if one.display_name.endswith("app")]
    details = {"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}
    client(tenancy, "generative_ai", REGION).renew_api_key(live.id, {"details": details})
    for arguments, code in (
        (APPROVED, 4),
        ((*APPROVED, "--target", "ApiKey/app"), 4),
        ((*APPROVED, "--target", "ApiKey/other"), 0),
        (("rotate", "ApiKey/other", "--auto-approve"), 0),
    ):
        ran = project.run(*arguments, code=code)
        assert (words("secrets/app.env shows a current value that no longer works") in words(ran.out)) == (code == 4)


# What somebody did to the states


def set_state(tenancy: Tenancy, name: str, state: str) -> None:
    live = only(keys(tenancy))
    client(tenancy, "generative_ai", REGION).set_api_key_state(live.id, {"keyName": name, "state": state})


@pytest.mark.parametrize("state", ["INACTIVE", "REVOKED"])
def test_a_current_secret_that_was_stopped_is_drift_of_its_state(
    project: Project, tenancy: Tenancy, state: str
) -> None:
    use(begin(project, FILE, rotates=True))
    assert drift(project, code=0) == []
    set_state(tenancy, "key-one", state)
    assert drift(project) == [("secrets.key-one.state", state.lower(), "active")]


def test_the_states_that_a_rotation_brings_about_are_no_drift(project: Project, tenancy: Tenancy) -> None:
    begin(project, FILE, rotates=True)
    for length in ("61d", "1s", "8d", "54d"):
        tenancy.advance(length)
        assert drift(project, code=0) == []
        project.run(*APPROVED)
        assert drift(project, code=0) == []


def test_the_journal_is_read_in_its_earlier_form(project: Project, tenancy: Tenancy) -> None:
    begin(project, FILE)
    journal = project.path / ".genai-iac/deliveries.json"
    ((key, note),) = read_journal(journal).items()
    assert "sk-" not in json.dumps(note["records"][0]["secret"])
    journal.write_text(json.dumps({"format": 2, "deliveries": {key: note}}))
    assert_settled(project)
    first = {name: value for name, value in note.items() if name not in ("entry", "root")}
    journal.write_text(json.dumps({"format": 1, "deliveries": {"x": {**first, "announced": ["key-one"]}}}))
    assert_settled(project)

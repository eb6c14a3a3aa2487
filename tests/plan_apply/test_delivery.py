"""Values reach every declared place, are proved deliverable before they are made, and are made anew only when nobody would notice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from hashlib import sha256
from typing import Any

import pytest
from conftest import Project, Tenancy

from .chat import CHAT, VARIABLES, assert_whole, chat
from .curl_lines import read_dotenv, works
from .manifests import compartment, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, changes, keys, only, outcomes, plan, planned_calls, words

FILE = {"file": {"path": "secrets/app.env"}}
GRANT = policy("access", grants=[{"apiKey": "app"}])


def write(project: Project, *sinks: dict[str, Any], secrets: int = 2) -> None:
    project.write(stack(compartment("home"), key("app", secrets=secrets, deliverTo=list(sinks)), GRANT))


def program(project: Project, text: str) -> list[str]:
    """A command of the user's: a Python program beside the manifests."""
    project.write(text, "store.py")
    return [sys.executable, "store.py"]


# Before anything is made


@pytest.mark.parametrize(
    "obstacle", ["a file where a directory is meant", "a link", "somebody else's file", "a missing program"]
)
def test_a_place_that_cannot_be_written_stops_everything_first(
    project: Project, tenancy: Tenancy, obstacle: str
) -> None:
    sink: dict[str, Any] = FILE
    if obstacle == "a file where a directory is meant":
        project.write("in the way", "secrets")
    elif obstacle == "a link":
        project.write("", "elsewhere.env")
        (project.path / "secrets").mkdir()
        (project.path / "secrets/app.env").symlink_to(project.path / "elsewhere.env")
    elif obstacle == "somebody else's file":
        project.write("PASSWORD=theirs\n", "secrets/app.env")
    else:
        sink = {"exec": {"command": ["no-such-program-anywhere"]}}
    write(project, sink)
    ran = project.run(*APPROVED, code=1)
    assert tenancy.writes() == [] and "Traceback" not in ran.err
    assert words("no-such-program-anywhere" if "exec" in sink else "secrets/app.env") in words(ran.err)


def test_a_sink_that_no_package_brings_is_reported_with_its_place(project: Project) -> None:
    write(project, FILE, {"acme.store": {}})
    lines = (project.path / "stack.yaml").read_text().splitlines()
    line = lines.index("  - acme.store: {}") + 1
    ran = project.run("plan", code=1)
    assert words(f"stack.yaml:{line}:5: ApiKey/app: no sink is called 'acme.store'") in words(ran.err)


# Files


def test_a_lost_file_is_delivered_anew_because_nobody_uses_the_values(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    before = read_dotenv(project.path / "secrets/app.env")
    (project.path / "secrets/app.env").unlink()
    document = plan(project)
    assert planned_calls(document) == {"RenewApiKey": 2}
    assert "no sink holds the value" in changes(document)["ApiKey/app"]["reason"]
    assert "! ApiKey/app" in project.run("plan").out
    project.run(*APPROVED)
    assert_whole(project, tenancy)
    assert not any(works(before["OPENAI_BASE_URL"], before[name]) for name in VARIABLES)


def test_a_value_made_before_a_later_call_failed_is_kept(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    (project.path / "secrets/app.env").unlink()
    refusal = {"status": 400, "code": "InvalidParameter"}
    tenancy.control("POST", "faults", {"operation": "RenewApiKey", "nth": 2, "count": 9, "effect": refusal})
    project.run(*APPROVED, code=4)
    given = read_dotenv(project.path / "secrets/app.env")
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    tenancy.control("DELETE", "faults")
    assert planned_calls(plan(project)) == {"RenewApiKey": 1}
    project.run(*APPROVED)
    assert_whole(project, tenancy)


def test_a_value_in_use_is_never_renewed_because_a_file_was_lost(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    given = read_dotenv(project.path / "secrets/app.env")
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])
    (project.path / "secrets/app.env").unlink()
    document = plan(project)
    assert planned_calls(document) == {"RenewApiKey": 1}  # the one that nobody uses
    (said,) = (notice["text"] for notice in document["notices"] if "key-one is in use" in notice["text"])
    project.run(*APPROVED)
    assert works(given["OPENAI_BASE_URL"], given["OPENAI_API_KEY"])

    # what it says to write and to type, done
    written = re.search(r"write `expires: (\S+)` for it, then genai-iac (apply .*)", said)
    assert written
    documents = chat()
    documents[1]["spec"]["secrets"][0]["expires"] = written[1]
    project.write(stack(*documents))
    project.run(*APPROVED, *written[2].split()[1:])
    assert_whole(project, tenancy)


def test_the_line_that_is_said_to_read_a_file_reads_it_whatever_its_name(project: Project, tenancy: Tenancy) -> None:
    write(project, {"file": {"path": "secrets/the app's $1.env"}})
    lines = project.run(*APPROVED).out.splitlines()
    (line,) = (line for line in lines if line.startswith("  set -a"))
    read = subprocess.run(["sh", "-c", f"{line}; printenv OPENAI_API_KEY"], cwd=project.path, capture_output=True)
    assert read.stdout.startswith(b"sk-")


@pytest.mark.parametrize("harm", ["value", "record"])
def test_a_file_changed_by_hand_is_not_believed(project: Project, tenancy: Tenancy, harm: str) -> None:
    """An edit is seen; what is in the file is neither kept as if it were right nor overwritten without a word."""
    project.write(CHAT)
    project.run(*APPROVED)
    file = project.path / "secrets/app.env"
    text = file.read_text()
    value = read_dotenv(file)["OPENAI_API_KEY"]
    file.write_text(text.replace(value, "sk-" + "x" * 40) if harm == "value" else "OPENAI_API_KEY=" + value + "\n")
    ran = project.run(*APPROVED, code=None)
    if ran.code:
        assert ran.code == 1 and "secrets/app.env" in words(ran.err)
        assert "sk-" not in ran.err
        file.unlink()
        project.run(*APPROVED)
    assert_whole(project, tenancy)


def test_one_of_two_files_lost_is_copied_from_the_other(project: Project, tenancy: Tenancy) -> None:
    other = {"file": {"path": "secrets/app.json", "format": "json"}}
    write(project, FILE, other)
    project.run(*APPROVED)
    given = read_dotenv(project.path / "secrets/app.env")
    for lost in ("app.env", "app.json"):
        (project.path / "secrets" / lost).unlink()
        document = plan(project)
        assert changes(document)["ApiKey/app"]["actions"] == ["deliver"] and planned_calls(document) == {}
        tenancy.forget_calls()
        project.run(*APPROVED)
        assert tenancy.writes() == []
        assert_settled(project)
    assert read_dotenv(project.path / "secrets/app.env") == given
    data = json.loads((project.path / "secrets/app.json").read_text())
    assert data["OPENAI_API_KEY"] == given["OPENAI_API_KEY"]


def test_a_destroyed_key_leaves_no_file_behind(project: Project, tenancy: Tenancy) -> None:
    project.write(CHAT)
    project.run(*APPROVED)
    project.run("destroy", "--auto-approve")
    assert keys(tenancy) == {}
    assert not (project.path / "secrets/app.env").exists()


def test_a_key_whose_every_secret_is_revoked_leaves_no_value_behind(project: Project, tenancy: Tenancy) -> None:
    write(project, FILE, secrets=1)
    project.run(*APPROVED)
    revoked = key("app", secrets=[{"name": "key-one", "state": "revoked"}], deliverTo=[FILE])
    project.write(stack(compartment("home"), revoked, GRANT))
    reported = project.run(*APPROVED, "--accept-outage", "ApiKey/app").out
    assert words("emptied file secrets/app.env") in words(reported)
    assert not (project.path / "secrets/app.env").exists()
    assert_settled(project)


# Programs


def test_a_program_gets_the_current_value_on_its_standard_input(project: Project, tenancy: Tenancy) -> None:
    store = program(project, "import sys, pathlib; pathlib.Path('stored').write_text(sys.stdin.read())")
    write(project, {"exec": {"command": store}}, FILE)
    project.run(*APPROVED)
    stored = (project.path / "stored").read_text()
    assert stored == read_dotenv(project.path / "secrets/app.env")["OPENAI_API_KEY"]
    assert_settled(project)


def test_a_program_that_fails_is_reported_and_the_next_apply_delivers(project: Project, tenancy: Tenancy) -> None:
    """The value exists by then: it is not lost silently, and not shown."""
    store = program(project, "import sys; sys.stdin.read(); print('no room', file=sys.stderr); sys.exit(3)")
    write(project, {"exec": {"command": store}}, secrets=1)
    reported = outcomes(project.run(*APPROVED, "--json", code=4))
    assert reported["ApiKey/app"]["status"] == "failed" and reported["Policy/access"]["status"] == "skipped"
    assert "no room" in reported["ApiKey/app"]["note"] and "sk-" not in str(reported)
    program(project, "import sys, pathlib; pathlib.Path('stored').write_text(sys.stdin.read())")
    tenancy.forget_calls()
    project.run(*APPROVED)
    assert sorted(tenancy.writes()) == ["CreatePolicy", "RenewApiKey"]
    url = f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1"
    assert works(url, (project.path / "stored").read_text())
    assert_settled(project)
    assert len(keys(tenancy)) == 1


def test_a_program_that_is_declared_later_gets_the_value_that_a_file_has(project: Project, tenancy: Tenancy) -> None:
    write(project, FILE)
    project.run(*APPROVED)
    store = program(project, "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())")
    stores = [[*store, name] for name in "ab"]
    for store in stores:
        later = [{"exec": {"command": one}} for one in stores[: stores.index(store) + 1]]
        write(project, FILE, *later)
        tenancy.forget_calls()
        project.run(*APPROVED)
        assert tenancy.writes() == []
        held = read_dotenv(project.path / "secrets/app.env")["OPENAI_API_KEY"]
        assert (project.path / store[-1]).read_text() == held
        assert_settled(project)


def test_a_value_that_a_mistyped_program_lost_is_delivered_by_the_corrected_one(
    project: Project, tenancy: Tenancy
) -> None:
    write(project, {"exec": {"command": [sys.executable, "-c", "raise SystemExit(1)"]}}, secrets=1)
    project.run(*APPROVED, code=4)
    store = program(project, "import sys, pathlib; pathlib.Path('stored').write_text(sys.stdin.read())")
    write(project, {"exec": {"command": store}}, secrets=1)
    project.run(*APPROVED)
    assert works(f"{tenancy.url}/r/us-chicago-1/20231130/actions/v1", (project.path / "stored").read_text())
    assert_settled(project)


def test_a_program_that_keeps_what_it_has_is_not_said_to_be_delivered_to(project: Project, tenancy: Tenancy) -> None:
    store = program(project, "import sys; open('runs', 'a').write('one'); sys.stdin.read()")
    write(project, {"exec": {"command": store}}, FILE)
    project.run(*APPROVED)
    project.write(
        stack(
            compartment("home"),
            key(
                "app",
                secrets=[{"name": "key-one"}, {"name": "key-two", "state": "inactive"}],
                deliverTo=[{"exec": {"command": store}}, FILE],
            ),
            GRANT,
        )
    )
    reported = outcomes(project.run(*APPROVED, "--json"))
    assert reported["ApiKey/app"]["note"] == "delivered to file secrets/app.env"
    assert (project.path / "runs").read_text() == "one"


def test_a_secret_is_not_made_to_be_expired(project: Project, tenancy: Tenancy) -> None:
    project.write(
        stack(compartment("home"), key("app", secrets=[{"name": "key-one", "expires": "2020-01-01T00:00:00Z"}]))
    )
    for verb in (("plan",), APPROVED):
        said = project.run(*verb, code=1).err
        assert words("secret key-one would be made to expire at 2020-01-01T00:00:00Z, which is past") in words(said)
    assert tenancy.writes() == []


def test_what_a_killed_run_left_is_removed_by_an_apply_with_nothing_to_do(project: Project) -> None:
    write(project, FILE)
    project.run(*APPROVED)
    file = project.path / "secrets/app.env"
    leftover = file.with_name(f".genai-iac-{sha256(b'app.env').hexdigest()[:8]}-0123456789abcdef")
    leftover.write_bytes(file.read_bytes())
    assert "No changes." in project.run("plan").out and leftover.exists()
    assert "No changes." in project.run(*APPROVED).out and not leftover.exists()


def test_a_secret_that_no_sink_holds_is_renewed_instead_of_activated(project: Project, tenancy: Tenancy) -> None:
    states = [{"name": "key-one"}, {"name": "key-two", "state": "inactive"}]
    project.write(stack(compartment("home"), key("app", secrets=states, deliverTo=[FILE]), GRANT))
    project.run(*APPROVED)
    (project.path / "secrets/app.env").unlink()
    write(project, FILE)
    assert planned_calls(plan(project)) == {"RenewApiKey": 2}
    project.run(*APPROVED)
    assert_whole(project, tenancy)


def test_an_expired_secret_is_renewed_alone(project: Project, tenancy: Tenancy) -> None:
    secrets = [{"name": "key-one", "expires": "10d"}, {"name": "key-two", "expires": "90d"}]
    project.write(stack(compartment("home"), key("app", secrets=secrets, deliverTo=[FILE]), GRANT))
    project.run(*APPROVED)
    before = read_dotenv(project.path / "secrets/app.env")
    tenancy.advance("11d")
    assert not works(before["OPENAI_BASE_URL"], before["OPENAI_API_KEY"])
    document = plan(project)
    assert (
        planned_calls(document) == {"RenewApiKey": 1}
        and "key-one has expired" in changes(document)["ApiKey/app"]["reason"]
    )
    project.run(*APPROVED)
    after = read_dotenv(project.path / "secrets/app.env")
    assert after["OPENAI_API_KEY_STANDBY"] == before["OPENAI_API_KEY_STANDBY"]
    assert works(after["OPENAI_BASE_URL"], after["OPENAI_API_KEY"])
    assert_settled(project)
    assert [secret.state for secret in only(keys(tenancy)).keys] == ["ACTIVE", "ACTIVE"]

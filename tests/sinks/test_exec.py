"""The exec sink: what the program gets and does not get, how it may end, what its check may say, and the journal beside it."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from conftest import read_journal
from counting import PATIENCE
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genai_iac.core import Address, Record, Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, Sink, open_sink
from genai_iac.delivery.sinks._program import redact_text

from .samples import ADDRESS, BASE_URL, EXPIRES, KEY_ID, OWNER, VALUES, delivery, item, mask, traces

FIRST = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))
NOTHING = ["true"]


def sink(root: Path, *command: str, **settings: Any) -> Sink:
    changes = {name: settings.pop(name) for name in ("address", "owner", "notes") if name in settings}
    context = replace(Context(root, root / ".genai-iac", ADDRESS, OWNER), **changes)
    return open_sink({"exec": {"command": list(command), **settings}}, context)


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_the_program_gets_the_current_value_alone_and_bare(manifests_root: Path) -> None:
    sink(manifests_root, *shell("cat >> got")).write(FIRST)
    assert (manifests_root / "got").read_text() == VALUES["a"]


def test_the_program_gets_the_facts_in_its_environment(manifests_root: Path) -> None:
    sink(manifests_root, *shell("env > got")).write(FIRST)
    facts = dict(
        line.split("=", 1)
        for line in (manifests_root / "got").read_text().splitlines()
        if line.startswith("GENAI_IAC_")
    )
    record = json.loads(facts.pop("GENAI_IAC_RECORD"))
    assert facts == {
        "GENAI_IAC_ADDRESS": "ApiKey/chat-app",
        "GENAI_IAC_OWNER": "chat@dev",
        "GENAI_IAC_KEY_ID": KEY_ID,
        "GENAI_IAC_SECRET": "key-one",
        "GENAI_IAC_MASK": mask("a"),
        "GENAI_IAC_EXPIRES": "2027-06-30T12:30:15.250000Z",
        "GENAI_IAC_BASE_URL": BASE_URL,
        "GENAI_IAC_PROJECT": "",
        "GENAI_IAC_ROLE": "current",
        "GENAI_IAC_NAME_KEY": "OPENAI_API_KEY",
        "GENAI_IAC_NAME_BASE_URL": "OPENAI_BASE_URL",
        "GENAI_IAC_NAME_PROJECT": "OPENAI_PROJECT_ID",
    }
    assert record["secret"] == "key-one" and record["mask"] == mask("a") and record["id"] == KEY_ID
    assert "GENAI_IAC_MASK" not in os.environ


@pytest.mark.parametrize("name", ["GENAI_IAC_CONTROL_TOKEN", "OCI_CLI_KEY_CONTENT", "OCI_CLI_PASSPHRASE"])
def test_no_program_gets_a_credential_of_the_tool(
    manifests_root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "the-credential-itself")
    monkeypatch.setenv("GH_TOKEN", "what the program needs")
    monkeypatch.setenv("OCI_CLI_PROFILE", "DEPLOY")
    sink(manifests_root, *shell("env > got"), check=shell("env > seen; printf %s 'sk-…' >&2")).read()
    sink(manifests_root, *shell("env > got")).write(FIRST)
    for file in ("got", "seen"):
        text = (manifests_root / file).read_text()
        assert f"{name}=" not in text and "the-credential-itself" not in text
        assert "GH_TOKEN=what the program needs\n" in text and "OCI_CLI_PROFILE=DEPLOY\n" in text
    assert os.environ[name] == "the-credential-itself"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-program", "it is not on PATH"),
        ("./no-such-program", "No such file or directory"),
        ("./not-executable", "it is not marked as executable"),
        ("./directory", "it is not a regular file"),
        ("./not-executable/below", "Not a directory"),
        ("./loop", "Too many levels of symbolic links"),
    ],
)
def test_why_a_program_cannot_be_run_is_what_the_system_says(manifests_root: Path, name: str, reason: str) -> None:
    (manifests_root / "not-executable").touch(0o644)
    (manifests_root / "directory").mkdir()
    (manifests_root / "loop").symlink_to("loop")
    with pytest.raises(SinkError, match=f"that can be run: {reason}; install it"):
        sink(manifests_root, name).prove()


def test_no_shell_reads_the_command(manifests_root: Path) -> None:
    sink(manifests_root, "sh", "-c", 'printf "%s\n" "$@" > got', "-", "$HOME", "; touch hacked", "*", "a b").write(
        FIRST
    )
    assert (manifests_root / "got").read_text().splitlines() == ["$HOME", "; touch hacked", "*", "a b"]
    assert not (manifests_root / "hacked").exists()


def test_a_program_that_does_not_read_is_no_failure(manifests_root: Path) -> None:
    sink(manifests_root, *NOTHING).write(FIRST)


def test_a_program_beside_the_manifests_is_found_from_there(
    manifests_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = manifests_root / "deliver.sh"
    program.write_text("#!/bin/sh\ncat > got\npwd > where\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    sink(manifests_root, "./deliver.sh").prove()
    sink(manifests_root, "./deliver.sh").write(FIRST)
    assert (manifests_root / "got").read_text() == VALUES["a"] and (
        manifests_root / "where"
    ).read_text().strip() == str(manifests_root.resolve())


@pytest.mark.parametrize("name", ["no-such-program", "./no-such-program", "./not-executable", "./directory", "/"])
def test_a_program_that_cannot_be_run_is_found_before_a_value_is_created(manifests_root: Path, name: str) -> None:
    (manifests_root / "not-executable").touch(0o644)
    (manifests_root / "directory").mkdir()
    with pytest.raises(SinkError, match=r"no program .* that can be run: .*; install it, or write the path"):
        sink(manifests_root, name).prove()
    with pytest.raises(SinkError, match="that can be run"):
        sink(manifests_root, *NOTHING, check=[name]).prove()


def test_a_program_in_no_known_form_is_an_error(manifests_root: Path) -> None:
    (manifests_root / "binary").write_bytes(b"\x7fELF garbage")
    (manifests_root / "binary").chmod(0o755)
    with pytest.raises(SinkError, match=r"exec \./binary: \./binary cannot be started: .*; run the command manually"):
        sink(manifests_root, "./binary").write(FIRST)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "ended with status 3 and printed nothing; correct that, then apply again"),
        ("echo no such repository >&2; echo and more; exit 1", "ended with status 1: no such repository; correct"),
        ("echo on standard output; exit 1", "ended with status 1: on standard output; correct"),
        ("kill -9 $$", "was killed by signal 9 and printed nothing"),
        (
            "printf 'one\\ntwo\\033[31m\\r\\n\\303\\050three' >&2; exit 1",
            r"ended with status 1: one two \[31m �\(three; correct",
        ),
        ("head -c 100000 /dev/zero | tr '\\0' x; exit 1", "ended with status 1: …x{300}; correct"),
    ],
)
def test_a_program_that_fails_is_an_error_with_its_last_words(manifests_root: Path, script: str, why: str) -> None:
    with pytest.raises(SinkError, match=why) as caught:
        sink(manifests_root, *shell(script)).write(FIRST)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "leak",
    [
        "cat", "base64", "od -An -tx1", "od -An -tx1 | tr -d ' \\n'", "tr a-z A-Z", "rev", "fold -w 20", "base64 -w 10", "cut -c 1-15",
        "{ printf x; cat; } | base64", "{ printf xy; cat; } | base64", "sed 's/^/Authorization: Bearer /'", "sed 's/.*/https:\\/\\/u:&@h/'",
    ],
)  # fmt: skip
def test_a_value_that_a_program_says_aloud_is_not_repeated(manifests_root: Path, leak: str) -> None:
    with pytest.raises(SinkError) as caught:
        sink(manifests_root, *shell(f"{{ {leak}; }} >&2; echo failed >&2; exit 1")).write(FIRST)
    assert traces(str(caught.value)) == [] and VALUES["a"][::-1][:12] not in str(caught.value)
    assert "[secret]" in str(caught.value) and "failed" in str(caught.value)


@given(st.text(min_size=8, max_size=60), st.text(max_size=30), st.text(max_size=30))
@settings(deadline=None)
def test_every_form_of_any_value_is_covered(value: str, before: str, after: str) -> None:
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        return
    shapes = [
        value,
        raw.hex(),
        quote(value, safe=""),
        json.dumps(value)[1:-1],
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ]
    for shape in shapes:
        if len(shape) >= 8 and shape.isprintable() and shape.isascii():
            covered = redact_text(f"{before} {shape} {after}", Secret(value))
            assert shape not in covered


def test_text_without_the_value_is_left_alone() -> None:
    text = f"The secret {mask('a')} of acme/chat was not set: HTTP 403 (sk-)"
    assert redact_text(text, Secret(VALUES["a"])) == text
    assert redact_text("a\x1b[31mb\u202ec\u2028d", None) == "a [31mb c d"


def test_a_program_that_hangs_is_killed_with_its_children(manifests_root: Path) -> None:
    script = "sleep 3000 & echo $! > child; sleep 3000; echo > ended"
    with pytest.raises(SinkError, match="did not end in time and was killed"):
        sink(manifests_root, *shell(script), timeout="2s").write(FIRST)
    assert not (manifests_root / "ended").exists()
    child = int((manifests_root / "child").read_text())
    until = time.monotonic() + PATIENCE
    while _runs(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def _runs(process: int) -> bool:
    try:
        return not Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].startswith(("Z", "X"))
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_that_left_the_group_does_not_hold_the_sink_up(manifests_root: Path) -> None:
    script = "setsid sh -c 'echo $$ > child; sleep 3000' & sleep 3000"
    with pytest.raises(SinkError, match="did not end in time"):
        sink(manifests_root, *shell(script), timeout="2s").write(FIRST)
    child = int((manifests_root / "child").read_text())
    assert _runs(child)  # it still holds the pipe
    os.killpg(child, signal.SIGKILL)


def test_a_value_that_no_pipe_holds_is_refused(manifests_root: Path) -> None:
    long = replace(FIRST.items[0], value=Secret("x" * 40_000))
    with pytest.raises(SinkError, match="too long to be handed over"):
        sink(manifests_root, *NOTHING).write(delivery(long))


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("90s", 90), ("2m", 120)])
def test_a_timeout_is_seconds_or_minutes(manifests_root: Path, text: str, seconds: int) -> None:
    opened = sink(manifests_root, *NOTHING, timeout=text)
    assert vars(opened)["_command"].seconds == seconds


# what the check says


def record_json(letter: str = "a", **changes: Any) -> str:
    data = {
        "address": str(ADDRESS),
        "owner": OWNER,
        "id": KEY_ID,
        "base_url": BASE_URL,
        "secret": "key-one",
        "mask": mask(letter),
    }
    return json.dumps(
        {**data, "role": "current", "expires": "2027-06-30T12:30:15.250000Z", "note": "of another tool", **changes}
    )


def checked(root: Path, text: str, **changes: Any) -> Sink:
    (root / "shown").write_text(text)
    return sink(root, *NOTHING, check=["cat", "shown"], **changes)


@pytest.mark.parametrize("text", [record_json(), f"\n  {record_json()}\n\n", f"[{record_json()}]"])
def test_records_that_the_check_prints_are_what_is_held_on_any_machine(manifests_root: Path, text: str) -> None:
    holding = checked(manifests_root, text).read()
    assert holding and holding.whole and (holding.id, holding.base_url) == (KEY_ID, BASE_URL)
    assert holding.records == (Record("key-one", mask("a"), "current", EXPIRES),)
    assert holding.holds("key-one", mask("b")) is False


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_a_check_that_prints_nothing_says_that_nothing_is_held(manifests_root: Path, text: str) -> None:
    sink(manifests_root, *NOTHING).write(FIRST)
    assert checked(manifests_root, text).read() is None


def test_a_mask_in_a_text_bears_out_what_was_noted_here(manifests_root: Path) -> None:
    assert not checked(manifests_root, "OPENAI_API_KEY  2027-01-01").read().records  # type: ignore[union-attr]
    checked(manifests_root, f"last 4: {mask('a')}").write(FIRST)
    holding = checked(manifests_root, f"the key is {mask('a')}, set yesterday").read()
    assert holding and holding.holds("key-one", mask("a")) is True and not holding.whole
    gone = checked(manifests_root, f"the key is {mask('c')}").read()
    assert gone and gone.holds("key-one", mask("a")) is None, "another machine may have delivered something else"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "[1]",
        "3",
        "null",
        '{"address": 3}',
        record_json(role="boss"),
        record_json(address="no-slash"),
        record_json(expires="soon"),
        record_json(expires="2027-06-30"),
        "[" * 9999,
    ],
)
def test_json_that_is_no_record_is_a_text(manifests_root: Path, text: str) -> None:
    holding = checked(manifests_root, text).read()
    assert holding and not holding.whole and not holding.records


@pytest.mark.parametrize("changes", [{"address": "ApiKey/other", "id": "x"}, {"owner": "chat@prod", "id": "x"}])
def test_the_record_of_another_key_is_refused(manifests_root: Path, changes: dict[str, str]) -> None:
    for attempt in (
        checked(manifests_root, record_json(**changes)).read,
        checked(manifests_root, record_json(**changes)).prove,
    ):
        with pytest.raises(SinkError, match=r"holds the secrets of .*a place of its own"):
            attempt()


def test_a_check_that_fails_is_reported_without_what_it_printed(manifests_root: Path) -> None:
    script = f"echo {VALUES['a']}; echo {VALUES['a']} >&2; exit 4"
    failing = sink(manifests_root, *NOTHING, check=shell(script.replace(VALUES["a"], "$(cat held)")))
    (manifests_root / "held").write_text(VALUES["a"])
    for attempt in (failing.prove, failing.read):
        with pytest.raises(SinkError, match=r"its check \(.*\) ended with status 4; run it manually") as caught:
            attempt()
        assert not traces(str(caught.value))


def test_a_check_that_does_not_show_what_was_delivered_is_an_error(manifests_root: Path) -> None:
    for text in ("", "nothing of note", record_json("c"), f"[{record_json('b')}]"):
        with pytest.raises(SinkError, match=r"ended well, but its check does not show key-one \(sk-CA"):
            checked(manifests_root, text).write(FIRST)
    checked(manifests_root, record_json("a")).write(FIRST)


def test_a_check_knows_whose_it_is(manifests_root: Path) -> None:
    sink(manifests_root, *NOTHING, check=shell('echo "$GENAI_IAC_ADDRESS $GENAI_IAC_OWNER" > asked')).read()
    assert (manifests_root / "asked").read_text().strip() == "ApiKey/chat-app chat@dev"


# the journal


def test_what_was_delivered_elsewhere_is_unknown_and_counts_as_delivered(manifests_root: Path, tmp_path: Path) -> None:
    sink(manifests_root, *NOTHING).write(FIRST)
    elsewhere = sink(manifests_root, *NOTHING, notes=tmp_path / "another-machine").read()
    assert elsewhere and elsewhere.holds("key-one", mask("a")) is None
    sink(manifests_root, *NOTHING, notes=tmp_path / "another-machine").write(
        delivery(item("key-one", "a", "current", kept=True))
    )
    still = sink(manifests_root, *NOTHING, notes=tmp_path / "another-machine").read()
    assert still and still.holds("key-one", mask("a")) is None, "what is only believed is not noted"


def test_a_stale_note_does_not_deny_what_another_machine_delivered_since(manifests_root: Path) -> None:
    sink(manifests_root, *NOTHING).write(FIRST)
    holding = sink(manifests_root, *NOTHING).read()
    assert holding and holding.holds("key-one", mask("c")) is None


def test_a_secret_that_no_program_gets_stays_lost(manifests_root: Path) -> None:
    opened = sink(manifests_root, *NOTHING)
    opened.announce(("key-one", "key-two"))
    opened.write(FIRST)
    holding = opened.read()
    assert holding and holding.lost == ("key-two",) and holding.holds("key-two", mask("b")) is False


def test_a_delivery_without_a_current_value_does_not_make_a_lost_one_arrive(manifests_root: Path) -> None:
    sink(manifests_root, *NOTHING).announce(("key-one",))
    for wanted in (delivery(), delivery(item("key-one", "a", "pending"))):
        sink(manifests_root, *NOTHING).write(wanted)
        holding = sink(manifests_root, *NOTHING).read()
        assert holding and holding.holds("key-one", mask("a")) is False
    with pytest.raises(SinkError, match="does not hold key-one"):
        sink(manifests_root, *NOTHING).write(delivery(item("key-one", "a", "current", kept=True)))


def test_keys_and_environments_have_notes_of_their_own(manifests_root: Path) -> None:
    sink(manifests_root, *NOTHING).write(FIRST)
    for changes in ({"address": Address("ApiKey", "other")}, {"owner": "chat@prod"}):
        holding = sink(manifests_root, *NOTHING, **changes).read()
        assert holding and not holding.records
    changed = sink(manifests_root, "cat").read()
    assert changed and not changed.records, "another command is another place"


def test_the_journal_is_private_and_holds_no_value(manifests_root: Path) -> None:
    before = os.umask(0)
    try:
        sink(manifests_root, *NOTHING).announce(("key-one",))
        sink(manifests_root, *NOTHING).write(FIRST)
    finally:
        os.umask(before)
    files = {path.name: path for path in (manifests_root / ".genai-iac").iterdir()}
    assert set(files) == {"deliveries.json", "deliveries.lock"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert stat.S_IMODE((manifests_root / ".genai-iac").stat().st_mode) == 0o700
    assert not traces(files["deliveries.json"].read_text())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 4}\n',
        '{"format": 4, "deliveries": {}}',
        '{"format": 3, "deliveries": {}}',
        '{"format": 3}\n[]\n',
        '{"format": 3}\n{"key": "x"}\n',
        '{"format": 1, "deliveries": {"x": {}}}',
        "\xff\xfe",
    ],
)
def test_a_delivery_log_of_another_program_is_refused_before_a_value_is_created(
    manifests_root: Path, text: str
) -> None:
    (manifests_root / ".genai-iac").mkdir()
    journal = manifests_root / ".genai-iac/deliveries.json"
    journal.write_bytes(text.encode("latin-1"))
    opened = sink(manifests_root, *NOTHING)
    for attempt in (opened.prove, opened.read, lambda: opened.announce(("key-one",))):
        why = r"deliveries\.json (is not a journal that genai-iac wrote; move it away|was written by a newer genai-iac)"
        with pytest.raises(SinkError, match=why):
            attempt()
    assert journal.read_bytes() == text.encode("latin-1")


def test_what_a_killed_note_left_is_removed_by_the_next(manifests_root: Path) -> None:
    with (
        mock.patch.object(os, "rename", side_effect=OSError(5, "I/O")),
        mock.patch.object(os, "unlink", side_effect=OSError(5, "I/O")),
        pytest.raises(SinkError, match="could not put the new file in place"),
    ):
        sink(manifests_root, *NOTHING).announce(("key-one",))
    assert len(list((manifests_root / ".genai-iac").glob(".genai-iac-*"))) == 1
    sink(manifests_root, *NOTHING).announce(("key-one",))
    assert {path.name for path in (manifests_root / ".genai-iac").iterdir()} == {"deliveries.json", "deliveries.lock"}


def test_a_delivery_log_that_cannot_be_written_prevents_a_new_value(manifests_root: Path) -> None:
    (manifests_root / ".genai-iac").write_text("a file where the directory should be")
    with pytest.raises(SinkError, match=r"\.genai-iac: could not make the directory for notes: Not a directory"):
        sink(manifests_root, *NOTHING).announce(("key-one",))


def test_many_keys_at_once_lose_no_note(manifests_root: Path) -> None:
    def announce(number: int) -> None:
        sink(manifests_root, *NOTHING, address=Address("ApiKey", f"key-{number}")).announce(("key-one",))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(announce, range(60)))
    journal = read_journal(manifests_root / ".genai-iac/deliveries.json")
    assert {note["address"] for note in journal.values()} == {f"ApiKey/key-{number}" for number in range(60)}


def test_many_processes_at_once_lose_no_note(manifests_root: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from genai_iac.core import Address\n"
        "from genai_iac.delivery.sinks import Context, open_sink\n"
        "root, number = Path(sys.argv[1]), sys.argv[2]\n"
        "for turn in range(10):\n"
        "    context = Context(root, root / '.genai-iac', Address('ApiKey', f'key-{number}-{turn}'), 'chat')\n"
        "    open_sink({'exec': {'command': ['true']}}, context).announce(('key-one',))"
    )
    running = [
        subprocess.Popen([sys.executable, "-P", "-c", script, str(manifests_root), str(number)]) for number in range(4)
    ]
    assert [process.wait() for process in running] == [0] * 4
    assert len(read_journal(manifests_root / ".genai-iac/deliveries.json")) == 40


def test_a_thousand_keys_fit_into_the_journal(manifests_root: Path) -> None:
    from genai_iac.delivery.sinks._journal_entries import LogEntry, render_journal

    records = (FIRST.items[0].record,)
    notes = {
        f"{n:032x}": LogEntry("exec gh secret set", f"ApiKey/key-{n}", OWNER, KEY_ID, BASE_URL, records)
        for n in range(1000)
    }
    (manifests_root / ".genai-iac").mkdir()
    (manifests_root / ".genai-iac/deliveries.json").write_text(render_journal(notes))
    sink(manifests_root, *NOTHING).write(FIRST)
    assert len(read_journal(manifests_root / ".genai-iac/deliveries.json")) == 1001

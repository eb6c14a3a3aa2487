"""An approval is a file that anybody may have written, beside programs that anybody may have edited: what nobody approved does not run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Ran, Tenancy
from plan_apply.sdk_helpers import APPROVED, assert_settled, keys, named

from genai_iac.render.plan.json import change_fingerprint, document_digest, plan_fingerprint

from .stacks import STACK, edited

FILE = "approved.json"
ENVIRONMENT = "apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {{name: {0}}}\nspec: {{}}\n"
GOOD, STOLEN = "#!/bin/sh\ncat > good\n", "#!/bin/sh\ncat > stolen\n"


def delivering(command: str) -> str:
    return edited("- file: {path: secrets/app.env}", f"- exec: {{command: {command}}}")


def approve(project: Project, *arguments: str) -> dict[str, Any]:
    project.run("plan", "--out", f"json={FILE}", *arguments)
    document: dict[str, Any] = json.loads((project.path / FILE).read_text())
    return document


def refused(project: Project, tenancy: Tenancy, *arguments: str, code: int = 1) -> Ran:
    """How apply refuses what was approved; nothing has been written, and no program has run."""
    tenancy.forget_calls()
    ran = project.run("apply", "--approved", FILE, *arguments, code=code)
    assert tenancy.writes() == []
    assert "Traceback" not in ran.err
    assert "defect" not in ran.err
    assert not (project.path / "stolen").exists()
    return ran


@pytest.fixture
def proposed(project: Project, tenancy: Tenancy) -> Project:
    """The stack, nothing of it applied; a program that takes the value."""
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(GOOD, "deliver.sh").chmod(0o755)
    project.write(STACK)
    return project


# Where values go


@pytest.mark.parametrize(
    ("approved", "edit"),
    [
        ('[sh, -c, "cat > good"]', '[sh, -c, "cat > stolen"]'),
        ("[./deliver.sh, good]", "[./deliver.sh, stolen]"),
        ("[./deliver.sh], timeout: 30s", "[./deliver.sh], timeout: 9m"),
    ],
)
def test_another_command_is_another_plan(proposed: Project, tenancy: Tenancy, approved: str, edit: str) -> None:
    proposed.write(delivering(approved))
    approve(proposed)
    proposed.write(delivering(edit))
    assert "not approved" in refused(proposed, tenancy).err


@pytest.mark.parametrize("command", ["[./deliver.sh]", "[sh, deliver.sh]"])
def test_an_edited_program_gets_nothing(proposed: Project, tenancy: Tenancy, command: str) -> None:
    proposed.write(delivering(command))
    fingerprint = approve(proposed)["fingerprint"]
    proposed.run("plan", "--out", "saved.plan")
    proposed.write(STOLEN, "deliver.sh")
    refused(proposed, tenancy)
    for arguments in (("--expect-fingerprint", str(fingerprint)), ("saved.plan",)):
        assert proposed.run("apply", *arguments, code=1).code == 1
    assert tenancy.writes() == []
    assert not (proposed.path / "stolen").exists()
    proposed.write(GOOD, "deliver.sh")
    proposed.run("apply", "--approved", FILE)
    assert (proposed.path / "good").read_text().startswith("sk-")
    assert_settled(proposed)


def test_a_program_edited_while_yes_is_typed_gets_nothing(
    proposed: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genai_iac.cli.run_apply import Approval

    def ask(consent: Approval) -> bool:
        proposed.write(STOLEN, "deliver.sh")
        return True

    monkeypatch.setattr(Approval, "ask", ask)
    proposed.write(delivering("[./deliver.sh]"))
    ran = proposed.run("apply", "--auto-approve", code=1)
    assert "was edited since the plan was shown" in " ".join(ran.err.split())
    assert tenancy.writes() == []


@pytest.mark.parametrize("path", ["secrets/stolen.env", "stolen"])
def test_another_file_is_another_plan(proposed: Project, tenancy: Tenancy, path: str) -> None:
    approve(proposed)
    proposed.write(edited("secrets/app.env", path))
    refused(proposed, tenancy)


# Whose plan it is


def test_a_plan_of_one_environment_does_not_approve_another(proposed: Project, tenancy: Tenancy) -> None:
    for name in ("dev", "prod"):
        proposed.write(ENVIRONMENT.format(name), f"environments/{name}.yaml")
    fingerprint = approve(proposed, "--env", "dev")["fingerprint"]
    said = " ".join(refused(proposed, tenancy, "--env", "prod", code=3).err.split())
    assert "the approved plan has the environment dev, this one prod" in said
    refused(proposed, tenancy, code=3)
    assert proposed.run("apply", "--env", "prod", "--expect-fingerprint", str(fingerprint), code=1).code == 1
    assert tenancy.writes() == []
    proposed.run("apply", "--env", "dev", "--approved", FILE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("metadata: {name: chat}\nspec:\n  region", "metadata: {name: talk}\nspec:\n  region"),
        ("region: us-chicago-1", "region: us-ashburn-1"),
        ("spec:\n  region", "spec:\n  id: another\n  region"),
    ],
    ids=["stack", "region", "id"],
)
def test_a_plan_of_another_stack_region_or_id_approves_nothing(
    proposed: Project, tenancy: Tenancy, before: str, after: str
) -> None:
    approve(proposed)
    proposed.write(edited(before, after))
    assert "the approved plan has the" in " ".join(refused(proposed, tenancy, code=3).err.split())


def test_an_approval_of_another_stack_is_refused_when_nothing_is_to_be_done_too(
    proposed: Project, tenancy: Tenancy
) -> None:
    approve(proposed)
    proposed.write(STACK.split("---\n")[0].replace("{name: chat}", "{name: talk}"))
    assert "No changes." in proposed.run("plan").out
    refused(proposed, tenancy, code=3)


# What the document says


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, (dict, list)) and value:
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def rewritten(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """A copy with another leaf, of the same type where it has one."""
    changed: dict[str, Any] = json.loads(json.dumps(document))
    *above, last = path
    place: Any = changed
    for step in above:
        place = place[step]
    was = place[last]
    place[last] = (
        not was
        if isinstance(was, bool)
        else was + 1
        if isinstance(was, int)
        else _another(was)
        if isinstance(was, str)
        else ["x"]
    )
    return changed


def _another(text: str) -> str:
    return text[:-1] + ("1" if text.endswith("0") else "0") if text.startswith("sha256:") else text + "x"


@pytest.fixture
def deleting(proposed: Project, tenancy: Tenancy) -> Project:
    """An approved plan that deletes the key and writes another one to a program."""
    proposed.run(*APPROVED)
    proposed.write(
        delivering("[./deliver.sh]").replace("name: app}", "name: bot}").replace("apiKey: app", "apiKey: bot")
    )
    approve(proposed)
    return proposed


def test_a_delete_that_the_document_calls_an_update_is_refused(deleting: Project, tenancy: Tenancy) -> None:
    document = json.loads((deleting.path / FILE).read_text())
    (key,) = (change for change in document["changes"] if change["address"] == "ApiKey/app")
    assert key["actions"] == ["delete"]
    key["actions"], key["calls"], key["after"] = ["update"], ["UpdateApiKey"], key["before"]
    counts = document["summary"]
    counts["update"], counts["delete"] = counts["update"] + 1, counts["delete"] - 1
    for digest in (document["digest"], document_digest(document)):
        deleting.write(json.dumps({**document, "digest": digest}), FILE)
        assert "approves nothing" in refused(deleting, tenancy).err
    assert named(keys(tenancy), "app")
    # with every hash made anew it is a plan that nobody made: the fresh one is held to it, and does more
    key["fingerprint"] = change_fingerprint(key)
    document["fingerprint"] = plan_fingerprint(document, (row["fingerprint"] for row in document["changes"]))
    document["digest"] = document_digest(document)
    deleting.write(json.dumps(document), FILE)
    ran = refused(deleting, tenancy)
    assert "1 change of this plan was not approved" in " ".join(ran.err.split())
    assert "ApiKey/app" in ran.out


def _every(document: dict[str, Any], step: int) -> list[tuple[Any, ...]]:
    return list(leaves(document))[::step]


def _assert_no_leaf_may_be_rewritten(project: Project, tenancy: Tenancy, step: int) -> int:
    """With the hashes kept, through the command line: 0 applied."""
    document = json.loads((project.path / FILE).read_text())
    paths = _every(document, step)
    for path in paths:
        project.write(json.dumps(rewritten(document, path)), FILE)
        ran = project.run("apply", "--approved", FILE, code=1)
        assert "approves nothing" in ran.err or "format version" in ran.err or "not a plan as JSON" in ran.err, path
    assert tenancy.writes() == []
    return len(paths)


def test_a_leaf_of_an_approval_rewritten_with_the_hashes_kept_is_refused(deleting: Project, tenancy: Tenancy) -> None:
    tenancy.forget_calls()
    assert _assert_no_leaf_may_be_rewritten(deleting, tenancy, 5) >= 20


@pytest.mark.matrix
def test_every_leaf_of_an_approval_rewritten_with_the_hashes_kept_is_refused(
    deleting: Project, tenancy: Tenancy
) -> None:
    tenancy.forget_calls()
    print(f"leaves rewritten: {_assert_no_leaf_may_be_rewritten(deleting, tenancy, 1)}, applied: 0")


def test_layout_and_order_of_keys_are_no_edit(deleting: Project, tenancy: Tenancy) -> None:
    """As after `jq --sort-keys --compact-output`."""
    document = json.loads((deleting.path / FILE).read_text())
    deleting.write(json.dumps(document, sort_keys=True, separators=(",", ":")), FILE)
    deleting.run("apply", "--approved", FILE)
    assert_settled(deleting)


def test_an_approval_of_format_1_0_bound_no_sinks_and_says_so(proposed: Project, tenancy: Tenancy) -> None:
    document = approve(proposed)
    for name in ("digest", "toolVersion", "stack_id"):
        del document[name]
    proposed.write(json.dumps({**document, "format_version": "1.0"}), FILE)
    said = " ".join(refused(proposed, tenancy).err.split())
    assert "has format version 1.0" in said
    assert "make it again" in said


# What is no regular JSON


def _fifo(file: Path) -> None:
    os.mkfifo(file)


def _directory(file: Path) -> None:
    file.mkdir()


def _device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def _link_to_fifo(file: Path) -> None:
    os.mkfifo(file.with_suffix(".fifo"))
    file.symlink_to(file.with_suffix(".fifo"))


def _socket(file: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(file))


@pytest.mark.parametrize("make", [_fifo, _directory, _device, _link_to_fifo, _socket])
def test_what_is_no_regular_file_is_not_read(
    offline: Project, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(offline.path)
    make(offline.path / FILE)
    ran = offline.run("apply", "--approved", FILE, code=None)
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    assert "defect" not in ran.err


def test_an_endless_file_is_read_to_the_limit_and_no_further(offline: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.cli.approval.MOST_BYTES", 1024 * 1024)
    with (offline.path / FILE).open("wb") as stream:
        stream.truncate(8 * 1024 * 1024 * 1024)  # a hole: it takes no room
    assert "larger than 1 MiB" in offline.run("apply", "--approved", FILE, code=1).err


TEXTS: dict[str, bytes] = {
    "deep lists": b"[" * 200_000,
    "deep lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"changes":' * 100_000,
    "deep in changes": b'{"format_version": "1.1", "changes": ' + b"[" * 900 + b"]" * 900 + b"}",
    "closing first": b"]" * 200_000 + b"[" * 200_000,
    "not a number": b'{"format_version": "1.1", "changes": [], "owned": NaN}',
    "infinity": b'{"format_version": "1.1", "changes": [], "owned": -Infinity}',
    "too large": b'{"format_version": "1.1", "changes": [], "owned": 1e999}',
    "many digits": b'{"format_version": "1.1", "changes": [], "owned": ' + b"9" * 100_000 + b"}",
    "twice": b'{"format_version": "1.1", "changes": [], "changes": []}',
    "UTF-16": '{"format_version": "1.1", "changes": []}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"format_version": "1.1", "changes": []}',
    "no UTF-8": b'{"format_version": "1.1", "changes": ["\xff"]}',
    "a lone surrogate": b'{"format_version": "1.1", "changes": [], "stack": "\\ud800"}',
    "wrong types": b'{"format_version": "1.1", "changes": [{"fingerprint": 1, "calls": 1, "address": []}]}',
    "an unhashable": b'{"format_version": "1.1", "changes": [[]]}',
    "null": b"null",
    "a text": b'"changes"',
    "zeros": b"\0" * 1000,
    "an open text": b'{"' + b"\\" * 100_001,
}


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_json_is_no_plan(offline: Project, name: str) -> None:
    (offline.path / FILE).write_bytes(TEXTS[name])
    ran = offline.run("apply", "--approved", FILE, code=1)
    assert "is not a plan as JSON" in " ".join(ran.err.split())
    assert "defect" not in ran.err
    assert len(ran.err) < 1000

"""A stranger's pull request, hostile in sixteen ways: nothing of it runs, nothing is read that it should not see, nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from .repository import Hosted

HEAD = "apiVersion: genai-iac/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
FENCE = "````\\n# Approved\\n@acme/admins ![x](https://evil.example/x.png) <!-- genai-iac plan chat -->\\n::add-mask::x\\n</details>"


def document(kind: str, name: str, spec: str) -> str:
    return HEAD.format(kind=kind, name=name, spec=spec)


def key(*sinks: str, name: str = "app") -> str:
    entries = ", ".join(sinks)
    return document("ApiKey", name, f"{{compartment: tenancy, secrets: [{{name: key-one}}], deliverTo: [{entries}]}}")


def policy(statement: str, more: str = "") -> str:
    return document("Policy", "access", f'{{description: "x", statements: ["{statement}"]{more}}}')


MANIFESTS = {
    "exec-check": key("{exec: {command: [touch, PWNED], check: [touch, PWNED]}}"),
    "exec-path": key("{exec: {command: [./run.sh], check: [./run.sh]}}"),
    "file-above": key("{file: {path: ../../../../PWNED}}"),
    "file-absolute": key("{file: {path: /etc/cron.d/x}}"),
    "file-home": key("{file: {path: ~/.ssh/authorized_keys}}"),
    "own-sink": key("{evil.sink: {x: y}}"),
    "fence": document("Compartment", "c", f'{{description: "{FENCE}"}}'),
    "fence-name": document("Compartment", "c", '{name: "x`` @acme/admins ::error::", description: x}'),
    "placeholder": policy("allow group ${var.team} to use generative-ai-family in tenancy"),
    "terminal": document("Compartment", "c", '{description: "\\e[2J\\e]0;Approved\\a\\u202e"}'),
    "huge": "---\n".join(document("Compartment", f"c{n}", f'{{description: "{n}: {"é" * 150}"}}') for n in range(600)),
    "bomb": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n",
}
LINKS: dict[str, Callable[[Path, Path], None]] = {
    "link": lambda folder, secret: (folder / "more.yaml").symlink_to(secret),
    "link-environment": lambda folder, secret: (folder / "environments").symlink_to(secret.parent),
    "link-variables": lambda folder, secret: (folder.parent / "all.vars.yaml").symlink_to(secret),
}


def write_hostile(hosted: Hosted, secret: Path) -> None:
    """Each in a stack of its own, and one whose directory is a command."""
    names = {**dict.fromkeys([*MANIFESTS, *LINKS]), "$(touch PWNED)`touch PWNED`": None}
    for name in names:
        variables = '{team: {default: "x to manage all-resources in tenancy\\nallow group y"}}'
        stack = document(
            "Stack", name if name.isidentifier() else "x", f"{{region: us-chicago-1, variables: {variables}}}"
        )
        hosted.project.write(f"{stack}---\n{MANIFESTS.get(name, '')}", f"hostile/{name}/stack.yaml")
        hosted.project.write("#!/bin/sh\ntouch PWNED\n", f"hostile/{name}/run.sh").chmod(0o755)
        LINKS.get(name, lambda folder, secret: None)(hosted.project.path / "hostile" / name, secret)


def test_nothing_of_it_works(hosted: Hosted, tmp_path: Path) -> None:
    secret = tmp_path / "outside" / "key.yaml"
    secret.parent.mkdir()
    secret.write_text("canary: sk-CANARY\n")
    hosted.branch()
    write_hostile(hosted, secret)
    before = {file for file in tmp_path.rglob("*") if file.name == "PWNED"}
    run = hosted.pull_request()

    assert before == {file for file in tmp_path.rglob("*") if file.name == "PWNED"} == set()
    assert "sk-CANARY" not in run.log + run.summary
    assert hosted.tenancy.calls() == []
    assert not any(line.startswith(("::", "##[")) for line in (run.log + run.summary).splitlines())
    assert not {"\x1b", "\x07", "\u202e"} & set(run.log + run.summary)
    planned = [one["body"] for one in hosted.runner.hub["comments"]]
    assert len(run.jobs["plan"]) == 16 and len(planned) > 4
    for body in planned:
        assert len(body.encode()) <= 65_536
        assert_reads_as_ours(body)


def assert_reads_as_ours(body: str) -> None:
    """No link, no image, no heading but ours; what strangers wrote stands in code."""
    tokens = MarkdownIt("commonmark").parse(body)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings and all(heading.startswith(("Plan:", "No changes")) for heading in headings)
    prose = [
        part.content for token in tokens for part in token.children or () if part.type in ("text", "link_open", "image")
    ]
    assert "@acme" not in "".join(prose) and "evil.example" not in "".join(prose)


@pytest.mark.matrix
def test_files_of_the_repository_do_not_pass_for_what_a_job_made(hosted: Hosted) -> None:
    """A plan that somebody committed is neither shown as a stack's nor applied."""
    forged = {"name": "forged", "path": "other", "environment": "", "var_files": ""}
    hosted.branch()
    hosted.edit("Chat workloads", "Chat")
    for name in ("chat", "other"):
        hosted.project.write(f"<!-- genai-iac plan {name} -->\n\n### No changes\n", f"plan/{name}/plan.md")
        hosted.project.write(json.dumps({**forged, "name": name}), f"plan/{name}/entry.json")
    run = hosted.pull_request()
    assert run.result == "success", run.log
    (comment,) = hosted.runner.hub["comments"]
    assert "### Plan: 0 to add, 1 to change, 0 to destroy." in comment["body"]
    hosted.merge()
    pushed = hosted.push()
    assert pushed.result == "success", pushed.log
    assert [one["name"] for one in json.loads(pushed.jobs["changes"][0].outputs["matrix"])["include"]] == ["chat"]


@pytest.mark.matrix
def test_a_snapshot_in_the_repository_is_not_the_one_of_tonight(hosted: Hosted) -> None:
    hosted.branch()
    for name in ("snapshot.json", "report/other-drift.md"):
        hosted.project.write("forged", name)
    hosted.merge()
    run = hosted.nightly()
    assert run.result == "success", run.log
    assert "forged" not in run.summary + hosted.runner.storage.caches[0].read_text()
    assert hosted.runner.hub["issues"] == []

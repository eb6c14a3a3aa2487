"""`report`: what the shards wrote, merged into one page, JSON and metrics."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from conftest import Project, Tenancy

from .stacks import STACK


@pytest.fixture
def reported(project: Project, tenancy: Tenancy) -> Project:
    """A stack that was applied, read and looked at for drift, each in shards."""
    tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
    project.write(STACK, "team/stack.yaml")
    project.run("apply", "team", "--all", "--auto-approve", "--out-dir", "out")
    for shard in ("0/2", "1/2"):
        project.run("status", "team", "--all", "--shard", shard, "--out-dir", f"out/{shard[0]}")
        project.run("drift", "team", "--all", "--shard", shard, "--out-dir", f"out/{shard[0]}")
    return project


def test_every_key_has_all_that_the_contract_names(reported: Project) -> None:
    (stack,) = reported.run("report", "out", "--format", "json").json["stacks"]
    assert stack["codes"] == {"apply": 0, "drift": 0, "status": 0}
    assert stack["last_apply"]
    assert stack["drift"] == []
    one, two = stack["secrets"]
    assert (one["secret"], one["state"], one["role"], two["state"]) == ("key-one", "ACTIVE", "current", "INACTIVE")
    assert one["expires"]
    assert one["sinks"]
    assert one["drift"] is False


def test_the_page_holds_no_script_no_value_and_is_well_formed(reported: Project) -> None:
    reported.run("report", "out", "--out", "page.html")
    page = (reported.path / "page.html").read_text()
    assert "ApiKey/app" in page
    assert "viewport" in page
    assert "<script" not in page
    values = re.findall(r"OPENAI_API_KEY='?([^'\n]+)", (reported.path / "team/secrets/app.env").read_text())
    assert not any(value in page for value in values)
    opened: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "br"):
                opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Tags().feed(page)
    assert opened == []


def test_metrics_are_samples(reported: Project) -> None:
    text = reported.run("report", "out", "-o", "prometheus").out
    assert "[secret]" not in text
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+\{([a-z]+="[^"]*",?)+\} -?[\d.]+', line) for line in samples)
    assert any(line.startswith("genai_iac_stack_exit_code") for line in samples)


def test_the_newest_result_of_a_verb_counts(reported: Project) -> None:
    (file,) = (reported.path / "out").glob("*.apply.json")
    document = json.loads(file.read_text())
    newer = {**document, "code": 4, "time": "2999-01-01T00:00:00Z", "message": "Error: <b>broken</b>\x1b[2J"}
    reported.write(json.dumps(newer), "out/later/other.json")
    (stack,) = reported.run("report", "out", "-o", "json").json["stacks"]
    assert (stack["last_apply_code"], stack["last_apply"]) == (4, "2999-01-01T00:00:00Z")
    page = reported.run("report", "out").out
    assert "<b>broken" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"format": "genai-iac stack result", "format_version": "2.0"}',
        '{"format": "genai-iac stack result", "format_version": "1.0"}',
        '{"format": "genai-iac stack result", "format_version": "1.9", "verb": "status", "stack": "a", "path": "a", '
        '"environment": "", "time": "", "version": "", "code": 0, "seconds": 0, "message": "", "data": {"secrets": [1]}}',
    ],
)
def test_damaged_results_are_named(offline: Project, text: str) -> None:
    offline.write(text, "out/a.json")
    ran = offline.run("report", "out", code=1)
    assert "defect" not in ran.err
    assert ran.err.startswith("Error: ")


def test_files_of_others_and_newer_minor_versions_are_no_error(offline: Project) -> None:
    offline.write('{"some": "thing"}', "out/other.json")
    assert "holds no results" in offline.run("report", "out", code=1).err


def test_what_lies_in_hidden_directories_is_no_result(offline: Project) -> None:
    offline.write("two\nlines, which is no JSON\n", "o ut/.genai-iac/deliveries.json")
    told = offline.run("report", "o ut", code=1).err
    assert "next: make them: genai-iac status --all --out-dir 'o ut'" in told
    assert "not a directory" in offline.run("report", "none", code=1).err

"""Every file in lint/ begins with what is found in it, one finding a line: place, severity, rule. Nothing else is found."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import pytest
from conftest import Project

from genai_iac.analysis.lint import RULES

from .stacks import api_key, compartment, policy, stack

CASES = sorted((Path(__file__).parent / "lint").glob("*.yaml"))
READ = "allow group a to read buckets in compartment %s"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_is_found(offline: Project, case: Path) -> None:
    expected = [
        line.removeprefix("# ") for line in takewhile(lambda line: line[:1] == "#", case.read_text().splitlines())
    ]
    offline.write(case.read_text())  # beside the case git would be asked about the files that it names
    ran = offline.run("lint", "--format", "json", "stack.yaml", code=None)
    findings = ran.json["findings"]
    assert [_line(finding) for finding in findings] == expected
    assert all(finding["fix"] for finding in findings if finding["rule"] not in ("undefined-tenancy",))
    bad = any(finding["severity"] == "error" and not finding["ignored"] for finding in findings)
    assert ran.code == int(bad)


def _line(finding: dict[str, str]) -> str:
    reason = f" ignored: {finding['ignored']}" if finding["ignored"] else ""
    return f"{finding['line']}:{finding['column']} {finding['severity']} {finding['rule']}{reason}"


def test_every_rule_has_a_case() -> None:
    """But those that validate refuses already, those that take more than fits into a case, and the one that git decides."""
    reported = {
        line.split()[3] for case in CASES for line in case.read_text().splitlines() if line[:2] == "# " and ":" in line
    }
    assert {rule.id for rule in RULES} - reported == {
        "syntax",
        "missing-id",
        "path-full",
        "not-ignored",
        "unknown-variable",
    }


def test_paths_are_counted(offline: Project) -> None:
    texts = [f"allow group a{number} to read buckets in compartment a" for number in range(50)]
    full = [policy(f"p{number}", statements=texts) for number in range(10)]
    places = [compartment("a"), compartment("b", parent="a")]
    offline.write(stack((), *places, *full))
    assert "path-full" not in offline.run("lint").out
    offline.write(stack((), *places, *full, policy("q", compartment="b", statements=[READ % "b"])))
    ran = offline.run("lint", code=1)
    assert "501 statements along the compartments of /a/b; 500 fit" in " ".join(ran.out.split())
    assert ran.out.count("path-full") == 1


def test_text_says_where_what_and_what_to_do(offline: Project) -> None:
    offline.environ["COLUMNS"] = "80"
    offline.write(stack(["allow any-user to use buckets in tenancy"]))
    ran = offline.run("lint", code=1)
    assert ran.out == (
        "stack.yaml:14:5: error any-user\n"
        "  Policy/p: any-user lets in every user, instance and key unless a condition\n"
        "  says who\n"
        "  next: name a group, or add where all {request.principal.type = '\\u2026',\n"
        "        request.principal.id = '\\u2026'}\n"
        "\n"
        "Lint: 1 error.\n"
    )


def test_a_sound_stack_has_nothing_to_find(offline: Project) -> None:
    secrets = [{"name": "a", "expires": "90d"}, {"name": "b", "expires": "150d"}]
    key = api_key("k", "chat", secrets=secrets, deliverTo=[{"exec": {"command": ["store"]}}])
    offline.write(stack((), compartment("chat"), key, grants=[{"apiKey": "k", "models": ["openai.gpt-oss-120b"]}]))
    assert offline.run("lint").out == "Lint: nothing found.\n"


def test_sarif_is_what_code_scanning_reads(offline: Project) -> None:
    """The shape as SARIF 2.1.0 asks for it (OASIS errata01, 3.13 ff.): rules by index, a place a result, reasons of suppressions."""
    offline.write((CASES[0].parent / "ignored.yaml").read_text(), "deep/a b.yaml")
    document = offline.run("lint", "--format", "sarif", code=1).json
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    prints = [result["partialFingerprints"]["findingHash/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"].endswith(".")
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "deep/a%20b.yaml"
        assert place["region"]["startLine"] >= 1
        assert place["region"]["startColumn"] >= 1
    suppressed = [result["suppressions"] for result in run["results"] if "suppressions" in result]
    assert suppressed[0] == [{"kind": "inSource", "justification": "everybody may, on purpose"}]


def test_standard_input_is_linted_with_its_comments() -> None:
    text = stack(["allow any-user to use buckets in tenancy"]).replace(
        "in tenancy", "in tenancy # genai-iac: ignore=any-user a test"
    )
    command = [sys.executable, "-m", "genai_iac", "lint", "--format", "json", "-"]
    ran = subprocess.run(command, input=text, capture_output=True, text=True)
    (finding,) = json.loads(ran.stdout)["findings"]
    assert (ran.returncode, finding["file"], finding["ignored"]) == (0, "-", "a test")


def test_lint_calls_nobody_and_imports_no_sdk(offline: Project) -> None:
    offline.write(stack(["allow any-user to use buckets in tenancy"]))
    script = (
        "import sys; sys.argv = ['genai-iac', 'lint']\nfrom genai_iac.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    print([name for name in ('oci', 'requests', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=offline.path, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_the_rules_are_listed(offline: Project) -> None:
    lines = offline.run("lint", "--rules").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[rule.id, rule.severity] for rule in RULES]

"""Errors for people and for programs, and what an apply says while it runs."""

from __future__ import annotations

import json

import pytest
from rendered_plans import ERRORS, OUTCOMES

from genai_iac.core import Source
from genai_iac.core.errors import IacError, ManifestError, PartialApply, Problem, ServiceFailure, UsageError
from genai_iac.render.common.sanitize import columns
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.errors import problems_json, problems_text
from genai_iac.render.plan.progress import closing_text, outcome_text


def test_every_problem_has_its_place_first_and_the_way_out_last() -> None:
    text = problems_text(ERRORS[0])
    assert text == (
        "Error: stacks/chat.yaml:3:1: spec.secrets[0].expires: 2026-13-45 is not a moment\n"
        "       of the calendar\n"
        "\n"
        'Error: stacks/chat.yaml:12:5: duplicate key "name", first written at line 10\n'
        "  next: remove one of the two\n"
    )


def test_the_request_id_is_there_whole() -> None:
    request_id = "A" * 32 + "/" + "B" * 32 + "/" + "C" * 32
    text = problems_text(ServiceFailure("refused", operation="CreatePolicy", request_id=request_id), Terminal(60))
    assert f"  opc-request-id: {request_id}\n" in text
    assert "status" not in text


def test_further_lines_stand_behind_a_bar() -> None:
    assert problems_text(UsageError("a\nError: b\n\nPlan: c")) == "Error: a\n  │ Error: b\n  │\n  │ Plan: c\n"


def test_an_error_without_words_is_still_one() -> None:
    assert problems_text(IacError("")) == "Error:\n"


def test_no_errors_are_no_text_to_speak_of() -> None:
    assert problems_text([]).strip() == ""
    assert json.loads(problems_json([])) == {"errors": []}


def test_programs_get_every_problem_with_its_place() -> None:
    errors = json.loads(problems_json(ERRORS))["errors"]
    assert [error["error"] for error in errors] == ["ManifestError", "ManifestError", "ServiceFailure", "GuardError"]
    assert errors[1]["source"] == {"file": "stacks/chat.yaml", "line": 12, "column": 5}
    assert errors[1]["hint"] == "remove one of the two"
    assert errors[2]["opc_request_id"] == "7E3C/0D8A/11F2"
    assert errors[2]["status"] == 404
    assert [error["exit_code"] for error in errors] == [1, 1, 1, 3]


def test_what_is_copied_is_in_one_piece() -> None:
    id = f"ocid1.generativeaiapikey.oc1.us-chicago-1.{'a' * 60}"
    error = IacError(f"a key of that name is there already: {id}", hint=f"adopt it: genai-iac import ApiKey/app {id} .")
    lines = problems_text(error, Terminal(60)).splitlines()
    assert f"       {id}" in lines
    assert lines[-1] == f"  next: adopt it: genai-iac import ApiKey/app {id} ."


@pytest.mark.parametrize("width", [40, 80, 120])
def test_errors_fit_the_terminal(width: int) -> None:
    problems = ManifestError([Problem(Source("a/b.yaml", 3, 7), "word " * 60, "do " * 60)])
    assert max(columns(line) for line in problems_text(problems, Terminal(width)).splitlines()) <= width


def test_what_was_applied_is_one_line() -> None:
    assert outcome_text(OUTCOMES[0]) == "✓ Compartment/chat created in 12.3s  ocid1.compartment.oc1..aaaaaaaanew\n"


def test_an_ocid_is_shortened_in_its_middle() -> None:
    line = outcome_text(OUTCOMES[1])
    assert columns(line.rstrip("\n")) == 80
    assert line.endswith("…xxxxxxxx\n")
    assert OUTCOMES[1].id in outcome_text(OUTCOMES[1], Terminal(200)) if OUTCOMES[1].id else False
    assert "ocid1" not in outcome_text(OUTCOMES[1], Terminal(60))


def test_failures_and_skips_say_why_below() -> None:
    assert outcome_text(OUTCOMES[2]).splitlines()[1:] == [
        "  │ CreatePolicy: 400 InvalidParameter: No permissions found",
        "  │ opc-request-id: A1/B2/C3",
    ]
    assert outcome_text(OUTCOMES[3], Terminal(unicode=False)).splitlines() == [
        "[skipped] Policy/chat-access skipped",
        "  | needs Policy/readers, which failed",
    ]


def test_the_end_of_an_apply() -> None:
    assert closing_text(OUTCOMES[:2]) == "Apply complete! Resources: 2 added, 0 changed, 0 destroyed.\n"
    assert closing_text([], verb="Destroy") == "Destroy complete! Resources: 0 added, 0 changed, 0 destroyed.\n"
    assert closing_text([]) == "Apply complete! Resources: 0 added, 0 changed, 0 destroyed.\n"
    partly = closing_text(OUTCOMES, again="genai-iac apply prod --env prod")
    assert partly.splitlines() == [
        "Apply incomplete: 1 failed and 1 skipped of 4 changes.",
        "Resources: 2 added, 0 changed, 0 destroyed.",
        "Completed changes are kept. Fix the error and re-run:",
        "  genai-iac apply prod --env prod",
    ]
    assert "Completed changes are kept. Continue with:" in closing_text(OUTCOMES[3:])


def test_an_error_of_any_branch_of_the_tree_is_reported() -> None:
    assert json.loads(problems_json(PartialApply("half", hint="again")))["errors"][0]["exit_code"] == 4

"""The page on the policy language says what the code does: its examples run, its errors are ours, its rules are all there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genai_iac.iam_policy import PolicySyntaxError, parse
from genai_iac.iam_policy.lint import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "policy-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
REFUSALS = [
    block.split("\n") for text in re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL) for block in text.split("\n\n")
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_run(example: str) -> None:
    exec(compile(example, "docs/policy-language.md", "exec"), {})


@pytest.mark.parametrize(("text", "message"), REFUSALS)
def test_refusals_have_the_documented_message(text: str, message: str) -> None:
    with pytest.raises(PolicySyntaxError) as refused:
        parse(text)
    assert str(refused.value) == message


def test_every_rule_is_on_the_page() -> None:
    rows = [f"| `{rule.id}` | {rule.severity} | {rule.summary} |" for rule in RULES]
    assert [line for line in PAGE.split("\n") if line.startswith("| `") and line in rows] == rows

"""What is promised about cost: templates are read once, filling one does not read it again, and reading imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys

from counting import count_calls

from genai_iac.iam_policy import Template

GRANT = (
    "allow any-user to use generative-ai-chat in compartment id ${compartment} where all {request.principal.type = "
    "'generativeaiapikey', request.principal.id = '${key}', target.model.id in ('${model}', 'm%d')}"
)
VALUES = {
    "compartment": "ocid1.compartment.oc1..aaaaaaaa" + "b" * 52,
    "key": "ocid1.generativeaiapikey.oc1.us-chicago-1.amaaaaaa" + "c" * 52,
    "model": "xai.grok-4",
}


def test_a_template_is_read_once() -> None:
    assert Template.parse(GRANT % 1) is Template.parse(GRANT % 1)


def test_twice_the_templates_are_twice_the_work() -> None:
    _read_and_fill(0, 10)
    assert _read_and_fill(1000, 400) < 2.1 * _read_and_fill(2000, 200)


def test_filling_does_not_read_again() -> None:
    template = Template.parse(GRANT % 1)
    reading = count_calls(lambda: Template.parse(GRANT % 9_999))
    assert count_calls(lambda: template.fill(VALUES)) < reading / 2


def _read_and_fill(first: int, many: int) -> int:
    def work() -> None:
        for number in range(first, first + many):
            Template.parse(GRANT % number).fill(VALUES)

    return count_calls(work)


def test_reading_imports_neither_the_rules_of_lint_nor_what_decides_and_compares() -> None:
    script = (
        "import sys, genai_iac.iam_policy as language; language.Template.parse('allow group ${g} to read buckets in tenancy');"
        "print([name for name in sys.modules if name == 'difflib' or name.startswith('genai_iac.iam_policy.')"
        " and name.split('.')[2] in ('lint', 'decisions', 'differences', 'permissions', 'rules')])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"

"""What is promised about cost: templates are read once, filling one does not read it again, and reading imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys
import time

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


def test_a_thousand_templates_are_read_and_filled_in_a_tenth_of_a_second_or_so() -> None:
    """The bound is wide: other processes may have the machine. On an idle core it is 0.05 s."""
    assert min(_read_and_fill(first) for first in range(0, 5000, 1000)) < 0.3


def _read_and_fill(first: int) -> float:
    texts = [GRANT % number for number in range(first, first + 1000)]
    began = time.perf_counter()
    for text in texts:
        Template.parse(text).fill(VALUES)
    return time.perf_counter() - began


def test_reading_imports_neither_the_rules_of_lint_nor_what_decides_and_compares() -> None:
    script = (
        "import sys, genai_iac.iam_policy as language; language.Template.parse('allow group ${g} to read buckets in tenancy');"
        "print([name for name in sys.modules if name == 'difflib' or name.startswith('genai_iac.iam_policy.')"
        " and name.split('.')[2] in ('lint', 'decisions', 'differences', 'permissions', 'rules')])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"

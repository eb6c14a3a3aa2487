"""Every problem at once: what can be read is checked, and only what depends on an earlier mistake waits until that is fixed."""

from __future__ import annotations

from io import BytesIO
from itertools import combinations

import pytest

from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
HEAD = "---\napiVersion: genai-iac/v1\nkind: "
FIFTEEN = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {regoin: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: home}
spec: {parent: home, description: 1}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
  compartment: hoem
  description: 7
  secrets:
    - {name: a, state: actve, expires: 2026-13-45T00:00:00Z}
    - {name: a, expires: 1d}
  rotation: {every: 1d}
  deliverTo:
    - file: {path: secrets/app.env}
    - fiel: {path: x}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: second}
spec:
  compartment: nowhere
  secrets: [{name: b}]
  deliverTo: [{file: {path: x.env}}, {file: {path: x.env}}]
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: rule}
spec:
  compartment: gone
  descripton: x
  statements:
    - allow group A to manage
    - 5
    - allow group to read buckets in tenancy
"""


def find_problems(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load("-", stdin=BytesIO(text.encode()))
    return [f"{problem.source.line}: {problem.message}" for problem in caught.value.problems]


def test_a_file_with_many_mistakes_takes_one_pass() -> None:
    found = find_problems(FIFTEEN)
    for expected in (
        "4: unknown key regoin",
        "9: spec.description must be a string",
        "9: Compartment/home cannot be its own parent",
        "15: no Compartment is called hoem",
        "16: spec.description must be a string",
        "18: spec.secrets[0].state must be",
        "18: 2026-13-45T00:00:00Z is not a moment",
        "19: two secrets are called a",
        "20: every must be longer than overlap and idle together",
        "23: unknown key fiel",
        "29: no Compartment is called nowhere",
        "31: file x.env is delivered to twice",
        "37: no Compartment is called gone",
        "38: unknown key descripton",
        "40: column ",
        "41: spec.statements[1] must be a string",
        "42: column ",
    ):
        assert any(problem.startswith(expected) for problem in found), (expected, found)


# each is one mistake of an ApiKey: what is added to its spec, and the message that it must always give
MISTAKES = {
    "unknown key": ("  colour: red\n", "unknown key colour"),
    "wrong type": ("  description: 7\n", "spec.description must be a string"),
    "undeclared compartment": ("  compartment: nowhere\n", "no Compartment is called nowhere"),
    "one name twice": ("  secrets: [{name: a, expires: 90d}, {name: a, expires: 90d}]\n", "two secrets are called a"),
    "too short": ("  rotation: {every: 1d}\n", "every must be longer"),
    "unknown sink": ("  deliverTo: [{fiel: {path: x}}]\n", "unknown key fiel"),
    "too many tags": ("  tags: {" + ", ".join(f"k{n}: v" for n in range(12)) + "}\n", "12 tags"),
    "undeclared variable": ("  displayName: '${var.gone}'\n", "gone"),
}
FINE = {
    "compartment": "  compartment: tenancy\n",
    "secrets": "  secrets: [{name: a, expires: 90d}, {name: b, expires: 90d}]\n",
}


def write_key(*mistakes: str) -> str:
    fields = dict(FINE)
    for mistake in mistakes:
        field = MISTAKES[mistake][0]
        fields[field.split(":")[0].strip()] = field
    return f"{HEAD}ApiKey\nmetadata: {{name: app}}\nspec:\n{''.join(fields.values())}"


@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_mistake_hides_another(size: int) -> None:
    for mistakes in combinations(MISTAKES, size):
        found = find_problems(STACK + write_key(*mistakes))
        for mistake in mistakes:
            assert any(MISTAKES[mistake][1] in problem for problem in found), (mistakes, found)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_makes_no_other_message(mistake: str) -> None:
    assert len(find_problems(STACK + write_key(mistake))) == 1


@pytest.mark.parametrize("stack", ["{regoin: x}", "{region: us-chicago-1, tags: [a]}", "{region: '${var.gone}'}"])
def test_a_stack_that_is_wrong_hides_nothing_of_its_resources(stack: str) -> None:
    broken = f"apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {{name: chat}}\nspec: {stack}\n"
    for mistake in ("undeclared compartment", "one name twice", "too short", "unknown sink"):
        assert any(MISTAKES[mistake][1] in problem for problem in find_problems(broken + write_key(mistake)))


@pytest.mark.parametrize(
    ("spec", "only"),
    [
        ("secrets: [{name: a}, 5]\n  rotation: {every: 60d}", "spec.secrets[1] must be a mapping"),
        ("secrets: 5\n  rotation: {every: 60d}", "spec.secrets must be a list"),
        ("secrets: [{name: a}, {name: b}]\n  rotation: {every: 8d, overlapp: 1d}", "unknown key overlapp"),
        ("secrets: [{name: 1}, {name: 1}]", "spec.secrets[0].name must be a string"),
        ("secrets: [{name: a, expirs: 1d}, {name: b}]\n  rotation: {every: 60d}", "unknown key expirs"),
    ],
)
def test_what_depends_on_a_mistake_waits(spec: str, only: str) -> None:
    """A check that would have to guess says nothing."""
    text = f"{HEAD}ApiKey\nmetadata: {{name: app}}\nspec:\n  compartment: tenancy\n  {spec}\n"
    found = find_problems(STACK + text)
    assert any(only in problem for problem in found)
    assert not any(
        word in problem for problem in found for word in ("every must", "alternates", "is over", "two secrets")
    )

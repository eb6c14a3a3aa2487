"""How much is asked and walked, counted: a change of one grant must not cost what all keys would."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy

from genai_iac.analysis import access
from genai_iac.iam_policy import conditions

STACK = """
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: counted}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: home}
spec: {description: a home}
"""
KEY = """
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: k%(n)d}
spec:
  displayName: k%(n)d
  compartment: home
  secrets: [{name: key-one}]
  deliverTo: [{file: {path: secrets/k%(n)d.env}}]
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: p%(n)d}
spec:
  compartment: home
  description: a key's own
  grants: [{apiKey: k%(n)d, apis: [chat], models: [xai.grok-4]}]
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The principals of every request that the policy language is asked about, one for each request and set of models."""
    seen: list[str] = []
    real = access.assess_models

    def counted(request, models, *more):  # type: ignore[no-untyped-def]
        seen.append(request.principal.id)
        return real(request, models, *more)

    monkeypatch.setattr(access, "assess_models", counted)
    return seen


def test_a_change_of_one_grant_asks_about_one_key_among_few_as_among_many(
    project: Project, tenancy: Tenancy, asked: list[str]
) -> None:
    del tenancy
    counts = []
    for keys in (2, 8):
        text = STACK + "".join(KEY % {"n": number} for number in range(keys))
        project.write(text)
        project.run("apply", "--auto-approve")
        asked.clear()
        project.write(text.replace("apiKey: k0, apis: [chat], models: [xai.grok-4]", "apiKey: k0, apis: [responses]"))
        project.run("plan")
        assert len(set(asked)) == 1
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


def test_a_plan_that_only_creates_asks_about_no_key(project: Project, asked: list[str]) -> None:
    project.write(STACK + "".join(KEY % {"n": number} for number in range(4)))
    project.run("plan")
    assert asked == []


def test_a_model_of_its_own_for_each_key_costs_each_key_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statements of other keys name models that this key's do not tell apart."""
    models: list[int] = []
    real = access.assess_models

    def counted(request, names, *more):  # type: ignore[no-untyped-def]
        models.append(len(names))
        return real(request, names, *more)

    monkeypatch.setattr(access, "assess_models", counted)
    each = []
    for keys in (3, 12):
        models.clear()
        texts = (KEY.replace("xai.grok-4", f"vendor.own-{number}") % {"n": number} for number in range(keys))
        project.write(STACK + "".join(texts))
        told = project.run("access").out
        assert all(f"ApiKey/k{number} may call chat with vendor.own-{number} in" in told for number in range(keys))
        each.append(sum(models) / keys)
    assert each[0] == each[1] <= 2 * len(access.CALLS)


def test_exact_models_are_no_part_of_the_walk_of_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    real = conditions._step

    def counted(word: str, places: frozenset[int], letter: str) -> frozenset[int]:
        steps.append(letter)
        return real(word, places, letter)

    monkeypatch.setattr(conditions, "_step", counted)
    counts = []
    for models in (10, 1000):
        steps.clear()
        found = conditions.find_classes([f"vendor.model-{number}" for number in range(models)], ["xai.*", "*-4"])
        counts.append(len(steps))
        assert sum(one.exact is not None for one in found) == models
        assert {one.patterns for one in found if one.exact is None} == {
            frozenset(), frozenset({"xai.*"}), frozenset({"*-4"}), frozenset({"xai.*", "*-4"}),
        }  # fmt: skip
    assert counts[0] == counts[1]

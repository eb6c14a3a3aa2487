"""How much is asked, walked, parsed and opened, counted: a change of one grant must not cost what all keys would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from conftest import Project, Tenancy
from counting import forget_statements
from plan_apply import manifests

from genai_iac.analysis import access
from genai_iac.delivery import service
from genai_iac.delivery.sinks import _file_forms, _journal
from genai_iac.delivery.sinks._atomic_file import FileTarget
from genai_iac.iam_policy import conditions, parser, template
from genai_iac.iam_policy.lint import policies as overlapping
from genai_iac.iam_policy.lint.finding import PolicyDocument

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
        reported = project.run("access").out
        assert all(f"ApiKey/k{number} may call chat with vendor.own-{number} in" in reported for number in range(keys))
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


TEXTS = [
    "allow any-user to inspect policies in compartment id ${Compartment/home.id}",
    "allow group Administrators to use generative-ai-chat in compartment home",
    "allow group Administrators to read buckets in compartment home where target.bucket.name = 'b'",
]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The texts that were parsed, whole or as templates."""
    seen: Counter[str] = Counter()
    real = parser.parse_tokens

    def counted(text, tokens):  # type: ignore[no-untyped-def]
        seen[text] += 1
        return real(text, tokens)

    for module in (parser, template):
        monkeypatch.setattr(module, "parse_tokens", counted)
    forget_statements()
    return seen


def policies(count: int, texts: list[str] = TEXTS) -> str:
    some = (manifests.policy(f"p{n}", statements=texts, compartment="tenancy") for n in range(count))
    return manifests.stack(manifests.compartment("home"), *some)


@pytest.mark.parametrize("count", [10, pytest.param(1000, marks=pytest.mark.matrix)])
@pytest.mark.parametrize(("verb", "code"), [("validate", 0), ("lint", 1), ("plan", 0)])
def test_a_text_is_parsed_once_however_many_policies_have_it(
    project: Project, tenancy: Tenancy, parsed: Counter[str], verb: str, code: int, count: int
) -> None:
    tenancy.settings(limits={"policyCount": 2000, "statementsPerPath": 10_000})
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = project.environ["GENAI_IAC_LIMIT_POLICIES"] = "10000"
    project.write(policies(count))
    project.run(verb, code=code)
    assert len(TEXTS) <= len(parsed) <= len(TEXTS) + 1  # a template, and what it is filled to
    assert set(parsed.values()) == {1}


def test_statements_of_other_conditions_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    real = overlapping._covers
    monkeypatch.setattr(overlapping, "_covers", lambda *both: compared.append(both) or real(*both))
    for count in (10, 1000):
        texts = [f"allow any-user to read buckets in tenancy where target.bucket.name = 'b{n}'" for n in range(count)]
        documents = [PolicyDocument([one], [parser.parse_once(one)], "ocid1.tenancy.oc1..t", None) for one in texts]
        assert list(overlapping.find_overlaps([*documents, documents[0]])) == [((count, 0), (0, 0))]
        assert len(compared) <= 4
        compared.clear()


def test_an_empty_plan_parses_no_live_statement(project: Project, tenancy: Tenancy, parsed: Counter[str]) -> None:
    del tenancy
    project.write(policies(2, TEXTS[:1]))  # names would have to be looked up again
    project.run("apply", "--auto-approve")
    parser.parse_once.cache_clear()
    parsed.clear()
    project.run("plan")
    assert not [text for text in parsed if "ocid1." in text], parsed  # it reads as it should


@pytest.mark.parametrize("sinks", [1, 3])
def test_a_sink_is_opened_as_often_beside_others_as_alone(
    project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch, sinks: int
) -> None:
    """Once for the plan, once for the check before the first write, once where leftovers are removed, and once for the change."""
    del tenancy
    opened: Counter[bool] = Counter()
    real = service.open_sink

    def counted(entry, context):  # type: ignore[no-untyped-def]
        opened[context.id is not None] += 1
        return real(entry, context)

    monkeypatch.setattr(service, "open_sink", counted)
    for keys in (1, 4):
        places = [[{"file": {"path": f"secrets/{keys}-{n}-{one}.env"}} for one in range(sinks)] for n in range(keys)]
        some = (manifests.key(f"k{keys}-{n}", secrets=2, deliverTo=entries) for n, entries in enumerate(places))
        project.write(manifests.stack(manifests.compartment("home"), *some))
        opened.clear()
        project.run("apply", "--auto-approve", "--allow-destroy", "1")
        assert opened[True] == keys * sinks and opened[False] <= 3 * keys * sinks


def test_a_directory_is_tried_once_for_all_files_in_it(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a quota or a missing right is the same for each; it was tried twice for each key."""
    tried: list[str] = []
    real = _file_forms.check_replaceable

    def counted(target: FileTarget) -> None:
        tried.append(target.name)
        real(target)

    monkeypatch.setattr(_file_forms, "check_replaceable", counted)
    text = STACK + "".join(KEY % {"n": number} for number in range(6))
    project.write(text.replace("path: secrets/k5.env", "path: elsewhere/k5.env"))
    project.run("apply", "--auto-approve")
    assert tried == ["k0.env", "k5.env"]


def test_a_change_of_the_journal_walks_to_it_once_and_looks_for_leftovers_once_a_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    def counted(name: str, real: Callable[..., object], *arguments: object, **options: object) -> object:
        counts[name] += 1
        return real(*arguments, **options)

    for name in ("open_folder", "remove_temporary_files", "append_to_file", "replace_file", "parse_journal"):
        monkeypatch.setattr(_journal, name, partial(counted, name, getattr(_journal, name)))
    project.write(STACK + "".join(KEY % {"n": number} for number in range(6)))
    project.run("apply", "--auto-approve")
    assert (counts["replace_file"], counts["append_to_file"]) == (1, 11)  # an announcement and a delivery each
    assert counts["open_folder"] == 12 and counts["remove_temporary_files"] == 1 and counts["parse_journal"] == 0

"""`import genai_iac as iac`: each function against the emulator, held against what the verb of the same name says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Project, Tenancy
from msgspec.structs import replace

import genai_iac as iac

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-chicago-1, variables: {text: {default: Chat}}}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec: {description: "${var.text}"}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: search}
spec: {description: Search}
"""


@pytest.fixture
def options(project: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> iac.Options:
    project.write(STACK)
    monkeypatch.chdir(project.path)
    return iac.Options(endpoint=tenancy.url, config_file=tenancy.config_file)


def test_load_and_validate_are_offline_and_report_every_problem(options: iac.Options, project: Project) -> None:
    assert sorted(map(str, iac.load(".").resources)) == ["Compartment/chat", "Compartment/search"]
    assert iac.validate(".") == ()
    project.write(STACK.replace("description: Search", "descripton: Search, name: 7"))
    problems = iac.validate(project.path)
    assert len(problems) >= 2 and {problem.source.line for problem in problems} == {14}
    with pytest.raises(iac.ManifestError):
        iac.load(".")


def test_plan_is_the_plan_of_the_command_line(options: iac.Options, project: Project) -> None:
    planned = iac.plan(".", options)
    said = project.run("plan", "--format", "json").json
    assert (planned.fingerprint, planned.refusal) == (said["fingerprint"], None)
    assert [change["address"] for change in planned.document["changes"]] == [one["address"] for one in said["changes"]]
    assert bool(planned)
    narrowed = iac.plan(".", options, targets=["Compartment/chat"])
    assert [str(change.address) for change in narrowed.plan.changes] == ["Compartment/chat"]


def test_apply_yields_each_outcome_and_makes_the_calls_of_the_plan(
    options: iac.Options, tenancy: Tenancy, capsys: pytest.CaptureFixture[str]
) -> None:
    planned = iac.plan(".", options)
    outcomes = list(iac.apply(".", options, expect_fingerprint=planned.fingerprint))
    assert [outcome.status.value for outcome in outcomes] == ["done", "done"] and all(outcomes)
    assert tenancy.writes() == ["CreateCompartment", "CreateCompartment"]
    assert not iac.plan(".", options)
    assert list(iac.apply(".", options)) == []
    assert capsys.readouterr() == ("", "")


def test_another_plan_than_the_expected_one_is_not_applied(options: iac.Options, tenancy: Tenancy) -> None:
    planned = iac.plan(".", options)
    changed = iac.Options(endpoint=options.endpoint, config_file=options.config_file, variables={"text": "Other"})
    with pytest.raises(iac.StalePlanError, match="another one by now"):
        list(iac.apply(".", changed, expect_fingerprint=planned.fingerprint))
    assert tenancy.writes() == []


def test_a_guard_refuses_and_is_overridden(options: iac.Options, project: Project, tenancy: Tenancy) -> None:
    list(iac.apply(".", options))
    project.write(STACK.partition("---\n")[0])
    planned = iac.plan(".", options)
    assert planned.refusal is not None and "--allow-destroy 2" in str(planned.refusal)
    tenancy.forget_calls()
    with pytest.raises(iac.GuardError):
        list(iac.apply(".", options))
    assert tenancy.writes() == []
    assert all(iac.apply(".", options, allow_destroy=2))
    assert tenancy.writes() == ["DeleteCompartment", "DeleteCompartment"]


def test_drift_and_export(options: iac.Options, project: Project, tenancy: Tenancy) -> None:
    (first, _) = iac.apply(".", options)
    assert not iac.drift(".", options).drifted
    import oci

    details = oci.identity.models.UpdateCompartmentDetails(description="By hand")
    client = tenancy.client("identity")
    client.update_compartment(str(first.id), details)
    client.base_client.session.close()
    report = iac.drift(".", options)
    assert report.drifted and [str(one.address) for one in report.differences] == [str(first.change.address)]
    assert "By hand" in "".join(iac.export(options).values())


@pytest.mark.parametrize("name", ["environment", "profile", "auth", "region", "endpoint"])
def test_an_empty_option_is_no_option_left_out(project: Project, name: str) -> None:
    with pytest.raises(iac.IacError, match=f"Options.{name} is empty"):
        iac.load(project.path, iac.Options(**{name: ""}))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"targets": []}, "targets is empty"),
        ({"targets": iter(())}, "targets is empty"),
        ({"targets": "Compartment/chat"}, r"targets=\['Compartment/chat'\]"),
        ({"accept_outage": "ApiKey/app"}, r"accept_outage=\['ApiKey/app'\]"),
        ({"allow_destroy": -1}, "allow_destroy is -1"),
        ({"allow_destroy": "2"}, "allow_destroy is '2'"),
        ({"path": ""}, "path is empty"),
        ({"options": iac.Options(auth="instance-principal")}, "instance_principal"),
        ({"options": iac.Options(variables={"text=a": "b"})}, "'text=a' is not a name"),
        ({"options": iac.Options(variables={"": "b"})}, "'' is not a name"),
        ({"options": iac.Options(variable_files="one.yaml")}, r"variable_files=\['one.yaml'\]"),  # type: ignore[arg-type]
        ({"options": iac.Options(variable_files=Path("one.yaml"))}, "a list"),  # type: ignore[arg-type]
    ],
)
def test_arguments_that_would_be_taken_for_others_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], reason: str
) -> None:
    project.write(STACK)
    monkeypatch.chdir(project.path)
    for function in (iac.plan, lambda **given: list(iac.apply(**given))):
        with pytest.raises(iac.IacError, match=reason):
            function(**{"options": iac.Options(endpoint="http://127.0.0.1:1"), **arguments})


def test_addresses_of_a_plan_are_targets_and_files_are_named_by_texts(options: iac.Options, project: Project) -> None:
    file = str(project.write("text: Other\n", "other.vars.yaml"))
    given = replace(options, variable_files=(file,))  # type: ignore[arg-type]
    first, _ = iac.plan(".", given).plan.changes
    narrowed = iac.plan(".", given, targets=(one for one in [first.address]), accept_outage=[first.address])
    assert [one.address for one in narrowed.plan.changes] == [first.address]


@pytest.mark.parametrize(
    "stack", [None, *(pytest.param(name, marks=pytest.mark.matrix) for name in ("chat", "chat@dev"))]
)
def test_an_export_is_for_the_environment_of_the_options(
    options: iac.Options, project: Project, stack: str | None
) -> None:
    project.write(
        "apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {name: dev}\nspec: {}\n", "environments/dev.yaml"
    )
    dev = replace(options, environment="dev")
    list(iac.apply(".", dev))
    files = iac.export(dev, stack=stack)
    assert "environments/dev.yaml" in files and "adopt it" not in "".join(files.values())
    for name, text in files.items():
        project.write(text, f"exported/{name}")
    assert not iac.plan("exported", dev)
    with pytest.raises(iac.IacError, match="--stack"):
        iac.export(options, stack="")


def test_errors_are_of_one_family(options: iac.Options) -> None:
    with pytest.raises(iac.IacError, match="not an address"):
        iac.plan(".", options, targets=["nonsense"])
    assert issubclass(iac.GuardError, iac.IacError)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = iac.nothing  # type: ignore[attr-defined]


def test_the_policy_language_is_there() -> None:
    text = "allow group ml to read generative-ai-family in tenancy"
    assert iac.policy.unparse(iac.policy.parse(text)) == text


def test_what_is_exported_is_what_the_stub_and_the_page_name() -> None:
    stub = set(re.findall(r"import (\w+) as \1$", (ROOT / "genai_iac/__init__.pyi").read_text(), re.MULTILINE))
    page = (ROOT / "docs/python-api.md").read_text()
    assert stub == set(iac.__all__) - {"__version__"} == set(dir(iac)) - {"__version__"}
    assert {name for name in stub if f"`{name}" not in page and f"iac.{name}" not in page} == set()


def test_importing_it_loads_nothing() -> None:
    program = "import sys, genai_iac; print([name for name in sys.modules if name.startswith('genai_iac.')])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path("/"))
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize("number", range(2))
def test_the_examples_of_the_page_run(options: iac.Options, number: int) -> None:
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs/python-api.md").read_text(), re.DOTALL)
    assert len(examples) == 2
    text = examples[number].replace('iac.Options(profile="DEFAULT")', "options")
    exec(compile(text, "docs/python-api.md", "exec"), {"options": options})

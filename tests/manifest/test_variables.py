"""Variables and environments: who wins, what is refused, and where the message points."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import ManifestError, UsageError
from genai_iac.manifest import Manifest, load
from genai_iac.manifest.variables import compile_pattern

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec:
  region: us-chicago-1
  tenancy: ocid1.tenancy.oc1..stack
  variables:
    who: {default: default}
    count: {default: 1}
    on: {type: boolean, default: false}
"""
ENVIRONMENT = """\
apiVersion: genai-iac/v1
kind: Environment
metadata: {name: prod}
spec:
  tenancy: ocid1.tenancy.oc1..prod
  region: eu-frankfurt-1
  profile: PROD
  variables: {who: environment}
"""


@pytest.fixture
def variables_root(tmp_path: Path) -> Path:
    (tmp_path / "stack.yaml").write_text(STACK)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "prod.yaml").write_text(ENVIRONMENT)
    (tmp_path / "environments" / "dev.yml").write_text(ENVIRONMENT.replace("prod", "dev").replace("environment", "dev"))
    (tmp_path / "vars.json").write_text('{"who": "file"}')
    (tmp_path / "later.txt").write_text("who: later file\n")
    return tmp_path


def problems(root: Path, **given: Any) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load(str(root), **given)
    return [
        f"{Path(problem.source.file).name}:{problem.source.line}: {problem.message}; {problem.hint}"
        for problem in caught.value.problems
    ]


WAYS = ("environment", "GENAI_IAC_VAR_who", "file", "flag")  # each wins over those before it


@pytest.mark.parametrize("used", [chosen for size in range(5) for chosen in combinations(WAYS, size)], ids="+".join)
def test_the_later_way_wins(variables_root: Path, used: tuple[str, ...]) -> None:
    manifest = load(
        str(variables_root),
        environment="prod" if "environment" in used else None,
        environ={"GENAI_IAC_VAR_who": "GENAI_IAC_VAR_who"} if "GENAI_IAC_VAR_who" in used else {},
        variable_files=[variables_root / "vars.json"] if "file" in used else [],
        variables={"who": "flag"} if "flag" in used else {},
    )
    assert manifest.variables["who"] == (used[-1] if used else "default")


def test_the_last_file_wins(variables_root: Path) -> None:
    manifest = load(str(variables_root), variable_files=[variables_root / "vars.json", variables_root / "later.txt"])
    assert manifest.variables["who"] == "later file"
    assert [Path(name).name for name in manifest.files] == ["stack.yaml", "vars.json", "later.txt"]


def test_an_environment(variables_root: Path) -> None:
    manifest = load(str(variables_root), environment="prod")
    stack = manifest.stack
    assert (stack.owner, stack.tenancy, stack.region, stack.profile) == (
        "chat@prod",
        "ocid1.tenancy.oc1..prod",
        "eu-frankfurt-1",
        "PROD",
    )
    assert (manifest.environment, manifest.profile) == ("prod", "PROD")
    assert "environments/prod.yaml" in manifest.files


def test_without_an_environment(variables_root: Path) -> None:
    manifest = load(str(variables_root))
    assert (manifest.stack.owner, manifest.stack.tenancy, manifest.environment, manifest.profile) == (
        "chat",
        "ocid1.tenancy.oc1..stack",
        None,
        None,
    )


def test_an_environment_may_stand_beside_a_file(variables_root: Path) -> None:
    assert load(str(variables_root / "stack.yaml"), environment="dev").variables["who"] == "dev"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("prd", "did you mean prod?"), ("integration", "known: dev, prod"), ("../stack", "known: dev, prod")],
)
def test_an_environment_that_is_not_there(variables_root: Path, name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(str(variables_root), environment=name)
    assert caught.value.hint == hint


def test_an_environment_in_two_files(variables_root: Path) -> None:
    (variables_root / "environments" / "prod.yml").write_text(ENVIRONMENT)
    with pytest.raises(UsageError, match=r"prod\.yaml and prod\.yml are both the environment prod"):
        load(str(variables_root), environment="prod")


def test_no_environments_at_all(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK)
    with pytest.raises(UsageError) as caught:
        load(str(tmp_path), environment="prod")
    assert "environments/prod.yaml" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["prod.yaml:1: the file is empty; write a document of kind Environment"]),
        (STACK, ["prod.yaml:1: this is of kind Stack, not Environment; only environments belong into environments/"]),
        (
            ENVIRONMENT + "---\n" + ENVIRONMENT,
            ["prod.yaml:10: an environment's file holds one document; put the other into a file of its own"],
        ),
        (
            ENVIRONMENT.replace("prod}", "test}"),
            ["prod.yaml:3: the file is called prod, the environment test; give both one name"],
        ),
        (
            ENVIRONMENT.replace("region: eu", "regoin: eu"),
            ["prod.yaml:6: unknown key regoin in spec; did you mean region?"],
        ),
        (
            ENVIRONMENT.replace("who:", "woh:"),
            ["prod.yaml:8: environment prod: no variable woh is declared in the Stack; did you mean who?"],
        ),
        (ENVIRONMENT.replace("who: env", "who: [env]"), None),
        (ENVIRONMENT.replace("PROD", "PROD: x"), None),
    ],
)
def test_a_broken_environment(variables_root: Path, text: str, expected: list[str] | None) -> None:
    (variables_root / "environments" / "prod.yaml").write_text(text)
    found = problems(variables_root, environment="prod")
    assert found == expected if expected else len(found) == 1 and found[0].startswith("prod.yaml:")


def test_a_broken_environment_is_reported_together_with_the_rest(variables_root: Path) -> None:
    (variables_root / "environments" / "prod.yaml").write_text(ENVIRONMENT.replace("region: eu", "regoin: eu"))
    (variables_root / "other.yaml").write_text("kind: Stak")
    assert len(problems(variables_root, environment="prod")) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"variables": {"wo": "x"}},
            "stack.yaml:7: --var wo: no variable wo is declared in the Stack; did you mean who?",
        ),
        ({"variables": {"count": "many"}}, "stack.yaml:9: --var count: count must be a number; "),
        ({"variables": {"on": "yes"}}, "stack.yaml:10: --var on: on must be true or false; "),
        ({"variables": {"who": "a\x1b[2Jb"}}, "stack.yaml:8: --var who: who has the invisible character U+001B; "),
        ({"environ": {"GENAI_IAC_VAR_count": ""}}, "stack.yaml:9: GENAI_IAC_VAR_count: count must be a number; "),
    ],
)
def test_wrong_values(variables_root: Path, given: dict[str, Any], expected: str) -> None:
    assert problems(variables_root, **given) == [expected]


def test_values_of_the_command_line_take_the_variable_s_type(variables_root: Path) -> None:
    manifest = load(str(variables_root), variables={"count": "2.5", "on": "true", "who": "010"})
    assert manifest.variables == {"who": "010", "count": 2.5, "on": True}


def test_environment_variables_of_other_stacks_do_not_matter(variables_root: Path) -> None:
    assert load(str(variables_root), environ={"GENAI_IAC_VAR_other": "x", "PATH": "y"}).variables["who"] == "default"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("who: 5", "a.yaml:1: --var-file a.yaml: who must be a string; put quotes around it"),
        ("count: '5'", "a.yaml:1: --var-file a.yaml: count must be a number; "),
        ("count: true", "a.yaml:1: --var-file a.yaml: count must be a number; "),
        ("on: [true]", "a.yaml:1: --var-file a.yaml: on must be true or false; "),
        ("\nwo: x", "a.yaml:2: --var-file a.yaml: no variable wo is declared in the Stack; did you mean who?"),
        ("- who", "a.yaml:1: a --var-file must be a mapping; write lines of the form name: value"),
        ("who: a\nwho: b", "a.yaml:2: the key who is written twice; first in line 1; keep one of the two"),
    ],
)
def test_a_broken_variable_file(
    variables_root: Path, text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(variables_root)
    (variables_root / "a.yaml").write_text(text)
    assert problems(variables_root / "stack.yaml", variable_files=["a.yaml"]) == [expected]


@pytest.mark.parametrize("name", ["nowhere.yaml", ".", "\0"])
def test_no_such_variable_file(variables_root: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(str(variables_root), variable_files=[str(variables_root / name)])


def _with_variables(root: Path, variables: str, *documents: str) -> Path:
    text = (
        STACK.partition("  variables:")[0]
        + f"  variables: {variables}\n"
        + "".join(f"---\n{document}" for document in documents)
    )
    (root / "stack.yaml").write_text(text)
    return root


COMPARTMENT = "apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: chat}\nspec: {name: 'chat-${var.env}'}\n"


def _load_with(root: Path, **variables: str) -> Manifest:
    return load(str(root), variables=variables)


def test_a_value_that_is_missing_names_the_flag_once(variables_root: Path) -> None:
    _with_variables(variables_root, "{env: {}}", COMPARTMENT, COMPARTMENT.replace("chat", "other"))
    (problem,) = problems(variables_root)
    assert problem.startswith("stack.yaml:7: the variable env has no value; give --env dev or --env prod, --var env=…")
    assert len(_load_with(variables_root, env="x").resources) == 2


def test_a_choice_that_is_none(variables_root: Path) -> None:
    _with_variables(variables_root, "{env: {enum: [dev, prod]}}", COMPARTMENT)
    assert problems(variables_root, variables={"env": "prd"}) == [
        "stack.yaml:7: --var env: env must be dev or prod; did you mean prod?"
    ]
    assert _load_with(variables_root, env="prod").variables == {"env": "prod"}


def test_choices_have_types(variables_root: Path) -> None:
    _with_variables(variables_root, "{size: {enum: [1, 2]}}")
    assert _load_with(variables_root, size="2").variables == {"size": 2}
    _with_variables(variables_root, "{size: {enum: [1, two]}}")
    assert problems(variables_root, variables={"size": "1"}) == ["stack.yaml:7: must be a number like the variable; "]


def test_values_are_text_and_never_read_again(variables_root: Path) -> None:
    _with_variables(
        variables_root, "{env: {default: '${Stack.name}'}}", COMPARTMENT.replace("name: 'chat-", "description: 'chat-")
    )
    (resource,) = load(str(variables_root)).resources.values()
    assert resource.attributes["description"] == "chat-${Stack.name}"


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+$",
        "^[a-z]([-a-z0-9]*[a-z0-9])?$",
        "a|b",
        r"^\d{4}-\d{2}$",
        "^[^]]+$",
        r"^\[x\]$",
        "^a{2}b{3}c{4}$",
        "(a|b)c",
    ],
)
def test_patterns_that_are_fine(pattern: str) -> None:
    compile_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|b)*c",
        "a*a*a*a*",
        "(?=a)b",
        r"(a)\1",
        "(",
        "[a",
        "a**",
        "x" * 300,
        "(a){3}",
        "(?i)a",
        "a{1,9}b{1,9}c{1,9}d{1,9}",
        "[[a]",
        "[a--b]",
    ],
)
def test_patterns_that_are_not(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|regular expression"):
        compile_pattern(pattern)

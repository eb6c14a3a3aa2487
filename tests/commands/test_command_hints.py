"""The commands that the tool tells to type: the command line takes each of them, and where it is told it leads on as it stands."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from shutil import rmtree

import click
import pytest
from conftest import ROOT, Project, Ran, Tenancy
from plan_apply.test_ownership import TAG, make_compartment

from genai_iac.cli import cli
from genai_iac.cli.command_hints import complete_commands
from genai_iac.cli.options import GlobalOptions

from .stacks import edited

PLACE = "stacks/a b"  # PATH has to be quoted
ENVIRONMENT = "{apiVersion: genai-iac/v1, kind: Environment, metadata: {name: prod}, spec: {variables: {about: x}}}\n"
VARIABLE = edited("  tags: {team: ml}", "  tags: {team: ml}\n  variables: {about: {}}").replace(
    "description: Chat workloads", 'description: "Chat ${var.about}"'
)
KEY_ALONE = VARIABLE.partition("---\napiVersion: genai-iac/v1\nkind: Policy")[0]
ROTATING = KEY_ALONE.replace("state: inactive, ", "") + "  rotation: {every: 60d}\n"
# What follows the tool's name in sentences about it, and in titles and formats.
PROSE = {"emulator", "has", "manifest", "notes", "stack", "wrote"}


# Each command in the source


@cache
def texts() -> list[tuple[str, str]]:
    return [*read_texts()]


def read_texts() -> Iterator[tuple[str, str]]:
    """Every text of the package, as `file:line` and the text; what is filled in stands as an address."""
    for file in sorted((ROOT / "genai_iac").rglob("*.py")):
        text = file.read_text()
        if not re.search(r"genai-iac |--[a-z]", text):
            continue
        nodes = [*ast.walk(ast.parse(text))]
        passed = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        passed |= {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        for node in nodes:
            if id(node) in passed:
                continue
            where = f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield where, node.value
            elif isinstance(node, ast.JoinedStr):
                yield where, "".join(part.value if isinstance(part, ast.Constant) else "X" for part in node.values)  # type: ignore[misc]


def options_of(command: click.Command) -> set[str]:
    return {name for one in command.params if isinstance(one, click.Option) for name in one.opts}


def problem(command: str) -> str | None:
    """What the command line does not take of the words after `genai-iac`: an unknown verb or option."""
    context, here = click.Context(cli), cli
    verb: click.Command = here
    for word in re.findall(r"[^\s,;:)\"'`]+", command):
        if word.startswith("--"):
            if word.partition("=")[0] not in options_of(verb):
                return f"{verb.name} has no option {word}"
        elif isinstance(verb, click.Group):
            found = verb.get_command(context, word)
            if found is None:
                return None if word in PROSE else f"there is no verb {word}"
            verb = found
        elif (
            not re.fullmatch(r"[A-Z.…][\w./:…-]*|ocid1.*|\d+|https?|dot|json(=FILE)?|test|demo", word)
            and verb is not cli
        ):
            return f"{word!r} is not told apart from the command"
    return None


def test_each_command_in_a_text_of_the_package_is_taken_by_the_command_line() -> None:
    found = [
        (where, command)
        for where, text in texts()
        for command in re.findall(r"(?<![\w<-] )(?:^|(?<=[\s:;(`\"]))genai-iac ((?:--)?[a-z][^;\n`<]*)", text)
    ]
    assert len(found) > 30
    assert [f"{where}: {said}" for where, command in found if (said := problem(command))] == []


def test_each_option_in_a_text_of_the_package_is_one_of_some_verb() -> None:
    context = click.Context(cli)
    verbs = [cli, *(cli.get_command(context, name) for name in cli.list_commands(context))]
    verbs += [one for verb in verbs if isinstance(verb, click.Group) for one in verb.commands.values()]
    known = {name for verb in verbs if verb is not None for name in options_of(verb)} | {
        "--help",
        "--detach",
    }  # the last is of git
    said = [
        (where, option)
        for where, text in texts()
        if not re.search(r"repository/git\.py|sinks/exec\.py", where) and " git " not in f" {text} "
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
    ]
    assert len(said) > 100 and [one for one in said if one[1] not in known] == []


@pytest.mark.parametrize("width", ["40", "80", "100"])
def test_help_ends_no_line_within_a_name(offline: Project, monkeypatch: pytest.MonkeyPatch, width: str) -> None:
    monkeypatch.setenv("COLUMNS", width)
    texts = [offline.run(*words, "--help").out for words in ((), ("plan",), ("local", "serve"), ("export",))]
    assert [line for text in texts for line in text.splitlines() if line.endswith("-")] == []
    assert "\u2011" not in "".join(texts) and "--env" in texts[1]


# What the run was given


@pytest.mark.parametrize(
    ("text", "path", "completed"),
    [
        (
            "or genai-iac rotate ApiKey/a.b; or not",
            "a b",
            "or genai-iac --env prod --var x=a b rotate ApiKey/a.b 'a b'; or not",
        ),
        ("genai-iac plan shows it", ".", "genai-iac --env prod --var x=a b plan shows it"),
        (
            "genai-iac import Policy/p ocid1.policy.oc1..aa",
            "-x",
            "genai-iac --env prod --var x=a b import Policy/p ocid1.policy.oc1..aa ./-x",
        ),
        ("genai-iac plan --out FILE", "-", "genai-iac --env prod --var x=a b plan - --out FILE"),
        ("genai-iac snapshot --out FILE", None, "genai-iac --env prod --var x=a b snapshot --out FILE"),
        *(
            (text, "p", text)
            for text in ("genai-iac local serve", "genai-iac has a defect", "genai-iac init --vault OCID", "")
        ),
    ],
)
def test_commands_get_the_options_and_the_path_of_the_run(text: str, path: str | None, completed: str) -> None:
    flags = GlobalOptions(env="prod", typed={"var": ("--var", "x=a b")})
    assert complete_commands(text, flags, path) == completed.replace("x=a b", "'x=a b'")


@pytest.fixture
def typed(project: Project) -> Project:
    """A project whose stack is in a directory with a space, with an environment; nothing of the connection is exported."""
    project.write(KEY_ALONE, f"{PLACE}/stack.yaml")
    project.write(ENVIRONMENT, f"{PLACE}/environments/prod.yaml")
    return project


def run(project: Project, *words: str, code: int = 0) -> Ran:
    """The verb for that stack and environment, everything on the command line."""
    with_options = (
        "--endpoint",
        project.environ["GENAI_IAC_ENDPOINT"],
        "--config-file",
        project.environ["GENAI_IAC_CONFIG_FILE"],
    )
    return Project(project.path).run(*with_options, "--env", "prod", *words, code=code)


def follow(project: Project, ran: Ran, verb: str, *more: str, code: int = 0) -> Ran:
    """Paste the command with that verb which was told, with `more` behind it; nothing is exported."""
    told = [line[line.index("genai-iac ") :] for line in (ran.out + ran.err).splitlines() if "genai-iac --" in line]
    (words,) = {tuple(shlex.split(line.partition(";")[0])) for line in told if f" {verb} " in line}
    return Project(project.path).run(*words[1:], *more, code=code)


def test_a_name_that_is_taken_is_adopted_by_the_command_that_is_told(typed: Project, tenancy: Tenancy) -> None:
    make_compartment(tenancy, "chat")
    adopted = follow(typed, run(typed, "plan", PLACE, code=1), "import")
    assert "No changes" not in follow(typed, adopted, "plan").out
    assert run(typed, "plan", PLACE).out.count("+ Compartment/chat") == 0


def test_what_another_stack_owns_is_not_told_to_be_imported_at_once(typed: Project, tenancy: Tenancy) -> None:
    ocid = make_compartment(tenancy, "chat", {TAG: "another/Compartment/chat#0123456789abcdef"})
    said = run(typed, "plan", PLACE, code=1).err
    assert "another give it up first" in " ".join(said.split()) and "adopt it: genai-iac --env prod " in said
    assert f"import Compartment/chat {ocid} 'stacks/a b'" in said


def test_a_value_that_was_lost_is_made_again_by_the_command_that_is_told(typed: Project) -> None:
    typed.write(ROTATING, f"{PLACE}/stack.yaml")
    run(typed, "apply", PLACE, "--auto-approve")
    (typed.path / PLACE / "secrets/app.env").unlink()
    rmtree(typed.path / ".genai-iac")  # another machine
    again = follow(typed, run(typed, "plan", PLACE), "rotate", "--auto-approve")
    assert "Apply complete!" in again.out and (typed.path / PLACE / "secrets/app.env").is_file()


def test_a_stale_plan_is_made_again_by_the_command_that_is_told(typed: Project) -> None:
    run(typed, "plan", PLACE, "--target", "Compartment/chat", "--out", "the plan")
    typed.write(KEY_ALONE.replace("90d", "91d"), f"{PLACE}/stack.yaml")
    again = follow(typed, run(typed, "apply", "the plan", code=1), "plan")
    assert "Plan: 1 to add" in again.out
    assert "1 added" in run(typed, "apply", "the plan").out


def test_an_apply_that_failed_is_continued_by_the_command_that_is_told(typed: Project, tenancy: Tenancy) -> None:
    tenancy.control(
        "POST", "faults", {"operation": "CreateCompartment", "effect": {"status": 400, "code": "InvalidParameter"}}
    )
    failed = run(typed, "apply", PLACE, "--target", "Compartment/chat", "--auto-approve", code=4)
    tenancy.control("DELETE", "faults")
    assert "1 added" in follow(typed, failed, "apply", "--auto-approve").out


def test_broken_manifests_are_named_by_the_command_that_doctor_tells(typed: Project) -> None:
    typed.write("apiVersion: genai-iac/v1\nkind: Nothing\n", f"{PLACE}/more.yaml")
    said = follow(typed, run(typed, "doctor", PLACE), "validate", code=1)
    assert "more.yaml" in said.err

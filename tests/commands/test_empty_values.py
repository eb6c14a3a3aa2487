"""An empty value on the command line is a shell variable that is not set: no verb takes it for something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from conftest import Project

from genai_iac.cli import cli
from genai_iac.cli.output_files import write_file
from genai_iac.core.errors import UsageError

LOCAL = ("local serve", "local env", "local reset")


def verbs() -> Iterator[tuple[str, click.Command]]:
    """Every verb with its own flags and the global ones."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", verb) for below, verb in command.commands.items())
        else:
            yield name, command


def test_every_option_and_argument_of_every_verb(offline: Project) -> None:
    tried = 0
    for name, command in verbs():
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                given, word = ["--", ""], parameter.human_readable_name.strip("[]")
            elif parameter.is_flag or parameter.count:  # type: ignore[attr-defined]
                continue
            else:
                word = max(parameter.opts, key=len)
                given = [word, ""] if tried % 2 else [f"{word}="]
            if isinstance(parameter, click.Argument) and parameter is not _first_argument(command):
                continue
            ran = offline.run(*name.split(), *given, code=1)
            assert f"{word} is empty" in ran.err and not ran.out, (name, word, ran.err)
            tried += 1
    assert tried > 300
    assert not list(offline.path.iterdir())


def _first_argument(command: click.Command) -> click.Parameter | None:
    return next((one for one in command.params if isinstance(one, click.Argument)), None)


@pytest.mark.parametrize("flag", ["--env", "--endpoint", "--profile", "--var", "--allow-sink-host"])
def test_before_the_verb(offline: Project, flag: str) -> None:
    assert f"{flag} is empty" in offline.run(flag, "", "validate", code=1).err


def test_a_later_argument(offline: Project) -> None:
    assert "PATH is empty" in offline.run("rotate", "ApiKey/chat", "", code=1).err
    assert "OCID is empty\n  next: write its value\n" in offline.run("import", "ApiKey/chat", "", code=1).err


def test_an_empty_variable_is_one_that_is_not_set(offline: Project) -> None:
    offline.write("apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n")
    offline.environ |= {
        "GENAI_IAC_ENV": "",
        "GENAI_IAC_PROFILE": "",
        "GENAI_IAC_CHANGED_SINCE": "",
        "GENAI_IAC_AUTH": "",
    }
    assert "Valid: stack chat" in offline.run("validate").out


@pytest.mark.parametrize("given", ["-", "json=-", "json=", "plans/", "."])
def test_an_out_that_names_no_file(offline: Project, given: str) -> None:
    offline.write("apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n")
    ran = offline.run("--local", "plan", "--out", given, code=1)
    assert "--out" in ran.err and "remove it" not in ran.err
    assert {one.name for one in offline.path.iterdir()} <= {"stack.yaml", ".genai-iac"}


@pytest.mark.parametrize(
    "arguments",
    [
        "--local apply --auto-approve --audit -",
        "init -",
        "schema --out -",
        "validate --all --out-dir -",
    ],
)
def test_nothing_is_called_dash(offline: Project, arguments: str) -> None:
    offline.write(
        "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n", "a/s.yaml"
    )
    assert "- is no directory" in (err := offline.run(*arguments.split(), code=1).err) or "--audit -" in err
    assert not (offline.path / "-").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        "--local snapshot --out stack.yaml",
        "--local plan --out stack.yaml",
        "--local plan --out html=s.YML",
        "--local apply --auto-approve --audit ./stack.yaml",
        "test --junit stack.yaml",
        "report . --out stack.yaml",
    ],
)
def test_an_output_replaces_no_manifest(offline: Project, arguments: str) -> None:
    text = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
    files = [offline.write(text), offline.write("a: 1\n", "s.YML")]
    before = [file.read_text() for file in files]
    assert "a YAML file of that name exists" in offline.run(*arguments.split(), code=1).err
    assert [file.read_text() for file in files] == before


def test_no_file_is_called_dash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="--junit -: this is written to a file only"):
        write_file(Path("-"), b"", "--junit")
    assert not list(tmp_path.iterdir())

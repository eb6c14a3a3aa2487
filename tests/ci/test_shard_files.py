"""The files that run shards on each CI system: every shard of N is run once, with flags that there are, for this version."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
import yaml

from genai_iac import __version__
from genai_iac.cli import cli

FOLDER = Path(__file__).parent.parent.parent / "examples/ci/shards"
FILES = {file.name: file.read_text() for file in sorted(FOLDER.iterdir())}
COUNTS = {"github.yml": 16, "gitlab.yml": 8, "kubernetes-job.yaml": 16, "argo-workflow.yaml": 16}


def shards(name: str) -> list[int]:
    """The shards that this system would run."""
    document = yaml.safe_load(FILES[name])
    match name:
        case "github.yml":
            return list(document["jobs"]["read"]["strategy"]["matrix"]["shard"])
        case "gitlab.yml":
            return [int(one) for one in document["read"]["parallel"]["matrix"][0]["SHARD"]]
        case "kubernetes-job.yaml":
            assert document["spec"]["completionMode"] == "Indexed"
            return list(range(document["spec"]["completions"]))
    step = document["spec"]["templates"][0]["steps"][0][0]
    return list(range(int(step["withSequence"]["count"])))


@pytest.mark.parametrize("name", COUNTS)
def test_every_shard_runs_once(name: str) -> None:
    assert shards(name) == list(range(COUNTS[name]))
    assert set(re.findall(r'--shard "\$\w+/(\d+)"', FILES[name])) == {str(COUNTS[name])}


def test_every_file_is_known() -> None:
    assert set(FILES) == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_every_command_has_flags_that_there_are(name: str) -> None:
    lines = re.findall(r"genai-iac (status|drift|report) ([^\n|]*)", re.sub(r"(?m)^\s*#.*", "", FILES[name]))
    assert len(lines) >= 2
    for verb, rest in lines:
        command = cli.get_command(click.Context(cli), verb)
        assert command is not None
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_the_version_is_this_one() -> None:
    assert set(re.findall(r"genai-iac:([\d.]+)", "".join(FILES.values()))) == {__version__}

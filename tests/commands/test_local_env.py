"""`local env` prints what points other clients at the emulator, and at one region of it."""

from __future__ import annotations

import shlex

import pytest
from conftest import Project, Ran


def exports(ran: Ran) -> dict[str, str]:
    """The variables that a shell has after `eval` of the output."""
    words = [shlex.split(line) for line in ran.out.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    return dict(word[1].split("=", 1) for word in words)


def test_without_a_region_the_home_region_is_meant(offline: Project) -> None:
    given = exports(offline.run("local", "env"))
    assert given["OCI_CLI_ENDPOINT"] == given["GENAI_IAC_ENDPOINT"] == "http://127.0.0.1:4180"
    assert given["OCI_CLI_REGION"] == "us-ashburn-1"


@pytest.mark.parametrize("written", ["us-chicago-1", "ORD"])
def test_a_region_is_chosen_for_every_other_client(offline: Project, written: str) -> None:
    given = exports(offline.run("local", "env", "--port", "4190", "--region", written))
    assert given["OCI_CLI_ENDPOINT"] == "http://127.0.0.1:4190/r/us-chicago-1"
    assert given["OCI_CLI_REGION"] == "us-chicago-1"
    assert given["GENAI_IAC_ENDPOINT"] == "http://127.0.0.1:4190"


def test_the_flag_may_stand_before_the_verb_and_what_was_exported_is_not_taken_for_it(offline: Project) -> None:
    assert exports(offline.run("--region", "us-chicago-1", "local", "env"))["OCI_REGION"] == "us-chicago-1"
    offline.environ["OCI_CLI_REGION"] = "us-chicago-1"
    assert exports(offline.run("local", "env"))["OCI_REGION"] == "us-ashburn-1"


@pytest.mark.parametrize(
    ("region", "said", "hint"),
    [
        ("us-chicgo-1", "is not subscribed to us-chicgo-1", "us-chicago-1"),
        ("eu-paris-1", "is not subscribed to eu-paris-1", "subscribedRegions"),
        ("nowhere", "--region: 'nowhere' is not a region", "us-ashburn-1"),
    ],
)
def test_a_region_that_does_not_answer_is_refused(offline: Project, region: str, said: str, hint: str) -> None:
    ran = offline.run("local", "env", "--region", region, code=1)
    assert said in ran.err and hint in " ".join(ran.err.split()) and ran.out == ""

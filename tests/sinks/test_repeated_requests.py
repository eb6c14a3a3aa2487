"""Requests of networked sinks that are refused for now, or whose answer is lost: repeated when that is safe, looked after if not."""

from __future__ import annotations

from pathlib import Path

import pytest
from network import raw

from genai_iac.core.errors import SinkError

from .fake_http import Fault
from .samples import VALUES, delivery, item
from .sink_harness import AwsHarness, GitHubHarness, HashicorpHarness, HttpHarness, KubernetesHarness

FIRST = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))
NEXT = delivery(item("key-one", "c", "current"), item("key-two", "b", "standby", kept=True))
NOTHING = delivery()
WRITES = {  # the request that each of them writes a value with
    KubernetesHarness: "PATCH .*/secrets/chat-app$",
    HashicorpHarness: "POST .*/data/",
    GitHubHarness: "PUT .*/OPENAI_API_KEY$",
    AwsHarness: "POST /PutSecretValue",
}
HARNESSES = list(WRITES)


@pytest.fixture(params=HARNESSES, ids=lambda kind: kind.__name__.removesuffix("Bench").lower())
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> HttpHarness:
    made: HttpHarness = request.param(tmp_path)
    return made


def write_of(harness: HttpHarness) -> str:
    return WRITES[type(harness)]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("what", ["a read", "a write"])
def test_what_is_refused_for_now_is_asked_again(
    harness: HttpHarness, waited: list[float], status: int, what: str
) -> None:
    harness.open().write(FIRST)
    harness.api.faults = [
        Fault(write_of(harness) if what == "a write" else ".", status, times=2, headers={"retry-after": "7"})
    ]
    harness.open().write(NEXT)
    assert harness.consumer() == VALUES["c"] and waited == [7.0, 7.0]


@pytest.mark.parametrize("after", [False, True], ids=["before it was carried out", "after it was carried out"])
@pytest.mark.parametrize("status", [0, 503], ids=["reset", "503"])
def test_a_write_whose_answer_is_lost_is_made_once(harness: HttpHarness, after: bool, status: int) -> None:
    harness.open().write(FIRST)
    before = len(harness.api.changes)
    harness.open().write(NEXT)
    once = len(harness.api.changes) - before
    harness.open().write(FIRST)
    before = len(harness.api.changes)
    harness.api.faults = [Fault(write_of(harness), status, after=after)]
    harness.open().write(NEXT)
    assert harness.consumer() == VALUES["c"] and harness.api.faults[0].times == 0
    if not isinstance(
        harness, GitHubHarness
    ):  # it knows no condition: setting the same value twice is the same as once
        assert len(harness.api.changes) - before == once


@pytest.mark.parametrize("kind", [KubernetesHarness, HashicorpHarness])
def test_what_somebody_else_writes_meanwhile_is_not_overwritten(kind: type[HttpHarness], tmp_path: Path) -> None:
    harness = kind(tmp_path)
    harness.open().write(FIRST)

    def interfere() -> None:
        harness.open().write(delivery(item("key-two", "b", "current", kept=True)))

    harness.api.faults = [Fault(write_of(harness), between=interfere)]
    with pytest.raises(SinkError, match=r"could not write it: 40[09].*somebody else wrote there meanwhile"):
        harness.open().write(NEXT)
    assert harness.consumer() == VALUES["b"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("status", [0, 503])
def test_an_end_whose_answer_is_lost(harness: HttpHarness, after: bool, status: int) -> None:
    harness.open().write(FIRST)
    harness.api.faults = [Fault("DELETE|DeleteSecret", status, after=after)]
    harness.open().write(NOTHING)
    assert harness.consumer() is None
    assert len(
        [one for one in harness.api.changes if one.startswith("DELETE") or "DeleteSecret" in one]
    ) == 1 or isinstance(harness, GitHubHarness)


def test_a_version_that_somebody_else_wrote_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    harness = HashicorpHarness(tmp_path)
    harness.open().write(FIRST)

    def interfere() -> None:
        harness.api.secrets["secret/data/chat/app"].append({"THEIRS": "1"})

    harness.api.faults = [Fault("DELETE", after=True, between=interfere)]
    with pytest.raises(SinkError, match="somebody else wrote there meanwhile; plan again"):
        harness.open().write(NOTHING)
    assert harness.api.newest("secret/data/chat/app") == {"THEIRS": "1"}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("move", [1, 2])
def test_a_stage_whose_move_got_no_answer(tmp_path: Path, move: int, after: bool) -> None:
    harness = AwsHarness(tmp_path)
    harness.open().write(FIRST)
    count = iter(range(1, 9))
    lost = Fault("UpdateSecretVersionStage", after=after)
    harness.api.take_fault = lambda sent: (
        lost if "Stage" in sent.headers["x-amz-target"] and next(count) == move else None
    )  # type: ignore[method-assign]
    harness.open().write(NEXT)
    stages = [sorted(one["stages"]) for one in harness.api.secrets["chat/app"]["versions"].values()]
    assert harness.consumer() == VALUES["c"] and sorted(stages) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


def test_a_secret_that_waits_to_be_deleted_is_restored_although_an_answer_is_lost(tmp_path: Path) -> None:
    harness = AwsHarness(tmp_path)
    harness.open().write(FIRST)
    harness.open().write(NOTHING)
    harness.api.faults = [Fault("RestoreSecret", after=True)]
    harness.open().write(FIRST)
    assert harness.consumer() == VALUES["a"]


def test_a_first_write_whose_answer_is_lost(harness: HttpHarness) -> None:
    harness.api.faults = [Fault(f"{write_of(harness)}|CreateSecret", after=True)]
    harness.open().write(FIRST)
    assert harness.consumer() == VALUES["a"]


def test_it_ends(harness: HttpHarness, waited: list[float]) -> None:
    harness.api.faults = [Fault(".", 503, times=99)]
    with pytest.raises(SinkError, match="503: come back later"):
        harness.open().read()
    assert waited == [0.25, 1.0, 4.0]
    waited.clear()
    harness.api.faults = [Fault(".", times=99)]
    with pytest.raises(SinkError, match="no answer from"):
        harness.open().read()
    assert waited == [0.25, 1.0, 4.0]


def test_a_pause_that_is_too_long_is_left_to_people(harness: HttpHarness, waited: list[float]) -> None:
    harness.api.faults = [Fault(".", 429, headers={"retry-after": "600"})]
    with pytest.raises(
        SinkError, match="429: come back later; the service asks for a pause: apply again in 600 seconds"
    ):
        harness.open().read()
    assert waited == []


def test_what_is_not_refused_for_now_is_asked_once(harness: HttpHarness, waited: list[float]) -> None:
    for status in (400, 403, 500):
        harness.api.asked.clear()
        harness.api.faults = [Fault(".", status)]
        with pytest.raises(SinkError):
            harness.open().read()
        assert len(harness.api.asked) == 1
    assert waited == []


def test_throttling_that_has_another_status(tmp_path: Path, waited: list[float]) -> None:
    aws, left = AwsHarness(tmp_path), [1, 1]
    aws.api.failing = lambda sent: (
        (400, {"__type": "ThrottlingException", "Message": "Rate exceeded"}) if left and left.pop() else None
    )
    assert aws.open().read() is None and waited == [0.25, 1.0]
    waited.clear()
    github = GitHubHarness(tmp_path)
    github.api.faults = [Fault("GET", 403, headers={"retry-after": "9"})]
    github.open().prove()
    assert waited == [9.0]


@pytest.mark.parametrize("wrong", [b"soon", b"-1", b"99999", b"Sun, 29 Nov 2026 10:00:00 GMT"])
def test_a_pause_that_is_no_number_is_none(tmp_path: Path, waited: list[float], wrong: bytes) -> None:
    answers = [
        raw.answer(b"{}", b"retry-after: " + wrong, status=b"503 Service Unavailable"),
        raw.answer(b"{}", status=b"404 Not Found"),
    ]
    harness = HashicorpHarness(tmp_path)
    with raw.serving(*answers) as served:
        harness.entry["hashicorp"]["address"] = served.url
        assert harness.open().read() is None
    assert waited == [0.25]

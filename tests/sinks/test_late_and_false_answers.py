"""Services that confirm a write and show it later, or never; and those that send a request elsewhere."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import SinkError

from . import fake_hashicorp
from .fake_http import Fault, Reply, Sent
from .samples import VALUES, delivery, item
from .sink_harness import AwsHarness, GitHubHarness, HashicorpHarness, HttpHarness, KubernetesHarness

FIRST = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))
NEXT = delivery(item("key-one", "c", "current"), item("key-two", "b", "standby", kept=True))
STATE = {KubernetesHarness: "objects", HashicorpHarness: "secrets", GitHubHarness: "secrets", AwsHarness: "secrets"}


@pytest.fixture(params=list(STATE), ids=lambda kind: kind.__name__.removesuffix("Harness").lower())
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> HttpHarness:
    made: HttpHarness = request.param(tmp_path)
    return made


class LateReads:
    """After each write, so many reads are answered with what was there before it."""

    def __init__(self, harness: HttpHarness, late: int) -> None:
        self.harness, self.late, self.left = harness, late, 0
        self.api, self.state = harness.api, STATE[type(harness)]
        self.plain, self.before = harness.api.answer, self._copy()
        harness.api.answer = self.answer  # type: ignore[method-assign]

    def _copy(self) -> Any:
        return copy.deepcopy(getattr(self.api, self.state))

    def answer(self, sent: Sent) -> Reply:
        if self.harness.is_write(sent):
            self.before, self.left = self._copy(), self.late
            return self.plain(sent)
        self.left -= 1
        if self.left < 0:
            return self.plain(sent)
        now = getattr(self.api, self.state)
        setattr(self.api, self.state, self.before)
        try:
            return self.plain(sent)
        finally:
            setattr(self.api, self.state, now)


@pytest.mark.parametrize("late", [1, 2])
def test_a_service_that_shows_a_write_late_has_it(harness: HttpHarness, late: int, waited: list[float]) -> None:
    harness.open().write(FIRST)
    late_reads = LateReads(harness, late)
    harness.open().write(NEXT)
    assert harness.consumer() == VALUES["c"] and waited
    late_reads.left = 0
    held = harness.open().read()
    assert held is not None and held.holds("key-one", NEXT.items[0].record.mask) and not held.damage


@pytest.mark.parametrize("first", [True, False], ids=["the first write", "a later one"])
def test_a_service_that_confirms_and_stores_nothing_has_nothing(harness: HttpHarness, first: bool) -> None:
    if not first:
        harness.open().write(FIRST)
    before, plain, state = harness.consumer(), harness.api.answer, STATE[type(harness)]

    def answer(sent: Sent) -> Reply:
        kept = copy.deepcopy(getattr(harness.api, state))
        reply = plain(sent)
        if harness.is_write(sent):
            setattr(harness.api, state, kept)
        return reply

    harness.api.answer = answer  # type: ignore[method-assign]
    with pytest.raises(SinkError, match=r"read back|shows it as it was|could not"):
        harness.open().write(NEXT if not first else FIRST)
    harness.api.answer = plain  # type: ignore[method-assign]
    assert harness.consumer() == before


def test_a_secret_that_is_set_twice_within_a_second(tmp_path: Path) -> None:
    harness = GitHubHarness(tmp_path)
    harness.open().write(FIRST)
    plain, puts = harness.api._put, 0

    def put(sent: Sent, *place: str) -> Reply:
        nonlocal puts
        puts += 1
        now = harness.api.now
        reply = plain(sent, *place)
        if puts == 1:  # GitHub tells whole seconds
            harness.api.now = now
            harness.api.secrets[place[0]][place[1]]["updated_at"] = now.isoformat().replace("+00:00", "Z")
        return reply

    harness.api._put = put  # type: ignore[method-assign]
    harness.api.now = harness.api.now.replace(second=1)  # the moment at which OPENAI_BASE_URL was set
    harness.open().write(NEXT)
    assert harness.consumer() == VALUES["c"] and puts == 3


WHERE = [
    ("https://other.example/v1/x?token=TOKEN", "302: it redirects to https://other.example"),
    ("https://TOKEN@other.example:8200/TOKEN", "302: it redirects to https://other.example:8200"),
    ("/TOKEN", "302: it redirects to another path"),
    ("http://[TOKEN", "302: it redirects to another address"),
    ("", "302: it redirects to another path"),
]


@pytest.mark.parametrize(("location", "said"), WHERE)
def test_a_redirect_says_where_to_and_is_not_followed(harness: HttpHarness, location: str, said: str) -> None:
    location = location.replace("TOKEN", fake_hashicorp.TOKEN)
    harness.api.faults = [Fault(".", 302, headers={"location": location}, times=9)]
    with pytest.raises(SinkError) as error:
        harness.open().read()
    assert said in str(error.value) and "no redirect is followed" in str(error.value)
    assert fake_hashicorp.TOKEN[-12:] not in str(error.value) and len(harness.api.asked) == 1

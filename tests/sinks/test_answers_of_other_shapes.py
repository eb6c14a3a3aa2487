"""Services that answer 200 with something else than they document: a failed sink, which is neither empty nor written to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import SinkError

from .fake_http import Reply, Sent
from .samples import delivery, item
from .sink_harness import AwsHarness, GitHubHarness, HashicorpHarness, HttpHarness, KubernetesHarness

FIRST = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))
NEXT = delivery(item("key-one", "c", "current"), item("key-two", "b", "standby", kept=True))
OTHERS: tuple[Any, ...] = (None, {}, "other", 7, [["other"]])
SHORT_KEY = {"key_id": "1", "key": "aaaa"}
STRANGE: list[tuple[type[HttpHarness], str, Any]] = [
    (HashicorpHarness, "/capabilities-self$", {"data": {"secret/data/chat/app": [["other"]]}}),
    (HashicorpHarness, "GET .*/data/", [1]),
    (KubernetesHarness, "GET .*/secrets/", {"kind": "Secret", "metadata": {"labels": 7}}),
    (KubernetesHarness, "GET .*/secrets/", {"kind": "Secret", "metadata": {"annotations": 7}}),
    (KubernetesHarness, "GET .*/secrets/", {"kind": "Secret", "metadata": {}, "data": ["other"]}),
    (GitHubHarness, "GET .*/public-key$", SHORT_KEY),
    (GitHubHarness, "GET .*/OPENAI_API_KEY$", {"name": "OPENAI_API_KEY"}),
    (GitHubHarness, "GET .*/OPENAI_API_KEY$", "hello"),
    (AwsHarness, "DescribeSecret", ["hello"]),
    (AwsHarness, "GetSecretValue", {"Name": "chat/app"}),
]


def called(sent: Sent) -> str:
    return f"{sent.method} {sent.path}{sent.headers.get('x-amz-target', '')}"


@pytest.mark.parametrize(("kind", "request_", "other"), STRANGE)
def test_a_strange_answer_is_seen_before_a_value_is_created(
    kind: type[HttpHarness], request_: str, other: Any, tmp_path: Path
) -> None:
    harness = kind(tmp_path)
    harness.open().write(FIRST)
    before = harness.outside()
    harness.api.failing = lambda sent: (200, other) if re.search(request_, called(sent)) else None
    with pytest.raises(SinkError, match=re.escape(harness.open().place)) as error:
        harness.open().prove()
    assert error.value.hint and harness.outside() == before


def live(harness: HttpHarness) -> None:
    """A whole life of the place."""
    sink = harness.open()
    sink.prove()
    sink.write(FIRST)
    sink.write(NEXT)
    sink.read()
    sink.take("key-one", NEXT.items[0].record.mask)
    sink.write(delivery())


def variants(data: Any) -> Iterator[Any]:
    """The data with one part of it, or all of it, replaced by something else."""
    yield from OTHERS
    if isinstance(data, dict | list):
        for place in data if isinstance(data, dict) else range(len(data)):
            for other in variants(data[place]):
                changed = data.copy()
                changed[place] = other
                yield changed


@pytest.mark.matrix
@pytest.mark.parametrize("kind", [HashicorpHarness, KubernetesHarness, GitHubHarness, AwsHarness])
def test_any_part_of_any_answer_may_be_something_else(kind: type[HttpHarness], tmp_path: Path) -> None:
    answered: list[Reply] = []
    odd: list[str] = []

    def run(name: str, number: int, other: Any) -> None:
        (tmp_path / name).mkdir()
        harness, asked = kind(tmp_path / name), 0
        plain = harness.api.answer

        def answer(sent: Sent) -> Reply:
            nonlocal asked
            asked += 1
            reply = (200, other) if asked - 1 == number else plain(sent)
            if number < 0:
                answered.append(reply)
            return reply

        harness.api.answer = answer  # type: ignore[method-assign]
        try:
            live(harness)
        except SinkError:
            pass
        except Exception as error:
            odd.append(f"answer {number} {other!r:.200}: {error!r}")

    run("plain", -1, None)
    assert len(answered) > 8 and not odd
    cases = [
        (number, other) for number, (status, data) in enumerate(answered) if status == 200 for other in variants(data)
    ]
    for case, (number, other) in enumerate(cases):
        run(str(case), number, other)
    assert odd == []

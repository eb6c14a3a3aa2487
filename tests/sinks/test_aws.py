"""The aws sink against a fake of Secrets Manager: stages, signatures, conflicts, refusals, and what other hands do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import open_sink
from genai_iac.delivery.sinks._aws_request import _session

from .fake_http import Sent
from .fake_secrets_manager import SECRET_KEY
from .samples import VALUES, delivery, item, mask
from .sink_harness import AwsHarness

BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


@pytest.fixture
def aws_harness(tmp_path: Path) -> AwsHarness:
    _session.cache_clear()
    return AwsHarness(tmp_path)


def stages(harness: AwsHarness) -> list[list[str]]:
    return [sorted(one["stages"]) for one in harness.api.secrets["chat/app"]["versions"].values()]


def test_stages_are_those_of_a_rotation(aws_harness: AwsHarness) -> None:
    aws_harness.open().write(BOTH)
    assert stages(aws_harness) == [["AWSCURRENT"]]
    aws_harness.open().write(delivery(item("key-one", "a", "current", kept=True), item("key-two", "c", "pending")))
    assert stages(aws_harness) == [["AWSCURRENT"], ["AWSPENDING"]] and aws_harness.consumer() == VALUES["a"]
    aws_harness.open().write(
        delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "standby", kept=True))
    )
    assert stages(aws_harness) == [["AWSPREVIOUS"], ["AWSCURRENT"]] and aws_harness.consumer() == VALUES["c"]
    aws_harness.api.changes.clear()
    aws_harness.open().write(
        delivery(item("key-two", "c", "current", kept=True), item("key-one", "a", "standby", kept=True))
    )
    assert aws_harness.api.changes == []


def test_a_promotion_that_ended_before_its_last_call_is_whole(aws_harness: AwsHarness) -> None:
    aws_harness.open().write(BOTH)

    def stop(sent: Sent) -> tuple[int, dict[str, str]] | None:
        last = "AWSPENDING" in sent.text and sent.headers["x-amz-target"].endswith("UpdateSecretVersionStage")
        return (500, {"message": "no"}) if last else None

    aws_harness.api.failing = stop
    with pytest.raises(SinkError, match=r"could not take AWSPENDING from it: 500: no; apply again later"):
        aws_harness.open().write(delivery(item("key-one", "c", "current")))
    aws_harness.api.failing = lambda sent: None
    holding = aws_harness.open().read()
    assert holding and holding.holds("key-one", mask("c")) is True and aws_harness.consumer() == VALUES["c"]
    aws_harness.open().write(delivery(item("key-one", "a", "current")))
    assert aws_harness.consumer() == VALUES["a"]


def test_a_stage_that_was_moved_meanwhile_is_not_moved_back(aws_harness: AwsHarness) -> None:
    aws_harness.open().write(BOTH)
    theirs = {"text": '{"OPENAI_API_KEY": "theirs"}', "stages": set[str]()}

    def meanwhile(sent: Sent) -> None:
        if sent.headers["x-amz-target"].endswith("UpdateSecretVersionStage"):
            aws_harness.api.failing = lambda sent: None
            versions = aws_harness.api.secrets["chat/app"]["versions"]
            next(iter(versions.values()))["stages"].discard("AWSCURRENT")
            versions["theirs"] = {**theirs, "stages": {"AWSCURRENT"}}

    aws_harness.api.failing = meanwhile
    with pytest.raises(
        SinkError, match=r"\(InvalidParameterException\).*somebody else moved its stages .*: plan again"
    ):
        aws_harness.open().write(delivery(item("key-one", "c", "current")))
    assert aws_harness.consumer() == "theirs"


def test_a_deleted_secret_is_taken_back_when_it_is_ours(aws_harness: AwsHarness) -> None:
    aws_harness.open().write(BOTH)
    aws_harness.open().write(delivery())
    assert aws_harness.open().read() is None and aws_harness.api.secrets["chat/app"]["deleted"]
    aws_harness.open().prove()
    aws_harness.open().write(BOTH)
    assert aws_harness.consumer() == VALUES["a"]
    aws_harness.open().write(delivery())
    aws_harness.api.secrets["chat/app"]["tags"] = []
    with pytest.raises(SinkError, match="waits to be deleted and was not made by genai-iac for this key"):
        aws_harness.open().prove()


@pytest.mark.parametrize("text", ["a password", '{"user": "admin", "password": "x"}'])
def test_a_secret_of_somebody_else_is_refused(aws_harness: AwsHarness, text: str) -> None:
    version = {"text": text, "stages": {"AWSCURRENT"}}
    aws_harness.api.secrets["chat/app"] = {"versions": {"v1": version}, "deleted": False, "tags": []}
    for attempt in (aws_harness.open().prove, aws_harness.open().read, lambda: aws_harness.open().write(BOTH)):
        with pytest.raises(SinkError, match=r"genai-iac"):
            attempt()
    assert aws_harness.api.text("chat/app") == text and aws_harness.api.changes == []


def test_an_edit_by_another_hand_is_seen(aws_harness: AwsHarness) -> None:
    aws_harness.open().write(BOTH)
    (version,) = aws_harness.api.secrets["chat/app"]["versions"].values()
    version["text"] = json.dumps({**json.loads(version["text"]), "OPENAI_API_KEY": "edited"})
    holding = aws_harness.open().read()
    assert holding and holding.holds("key-one", mask("a")) is False and "changed" in holding.damage
    aws_harness.open().write(BOTH)
    assert aws_harness.consumer() == VALUES["a"]


@pytest.mark.parametrize("operation", ["DescribeSecret", "GetSecretValue", "CreateSecret"])
def test_a_missing_permission_is_reported(aws_harness: AwsHarness, operation: str) -> None:
    if operation == "GetSecretValue":
        aws_harness.open().write(BOTH)
    aws_harness.api.denied = {operation}
    with pytest.raises(
        SinkError, match=rf"\(AccessDeniedException\): .*secretsmanager:{operation}; give this identity"
    ):
        aws_harness.open().write(BOTH)


def test_credentials(aws_harness: AwsHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(SinkError, match=r"\(InvalidSignatureException\).*check the credentials") as caught:
        aws_harness.open().read()
    assert SECRET_KEY not in str(caught.value)
    _session.cache_clear()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SinkError, match="there are no credentials for AWS: set AWS_PROFILE, or AWS_ACCESS_KEY_ID"):
        aws_harness.open().read()
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    _session.cache_clear()
    with pytest.raises(SinkError, match=r"the credentials for AWS cannot be used: ProfileNotFound"):
        aws_harness.open().read()
    _session.cache_clear()


def test_without_the_package_that_signs(aws_harness: AwsHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(SinkError, match=r"botocore is not installed, .*: pip install 'genai-iac\[aws\]'"):
        aws_harness.open().read()


@pytest.mark.parametrize("region", ["us-east-1.evil.example/", "evil", "us-east-1@evil", ""])
def test_a_region_is_no_host(aws_harness: AwsHarness, region: str) -> None:
    with pytest.raises(SinkError, match="is no region"):
        open_sink({"aws": {"region": region, "name": "a"}}, aws_harness.context)


def test_values_are_in_no_error(aws_harness: AwsHarness) -> None:
    value = Secret(VALUES["a"])
    aws_harness.api.failing = lambda sent: (
        (400, {"__type": "X", "Message": sent.text}) if aws_harness.is_write(sent) else None
    )
    with pytest.raises(SinkError) as caught:
        aws_harness.open().write(delivery(item("key-one", "a", "current")))
    assert value.reveal() not in str(caught.value) and "[secret]" in str(caught.value)

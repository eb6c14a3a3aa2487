"""The github sink against a fake of the REST API: every store, permissions, and what other hands and machines do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from genai_iac.core import Delivery
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Sink, open_sink
from genai_iac.delivery.sinks.github import GitHubSink

from .fake_github import TOKEN
from .samples import ADDRESS, BASE_URL, KEY_ID, VALUES, delivery, item, mask
from .sink_harness import GitHubHarness

ONE = delivery(item("key-one", "a", "current"))
PROJECT = "ocid1.generativeaiproject.oc1.us-chicago-1.example"


@pytest.fixture
def github_harness(tmp_path: Path) -> GitHubHarness:
    return GitHubHarness(tmp_path)


def sink_of(harness: GitHubHarness, **settings: Any) -> Sink:
    given = {**harness.entry["github"], **settings}
    return open_sink({"github": {name: value for name, value in given.items() if value is not None}}, harness.context)


@pytest.mark.parametrize(
    ("settings", "store"),
    [
        ({}, "/repos/acme/chat/actions"),
        ({"store": "dependabot"}, "/repos/acme/chat/dependabot"),
        ({"environment": "prod eu"}, "/repos/acme/chat/environments/prod%20eu"),
        ({"repository": None, "organization": "acme"}, "/orgs/acme/actions"),
        (
            {"repository": None, "organization": "acme", "store": "dependabot", "visibility": "all"},
            "/orgs/acme/dependabot",
        ),
    ],
)
def test_every_store(github_harness: GitHubHarness, settings: dict[str, Any], store: str) -> None:
    sink = sink_of(github_harness, **settings)
    sink.prove()
    assert sink.read() is None and github_harness.api.changes == []
    sink.write(replace(ONE, project=PROJECT))
    found = {name: one["value"] for name, one in github_harness.api.secrets[store].items()}
    assert found == {"OPENAI_API_KEY": VALUES["a"], "OPENAI_BASE_URL": BASE_URL, "OPENAI_PROJECT_ID": PROJECT}
    if "organization" in settings:
        wanted = settings.get("visibility", "private")
        assert {one["visibility"] for one in github_harness.api.secrets[store].values()} == {wanted}
    holding = sink.read()
    assert holding and holding.holds("key-one", mask("a")) is True and not holding.damage
    sink.write(delivery())
    assert github_harness.api.secrets[store] == {} and sink.read() is None


def test_names_are_free(github_harness: GitHubHarness) -> None:
    sink_of(github_harness, name="CHAT_KEY", env={"baseUrl": "CHAT_URL"}).write(ONE)
    assert set(github_harness.api.secrets["/repos/acme/chat/actions"]) == {"CHAT_KEY", "CHAT_URL"}


def test_a_secret_that_somebody_deleted_is_not_held(github_harness: GitHubHarness) -> None:
    github_harness.open().write(ONE)
    github_harness.api.secrets["/repos/acme/chat/actions"].pop("OPENAI_API_KEY")
    assert github_harness.open().read() is None
    with pytest.raises(SinkError, match=r"does not hold key-one .* nothing was written"):
        github_harness.open().write(delivery(item("key-one", "a", "current", kept=True)))


def test_a_secret_that_somebody_set_is_not_held(github_harness: GitHubHarness) -> None:
    github_harness.open().write(ONE)
    github_harness.api.set("OPENAI_API_KEY", "by hand")
    holding = github_harness.open().read()
    assert holding and holding.holds("key-one", mask("a")) is False
    github_harness.open().write(ONE)
    assert github_harness.consumer() == VALUES["a"]
    healed = github_harness.open().read()
    assert healed and healed.holds("key-one", mask("a")) is True


def test_a_value_that_another_machine_delivered_counts_as_delivered(
    github_harness: GitHubHarness, tmp_path: Path
) -> None:
    github_harness.open().write(ONE)
    elsewhere = github_harness.open(notes=tmp_path / "of-another-machine")
    found = elsewhere.read()
    assert found and found.holds("key-one", mask("a")) is None, "unknown there"
    elsewhere.write(delivery(item("key-one", "c", "current")))
    here = github_harness.open().read()
    assert here and here.holds("key-one", mask("c")) is None and here.holds("key-one", mask("a")) is False


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OPENAI_PROJECT_ID"])
def test_what_goes_with_the_value_is_watched_too(github_harness: GitHubHarness, name: str) -> None:
    whole = replace(ONE, project=PROJECT)
    github_harness.open().write(whole)
    github_harness.api.secrets["/repos/acme/chat/actions"].pop(name)
    holding = github_harness.open().read()
    assert holding and holding.damage == f"{name} was changed" and holding.holds("key-one", mask("a")) is True
    github_harness.open().write(
        Delivery(ADDRESS, KEY_ID, BASE_URL, (item("key-one", "a", "current", kept=True),), PROJECT)
    )
    healed = github_harness.open().read()
    assert healed and not healed.damage and github_harness.api.value(name) and github_harness.consumer() == VALUES["a"]


@pytest.mark.parametrize(
    ("permission", "why"),
    [
        ("none", r"could not read its public key: 404: Not Found; check acme/chat: the token needs write access"),
        (
            "read",
            r"could not read its public key: 403: Resource not accessible by personal access token; .*write access",
        ),
    ],
)
def test_a_missing_permission_is_reported_before_a_value_is_created(
    github_harness: GitHubHarness, permission: str, why: str
) -> None:
    github_harness.open().write(ONE)
    github_harness.api.permission = permission
    with pytest.raises(SinkError, match=why):
        github_harness.open().prove()
    with pytest.raises(SinkError):  # a 404 of a token that may not look is no lost secret
        github_harness.open().read()


def test_a_token_that_is_refused_or_missing(github_harness: GitHubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GH_TOKEN", "ghp_another")
    with pytest.raises(SinkError, match="401: Bad credentials; check the credentials"):
        github_harness.open().read()
    monkeypatch.delenv("GH_TOKEN")
    with pytest.raises(SinkError, match="there is no token for GitHub; set GH_TOKEN"):
        github_harness.open().read()
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert github_harness.open().read() is None


def test_a_key_that_changed_meanwhile_is_reported(github_harness: GitHubHarness) -> None:
    real = github_harness.api.answer
    github_harness.api.failing = lambda sent: (
        (200, {**real(sent)[1], "key_id": "1"}) if sent.path.endswith("public-key") else None
    )
    with pytest.raises(SinkError, match="could not set OPENAI_BASE_URL: 422: Validation Failed"):
        github_harness.open().write(ONE)
    assert github_harness.api.secrets == {}


def test_an_answer_that_is_no_key(github_harness: GitHubHarness) -> None:
    github_harness.api.failing = lambda sent: (200, ["hello"]) if sent.path.endswith("public-key") else None
    with pytest.raises(SinkError, match=r"the answer is no public key; check that .* is GitHub's API"):
        github_harness.open().prove()


def test_the_manifest_alone_names_no_host(github_harness: GitHubHarness) -> None:
    sink = sink_of(github_harness, api="https://github.evil.example/api/v3")
    with pytest.raises(SinkError, match=r"nobody but the manifest names github.evil.example, .*--allow-sink-host"):
        sink.prove()
    assert github_harness.api.asked == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"environment": "prod", "store": "dependabot"}, "Dependabot has no secrets of environments"),
        ({"organization": "acme"}, "repository and organization are two places"),
        ({"repository": None, "organization": "acme", "environment": "prod"}, "an organization has no environments"),
        ({"visibility": "all"}, "visibility is of an organization's secrets"),
        ({"repository": None, "organization": "acme", "visibility": "selected"}, "repositoryIds and visibility"),
        ({"repositoryIds": [1]}, "repositoryIds and visibility"),
    ],
)
def test_settings_that_do_not_go_together(github_harness: GitHubHarness, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(SinkError, match=f"deliverTo.github: {why}"):
        sink_of(github_harness, **settings)
    with pytest.raises(SinkError, match=why):
        given = {**github_harness.entry["github"], **settings}
        list(GitHubSink.claims({name: value for name, value in given.items() if value is not None}))


def test_without_the_package_for_encryption(github_harness: GitHubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SinkError, match=r"PyNaCl is not installed, .*; pip install 'genai-iac\[github\]'"):
        github_harness.open().prove()

"""A value that another run delivered while this one was at work is newer than what this one knows, and is not overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from genai_iac.core import LiveResource, LiveSecret, Resource, Secret, Source
from genai_iac.core.errors import SinkError
from genai_iac.delivery import DeliveryService

from .samples import ADDRESS, BASE_URL, KEY_ID, OWNER, VALUES, mask

SETTINGS = {"deliverTo": [{"file": {"path": "secrets/chat.env"}}, {"file": {"path": "secrets/copy.env"}}]}


def key(letter: str) -> LiveResource:
    """The key as a list call shows it, with the value of that letter."""
    secret = LiveSecret("key-one", "ACTIVE", mask(letter), None, None, None)
    return LiveResource("ApiKey", KEY_ID, {}, "", ADDRESS.name, None, "ACTIVE", {}, None, secrets=(secret,))


def deliver(root: Path, letter: str, *, knows: str | None) -> tuple[str, ...]:
    """Another process: it renewed key-one to the value of that letter, and knew the value of the other before."""
    service = DeliveryService(root, root / ".genai-iac", OWNER)
    resource = Resource(ADDRESS, {}, Source("a.yaml", 1, 1), settings=SETTINGS)
    known = None if knows is None else frozenset({("key-one", mask(knows))})
    values = {"key-one": Secret(VALUES[letter])}
    return service.deliver(resource, key(letter), BASE_URL, {"key-one": "current"}, values, known)


def read(root: Path, name: str) -> str:
    return (root / "secrets" / name).read_text(encoding="utf-8")


def test_a_value_that_another_run_delivered_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    deliver(tmp_path, "a", knows=None)
    deliver(tmp_path, "c", knows="a")  # the other run: renewed after this one read the sinks
    with pytest.raises(SinkError, match=r"chat\.env was left as it is: another run delivered there meanwhile"):
        deliver(tmp_path, "b", knows="a")
    for name in ("chat.env", "copy.env"):
        assert VALUES["c"] in read(tmp_path, name) and VALUES["b"] not in read(tmp_path, name)


def test_the_other_sinks_are_written(tmp_path: Path) -> None:
    deliver(tmp_path, "a", knows=None)
    kept = read(tmp_path, "copy.env")
    deliver(tmp_path, "c", knows="a")
    (tmp_path / "secrets/copy.env").write_text(kept, encoding="utf-8")
    with pytest.raises(SinkError, match=r"chat\.env"):
        deliver(tmp_path, "b", knows="a")
    assert VALUES["c"] in read(tmp_path, "chat.env")
    assert VALUES["b"] in read(tmp_path, "copy.env")


def test_a_value_that_was_there_before_the_renewal_is_replaced(tmp_path: Path) -> None:
    deliver(tmp_path, "a", knows=None)
    assert len(deliver(tmp_path, "b", knows="a")) == 2
    assert VALUES["b"] in read(tmp_path, "chat.env") and VALUES["a"] not in read(tmp_path, "chat.env")

"""Every registered sink is held to what `Sink` promises: the contract that third parties get, and what concerns ours alone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import SINKS, open_sink
from genai_iac.delivery.sinks._base import ENV_SCHEMA
from genai_iac.testing import SinkContract, SinkHarness
from genai_iac.testing.sink_contract import ordered
from genai_iac.testing.sink_harness import everything_about

from .samples import VALUES, delivery, item, mask, traces
from .sink_harness import HARNESSES, OwnSinkHarness

BOTH = delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))

REPRESENTATIONS: dict[str, Callable[[str], str]] = {
    "crlf": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "a line end more": lambda text: text + "\n",
    "a line end of Windows more": lambda text: text + "\r\n",
}


@pytest.fixture(params=sorted(HARNESSES))
def own_harness(request: pytest.FixtureRequest, tmp_path: Path) -> OwnSinkHarness:
    return HARNESSES[request.param](tmp_path)


class TestEverySink(SinkContract):
    @pytest.fixture
    def harness(self, own_harness: OwnSinkHarness) -> SinkHarness:
        return own_harness


def test_every_built_in_sink_has_a_harness() -> None:
    assert {word for own_harness in HARNESSES.values() for word in own_harness.entry} == set(SINKS)


@pytest.mark.parametrize("change", REPRESENTATIONS)
def test_how_a_text_is_laid_out_is_not_content(own_harness: OwnSinkHarness, change: str) -> None:
    if not own_harness.open().readable:
        return
    own_harness.open().write(BOTH)
    own_harness.rewrite(REPRESENTATIONS[change])
    holding = own_harness.open().read()
    assert holding and ordered(holding.records) == own_harness.kept(BOTH) and holding.damage == ""
    taken = own_harness.open().take("key-one", mask("a"))
    assert taken and taken.reveal() == VALUES["a"]
    if own_harness.open().local:
        own_harness.open().write(BOTH)
        assert own_harness.consumer() == VALUES["a"]


def test_every_sink_takes_names(own_harness: OwnSinkHarness) -> None:
    assert own_harness.open().schema["properties"]["env"] == ENV_SCHEMA
    ((word, settings),) = own_harness.entry.items()
    for env in ({"key": "A", "standby": "A"}, {"key": "a b"}, {"baseUrl": "OPENAI_API_KEY"}):
        with pytest.raises(SinkError, match="env"):
            open_sink({word: {**settings, "env": env}}, own_harness.context)


def test_a_file_that_others_may_use_says_so(own_harness: OwnSinkHarness) -> None:
    own_harness.open().write(BOTH)
    holding = own_harness.open().read()
    assert holding and not holding.damage
    files = [path for path in own_harness.root.rglob("*") if path.is_file() and ".genai-iac" not in path.parts]
    for path in files if own_harness.open().local else ():
        for mode in (0o640, 0o604, 0o644):
            path.chmod(mode)
            opened = own_harness.open().read()
            assert opened and f"{mode:04o}" in opened.damage and ordered(opened.records) == own_harness.kept(BOTH)
        own_harness.open().write(BOTH)
        healed = own_harness.open().read()
        assert healed and not healed.damage and path.stat().st_mode & 0o777 == 0o600


def test_the_search_for_leaks_finds_them() -> None:
    value = VALUES["b"]
    assert all(
        map(
            traces, (value[5:20], value.upper(), value.encode().hex(), base64.b64encode(b"x" + value.encode()).decode())
        )
    )
    code = compile(
        "def careless(value):\n  text = value + '!'\n  raise SinkError('no')", "/genai_iac/careless.py", "exec"
    )
    names: dict[str, Any] = {"SinkError": SinkError}
    exec(code, names)
    with pytest.raises(SinkError) as caught:
        names["careless"](value)
    assert traces(everything_about(caught.value))

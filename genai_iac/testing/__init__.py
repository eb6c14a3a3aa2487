"""For tests of other packages: the contract that every sink is held to, and the local OCI emulator as a pytest fixture.

    pytest_plugins = ["genai_iac.testing"]  # in conftest.py: the fixture `tenancy`

    class TestMySink(SinkContract):
        @pytest.fixture
        def harness(self, tmp_path: Path) -> SinkHarness:
            return MyHarness(tmp_path)

Needs pytest (the extra `testing`). docs/testing-sinks.md has the whole way; examples/sink-package is a package to start from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from genai_iac.testing.sink_contract import SinkContract
from genai_iac.testing.sink_harness import SinkHarness

__all__ = ["LocalTenancy", "SinkContract", "SinkHarness", "tenancy"]


@dataclass
class LocalTenancy:
    """A running emulator and the control API beside it. Profile DEFAULT of `config_file` is its administrator."""

    url: str
    config_file: Path
    tenancy: str  # the tenancy's OCID
    control_token: str = field(default="", repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that point genai-iac, the OCI CLI and other clients at it."""
        from genai_iac.emulator import shell_exports

        return shell_exports(self.url, self.config_file)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request of the control API (docs/local-tenancy.md). Raises HTTPError for what it refuses."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.control_token}"}
        request = Request(f"{self.url}/_local/{path}", data, headers, method=method)  # noqa: S310  # always http, on loopback
        with urlopen(request, timeout=300) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def calls(self) -> list[dict[str, Any]]:
        """Every request since the start, or since `forget_calls`."""
        return list(self.control("GET", "calls")["calls"])

    def forget_calls(self) -> None:
        """Begin a new list."""
        self.control("DELETE", "calls")

    def writes(self) -> list[str]:
        """Operation names of the management writes that succeeded, in order."""
        return [
            call["operation"]
            for call in self.calls()
            if call["method"] != "GET" and call["status"] < 300 and not _is_inference(call)
        ]

    def advance(self, length: str) -> None:
        """Let time pass there: `30d`, `12h`."""
        self.control("POST", "clock", {"advance": length})

    def settings(self, **values: Any) -> None:
        """Change settings of the emulator."""
        self.control("POST", "settings", values)


@pytest.fixture
def tenancy() -> Iterator[LocalTenancy]:
    """A fresh tenancy in this process, in memory. A test points its program there with `tenancy.environ`."""
    from genai_iac.emulator import running  # a server: not for who wants the contract of sinks alone

    with running() as served:
        yield LocalTenancy(served.url, served.config_file, served.tenancy, served.control_token or "")


def _is_inference(call: Mapping[str, Any]) -> bool:
    return "/actions/v1/" in call["path"] or "/openai/v1/" in call["path"]

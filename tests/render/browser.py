"""A headless Chromium, spoken to over its debugging pipe: pages opened at a width, in light or dark, and what they ask for."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


@dataclass
class Browser:
    """One running browser with one page. Raises AssertionError for what it refuses."""

    asks: BinaryIO
    answers: BinaryIO
    page: str = ""
    number: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def open(self, file: Path, width: int, scheme: str) -> None:
        """Show a file in a window of that width (CSS pixels), light or dark; `events` are those of this page alone."""
        if not self.page:
            target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
            self.page = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self._ask(f"{domain}.enable")
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", size)
        self._ask("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.events.clear()
        self._ask("Page.navigate", {"url": file.as_uri()})
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._hear()

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self._ask("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, file: Path) -> None:
        """The whole page as a PNG."""
        shown = self._ask("Page.captureScreenshot", {"captureBeyondViewport": True})
        file.write_bytes(base64.b64decode(shown["data"]))

    def requested(self) -> list[str]:
        """The addresses that the page asked for, itself among them."""
        asked = (event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [one["request"]["url"] for one in asked]

    def complaints(self) -> list[str]:
        """What the console holds: errors, warnings, refusals of the content security policy, exceptions."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in kinds]

    def _ask(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters or {}}
        request |= {"sessionId": self.page} if self.page else {}
        self.asks.write(json.dumps(request).encode() + b"\0")
        self.asks.flush()
        while (heard := self._hear()).get("id") != self.number:
            pass
        assert "error" not in heard, heard
        return dict(heard["result"])

    def _hear(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        heard: dict[str, Any] = json.loads(text)
        if "method" in heard:
            self.events.append(heard)
        return heard


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with a profile that vanishes with it."""
    assert PROGRAM
    with ExitStack() as stack:
        profile = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        (its_in, asks), (answers, its_out) = os.pipe(), os.pipe()
        pipes = f'exec "$@" 3<&{its_in} 4>&{its_out}'  # the descriptors at which it looks for its pipe
        command = ["bash", "-c", pipes, "bash", PROGRAM, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        started = subprocess.Popen(command, pass_fds=(its_in, its_out), stderr=subprocess.DEVNULL)
        stack.callback(started.wait)
        stack.callback(started.terminate)
        os.close(its_in)
        os.close(its_out)
        ends = stack.enter_context(os.fdopen(asks, "wb")), stack.enter_context(os.fdopen(answers, "rb"))
        yield Browser(*ends)

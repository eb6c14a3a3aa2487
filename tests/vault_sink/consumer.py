"""An application that reads the CURRENT bundle, calls the model with what it found, and never stops."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from conftest import Tenancy
from plan_apply.sdk_helpers import REGION

from .vault_setups import secrets

_QUESTION = json.dumps({"model": "xai.grok-4", "messages": [{"role": "user", "content": "Hello"}]}).encode()


@dataclass
class Consumer:
    """What became of its calls."""

    bundles: Any
    secret: str
    seen: list[str] = field(default_factory=list)  # the values, each once, in the order of their coming
    answered: int = 0
    refused: list[str] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)

    def call(self) -> None:
        """One reading, one call."""
        bundle = self.bundles.get_secret_bundle(self.secret).data.secret_bundle_content.content
        held = json.loads(base64.b64decode(bundle))
        value = held["OPENAI_API_KEY"]
        if value not in self.seen:
            self.seen.append(value)
        headers = {"Authorization": f"Bearer {value}", "Content-Type": "application/json"}
        request = Request(f"{held['OPENAI_BASE_URL']}/chat/completions", _QUESTION, headers)
        try:
            with urlopen(request, timeout=300):
                self.answered += 1
        except HTTPError as error:
            with error:
                self.refused.append(f"{error.code} {value[:8]}")

    def call_on(self) -> None:
        """Until it is enough."""
        while not self._enough.is_set():
            self.call()

    def stop(self) -> None:
        self._enough.set()


@contextmanager
def consuming(tenancy: Tenancy, name: str = "app") -> Iterator[Consumer]:
    """A consumer at work, which was never refused when it ends."""
    consumer = Consumer(tenancy.client("secrets", REGION), secrets(tenancy)[name].id)
    consumer.call()
    thread = threading.Thread(target=consumer.call_on)
    thread.start()
    try:
        yield consumer
    finally:
        consumer.stop()
        thread.join(timeout=300)
    consumer.call()
    assert consumer.refused == [] and consumer.answered > 10

"""The harness of a sink under test (its place, what a consumer reads there, how a write is made to fail), and deliveries for it.

The values are canaries: `SecrecyContract` searches for each piece of them where values must not be: texts, logs, errors and the locals of
every frame.
"""

from __future__ import annotations

import base64
import io
import itertools
import logging
import os
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace

from genai_iac.core import Address, Delivery, Item, Record, Role, Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import Context, Sink, open_sink

ADDRESS = Address("ApiKey", "chat-app")
OWNER = "chat@dev"
KEY_ID = "ocid1.generativeaiapikey.oc1.us-chicago-1.amaaaaaa"
BASE_URL = "https://inference.generativeai.us-chicago-1.oci.oraclecloud.com/20231130/actions/v1"
EXPIRES = datetime(2027, 6, 30, 12, 30, 15, 250_000, tzinfo=UTC)

VALUES = {
    "a": "sk-CANARYa7Qm2Vx9Kp4Lr8Tz1Wb6Nc3Yd5Hf0Js7Gk2Mv9Xq4",
    "b": "sk-CANARYbE5Ru1Ty8Ui3Op6As9Df2Gh7Jk4Lz0Xc5Vb8Nm1Qw3",
    "c": "sk-CANARYcPo9Iu6Yt2Re7Wq4La1Ks8Jd5Hf3Gz0Mx6Nc9Bv2Vt",
}


class SinkHarness(ABC):
    """One place to try one sink in. `root` is an empty directory: the manifests' own.

    `entry` is the entry of `deliverTo`. Of a sink that is not installed give the class as `sink`; of one that is, the entry
    point is found. `certain = False`: the place cannot be read.
    """

    entry: ClassVar[Mapping[str, Any]]
    sink: ClassVar[type[Sink] | None] = None
    certain: ClassVar[bool] = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self.context = Context(root, root / ".genai-iac", ADDRESS, OWNER)

    def open(self, **changes: Any) -> Sink:
        """A sink that has never seen the place before; `changes` to its `Context`."""
        return self.open_entry(self.entry, **changes)

    def open_entry(self, entry: Mapping[str, Any], **changes: Any) -> Sink:
        """The same for another entry."""
        context = replace(self.context, **changes)
        if self.sink is None:
            return open_sink(entry, context)
        ((_, settings),) = entry.items()
        return self.sink(settings, context)

    def kept(self, delivery: Delivery) -> list[Record]:
        """What this sink keeps of a delivery."""
        return ordered(item.record for item in delivery.items if item.record.role in self.open().roles)

    def outside(self) -> object:
        """Everything that can be seen of the place and around it, to be compared. Extend it by what lies elsewhere."""
        return {
            str(path.relative_to(self.root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None)
            for path in sorted(self.root.rglob("*"))
        }

    def seen(self) -> list[str]:
        """Texts that the sink left beside the place: logs, arguments of programs. No value may be in them."""
        return []

    @abstractmethod
    def consumer(self) -> str | None:
        """The value that a consumer reads, by other means than the sink; None when there is none."""

    @abstractmethod
    def broken(self) -> AbstractContextManager[object]:
        """A context in which every write to the place fails, as it would in earnest."""


def ordered(records: Iterable[Record]) -> list[Record]:
    """Records by name, to be compared: a sink may keep them in another order than it was given them."""
    return sorted(records, key=lambda record: record.secret)


def mask(letter: str) -> str:
    """The mask of a canary, as the service would show it."""
    return f"{VALUES[letter][:5]}****{VALUES[letter][-4:]}"


def item(secret: str, letter: str, role: Role, *, kept: bool = False) -> Item:
    """One secret with the value of that letter; kept: without it."""
    return Item(Record(secret, mask(letter), role, EXPIRES), None if kept else Secret(VALUES[letter]))


def delivery(*items: Item) -> Delivery:
    """A delivery of those items for the key of these tests."""
    return Delivery(ADDRESS, KEY_ID, BASE_URL, items)


def both() -> Delivery:
    """A delivery of a current value and a standby. Made anew each time: a run makes its values itself, so the redactor knows them."""
    return delivery(item("key-one", "a", "current"), item("key-two", "b", "standby"))


class SecrecyContract:
    """No value goes anywhere but to the place that was declared."""

    def test_no_value_goes_anywhere_else(
        self, harness: SinkHarness, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        shown: list[str] = []
        sink = harness.open()

        def failing(attempt: Callable[[], object]) -> None:
            try:
                attempt()
            except SinkError as error:
                shown.append(everything_about(error))
            else:
                pytest.fail("this was to fail")

        sink.prove()
        sink.announce(("key-one", "key-two"))
        with harness.broken():
            failing(lambda: sink.write(both()))
        sink.write(both())
        shown += [repr(sink), repr(vars(sink)), repr(sink.read()), repr(sink.take("key-two", mask("b"))), repr(both())]
        with harness.broken():
            failing(lambda: sink.write(delivery(item("key-one", "c", "current"))))
        if harness.certain:
            failing(lambda: sink.write(delivery(item("key-three", "c", "current", kept=True))))
            failing(harness.open(owner="other").prove)
        shown += harness.seen()
        shown += [*capfd.readouterr(), caplog.text, repr(os.environ)]
        assert [found for text in shown for found in traces(text)] == []


def everything_about(error: BaseException) -> str:
    """What a debugger or a rich traceback would show: texts, arguments, chained exceptions, the locals of every frame."""
    shown = io.StringIO()
    for one in _chain(error):
        report = traceback.TracebackException.from_exception(one, capture_locals=True)
        frames = traceback.StackSummary(frame for frame in report.stack if frame.filename != __file__)
        shown.write(f"{one!r} {one} {one.args!r} {vars(one)!r}\n")
        shown.writelines(frames.format())
    return shown.getvalue()


def _chain(error: BaseException | None) -> list[BaseException]:
    return [error, *_chain(error.__cause__), *_chain(error.__context__)] if error else []


def traces(text: str) -> list[str]:
    """Every piece of a canary that the text gives away: plain, base64 at any offset, or hex, at least 12 characters of it."""
    folded = text.casefold()
    return sorted({piece for piece in _pieces() if piece in folded})


def _pieces() -> Iterator[str]:
    for form in itertools.chain.from_iterable(map(_forms, VALUES.values())):
        yield from (form[start : start + 12].casefold() for start in range(len(form) - 11))


def _forms(value: str) -> Iterator[str]:
    yield value
    yield value.encode().hex()
    for before in range(3):
        yield base64.b64encode(b"\0" * before + value.encode()).decode()[4:-4]

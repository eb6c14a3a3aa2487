"""Where values must not be: texts, logs, errors and the locals of every frame are searched for each piece of them."""

from __future__ import annotations

import base64
import io
import itertools
import logging
import os
import traceback
from collections.abc import Callable, Iterator

import pytest

from genai_iac.core.errors import SinkError
from genai_iac.testing.sink_harness import VALUES, SinkHarness, both, delivery, item, mask


class SecrecyContract:
    """No value goes anywhere but to the place that was declared."""

    def test_no_value_leaves_by_another_door(
        self, harness: SinkHarness, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        told: list[str] = []
        sink = harness.open()

        def failing(attempt: Callable[[], object]) -> None:
            try:
                attempt()
            except SinkError as error:
                told.append(everything_about(error))
            else:
                pytest.fail("this was to fail")

        sink.prove()
        sink.announce(("key-one", "key-two"))
        with harness.broken():
            failing(lambda: sink.write(both()))
        sink.write(both())
        told += [repr(sink), repr(vars(sink)), repr(sink.read()), repr(sink.take("key-two", mask("b"))), repr(both())]
        with harness.broken():
            failing(lambda: sink.write(delivery(item("key-one", "c", "current"))))
        if harness.certain:
            failing(lambda: sink.write(delivery(item("key-three", "c", "current", kept=True))))
            failing(harness.open(owner="other").prove)
        told += harness.seen()
        told += [*capfd.readouterr(), caplog.text, repr(os.environ)]
        assert [found for text in told for found in traces(text)] == []


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

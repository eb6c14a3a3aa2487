"""The page about the local emulator is complete: every behaviour has a test, every operation and setting is named."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from genai_iac.emulator.control.routes import CONTROL_ROUTES
from genai_iac.emulator.control.settings import DEFAULT_LIMITS, EmulatorSettings, encode_settings
from genai_iac.emulator.services.registry import OPERATIONS

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = (ROOT / "docs" / "local-tenancy.md").read_text("utf-8")
BEHAVIOURS = ROOT.parent / "shared" / "data" / "emulator_behaviours.tsv"


def holders() -> dict[str, set[str]]:
    """Row to the tests that say they hold it."""
    found: dict[str, set[str]] = {}
    for file in sorted(HERE.glob("test_*.py")):
        if file.stem != "test_table":
            module = importlib.import_module(f".{file.stem}", __package__)
            for name, test in vars(module).items():
                for row in getattr(test, "rows", ()):
                    found.setdefault(row, set()).add(f"{file.stem}::{name}")
    return found


def listed() -> Iterator[tuple[str, set[str]]]:
    """The rows of the page's table."""
    for match in re.finditer(r"^\| ([A-Z]\d\d|9\.\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE):
        yield match[1], set(re.findall(r"`([^`]+)`", match[2]))


def test_the_table_names_exactly_the_tests_that_hold_each_row() -> None:
    assert dict(listed()) == holders()


def test_no_row_is_listed_twice() -> None:
    rows = [row for row, _ in listed()]
    assert len(rows) == len(set(rows))


@pytest.mark.skipif(not BEHAVIOURS.exists(), reason="the gathered behaviours are not beside this checkout")
def test_every_gathered_behaviour_is_held() -> None:
    wanted = {line.split("\t")[0] for line in BEHAVIOURS.read_text("utf-8").splitlines()[1:]}
    assert wanted <= dict(listed()).keys()


def test_every_operation_setting_and_control_route_is_named() -> None:
    words = set(re.findall(r"[A-Za-z/_]+", PAGE))
    assert not {operation.name for operation in OPERATIONS} - words
    assert not set(encode_settings(EmulatorSettings())) - words
    assert not set(DEFAULT_LIMITS) - words
    assert not {f"/_local/{route}" for route in CONTROL_ROUTES} - words

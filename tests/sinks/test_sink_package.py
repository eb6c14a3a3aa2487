"""The package to copy passes the contract as it is, and no longer once its sink breaks a promise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "examples/sink-package"
SOURCE = (PACKAGE / "src/acme_sink/__init__.py").read_text()
CONTRACT = (PACKAGE / "tests/test_contract.py").read_text()
NOT_READ_BACK = ("if self._held() != wanted:", "if False:")
INSERT = 'database.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (self._name, text.reveal()))'
STORE = "        self._store(render_json(wanted))"
CHECK = "check_contents(read_json(text) if text else None, self._context, self.place)"
WRITTEN = "test_what_was_written_is_read_by_a_sink_that_was_not_there"
SECRECY = "test_no_value_goes_anywhere_else"

# what the sink does instead of keeping a promise: the lines that are changed for it, and a test that has to fail then
BROKEN: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "nothing": (((INSERT, "del text"), NOT_READ_BACK), WRITTEN),
    "elsewhere": ((("(self._name, text.reveal())", '("of-" + self._name, text.reveal())'), NOT_READ_BACK), WRITTEN),
    "early": (
        ((STORE, f"        self._file.unlink(missing_ok=True)\n{STORE}"),),
        "test_a_failing_write_keeps_the_old_value",
    ),
    "keeps": (
        (('"DELETE FROM keys WHERE name = ?", (self._name,)', '"SELECT 1"'),),
        "test_an_empty_delivery_empties_the_place",
    ),
    "anybody": (
        ((CHECK, "read_json(text) if text else None"),),
        "test_the_place_of_another_key_or_environment_is_refused[change0]",
    ),
    "trace": (
        (("database.rollback()", "database.execute('DELETE FROM keys'); database.commit()"),),
        "test_prove_leaves_no_trace_in_a_full_place",
    ),
    "swaps": (
        (("held.value(secret, mask)", "held.items[0].value"),),
        "test_values_can_be_taken_from_readable_places_only",
    ),
    "forgets": (
        (("fill_delivery(delivery, held,", "fill_delivery(delivery, None,"),),
        "test_an_item_without_a_value_keeps_the_one_that_is_held",
    ),
    "logs": (
        ((INSERT, f'__import__("logging").getLogger("acme").info("%s", text.reveal())\n            {INSERT}'),),
        SECRECY,
    ),
    "open": (
        (('"additionalProperties": False', '"additionalProperties": True'),),
        "test_validate_refuses_settings_that_the_sink_does_not_know",
    ),
    "local": (((STORE, f"        plain = render_json(wanted).reveal()\n{STORE}\n        del plain"),), SECRECY),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By file: the tests that failed when the package's own run, and the contract for each broken sink."""
    copy = tmp_path_factory.mktemp("package") / "acme"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.egg-info"))
    _install(copy / "src")
    for name, (changes, _) in BROKEN.items():
        code = SOURCE
        for old, new in changes:
            assert old in code, f"{name}: the package has other lines by now"
            code = code.replace(old, new)
        (copy / f"src/broken_{name}.py").write_text(code)
        (copy / f"tests/test_broken_{name}.py").write_text(CONTRACT.replace("acme_sink", f"broken_{name}"))
    environ = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    tests = [f"tests/test_broken_{name}.py::TestSqliteSink::{test}" for name, (_, test) in BROKEN.items()]
    tests += ["tests/test_contract.py", "tests/test_apply.py"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--junitxml=found.xml",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        *tests,
    ]
    ran = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    found: dict[str, set[str]] = {}
    for case in ET.parse(copy / "found.xml").iter("testcase"):
        module = str(case.get("classname")).split(".")[1]
        failed = found.setdefault(module, set())
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(str(case.get("name")))
    return found


def _install(directory: Path) -> None:
    """The entry point, as an installer writes it."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    metadata = directory / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((group, entries),) = project["entry-points"].items()
    lines = "\n".join(f"{name} = {value}" for name, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")


def test_the_package_passes_as_it_is(failures: dict[str, set[str]]) -> None:
    assert failures["test_contract"] == set() and failures["test_apply"] == set()


@pytest.mark.parametrize("name", BROKEN)
def test_a_sink_that_breaks_a_promise_fails(failures: dict[str, set[str]], name: str) -> None:
    assert BROKEN[name][1] in failures[f"test_broken_{name}"]

"""Tests of manifests: each plans on a snapshot or an empty tenancy, with its variables and clock, and compares. Offline."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from msgspec import Struct
from msgspec.structs import replace

from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.planning import PlanOptions, make_draft
from genai_iac.cli.session import load_manifest, make_session
from genai_iac.core import Plan
from genai_iac.core.errors import IacError, Problem, UsageError
from genai_iac.import_export.snapshot import Snapshot, read_snapshot
from genai_iac.manifest.files import decode
from genai_iac.manifest.yaml_nodes import to_data
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.schema.published import TEST

ENDINGS = (".test.yaml", ".test.yml")  # files that `test` runs, and that the manifest loader skips
_TENANCY = "ocid1.tenancy.oc1..test"  # of tests without a snapshot
_START = datetime(2026, 1, 1, tzinfo=UTC)  # the clock of an empty tenancy: the same every time


class TestResult(Struct, frozen=True):
    """One test and what differs from what it expects, a line each; empty when it passed."""

    file: str  # as it was found below PATH
    name: str  # from the file
    differences: tuple[str, ...]  # lines for people


def find_test_files(path: str) -> list[Path]:
    """The test files of a path. Raises UsageError when there is none."""
    given = Path(path)
    found = [given] if given.is_file() else sorted(one for end in ENDINGS for one in given.rglob(f"*{end}"))
    if not found:
        raise UsageError(
            f"there is no *.test.yaml below {path}", hint="docs/testing-manifests.md shows how to write one"
        )
    return found


def run_tests(flags: GlobalOptions, file: Path) -> Iterator[TestResult]:
    """The results of a file, as each test ends. Raises UsageError for a file that is not a test file."""
    for case in _read(file):
        yield TestResult(str(file), case["name"], tuple(_run(flags, file.parent, case)))


def _read(file: Path) -> list[Mapping[str, Any]]:
    text = decode(file.read_bytes(), str(file))
    if isinstance(text, Problem):
        raise UsageError(f"{text.source}: {text.message}", hint=text.hint)
    reading = read_yaml(text, str(file))
    if reading.problems:
        problem = reading.problems[0]
        raise UsageError(f"{problem.source}: {problem.message}", hint=problem.hint)
    if len(reading.documents) != 1:
        raise UsageError(f"{file}: a test file is one YAML document", hint="put all tests under one tests:")
    data = to_data(reading.documents[0].root)
    error = next(iter(Draft202012Validator(TEST).iter_errors(data)), None)
    if error is not None:
        where = ".".join(map(str, error.absolute_path)) or "the document"
        raise UsageError(f"{file}: {where}: {error.message}", hint="print the schema: genai-iac schema test")
    return list(data["tests"])


def _run(flags: GlobalOptions, folder: Path, case: Mapping[str, Any]) -> Iterator[str]:
    """What differs."""
    plan, refusals = None, []
    snapshot = _snapshot(folder, case)
    try:
        plan, refused = _plan(flags, str(folder / case.get("manifests", ".")), case, snapshot)
        refusals += [refused] if refused else []
    # A mistake in the test itself is no refusal of the plan.
    except UsageError:
        raise
    except IacError as error:
        refusals.append(str(error))
    expect = case["expect"]
    yield from _compare_refusals(expect.get("refusals", ()), refusals)
    if plan is None:
        if set(expect) - {"refusals"} and expect.get("refusals"):
            yield "there is no plan whose changes, calls and notices could be compared"
        return
    yield from _compare_plan(expect, plan)


def _snapshot(folder: Path, case: Mapping[str, Any]) -> Snapshot | None:
    if "live" not in case:
        return None
    file = folder / case["live"]
    try:
        return read_snapshot(file.read_bytes(), f"live: {file}")
    except OSError as error:
        raise UsageError(
            f"live: {file}: {error.strerror}", hint=f"make it: genai-iac snapshot --out {shlex.quote(str(file))}"
        ) from error


def _plan(
    flags: GlobalOptions, path: str, case: Mapping[str, Any], snapshot: Snapshot | None
) -> tuple[Plan, str | None]:
    given = tuple(f"{name}={_text(value)}" for name, value in case.get("variables", {}).items())
    flags = replace(flags, env=case.get("environment", flags.env), var=(*flags.var, *given))
    manifest = load_manifest(flags, path)
    stack = manifest.stack
    if snapshot is None:
        tenancy = stack.tenancy or _TENANCY
        snapshot = Snapshot(tenancy, stack.region, _START, (stack.region,), (tenancy,), (), {}, {})
    if "now" in case:
        snapshot = replace(snapshot, now=_moment(case["now"]))
    draft = make_draft(make_session(snapshot, flags, path, manifest), PlanOptions())
    return draft.plan, str(draft.refusal) if draft.refusal else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"now: {text} is no RFC 3339 time", hint='write "2026-11-28T00:00:00Z"') from error
    if moment.tzinfo is None:
        raise UsageError(f"now: {text} has no zone", hint="add Z for UTC")
    return moment.astimezone(UTC)


def _text(value: Any) -> str:
    # `True` of YAML has to read `true`, as on a command line.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _compare_refusals(wanted: Any, found: list[str]) -> Iterator[str]:
    if not wanted:
        yield from (f"refused: {text}" for text in found)
    yield from (f"no refusal says {text!r}; they are: {found or 'none'}" for text in _missing(wanted, found))


def _compare_plan(expect: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    changes = {str(change.address): list(change.actions) for change in plan.changes}
    wanted = expect.get("changes")
    if wanted is not None:
        for address in sorted({*changes, *wanted}):
            if changes.get(address) != wanted.get(address):
                yield f"{address}: expected {wanted.get(address, 'no change')}, planned {changes.get(address, 'no change')}"
    calls = [operation for change in plan.changes for operation in change.operations]
    if expect.get("calls", calls) != calls:
        yield f"calls: expected {expect['calls']}, planned {calls}"
    notices = [notice.text for notice in plan.notices]
    yield from (
        f"no notice says {text!r}; they are: {notices or 'none'}"
        for text in _missing(expect.get("notices", ()), notices)
    )


def _missing(wanted: Any, found: list[str]) -> list[str]:
    return [text for text in wanted if not any(text in one for one in found)]

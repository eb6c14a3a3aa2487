"""Every fault at every kind of request: success, or a named error with the way on; the next apply converges; no value is shown.

Two small samples of it go with every test run; the whole with `-m matrix`, which prints how many cells there were.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from figures import note_figure

from genai_iac.network import connections
from genai_iac.oci_client.sdk_clients import OPERATIONS

from .faults import FAULTS, HEADERS, QUOTES, Fault
from .file_hooks import IssuedValues
from .fixtures import APPLY
from .launching import Ended, Here
from .scenarios import Workshop

DESTROY = ("destroy", "--auto-approve", "--json")
RETIRE = ("rotate", "ApiKey/chat", "--leaked", "key-one", "--auto-approve", "--json")
_JSON = (*APPLY, "--json")
# each kind of request, and a run in which it is made
SCENARIOS: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("watched new", _JSON): (
        "ListRegionSubscriptions", "ListCompartments", "ListPolicies", "ListApiKeys", "CreateCompartment", "CreatePolicy",
        "CreateApiKey", "GetVault", "GetKey", "ListSecrets", "CreateSecret", "GetSecret", "GetSecretBundle",
    ),
    ("moving", _JSON): (
        "GetCompartment", "MoveCompartment", "GetWorkRequest", "GetPolicy", "UpdatePolicy", "GetApiKey", "UpdateApiKey",
        "ChangeApiKeyCompartment",
    ),
    ("renamed", _JSON): ("UpdateCompartment", "ListGroups", "ListDynamicGroups"),
    ("watched due", _JSON): ("RenewApiKey", "UpdateSecret", "ListSecretVersions", "ChatCompletions"),
    ("watched", RETIRE): ("SetApiKeyState",),
    ("pruning", _JSON): ("DeleteApiKey", "DeletePolicy", "DeleteCompartment"),
    ("new, project", _JSON): ("ListGenerativeAiProjects", "CreateGenerativeAiProject"),
    ("project, changed", _JSON): (
        "GetGenerativeAiProject", "UpdateGenerativeAiProject", "ChangeGenerativeAiProjectCompartment",
    ),
    ("project, pruned", _JSON): ("DeleteGenerativeAiProject",),
    ("crowded vault", _JSON): ("ScheduleSecretVersionDeletion",),
    ("rooted vault", DESTROY): ("ScheduleSecretDeletion",),
    ("rooted vault, gone", _JSON): ("CancelSecretDeletion",),
}  # fmt: skip
EVERY = {**FAULTS, **QUOTES, **HEADERS}
CELLS = [
    (scenario, operation, name)
    for scenario, operations in SCENARIOS.items()
    for operation in operations
    for name in EVERY
]
_NOT_CALLED = {"GetTenancy"}  # by none of these runs
_FINAL = ("401", "404", "409", "412", "302", "307")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, issued: IssuedValues) -> Iterator[Workshop]:
    yield Workshop(tmp_path_factory.mktemp("matrix"), Here())


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between attempts are short, and so is the time that an answer may take."""
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.05)
    monkeypatch.setattr(connections, "SILENCE", 1.0)


def test_every_kind_of_request_has_a_scenario() -> None:
    named = [operation for operations in SCENARIOS.values() for operation in operations]
    assert sorted(named) == sorted({*OPERATIONS, "ChatCompletions"} - _NOT_CALLED)
    assert len(FAULTS) >= 16 and len(CELLS) >= 384


@pytest.mark.parametrize("seed", range(2))
def test_a_sample_of_the_cells(here: Workshop, issued: IssuedValues, seed: int) -> None:
    chance = random.Random(f"faults {seed}")
    for scenario, operation, name in chance.sample(CELLS, 6):
        check_cell(here, issued, scenario, operation, name)


@pytest.mark.parametrize("operation", ["CreateApiKey", "RenewApiKey"])
@pytest.mark.parametrize("name", HEADERS)
def test_no_header_undoes_a_call_that_shows_values(
    here: Workshop, issued: IssuedValues, operation: str, name: str
) -> None:
    scenario = next(scenario for scenario, operations in SCENARIOS.items() if operation in operations)
    assert check_cell(here, issued, scenario, operation, name) == 0


@pytest.mark.parametrize("name", QUOTES)
@pytest.mark.parametrize(
    "operation", ["CreateApiKey", "RenewApiKey", "CreateSecret", "UpdateSecret", "GetSecretBundle", "GetApiKey"]
)
def test_no_error_quotes_a_value(here: Workshop, issued: IssuedValues, operation: str, name: str) -> None:
    """A refused CreateSecret that quoted the request once printed every value of a key in base64."""
    scenario = next(scenario for scenario, operations in SCENARIOS.items() if operation in operations)
    check_cell(here, issued, scenario, operation, name)


@pytest.mark.parametrize(
    ("scenario", "operation", "name"),
    [
        (
            ("watched", RETIRE),
            "SetApiKeyState",
            "412",
        ),  # one more apply left the renewal of a leaked secret to another one
        (
            ("watched new", _JSON),
            "CreateSecret",
            "JSON of another shape",
        ),  # an `id` that is a number was no named error
    ],
)
def test_cells_that_failed_once(
    here: Workshop, issued: IssuedValues, scenario: tuple[str, tuple[str, ...]], operation: str, name: str
) -> None:
    check_cell(here, issued, scenario, operation, name)


@pytest.mark.matrix
@pytest.mark.parametrize("name", EVERY)
def test_every_cell(here: Workshop, issued: IssuedValues, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [cell for cell in CELLS if cell[2] == name]
    ends = Counter(check_cell(here, issued, *cell) for cell in cells)
    note_figure(len(cells), "cells of fault and request")
    with capsys.disabled():
        print(f"\n{name}: {len(cells)} cells of {len(CELLS)}: {ends[0]} succeeded, {len(cells) - ends[0]} named errors")
    if name in HEADERS:
        assert set(ends) == {0}


def check_cell(
    workshop: Workshop, issued: IssuedValues, scenario: tuple[str, tuple[str, ...]], operation: str, name: str
) -> int:
    """Have that fault happen once in the scenario's run; answers the exit code of that run."""
    start, arguments = scenario
    where = f"{name} at {operation}, {start}: {' '.join(arguments)}"
    fault: Fault = {"operation": operation, **EVERY[name]}
    with workshop.sandbox(start) as sandbox:
        sandbox.tenancy.control("POST", "faults", [fault])
        ran = sandbox.run(*arguments)
        assert sandbox.tenancy.control("GET", "faults")[0]["seen"], f"{where}: was not called"
        sandbox.tenancy.control("DELETE", "faults")
        check_end(ran, issued, where)
        again = sandbox.run(*(DESTROY if arguments == DESTROY else _JSON))
        check_end(again, issued, where)
        assert again.code == 0, f"{where}: the next apply does not converge\n{again.out}\n{again.err}"
        settled = sandbox.run("plan", "--detailed-exitcode")
        left = 2 if arguments == DESTROY else 0
        assert settled.code == left, f"{where}: something is left to do\n{settled.out}\n{settled.err}"
        for path in (path for path in sandbox.project.rglob("*") if path.is_file()):
            if not {"secrets", "store"} & set(path.parts):
                assert issued.searched.find(path.read_bytes()) is None, f"{where}: a value is in {path}"
    return ran.code


def check_end(ran: Ended, issued: IssuedValues, where: str) -> None:
    """It went well, or an error names the step and the way on. No value, no traceback."""
    said = f"{where}\n{ran.out}\n{ran.err}"
    assert ran.code in (0, 1, 4), said
    assert "Traceback" not in said and "defect" not in said and "please report" not in said, said
    assert issued.searched.find(said.encode()) is None, where
    if ran.code == 1:
        assert "Error: " in ran.err and "next: " in ran.err, said
    if ran.code == 4:
        assert '"status": "failed"' in ran.out or '"status":"failed"' in ran.out, said

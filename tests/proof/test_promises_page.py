"""docs/promises.md, ci/promises.toml and the tests say the same; `ci/prove` counts, records and writes what it should."""

from pathlib import Path
from types import ModuleType

import pytest
from conftest import load_script

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="prove")
def load_prove() -> ModuleType:
    return load_script("prove")


def test_the_page_has_the_table_that_the_script_writes(prove: ModuleType) -> None:
    table = prove.render_table(prove.read_rows(), prove.read_record())
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    assert f"{prove.BEGIN}\n{table}\n{prove.END}" in page, "run: ci/prove --table"


def test_every_test_that_a_row_names_exists(prove: ModuleType) -> None:
    rows = prove.read_rows()
    assert len({row.name for row in rows}) == len(rows) > 20
    missing = [
        f"{row.name}: {one}"
        for row in rows
        for one in (*row.tests, *row.slice)
        if one.startswith("tests/") and not exists(one)
    ]
    assert missing == []
    assert all(
        any(one.startswith("tests/") for one in arguments) for row in rows for arguments in (row.tests, row.slice)
    )


def exists(argument: str) -> bool:
    path, _, name = argument.partition("::")
    file = ROOT / path
    return file.is_dir() if not path.endswith(".py") else f"def {name}(" in file.read_text() if name else file.is_file()


def test_a_test_that_is_not_there_is_seen() -> None:
    assert not exists("tests/nowhere.py") and not exists("tests/proof/test_promises_page.py::test_nothing_of_the_kind")


def test_every_mutant_can_be_made(prove: ModuleType) -> None:
    mutants = {row.name: row.mutant for row in prove.read_rows() if row.mutant is not None}
    assert len(mutants) > 20
    found = {name: (ROOT / one.file).read_text(encoding="utf-8").count(one.find) for name, one in mutants.items()}
    assert {name: count for name, count in found.items() if count != 1} == {}
    assert all(one.find != one.replace for one in mutants.values())


def test_every_row_that_was_recorded_is_a_row(prove: ModuleType) -> None:
    assert set(prove.read_record()) <= {row.name for row in prove.read_rows()}


def test_the_readme_links_the_page() -> None:
    assert "(docs/promises.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(name="trial")
def make_trial(prove: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`ci/prove` with one row of its own, which needs `value` to be 1, in a checkout of its own."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/promises.md").write_text(f"# Page\n\n{prove.BEGIN}\n{prove.END}\n\nThe end.\n")
    (tmp_path / "thing.py").write_text("value = 1\n")
    (tmp_path / "test_thing.py").write_text(
        "import os\nimport thing\n\ndef test_it():\n"
        "    with open(os.environ['GENAI_IAC_PROOF_FIGURES'], 'a') as told:\n        told.write('3\\tthings\\n4\\tthings\\n')\n"
        "    assert thing.value == 1\n"
    )
    (tmp_path / "rows.toml").write_text(
        '[[row]]\nname = "thing"\nnumbers = "P0"\npromise = "It is | one."\ntarget = "1"\ntests = ["test_thing.py"]\n'
        'mutant = {what = "two", file = "thing.py", find = "value = 1", replace = "value = 2"}\n'
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -q -p no:cacheprovider\nmarkers = matrix\n")
    rows = prove.read_rows(tmp_path / "rows.toml")
    monkeypatch.setattr(prove, "ROOT", tmp_path)
    monkeypatch.setattr(prove, "PAGE", tmp_path / "docs/promises.md")
    monkeypatch.setattr(prove, "read_rows", lambda: rows)
    monkeypatch.setattr(prove, "_tracked", lambda: ["thing.py", "test_thing.py", "pytest.ini"])
    monkeypatch.setattr(prove.run_tests, "__defaults__", (tmp_path,))
    record = tmp_path / "figures.json"
    monkeypatch.setattr(prove, "FIGURES", record)
    monkeypatch.setattr(prove.read_record, "__defaults__", (record,))
    return tmp_path


def test_a_row_is_run_recorded_and_written(prove: ModuleType, trial: Path) -> None:
    said: list[str] = []
    assert prove.main(["--quick", "-n", "1"], said.append) == 0
    assert said == [f"{'thing':<14}slice: 7 things; 1 passed"]
    page = (trial / "docs/promises.md").read_text()
    assert "| **thing** (P0). It is \\| one. | `ci/prove thing` | 1 | slice: 7 things; 1 passed (" in page
    assert page.endswith("\n\nThe end.\n")


def test_a_row_that_fails_ends_with_1(prove: ModuleType, trial: Path) -> None:
    (trial / "thing.py").write_text("value = 3\n")
    said: list[str] = []
    assert prove.main(["thing", "-n", "1"], said.append) == 1
    assert said[-1] == "\nNot proved: thing"
    assert "1 failed" in (trial / "docs/promises.md").read_text()


@pytest.mark.parametrize(("replace", "code"), [("value = 2", 0), ("value = 1 # the same", 1)])
def test_a_mutant_is_caught_or_not(prove: ModuleType, trial: Path, replace: str, code: int) -> None:
    rows = [row._replace(mutant=row.mutant._replace(replace=replace)) for row in prove.read_rows()]
    prove.read_rows = lambda: rows
    assert prove.main(["--mutants", "-n", "1"], lambda text: None) == code
    assert ("NOT caught" in (trial / "docs/promises.md").read_text()) is bool(code)


def test_an_unknown_row_is_an_error(prove: ModuleType, trial: Path) -> None:
    assert prove.main(["thnig"], lambda text: None) == 1

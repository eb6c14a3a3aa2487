"""What a start imports, counted: a verb pays for what it does, not for what others do."""

from __future__ import annotations

import subprocess
import sys

import pytest

_COUNT = """
import sys
from genai_iac.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
names = [name for name in sys.modules if name.partition(".")[0] in ("genai_iac", "oci", "yaml", "jsonschema")]
print("\\n" + " ".join(names))
"""


def imported(*arguments: str) -> set[str]:
    """The modules of ours, and of the large libraries, that a run of its own imports."""
    command = [sys.executable, "-c", _COUNT, *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("arguments", "most"), [(("--version",), 17), (("--help",), 55), (("schema", "--help"), 19)])
def test_what_prints_a_text_imports_no_library_and_few_modules(arguments: tuple[str, ...], most: int) -> None:
    found = imported(*arguments)
    assert not [name for name in found if not name.startswith("genai_iac")]
    assert len(found) <= most, sorted(found)


def test_what_is_offline_imports_no_sdk() -> None:
    found = imported("validate", "examples/quickstart")
    assert "yaml" in found
    assert not [name for name in found if name == "oci" or name.startswith("genai_iac.oci_client")]


def test_every_shared_type_is_where_the_table_of_core_says() -> None:
    from genai_iac import core

    assert sorted(core.__all__) == sorted(name for names in core._MODULES.values() for name in names)
    for name in core.__all__:
        assert getattr(core, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        core.__getattr__("NoSuchType")

"""The lock that tests and checks are installed from: what pyproject.toml asks for, every release with its hashes, no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_lock() -> dict[str, str]:
    """The locked release of each package."""
    return {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", LOCK, re.MULTILINE)
    }


def test_the_lock_has_a_release_that_fits_for_everything_that_is_declared() -> None:
    """When this fails: ci/lock."""
    locked = read_lock()
    extras = (one for extra in PROJECT["optional-dependencies"].values() for one in extra)
    for wanted in map(Requirement, (*PROJECT["dependencies"], *extras)):
        if wanted.name != PROJECT["name"]:
            assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), wanted


def test_every_release_has_hashes_and_no_host_is_named() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(read_lock())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in LOCK and not re.search(r"^-", LOCK, re.MULTILINE)


def test_the_readme_and_ci_install_from_the_lock() -> None:
    line = re.search(r"^python3 -m venv .* pytest.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    assert "--require-hashes -r requirements.lock" in line[0] and "--no-deps" in line[0]
    installs = [one for one in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if "pip install" in one]
    assert installs == []

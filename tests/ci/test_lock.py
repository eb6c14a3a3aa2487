"""The lock that tests and checks are installed from: what pyproject.toml asks for, every release with its hashes, no host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK, DOCS = ((ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-docs.lock"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_lock(text: str = LOCK) -> dict[str, str]:
    """The locked release of each package."""
    return {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)
    }


def test_the_lock_has_a_release_that_fits_for_everything_that_is_declared() -> None:
    """When this fails: ci/lock."""
    locked = read_lock()
    # `clients` is for a run with a flag, in an environment of its own: it is not locked
    optional = PROJECT["optional-dependencies"]
    extras = (one for name, extra in optional.items() if name not in ("clients", "docs") for one in extra)
    for wanted in map(Requirement, (*PROJECT["dependencies"], *extras)):
        if wanted.name != PROJECT["name"]:
            assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), wanted


def test_the_lock_of_the_site_fits_too_and_shares_its_releases() -> None:
    site, locked = read_lock(DOCS), read_lock()
    wanted = map(Requirement, (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["docs"]))
    assert all(one.specifier.contains(site[canonicalize_name(one.name)]) for one in wanted)
    assert {name: version for name, version in site.items() if name in locked}.items() <= locked.items()


@pytest.mark.parametrize("text", [LOCK, DOCS])
def test_every_release_has_hashes_and_no_host_is_named(text: str) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE))  # one a Python version may be
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text and not re.search(r"^-", text, re.MULTILINE)


def test_the_readme_and_ci_install_from_the_lock() -> None:
    line = re.search(r"^python3 -m venv .* pytest.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    assert "--require-hashes -r requirements.lock" in line[0] and "--no-deps" in line[0]
    installs = [one for one in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines() if "pip install" in one]
    assert installs == []

"""The tutorial and the pages below docs/how-to, followed as they stand there: by the reader who did the tutorial first."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from documentation.pages import Reader, compare

TUTORIAL = ROOT / "docs/tutorial.md"
HOW_TO = sorted((ROOT / "docs/how-to").glob("*.md"))
ORDINARY = {"rename", "rotate"}  # the others are followed with -m matrix
INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet . && . .venv/bin/activate"  # these tests have it


@pytest.fixture(scope="module")
def after_tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of somebody who followed the tutorial."""
    reader = Reader(tmp_path_factory.mktemp("reader"), instead={INSTALL: "true", "4180": str(free_port())})
    assert reader.follow(TUTORIAL) > 10
    return reader.place


@pytest.fixture
def chat(after_tutorial: Path, tmp_path: Path) -> Iterator[Path]:
    """That directory. It is put back at the same path afterwards: a copy elsewhere is another machine's checkout to the tool."""
    shutil.copytree(after_tutorial, tmp_path / "as it was")
    yield after_tutorial
    shutil.rmtree(after_tutorial)
    shutil.move(tmp_path / "as it was", after_tutorial)


def free_port() -> int:
    """The emulator of a page takes port 4180; here another program may have it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_the_tutorial(after_tutorial: Path) -> None:
    assert (after_tutorial / "secrets/chat-app.env").stat().st_mode & 0o777 == 0o600
    assert f"\n{INSTALL}\n" in TUTORIAL.read_text()


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=[] if page.stem in ORDINARY else pytest.mark.matrix)
        for page in HOW_TO
        if page.stem != "many-stacks"
    ],
)
def test_a_how_to(page: Path, chat: Path) -> None:
    assert Reader(chat).follow(page) > 2


@pytest.mark.matrix  # fifty processes; the other pages are the ordinary run's
def test_many_stacks(tmp_path: Path) -> None:
    (tmp_path / "chat").mkdir()
    assert Reader(tmp_path / "chat").follow(ROOT / "docs/how-to/many-stacks.md") > 5
    assert (tmp_path / "many/report.html").read_text().count("ApiKey/chat-app") >= 10


@pytest.mark.parametrize("page", [TUTORIAL, *HOW_TO], ids=lambda page: page.stem)
def test_every_shell_block_is_run(page: Path) -> None:
    """Blocks are console, sh, yaml or text: what a page calls bash or shell would be passed over."""
    assert set(re.findall(r"^```(\w+)", page.read_text(), re.MULTILINE)) <= {"console", "sh", "yaml", "text"}


def test_what_is_not_printed_is_noticed() -> None:
    with pytest.raises(AssertionError, match="Plan: 5"):
        compare("…\nPlan: 5 to add\n", "a\nPlan: 4 to add\n", "plan")

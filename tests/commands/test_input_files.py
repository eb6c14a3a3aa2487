"""Files named on the command line: what is no regular file, too long or too deep is an error, and nothing hangs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from conftest import Project

from genai_iac.filesystem import InputFileError, read_input_file

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
USES = {
    "variable file": ("validate", "--var-file", "{file}"),
    "snapshot": ("plan", "--snapshot", "{file}"),
    "manifest": ("validate", "{file}"),
}


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_device_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_directory(path: Path) -> None:
    path.mkdir()


def make_large(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)


def make_deep(path: Path) -> None:
    path.write_text("[" * 200_000)


def make_absent(path: Path) -> None:
    """Nothing is there."""


def make_unreadable_link(path: Path) -> None:
    path.symlink_to(path.name)


MAKERS = [make_fifo, make_device_link, make_directory, make_large, make_deep, make_absent, make_unreadable_link]


@pytest.mark.parametrize("make", MAKERS, ids=[make.__name__ for make in MAKERS])
@pytest.mark.parametrize("use", USES)
def test_what_is_no_sound_file_is_an_error(offline: Project, use: str, make: object) -> None:
    offline.write(STACK)
    make(offline.path / "given.file")  # type: ignore[operator]
    ran = offline.run(*(word.format(file="given.file") for word in USES[use]), code=1)
    assert "Traceback" not in ran.err and "defect" not in ran.err
    assert "given.file" in ran.err or "snapshot" in ran.err or "this is not a regular file" in ran.err
    assert len(ran.err) < 2_000


@pytest.mark.parametrize("text", ["[" * 200_000, "[1]", "1", '"x"', "{", ""])
def test_a_saved_plan_that_only_its_seal_fits_is_an_error(offline: Project, text: str) -> None:
    """Anybody can put a fitting seal on anything."""
    offline.write(STACK)
    head = b"{" + text.encode() + b',\n  "seal": "sha256:'
    seal = hashlib.sha256(head + b'"\n}\n').hexdigest()
    (offline.path / "plan.bin").write_bytes(head + seal.encode() + b'"\n}\n')
    ran = offline.run("apply", "plan.bin", "--auto-approve", code=1)
    assert "plan.bin is not a saved plan" in ran.err


def test_a_regular_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x" * 10)
    (tmp_path / "link").symlink_to("a")
    assert read_input_file(file, 10) == read_input_file(tmp_path / "link", 10) == b"x" * 10
    with pytest.raises(InputFileError, match="larger than"):
        read_input_file(file, 9)
    with pytest.raises(InputFileError, match="not a path"):
        read_input_file(Path("a\0b"))

"""Runs a page of docs/ as a person does: its files are written, its commands typed in order, and what they print compared.

- A YAML block whose first line is `# PATH` is that file.
- A `console` block has commands behind `$ `, and below each what it prints: each line that is shown comes in that order, `…` stands for
  anything. `# exit N` behind a command is its exit code; without it 0.
- An `sh` block is one script.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conftest import run_in_process
from markdown_it import MarkdownIt

BIN = Path(sys.executable).parent
_SHELL = re.compile(r"[;&|<>$`*]")  # what only a shell understands


class Utf8Text(io.StringIO):
    """A stream that takes what a terminal takes."""

    encoding = "utf-8"


@dataclass
class Reader:
    """Somebody at a shell: where they are and what they have exported."""

    place: Path
    environ: dict[str, str] = field(default_factory=lambda: {"COLUMNS": "80"})
    instead: Mapping[str, str] = field(default_factory=dict)  # what differs here from the page: a port, an OCID

    def follow(self, page: Path) -> int:
        """Do everything that the page says. The number of commands."""
        done = 0
        for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
            if token.type != "fence":
                continue
            named = re.match(r"# (\S+\.ya?ml)\n", token.content)
            if token.info == "yaml" and named:
                (self.place / named[1]).write_text(token.content)
            elif token.info == "console":
                done += self.type_block(token.content)
            elif token.info == "sh":
                self.shell(self.here(token.content))
                done += 1
        return done

    def type_block(self, text: str) -> int:
        """Each command of a console block, compared with what stands below it."""
        parts = re.split(r"^\$ (.*)\n?", text, flags=re.MULTILINE)[1:]
        for typed, shown in zip(parts[::2], parts[1::2], strict=True):
            line, _, code = typed.partition("   # exit ")
            compare(shown, self.type(self.here(line), int(code or 0)), line)
        return len(parts) // 2

    def type(self, line: str, code: int) -> str:
        """One command; what it prints. genai-iac runs in this process, everything else in a shell."""
        words = line.split()
        if words[0] == "cd":
            self.place = self.place / words[1]
            return ""
        if words[0] == "export":
            self.environ.update([words[1].split("=", 1)])
            return ""
        if words[0] == "genai-iac" and not _SHELL.search(line):
            ran = run_in_process(tuple(shlex.split(line)[1:]), self.place, self.environ, Utf8Text)
            assert ran.code == code, f"{line}: exit {ran.code}\n{ran.out}\n{ran.err}"
            return ran.out + ran.err
        return self.shell(line)

    def shell(self, script: str) -> str:
        """A script in bash, with the environment's programs in PATH."""
        environ = {**os.environ, **self.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        for file in self.place.glob("secrets/*.env"):
            file.write_text(self.here(file.read_text()))
        stop = "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n"
        command = ["bash", "-euo", "pipefail", "-c", stop + script]
        ran = subprocess.run(command, cwd=self.place, env=environ, capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def here(self, text: str) -> str:
        """The text with what differs here."""
        for old, new in self.instead.items():
            text = text.replace(old, new)
        return text


def compare(shown: str, printed: str, command: str) -> None:
    """Each line that is shown has to be printed, in that order."""
    rest = iter(printed.splitlines())
    for line in shown.splitlines():
        if line.strip() in ("", "…"):
            continue
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("…"))
        assert any(re.fullmatch(rf"\s*{pattern}\s*", one) for one in rest), f"{command}: {line!r} not in\n{printed}"

"""The shell in which steps run: a search path with stand-ins on it, a home of its own, and nothing of this machine's environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = ".github/genai-iac-requirements.txt"
STAND_INS = Path(__file__).parent / "fakes"


@dataclass(frozen=True)
class Ended:
    """How a script ended."""

    code: int
    log: str


@contextmanager
def warm(folder: Path) -> Iterator[Path]:
    """genai-iac ready to run: the socket at which it is asked for. Steps run it dozens of times, and importing is most of a run."""
    warm_socket = folder / "socket"
    with subprocess.Popen(
        [sys.executable, str(STAND_INS / "warm.py"), str(warm_socket)], env={**os.environ, "PYTHONUTF8": "1"}
    ) as server:
        while not warm_socket.exists() and server.poll() is None:
            time.sleep(0.02)
        try:
            yield warm_socket
        finally:
            server.terminate()


def make_commands(folder: Path, warm_socket: Path) -> Path:
    """A directory for PATH: genai-iac as it is here, gh and curl as the tests play them, and a pip that installs nothing."""
    commands = {
        "genai-iac": f'exec "{sys.executable}" -IS "{STAND_INS / "warm.py"}" "{warm_socket}" "$@"',
        "gh": f'exec "{sys.executable}" -IS "{STAND_INS / "gh.py"}" "$@"',
        "curl": f'exec "{sys.executable}" -IS "{STAND_INS / "curl.py"}" "$@"',
        "python": f'test "$*" = "-m pip install --require-hashes --requirement {REQUIREMENTS}"',
    }
    folder.mkdir()
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def run_script(script: str, options: tuple[str, ...], workspace: Path, environ: Mapping[str, str]) -> Ended:
    """Run a step as a runner does: from a file, with bash. Both streams are the log."""
    file = workspace.parent / "step.sh"
    file.write_text(script)
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", *options, str(file)],
        cwd=workspace,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return Ended(ran.returncode, ran.stdout)

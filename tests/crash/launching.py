"""The command line in processes of its own that can be killed, forked from one that has everything imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from conftest import ROOT, run_in_process


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, or minus the signal that killed it."""

    code: int
    out: str
    err: str


class Here:
    """Runs in this process, which is faster, and a test can reach into them; they cannot be killed."""

    def run(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        environ: Mapping[str, str],
        meet: Callable[[int], object] = lambda pid: None,
        broken: str = "",
    ) -> Ended:
        """Run genai-iac to its end."""
        assert not broken, "the streams of this process stay as they are"
        ran = run_in_process(arguments, cwd, environ)
        return Ended(ran.code, ran.out, ran.err)


class Launcher:
    """One forking process; runs come one after the other."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).parent / "launcher.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert "ready" in self._answer()

    def __enter__(self) -> Launcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=300)
        self._process.stdout.close()

    def run(
        self,
        arguments: tuple[str, ...],
        cwd: Path,
        environ: Mapping[str, str],
        meet: Callable[[int], object] = lambda pid: None,
        broken: str = "",
    ) -> Ended:
        """Run genai-iac to its end; `meet` is told the process's id before it begins; `broken`: see launcher.py."""
        out, err = self._scratch / "out", self._scratch / "err"
        for file in (out, err):
            file.write_bytes(b"")
        streams = {"out": str(out), "err": str(err), "broken": broken}
        self._send(json.dumps({"arguments": arguments, "cwd": str(cwd), "environ": dict(environ), **streams}))
        meet(self._answer()["pid"])
        self._send("go")
        code = self._answer()["status"]
        return Ended(code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))

    def _send(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

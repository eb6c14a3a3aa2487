"""Whole processes measured: CPU, wall time, peak memory, and the requests that a local emulator counted meanwhile."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

_TOKEN = "token-of-the-benchmark"
_MANY = 10_000_000
LIMITS = dict.fromkeys(("apiKeyCount", "compartmentCount", "policyCount", "statementsPerPath"), _MANY)
_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GENAI_IAC_", "OCI_"))},
    "GENAI_IAC_LIMIT_STATEMENTS_PER_PATH": str(_MANY),
    "GENAI_IAC_LIMIT_POLICIES": str(_MANY),
    "GENAI_IAC_ALLOW_FILE_SINKS": "1",
}
_ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled, as it is when installed


@dataclass(frozen=True)
class Cost:
    """One process: CPU and wall seconds, peak memory in MB, requests to the emulator."""

    cpu: float
    wall: float
    memory: float
    requests: int = 0


def run(command: Sequence[str], folder: Path, codes: Sequence[int] = (0, 2)) -> Cost:
    """Run a process to its end. Raises SystemExit for an exit code that is none of `codes`."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if process.returncode not in codes:
            said = errors.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(command)[:200]} ended {process.returncode}: {said}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - began, usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Emulator:
    """A running `local serve` and the tool that is told to call it."""

    url: str
    config: Path
    folder: Path

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {_TOKEN}"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/_local/{path}", data, headers, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def set_latency(self, milliseconds: int) -> None:
        """Make every answer wait."""
        self.control("POST", "settings", {"latency": f"{milliseconds}ms"})

    def reset(self) -> None:
        """An empty tenancy."""
        self.control("POST", "reset")
        self.control("POST", "settings", {"limits": LIMITS})

    def tool(self, *arguments: str, codes: Sequence[int] = (0, 2)) -> Cost:
        """One run of genai-iac, with the requests that it made."""
        command = [sys.executable, "-m", "genai_iac", "--endpoint", self.url, "--config-file", str(self.config)]
        return self.counted([*command, *arguments], codes)

    def counted(self, command: Sequence[str], codes: Sequence[int] = (0, 2)) -> Cost:
        """One run of any program."""
        self.control("DELETE", "calls")
        cost = run(command, self.folder, codes)
        requests = len(self.control("GET", "calls")["calls"])
        return Cost(cost.cpu, cost.wall, cost.memory, requests)


@contextmanager
def emulated() -> Iterator[Emulator]:
    """A local emulator as a process of its own, in a folder of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "genai_iac", "local", "serve", "--port", "0", "--db", str(folder / "local.db")]
        process = subprocess.Popen(
            [*command, "--control-token", _TOKEN], stdout=subprocess.PIPE, text=True, env=_ENVIRONMENT
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].split(" ")[0]
            emulator = Emulator(url, next(folder.glob("**/config")), folder)
            emulator.reset()
            yield emulator
        finally:
            process.terminate()
            process.wait()

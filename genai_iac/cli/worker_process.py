"""One verb for one stack in a process of its own, so that no run of one stack can harm that of another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

import genai_iac
from genai_iac.cli.options import PREFIX
from genai_iac.core.cancellation import CancelToken

# what the worker must not take from the environment: it belongs to the run that started it
_OWN = ("ALL", "CHANGED_SINCE", "SHARD", "OUT_DIR", "JOBS", "FORMAT", "JSON", "ENV")
# not `-m`: that would import from the directory it runs in, which anybody may have put a genai_iac into
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv[0] = 'genai-iac'; from genai_iac.cli import main; main()"
)


class Ended(Struct, frozen=True):
    """How a worker ended."""

    code: int
    out: str
    err: str
    seconds: float


def run_worker(arguments: Sequence[str], stop: CancelToken) -> Ended:
    """Run genai-iac with these arguments; when `stop` is set it is asked to end, and waited for."""
    root, began = str(Path(genai_iac.__file__).resolve().parent.parent), time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, root, *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    interrupted = False
    while True:
        try:
            out, err = process.communicate(timeout=0.5)
            break
        except subprocess.TimeoutExpired:
            if stop.is_set() and not interrupted:
                interrupted = True
                process.send_signal(signal.SIGINT)
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
    code = process.returncode if process.returncode >= 0 else 1
    return Ended(code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), time.monotonic() - began)


def _environment() -> dict[str, str]:
    dropped = {f"{PREFIX}{name}" for name in _OWN} | {"FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "NO_COLOR": "1", "PYTHONUTF8": "1", "COLUMNS": "200"}

"""A process that has genai-iac imported and forks a child for each run: a cold interpreter would take longer than the run.

Speaks JSON lines on its standard streams. `{"arguments", "cwd", "environ", "out", "err", "broken"}` is answered `{"pid"}`; the child
then waits for the line `go`, runs, and is answered `{"status"}` (a negative one is the signal that ended it). `broken` says how
standard output cannot be written: "full" (/dev/full), "closed" (there is none), "gone" (a pipe without a reader).
"""

from __future__ import annotations

import json
import os
import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve until standard input ends."""
    _import_all()
    print(json.dumps({"ready": os.getpid()}), flush=True)
    while line := sys.stdin.readline():
        order = json.loads(line)
        reading, writing = os.pipe()
        waiting, settled = os.pipe()
        child = os.fork()
        if not child:
            os.close(writing)
            os.close(waiting)
            _run(order, reading, settled)
        os.close(reading)
        os.close(settled)
        os.read(waiting, 1)
        os.close(waiting)
        print(json.dumps({"pid": child}), flush=True)
        go = sys.stdin.readline()
        if go:
            os.write(writing, b"\n")
        os.close(writing)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


def _import_all() -> None:
    """Whatever a run may import: then its system calls are the same each time."""
    for name in (
        "cryptography.hazmat.backends.openssl.backend",
        "oci.generative_ai",
        "oci.identity",
        "oci.secrets",
        "oci.vault",
    ):
        import_module(name)
    import genai_iac

    for module in pkgutil.walk_packages(genai_iac.__path__, "genai_iac."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def _run(order: dict[str, Any], gate: int, settled: int) -> None:
    """In the child: become the command line, once the gate opens. Never returns."""
    os.setsid()
    os.chdir(order["cwd"])
    os.environ.update(order["environ"])
    for number, name in ((1, "out"), (2, "err")):
        file = os.open(Path(order[name]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    _break_output(order["broken"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    sys.argv = ["genai-iac", *order["arguments"]]
    os.close(settled)  # whoever traces this process from now on sees the run, and nothing of its preparation
    if not os.read(gate, 1):
        os._exit(1)
    from genai_iac.cli import main as command

    try:
        command(order["arguments"])
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    os._exit(0)


def _break_output(how: str) -> None:
    if how == "closed":
        os.close(1)
    elif how:
        reading, writing = os.pipe() if how == "gone" else (None, os.open("/dev/full", os.O_WRONLY))
        if reading is not None:
            os.close(reading)
        os.dup2(writing, 1)
        os.close(writing)


if __name__ == "__main__":
    main()

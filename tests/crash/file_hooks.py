"""A project in which every value that the tenancy creates is known, and everything that a run leaves behind is searched for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from genai_iac.emulator.services.generative_ai import key_secrets
from genai_iac.emulator.storage.secret_storage import make_secret

from .fixtures import Bench
from .launching import Ended
from .programs import write_program
from .secret_search import Needles
from .stacks import watched
from .strace import tapped, why_not
from .syscalls import OPEN, pass_doors

DECLARED = frozenset({"secrets/chat.env", "secrets/chat.json", "store/value"})  # the files that may hold values
PROGRAM = """\
#!/bin/sh
# takes the value, and notes what of it can be seen from outside
umask 077
cat > store/value
for process in $$ $PPID; do
  cat /proc/$process/cmdline /proc/$process/environ > seen/$process
done
[ ! -e refuse ] || { cat store/value >&2; exit 1; }
"""


@dataclass
class IssuedValues:
    """The values that the tenancies of this process have shown; they themselves keep digests only."""

    values: set[str] = field(default_factory=set)
    needles: Needles = field(default_factory=Needles)

    def make(self) -> str:
        """One more."""
        value = make_secret()
        self.values.add(value)
        self.needles.add(value)
        return value


@contextmanager
def record_issued_values() -> Iterator[IssuedValues]:
    """Learn of every value while the block runs."""
    issued = IssuedValues()
    with mock.patch.object(key_secrets, "make_secret", issued.make):
        yield issued


def prepare(bench: Bench) -> None:
    """The project, with the program that takes the current value."""
    bench.write(watched(**bench.vault))
    for name in ("store", "seen", "out"):
        (bench.project / name).mkdir()
    write_program(bench.project / "deliver.sh", PROGRAM)


@dataclass(frozen=True)
class Watched:
    """A run, and the doors that values left through, as far as strace may trace here."""

    ended: Ended
    doors: frozenset[str] = frozenset()


def run_watched(
    bench: Bench, issued: IssuedValues, *arguments: str, meet: Callable[[int], object] = lambda pid: None
) -> Watched:
    """Run genai-iac in the project, under strace where it may be used."""
    log = bench.home.with_name("tap")
    if why_not():
        return Watched(bench.run(*arguments, meet=meet))
    with ExitStack() as tap:

        def begin(pid: int) -> None:
            tap.enter_context(tapped(pid, log))
            meet(pid)

        ended = bench.run(*arguments, meet=begin)
    assert log.stat().st_size, "strace saw nothing"
    return Watched(ended, frozenset(door for door, data in pass_doors(log) if issued.needles.find(data)))


def check_silent(bench: Bench, issued: IssuedValues, *runs: Watched, killed: bool = False) -> None:
    """No value left the runs by a door that is closed; none in what they printed, nor in any file but the declared sinks.

    `killed`: nor but their temporary files.
    """
    for number, run in enumerate(runs):
        text = run.ended.out + run.ended.err
        _check(issued, text.encode(), f"what run {number} printed")
        assert "Traceback" not in text and "has a defect" not in text, text
        assert run.doors <= OPEN, f"a value left run {number} through {', '.join(run.doors - OPEN)}"
    for file in _files(bench, killed=killed):
        _check(issued, file.read_bytes(), str(file.relative_to(bench.home)))


def _check(issued: IssuedValues, data: bytes, where: str) -> None:
    form = issued.needles.find(data)
    assert form is None, f"a value is in {where}, {form}"


def _files(bench: Bench, *, killed: bool) -> Iterator[Path]:
    declared = {bench.project / name for name in DECLARED}
    for file in bench.home.rglob("*"):
        temporary = file.name.startswith(".genai-iac-") and file.parent.name == "secrets"
        if file.is_file() and file not in declared and not (killed and temporary):
            yield file

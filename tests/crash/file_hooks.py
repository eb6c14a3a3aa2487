"""A project in which every value that the tenancy creates is known, and everything that a run leaves behind is searched for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from genai_iac.emulator.services.generative_ai import key_secrets
from genai_iac.emulator.storage.secret_storage import make_secret

from .fixtures import Sandbox
from .launching import Ended
from .programs import write_program
from .secret_search import SearchedValues
from .stacks import watched
from .strace import tapped, why_not
from .syscalls import OPEN, read_outgoing

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
    searched: SearchedValues = field(default_factory=SearchedValues)

    def make(self) -> str:
        """One more."""
        value = make_secret()
        self.values.add(value)
        self.searched.add(value)
        return value


@contextmanager
def record_issued_values() -> Iterator[IssuedValues]:
    """Learn of every value while the block runs."""
    issued = IssuedValues()
    with mock.patch.object(key_secrets, "make_secret", issued.make):
        yield issued


def prepare(sandbox: Sandbox) -> None:
    """The project, with the program that takes the current value."""
    sandbox.write(watched(**sandbox.vault))
    for name in ("store", "seen", "out"):
        (sandbox.project / name).mkdir()
    write_program(sandbox.project / "deliver.sh", PROGRAM)


@dataclass(frozen=True)
class Watched:
    """A run, and the channels that values left through, as far as strace may trace here."""

    ended: Ended
    channels: frozenset[str] = frozenset()


def run_watched(
    sandbox: Sandbox, issued: IssuedValues, *arguments: str, meet: Callable[[int], object] = lambda pid: None
) -> Watched:
    """Run genai-iac in the project, under strace where it may be used."""
    log = sandbox.home.with_name("tap")
    if why_not():
        return Watched(sandbox.run(*arguments, meet=meet))
    with ExitStack() as tap:

        def begin(pid: int) -> None:
            tap.enter_context(tapped(pid, log))
            meet(pid)

        ended = sandbox.run(*arguments, meet=begin)
    assert log.stat().st_size, "strace saw nothing"
    return Watched(ended, frozenset(channel for channel, data in read_outgoing(log) if issued.searched.find(data)))


def check_silent(sandbox: Sandbox, issued: IssuedValues, *runs: Watched, killed: bool = False) -> None:
    """No value left the runs through a channel that is not allowed; none in what they printed, nor in any file but the declared sinks.

    `killed`: nor but their temporary files.
    """
    for number, run in enumerate(runs):
        text = run.ended.out + run.ended.err
        _check(issued, text.encode(), f"what run {number} printed")
        assert "Traceback" not in text and "has a defect" not in text, text
        assert run.channels <= OPEN, f"a value left run {number} through {', '.join(run.channels - OPEN)}"
    for file in _files(sandbox, killed=killed):
        _check(issued, file.read_bytes(), str(file.relative_to(sandbox.home)))


def _check(issued: IssuedValues, data: bytes, where: str) -> None:
    form = issued.searched.find(data)
    assert form is None, f"a value is in {where}, {form}"


def _files(sandbox: Sandbox, *, killed: bool) -> Iterator[Path]:
    declared = {sandbox.project / name for name in DECLARED}
    for file in sandbox.home.rglob("*"):
        temporary = file.name.startswith(".genai-iac-") and file.parent.name == "secrets"
        if file.is_file() and file not in declared and not (killed and temporary):
            yield file

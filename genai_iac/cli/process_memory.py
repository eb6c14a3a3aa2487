"""Keeps the memory of this process, in which secret values are, out of core dumps and of other processes' reach."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

_PR_SET_DUMPABLE = 4  # prctl(2); linux/prctl.h
ALLOW = "GENAI_IAC_ALLOW_DUMPS"  # for whoever looks at this process with a debugger or strace


def forbid_dumps(environ: Mapping[str, str] = os.environ) -> None:
    """No core file of this process or of the programs that it starts; on Linux no other process of the user reads its memory.

    Does nothing when GENAI_IAC_ALLOW_DUMPS is set, and leaves out what the system does not have.
    """
    if environ.get(ALLOW):
        return
    import resource

    with suppress(OSError, ValueError):
        # the soft limit alone: a program that runs this in its own process can take it back
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            # a core_pattern that pipes to a program ignores the limit; a process that is not dumpable it does not get
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

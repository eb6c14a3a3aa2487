"""The local files that a command names: what is run after an approval has to be what was there when the plan was made.

An edited `./deliver.sh` got the secret after the plan that names it had been approved. A program that is looked up in PATH,
and what a script itself reads, is not bound: only what the manifest names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

_CHUNK = 1 << 20  # bytes
_INTERPRETER = re.compile(
    r"(ba|da|k|z|fi|a)?sh|(python|ruby|perl|php|node|lua)[0-9.]*|deno|bun|pwsh|Rscript|tclsh|expect"
)


def named_files(command: Sequence[str], root: Path, outputs: Collection[str] = ()) -> Iterator[str]:
    """The words of the command, as written, that name a local file; of `python -m NAME` the module's file.

    The program when it has a slash; the script of an interpreter, wherever it is; and any file below `root`, also behind
    `--option=`. `outputs` are normal paths below `root` of files that sinks write: those are no programs.

    Args:
        command: the words of the manifest.
        root: the manifests' directory.

    Yields:
        Each file once, in the order of the words.
    """
    program, *arguments = command
    if "/" in program:
        yield program
    script = _script(program, arguments)
    for name in dict.fromkeys(map(_value, _with_modules(arguments))):
        bound = name and (name == script or _is_below(name, root)) and _relative(name, root) not in outputs
        if bound and name != program and _is_file(root / name):
            yield name


def digest_file(file: Path) -> str | None:
    """`sha256:...` of its bytes; None when it is no regular file or cannot be read.

    Args:
        file: links are followed, as running it would.
    """
    digest = hashlib.sha256()
    try:
        if not file.is_file():
            return None
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except (OSError, ValueError):
        return None
    return f"sha256:{digest.hexdigest()}"


def _script(program: str, arguments: Sequence[str]) -> str | None:
    """What an interpreter runs. Of another program the first argument may be what it writes, as with `tee`."""
    if not _INTERPRETER.fullmatch(PurePosixPath(program).name):
        return None
    return next((word for word in arguments if not word.startswith("-")), None)


def _value(word: str) -> str:
    """What stands behind `--option=`; a word without an option is itself."""
    return word.partition("=")[2] if word.startswith("-") else word


def _with_modules(arguments: Sequence[str]) -> Iterator[str]:
    """The words, and for `-m NAME` the files that Python would run."""
    for before, word in zip(("", *arguments), arguments, strict=False):
        yield word
        if before == "-m":
            path = word.replace(".", "/")
            yield from (f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py")


def _is_file(file: Path) -> bool:
    """Any text may be an argument, also one that is longer than names can be."""
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def _relative(name: str, root: Path) -> str:
    return os.path.relpath(root / name, root)


def _is_below(name: str, root: Path) -> bool:
    return not _relative(name, root).startswith("..")

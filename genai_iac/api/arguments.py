"""What callers of the Python API give, checked as the command line checks its flags: what could be taken for something else is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from genai_iac.core import Address
from genai_iac.core.auth import METHODS
from genai_iac.core.errors import UsageError


def read_path(path: str | Path) -> str:
    """PATH of the manifests. Raises UsageError for an empty text, which would mean the current directory."""
    if str(path) == "":
        raise UsageError(
            "path is empty", hint="give a directory or a file, or leave path out for the current directory"
        )
    return str(path)


def read_targets(targets: Iterable[str | Address] | None) -> tuple[str, ...]:
    """The addresses to plan; none for None. Raises UsageError for an empty list: without targets everything would be meant."""
    if targets is None:
        return ()
    chosen = read_list("targets", targets)
    if not chosen:
        raise UsageError("targets is empty", hint="give addresses such as ApiKey/chat-app, or None for everything")
    return chosen


def read_list(name: str, values: Iterable[Any]) -> tuple[str, ...]:
    """The values as texts. Raises UsageError for one text where several are taken: each of its characters would be one."""
    if isinstance(values, (str, bytes, Path)):
        raise UsageError(f"{name} is one value, where several are taken", hint=f"give a list: {name}=[{str(values)!r}]")
    return tuple(map(str, values))


def read_number(name: str, number: int | None) -> int | None:
    """A count of resources. Raises UsageError for what is none."""
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        raise UsageError(f"{name} is {number!r}", hint="give a whole number from 0 up, or None")
    return number


def read_variables(variables: Mapping[str, str]) -> tuple[str, ...]:
    """`NAME=VALUE` of each. Raises UsageError for a name that would be read as another one."""
    for name in variables:
        if not isinstance(name, str) or not name or "=" in name:
            raise UsageError(f"Options.variables: {name!r} is not a name of a variable", hint="give NAME: VALUE")
    return tuple(f"{name}={value}" for name, value in variables.items())


def check_auth(auth: str | None) -> None:
    """Raises UsageError for a way to sign in that there is not."""
    if auth is not None and auth not in METHODS:
        raise UsageError(f"Options.auth is {auth!r}", hint=f"give one of {', '.join(METHODS)}, or None")

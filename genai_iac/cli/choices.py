"""Flags that several verbs share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from genai_iac.errors import UsageError
from genai_iac.model import Address

F = TypeVar("F", bound=Callable[..., Any])


def planning_flags(function: F) -> F:
    """What shapes a plan."""
    for option in reversed(
        [
            click.option("--target", multiple=True, metavar="ADDR", help="Only this resource and what it needs."),
            click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Calls at the same time."),
            click.option(
                "--full-scan", is_flag=True, help="Look for the stack's resources in every compartment and region."
            ),
            click.option(
                "--delete-moved", multiple=True, metavar="ADDR", help="Delete it although its mark was made elsewhere."
            ),
        ]
    ):
        function = option(function)
    return function


def guard_flags(function: F) -> F:
    """What lets a guarded change pass."""
    for option in reversed(
        [
            click.option(
                "--allow-destroy", type=click.IntRange(0), metavar="N", help="Let up to N resources be deleted."
            ),
            click.option("--accept-outage", multiple=True, metavar="ADDR", help="Let a value in use stop working."),
        ]
    ):
        function = option(function)
    return function


def read_addresses(flag: str, texts: Iterable[str]) -> frozenset[Address]:
    """The addresses of a flag. Raises UsageError for what is none."""
    try:
        return frozenset(Address.parse(text) for text in texts)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from error

"""The environments of one stack beside each other: those pinned to one tenancy must not claim the same names there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from genai_iac.core import Resource
from genai_iac.core.errors import ManifestError, Problem, UsageError
from genai_iac.manifest.load import Manifest
from genai_iac.references.names import Name, claimed_names, name_place


def check_neighbours(names: Iterable[str], load: Callable[[str], Manifest]) -> None:
    """Raise ManifestError for names that two environments would take in the tenancy that both are pinned to.

    An environment that cannot be loaded is passed over: what is wrong with it is reported when it is chosen.

    Args:
        names: of the environments.
        load: loads the stack with one of them.
    """
    claimed: dict[tuple[str, Name], tuple[str, Resource]] = {}
    problems: list[Problem] = []
    for environment, manifest in _loaded(names, load):
        tenancy = manifest.stack.tenancy
        for resource, name in claimed_names(manifest.resources) if tenancy else ():
            first, _ = claimed.setdefault((str(tenancy), name), (environment, resource))
            if first != environment and (str(tenancy), name[:-1]) not in claimed:  # else its parent is reported already
                problems.append(_problem(resource, first, environment))
    if problems:
        raise ManifestError(problems)


def _loaded(names: Iterable[str], load: Callable[[str], Manifest]) -> Iterator[tuple[str, Manifest]]:
    for name in names:
        try:
            yield name, load(name)
        except (ManifestError, UsageError):
            continue


def _problem(resource: Resource, first: str, second: str) -> Problem:
    called = resource.attributes["name"]
    message = (
        f"{resource.address} has the name {called} in the environments {first} and {second}, which share a tenancy"
    )
    return Problem(
        name_place(resource),
        message,
        f"let a variable tell them apart, such as spec.name: {resource.address.name}-${{var.env}}",
    )

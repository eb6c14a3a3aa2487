"""Environments: `environments/NAME.yaml` beside the manifests, one of which is chosen by name.

Those that are pinned to one tenancy must not give the same names there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from genai_iac.core import Resource, Source
from genai_iac.core.errors import ManifestError, Problem, UsageError, show, suggest_or_list
from genai_iac.manifest.diagnostics import Diagnostics, FileDiagnostics
from genai_iac.manifest.document_header import read_header
from genai_iac.manifest.files import ENVIRONMENTS, File, ManifestPath, decode, read_file
from genai_iac.manifest.variables import GivenValue
from genai_iac.manifest.yaml_nodes import Places, Written, to_data
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.references.names import Name, claimed_names, name_place
from genai_iac.schema import ENVIRONMENT_KIND, check_document

if TYPE_CHECKING:
    from genai_iac.manifest.load import Manifest

_SUFFIXES = (".yaml", ".yml")


class Environment(Struct, frozen=True):
    """The chosen environment; without one, nothing."""

    name: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)  # tenancy, region, profile, variables
    places: Places | None = None  # None when it could not be read
    sound: bool = True  # False: something is wrong with it, and was noted

    @property
    def variables(self) -> list[GivenValue]:
        """The values it gives to variables.

        Their origin in messages is the environment's name.
        """
        given = self.spec.get("variables", {})
        return [
            GivenValue(name, value, f"environment {self.name}", self._place("spec", "variables", name))
            for name, value in given.items()
        ]

    @property
    def place_of_tenancy(self) -> Source | None:
        """Where it pins the tenancy; None when it does not."""
        return self._place("spec", "tenancy") if self.spec.get("tenancy") else None

    def _place(self, *path: str) -> Source:
        assert self.places is not None
        return self.places[path]


def environment_names(path: str) -> list[str]:
    """The names of the environments beside these manifests; none for standard input.

    Args:
        path: a directory, a file, or `-`.
    """
    directory = Path(path) / ENVIRONMENTS
    there = directory.iterdir() if path != "-" and directory.is_dir() else ()
    return sorted({file.stem for file in there if file.suffix in _SUFFIXES and not file.name.startswith(".")})


def read_environment(place: ManifestPath, name: str, findings: Diagnostics) -> tuple[Environment, File | None]:
    """The environment of that name and its file. Raises UsageError when there is none; what is wrong with it is noted.

    Args:
        place: the manifests' directory.
        name: of --env.
        findings: gets the problems.
    """
    file = read_file(place, _find(place, name))
    if isinstance(file, Problem):
        findings.add(file)
        return Environment(name, sound=False), None
    return _read(file, name, findings.of(file.name)), file


def _find(place: ManifestPath, name: str) -> str:
    """The environment's file, from the root. Names are looked up among those that exist: a name is never made a path."""
    directory = place.root / ENVIRONMENTS
    there = sorted(directory.iterdir()) if directory.is_dir() else []
    known = [file for file in there if file.suffix in (".yaml", ".yml")]
    # Compared with what is there: `--env ../other` names nothing.
    found = [file.name for file in known if file.stem == name]
    if len(found) > 1:
        raise UsageError(f"{' and '.join(found)} are both the environment {name}", hint="keep one of the two")
    if found:
        return f"{ENVIRONMENTS}/{found[0]}"
    shown = f"{place.prefix}{ENVIRONMENTS}"
    hint = (
        suggest_or_list(name, {file.stem for file in known})
        or f"make {shown}/{show(name)}.yaml with kind: {ENVIRONMENT_KIND}"
    )
    raise UsageError(f"no environment is called {show(name)} in {shown}", hint=hint)


def _read(file: File, name: str, notes: FileDiagnostics) -> Environment:
    """The environment of a file; problems are noted and make it unsound."""
    text = decode(file.data, file.name)
    if isinstance(text, Problem):
        notes.add_all([text])
        return Environment(name, sound=False)
    reading = read_yaml(text, file.name)
    notes.add_all(reading.problems)
    written = _only(reading.documents, file, notes)
    draft = read_header(written, notes) if written else None
    if written is None or draft is None or not written.sound:
        return Environment(name, sound=False)
    if draft.kind != ENVIRONMENT_KIND:
        notes.add(
            draft.source,
            f"this is of kind {draft.kind}, not {ENVIRONMENT_KIND}",
            f"only environments belong into {ENVIRONMENTS}/",
        )
        return Environment(name, sound=False)
    return _check(written, name, notes)


def _only(documents: tuple[Written, ...], file: File, notes: FileDiagnostics) -> Written | None:
    """The one document of the file."""
    if len(documents) == 1:
        return documents[0]
    if documents:
        notes.add(
            documents[1].place(documents[1].root),
            "an environment's file holds one document",
            "put the other into a file of its own",
        )
    elif not notes:
        notes.add(Source(file.name, 1, 1), "the file is empty", f"write a document of kind {ENVIRONMENT_KIND}")
    return None


def _check(written: Written, name: str, notes: FileDiagnostics) -> Environment:
    """Schema, and that file and document have one name."""
    places, data = Places(written), to_data(written.root)
    found = list(check_document(ENVIRONMENT_KIND, data, places.nearest))
    notes.add_all(found)
    if found:
        return Environment(name, sound=False)
    if data["metadata"]["name"] != name:
        notes.add(
            places["metadata", "name"],
            f"the file is called {name}, the environment {data['metadata']['name']}",
            "give both one name",
        )
    return Environment(name, data["spec"], places)


def check_neighbours(names: Iterable[str], load: Callable[[str], Manifest]) -> None:
    """Raise ManifestError for names that two environments would take in the tenancy that both are pinned to.

    An environment that cannot be loaded is passed over: what is wrong with it is reported when it is chosen.

    Args:
        names: of the environments.
        load: loads the stack with one of them.
    """
    claimed: dict[tuple[str, Name], tuple[str, Resource]] = {}
    problems: list[Problem] = []
    for environment, manifest in _load_each(names, load):
        tenancy = manifest.stack.tenancy
        for resource, name in claimed_names(manifest.resources) if tenancy else ():
            first, _ = claimed.setdefault((str(tenancy), name), (environment, resource))
            if first != environment and (str(tenancy), name[:-1]) not in claimed:  # else its parent is reported already
                problems.append(_same_name(resource, first, environment))
    if problems:
        raise ManifestError(problems)


def _load_each(names: Iterable[str], load: Callable[[str], Manifest]) -> Iterator[tuple[str, Manifest]]:
    for name in names:
        try:
            yield name, load(name)
        except (ManifestError, UsageError):
            continue


def _same_name(resource: Resource, first: str, second: str) -> Problem:
    called = resource.attributes["name"]
    message = (
        f"{resource.address} has the name {called} in the environments {first} and {second}, which share a tenancy"
    )
    return Problem(
        name_place(resource),
        message,
        f"let a variable tell them apart, such as spec.name: {resource.address.name}-${{var.env}}",
    )

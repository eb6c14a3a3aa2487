"""The manifests of a path as they are and as `fmt` would write them. Offline."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from genai_iac.cli.output_files import rewrite_file
from genai_iac.core.errors import IacError, ManifestError, Problem, UsageError
from genai_iac.filesystem import check_file, check_folder
from genai_iac.formatting import format_text
from genai_iac.manifest.diagnostics import FileDiagnostics
from genai_iac.manifest.document_header import is_foreign, is_ignored, read_header
from genai_iac.manifest.files import (
    BYTE_ORDER_MARK,
    ENVIRONMENTS,
    File,
    ManifestPath,
    decode,
    find_manifest_path,
    read_file,
    read_files,
)
from genai_iac.manifest.stack import ignored_globs
from genai_iac.manifest.yaml_reader import read_yaml
from genai_iac.schema import STACK_KIND


class Reformatted(Struct, frozen=True):
    """One file: what people call it, where it really is, its text, and whether more than modelines is added to it."""

    name: str
    file: Path
    before: str
    after: str
    layout_differs: bool


def find_changes(path: str) -> list[Reformatted]:
    """Every manifest and environment of a path as it is and as it is to be. Raises ManifestError with all that cannot be read."""
    place = find_manifest_path(path)
    problems: list[Problem] = []
    found: dict[Path, Reformatted] = {}
    files = list(_all_files(place))
    globs = _ignored(files)
    for file in files:
        if isinstance(file, File) and is_ignored(file.key, globs):
            continue
        text = file if isinstance(file, Problem) else decode(file.data, file.name)
        if isinstance(text, Problem):
            if place.only is None and isinstance(file, File) and is_foreign(file.data, ()):
                continue
            problems.append(text)
            continue
        assert isinstance(file, File)
        if place.only is None and _is_left_alone(file, text):
            continue
        try:
            real = (place.root / file.key).resolve()
            mark = "\ufeff" if file.data.startswith(BYTE_ORDER_MARK) else ""  # kept, like line endings
            after = format_text(text, file.name)
            # A file that was canonical before modelines were completed is still: a pipeline's check must not turn red over an editor's aid.
            differs = after != text and format_text(text, file.name, modelines=False) != text
            found[real] = Reformatted(file.name, real, mark + text, mark + after, differs)
        except ManifestError as error:
            problems.extend(error.problems)
    if problems:
        raise ManifestError(problems)
    return list(found.values())


def _is_left_alone(file: File, text: str) -> bool:
    """Whether the file is another tool's: its layout is not ours to change."""
    reading = read_yaml(text, file.name)
    return bool(reading.documents or reading.problems) and is_foreign(file.data, reading.documents)


def _ignored(files: Iterable[File | Problem]) -> tuple[str, ...]:
    """The globs of the Stack's `ignore`."""
    for file in files:
        if isinstance(file, File) and b"ignore" in file.data and b"Stack" in file.data:
            text = decode(file.data, file.name)
            documents = () if isinstance(text, Problem) else read_yaml(text, file.name).documents
            for draft in filter(None, (read_header(one, FileDiagnostics(file.name)) for one in documents)):
                if draft.kind == STACK_KIND:
                    return ignored_globs(draft)
    return ()


def write_changes(changes: Iterable[Reformatted], path: str) -> None:
    """Replace the files of that PATH. Raises UsageError for one that cannot be written or a PATH that is reached through a link (a
    checkout may hold one that leads anywhere), IacError for a file that was changed meanwhile."""
    for change in changes:
        try:
            given = Path(path)
            check_folder(given if given.is_dir() else given.parent)
            if not given.is_dir():
                check_file(given)
            if not rewrite_file(change.file, change.before.encode(), change.after.encode()):
                raise IacError(f"{change.name} was changed while it was being formatted", hint="run it again")
        except OSError as error:
            raise UsageError(f"{change.name}: {error.strerror}") from error


def _all_files(place: ManifestPath) -> Iterator[File | Problem]:
    yield from read_files(place, sys.stdin.buffer if place.only == "-" else None)
    folder = place.root / ENVIRONMENTS
    if place.only is None and folder.is_dir():
        names = sorted(file.name for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
        yield from (read_file(place, f"{ENVIRONMENTS}/{name}") for name in names if not name.startswith("."))

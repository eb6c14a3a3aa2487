"""Problems of one file as they are found: with positions, and never more than anyone would read."""

from __future__ import annotations

from collections.abc import Iterable

from genai_iac.core import Source
from genai_iac.core.errors import Problem

MAX_PROBLEMS = 100  # of one file; a wrong file type would give thousands


class FileDiagnostics:
    """The problems of one file.

    Args:
        file: as messages call it.
        problems: that are known already.
    """

    def __init__(self, file: str, problems: Iterable[Problem] = ()) -> None:
        self.file = file
        self.problems: list[Problem] = list(problems)

    def __len__(self) -> int:
        return len(self.problems)

    @property
    def full(self) -> bool:
        """Whether reading on would only add to what nobody reads."""
        return len(self.problems) >= MAX_PROBLEMS

    def add(self, source: Source, message: str, hint: str = "") -> None:
        """Note a problem; the last that fits says that there are more.

        Args:
            source: position of the value.
            message: what is wrong.
            hint: what to write instead.
        """
        if len(self.problems) < MAX_PROBLEMS - 1:
            self.problems.append(Problem(source, message, hint))
        elif not self.full:
            self.problems.append(Problem(source, "this file has more problems than are shown", "fix the first ones"))

    def add_all(self, problems: Iterable[Problem]) -> None:
        """Note several, as far as they fit."""
        for problem in problems:
            if self.full:
                return
            self.add(problem.source, problem.message, problem.hint)


class Diagnostics:
    """The problems of all files.

    Files in the order in which they were read. Falsy when there is no problem.
    """

    def __init__(self) -> None:
        self._notes: dict[str, FileDiagnostics] = {}

    def __bool__(self) -> bool:
        return any(self._notes.values())

    def of(self, file: str) -> FileDiagnostics:
        """The notes of that file.

        Made on first use.
        """
        return self._notes.setdefault(file, FileDiagnostics(file))

    def add(self, problem: Problem) -> None:
        """Note a problem with the file it is in."""
        self.of(problem.source.file).add(problem.source, problem.message, problem.hint)

    @property
    def problems(self) -> list[Problem]:
        """All of them."""
        return [problem for notes in self._notes.values() for problem in notes.problems]

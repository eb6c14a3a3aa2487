"""Errors for people and for programs: what is wrong, where, what to type next, and what support asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from genai_iac.core.errors import IacError, ManifestError, PlanErrors, Problem, ServiceFailure
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.common.terminal import Terminal
from genai_iac.render.junit import render_junit

_LIMIT = 4000  # characters of one line of a message
_OCID = 255  # columns of a word that is left whole: it is copied, and searched for
_LINES = 200  # lines of one message


def problems_text(
    errors: IacError | Iterable[IacError], terminal: Terminal | None = None, complete: Callable[[str], str] = str
) -> str:
    """One block an error, and one for each problem of a manifest or a plan: `Error: file:line:column: what is wrong`, then the hint.

    Args:
        errors: one error or several.
        terminal: None: 80 columns, no colours.
        complete: what is done to each message and hint, whose commands may lack the options of the run.
    """
    terminal = terminal or Terminal()
    blocks = [block for error in _each(errors) for block in _blocks(error, terminal, complete)]
    return terminal.join(line for index, block in enumerate(blocks) for line in ([""] if index else []) + block)


def problems_json(errors: IacError | Iterable[IacError]) -> str:
    """`{"errors": [{"message", "hint", "exit_code", "source", ...}]}` on one line, one line feed at the end."""
    return write_json({"errors": [document for error in _each(errors) for document in _documents(error)]}) + "\n"


def problems_junit(error: ManifestError) -> str:
    """One failed test a problem, named by where it is."""
    return render_junit(
        (one.source.file, str(one.source), (one.message, *filter(None, [one.hint]))) for one in error.problems
    )


def hint_lines(text: str, terminal: Terminal) -> list[str]:
    """The hint, `text` being safe already. A command stays on one line, so that it can be copied."""
    return [f"  next: {text}"] if "genai-iac " in text else terminal.wrap(text, "  next: ", "        ")


def _each(errors: IacError | Iterable[IacError]) -> Iterator[IacError]:
    if isinstance(errors, PlanErrors):
        yield from errors.errors
    elif isinstance(errors, IacError):
        yield errors
    else:
        yield from errors


def _blocks(error: IacError, terminal: Terminal, complete: Callable[[str], str]) -> Iterator[list[str]]:
    if isinstance(error, ManifestError):
        for problem in error.problems:
            message = f"{problem.source}: {problem.message}"
            yield _block(complete(message), complete(problem.hint), {}, terminal)
    else:
        yield _block(complete(error.message), complete(error.hint or ""), _support(error), terminal)


def _block(message: str, hint: str, support: dict[str, Any], terminal: Terminal) -> list[str]:
    first, *others = message.splitlines()[:_LINES] or [""]
    # further lines stand behind a bar, so that a service's message cannot imitate ours
    bar = terminal.glyph("  │ ", "  | ")
    head = terminal.wrap(escape_control(first, _LIMIT), "Error: ", "       ", longest=_OCID)
    lines = [terminal.paint("Error:", "danger") + head[0].removeprefix("Error:"), *head[1:]]
    for line in others:
        lines.extend(terminal.wrap(escape_control(line, _LIMIT), bar, bar))
    if hint:
        first, *pasted = hint.splitlines()[:_LINES]
        lines.extend(hint_lines(escape_control(first, _LIMIT), terminal))
        # a manifest to paste: never wrapped, and indented as a whole, which YAML allows
        lines.extend(f"    {escape_control(line, _LIMIT)}" for line in pasted)
    for name, value in support.items():
        lines.append(terminal.paint(f"  {name}: {escape_control(str(value), 255)}", "dim"))
    return lines


def _documents(error: IacError) -> Iterator[dict[str, Any]]:
    if isinstance(error, ManifestError):
        for problem in error.problems:
            yield _document(error, problem.message, problem.hint or None, _place(problem))
    else:
        yield _document(error, error.message, error.hint, None) | {
            name.replace("-", "_"): value for name, value in _support(error).items()
        }


def _document(error: IacError, message: str, hint: str | None, source: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "type": "error",
        "error": type(error).__name__,
        "exit_code": error.exit_code,
        "message": message,
        "hint": hint,
        "source": source,
    }


def _place(problem: Problem) -> dict[str, Any]:
    return {"file": problem.source.file, "line": problem.source.line, "column": problem.source.column}


def _support(error: IacError) -> dict[str, Any]:
    """What Oracle's support asks for, where the service gave it."""
    if not isinstance(error, ServiceFailure):
        return {}
    fields = {
        "operation": error.operation,
        "status": error.status,
        "code": error.code,
        "opc-request-id": error.request_id,
    }
    return {name: value for name, value in fields.items() if value is not None}

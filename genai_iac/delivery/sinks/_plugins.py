"""Sinks that installed packages bring. Nothing is ever loaded from the current directory: a checkout must not choose what runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from typing import Any

from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import Context, Sink

GROUP = "genai_iac.delivery.sinks"  # entry point group of third-party sinks


def load_installed(word: str) -> type[Sink] | None:
    """The sink that an installed package brings under that word, or None. Raises SinkError when it is none, or two packages bring it.

    Args:
        word: a name with a dot, such as `acme.ssm`.
    """
    with _without_current_directory():
        known = (word, tuple(sys.path))
        if known not in _LOADED and (found := _load(word)):
            _LOADED[known] = found
        return _LOADED.get(known)


def declared_schema(word: str) -> Mapping[str, Any] | None:
    """The JSON Schema that a third party's sink declares for its settings, as `schema` of its class. Raises SinkError as loading it does.

    Args:
        word: a name with a dot.

    Returns:
        None when no installed package brings the sink, or it declares no schema: then settings are checked by the sink alone.
    """
    sink = load_installed(word)
    return None if sink is None else getattr(sink, "schema", None)


# by word and search path: a manifest may use one sink a thousand times, and each look reads the metadata of every package
_LOADED: dict[tuple[str, tuple[str, ...]], type[Sink]] = {}


def _load(word: str) -> type[Sink] | None:
    found = [
        entry
        for distribution in distributions(path=sys.path)
        for entry in distribution.entry_points
        if entry.group == GROUP and entry.name == word
    ]
    targets = {entry.value for entry in found}
    if not targets:
        return None
    if len(targets) > 1:
        raise SinkError(
            f"several packages bring a sink called {word!r}: {', '.join(sorted(targets))}",
            hint="uninstall all but one",
        )
    return _checked(found[0])


def _checked(entry: EntryPoint) -> type[Sink]:
    """Load the entry point and check that it is a sink of that name."""
    try:
        sink = entry.load()
    # Third-party code may raise anything at import, and end the process; the user has to see
    # which package it was.
    except (Exception, SystemExit) as error:
        raise SinkError(
            f"the sink {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}",
            hint="reinstall its package",
        ) from error
    if not (isinstance(sink, type) and issubclass(sink, Sink) and getattr(sink, "word", "") == entry.name):
        raise SinkError(
            f"{entry.value} is not a sink with the word {entry.name!r}", hint="tell the maker of its package"
        )
    schema = getattr(sink, "schema", None)
    if schema is None:
        return sink
    if why := _why_no_schema(schema):
        raise SinkError(
            f"the sink {entry.name!r} ({entry.value}) declares settings that cannot be checked: {why}",
            hint="tell the maker of its package",
        )
    return _with_checked_settings(sink)


def _why_no_schema(schema: object) -> str:
    """What is wrong with a declared schema; empty when nothing is."""
    import jsonschema

    if not isinstance(schema, Mapping):
        return "its schema is no mapping"
    try:
        jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator).check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        return f"its schema is no JSON Schema: {error.message}"
    if outside := next(_references(schema), None):
        return f"its schema refers to {outside}, and only references within it (#/$defs/...) are followed"
    return ""


def _references(schema: object) -> Iterator[str]:
    """References to other documents: jsonschema would fetch them from the network."""
    if isinstance(schema, Mapping):
        for word, value in schema.items():
            if word in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
                yield value
            yield from _references(value)
    elif isinstance(schema, list | tuple):
        for value in schema:
            yield from _references(value)


def _with_checked_settings(sink: type[Sink]) -> type[Sink]:
    """The sink, with its settings checked when one is opened: whoever opens it need not have loaded a manifest."""
    import jsonschema

    class Checked(sink):  # type: ignore[valid-type,misc]
        def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
            try:
                jsonschema.validate(settings, dict(sink.schema))
            except jsonschema.ValidationError as error:
                raise SinkError(f"deliverTo.{sink.word}: {error.message}", hint="correct the manifest") from None
            super().__init__(settings, context)

    Checked.__name__, Checked.__qualname__ = sink.__name__, sink.__qualname__
    return Checked


@contextmanager
def _without_current_directory() -> Iterator[None]:
    """Remove the working directory from `sys.path` meanwhile.

    Else a file of the checkout could be imported in place of an installed package.
    """
    before = list(sys.path)
    here = Path.cwd().resolve()
    sys.path[:] = [entry for entry in before if entry and Path(entry).resolve() != here]
    try:
        yield
    finally:
        sys.path[:] = before

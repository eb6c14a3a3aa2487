"""Settings of third parties' sinks, checked by the schema that the sink's class declares: the manifests' own schema cannot know them.

The installed package of each such sink that a document names is loaded. A sink that is not installed, or declares no schema, is not
checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any

from genai_iac.core import Path, Source
from genai_iac.core.errors import Problem, SinkError, show
from genai_iac.delivery.sinks import SINKS, find_schema
from genai_iac.schema.explain import Fault, explain, write_path
from genai_iac.schema.validator import MAX_PROBLEMS


def check_sink_settings(
    data: Mapping[str, Any], place: Callable[..., Source], unread: Collection[Path] = ()
) -> Iterator[Problem]:
    """What is wrong with the settings of third parties' sinks in a document's `deliverTo`.

    Args:
        data: a whole document, after interpolation; it need not fit its kind's schema.
        place: says where a part was written, by its path.
        unread: paths that were reported already; what is at or below them is skipped.

    Yields:
        Each at the setting; at the sink's name when its package cannot be used.
    """
    for index, word, settings in _foreign_entries(data):
        path: Path = ("spec", "deliverTo", index, word)
        try:
            schema = find_schema(word)
        except SinkError as error:
            yield Problem(place(*path, "~key"), error.message, error.hint or "")
            continue
        for fault in islice(find_faults(schema, settings, path), MAX_PROBLEMS):
            if not any(fault.path[: len(lost)] == lost for lost in unread):
                hint = fault.hint or f"see what the package that brings {word} says of its settings"
                yield Problem(place(*fault.path), fault.message, hint)


def find_faults(schema: Mapping[str, Any] | None, settings: object, path: Path = ()) -> Iterator[Fault]:
    """What of a sink's settings its declared schema refuses; no value of them is quoted.

    Args:
        schema: `schema` of the sink's class; None accepts everything.
        settings: the value under the sink's name in an entry of `deliverTo`.
        path: of the settings in their document.
    """
    if schema is None:
        return
    from genai_iac.schema.jsonschema_validator import make_foreign_validator

    try:
        for error in make_foreign_validator(schema).iter_errors(settings):
            error.path.extendleft(reversed(path))
            yield from explain(error)
    # A schema of others may lead nowhere (`$ref`) or to itself; jsonschema raises whatever it meets.
    except Exception as error:
        reason = show(f"{type(error).__name__}: {error}")
        yield Fault(path, f"the schema of {write_path(path)} cannot be used: {reason}", "tell the maker of its package")


def _foreign_entries(data: Mapping[str, Any]) -> Iterator[tuple[int, str, object]]:
    """Index, name and settings of each entry that is not one of our own sinks."""
    spec = data.get("spec")
    entries = spec.get("deliverTo") if isinstance(spec, Mapping) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, Mapping) and len(entry) == 1:
            ((word, settings),) = entry.items()
            if isinstance(word, str) and word not in SINKS:
                yield index, word, settings

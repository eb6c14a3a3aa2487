"""The registry of sinks: every module here whose name does not begin with `_` defines one `Sink`. Nothing else lists them.

For: opening the sink that an entry of `deliverTo` names. In: the entry, a `Context`. Out: a `Sink`; opening one writes nothing.
Must not know: resource types, plans, the SDK; Vault is reached through the `VaultClient` protocol.
A third party's sink has a dot in its name (`acme.ssm`). It is found, when a manifest first uses it, through the entry points
of installed packages in the group `genai_iac.delivery.sinks`; its class declares the schema of its settings as ours do.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

from genai_iac.core import Value, read_compartment
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Names, Sink, read_names
from genai_iac.delivery.sinks._command_files import digest_file, named_files
from genai_iac.delivery.sinks._contents import Contents, check_contents, fill_delivery
from genai_iac.delivery.sinks._delivery_log import DeliveryLog, Memory, is_of_announcement
from genai_iac.delivery.sinks._json_format import read_json
from genai_iac.delivery.sinks._json_format import render as render_json
from genai_iac.delivery.sinks._vault_client import RECORDS, Stage, VaultClient, VaultVersion
from genai_iac.delivery.sinks._write_only import WriteOnlySink, delivered_entry

__all__ = [
    "ENV_SCHEMA",
    "RECORDS",
    "SINKS",
    "Claim",
    "Contents",
    "Context",
    "DeliveryLog",
    "Memory",
    "Names",
    "Sink",
    "Stage",
    "VaultClient",
    "VaultVersion",
    "WriteOnlySink",
    "check_contents",
    "delivered_entry",
    "digest_file",
    "entries_are_local",
    "entry_claims",
    "entry_compartments",
    "entry_schema",
    "fill_delivery",
    "find_schema",
    "find_sink",
    "is_of_announcement",
    "named_files",
    "open_sink",
    "read_json",
    "read_names",
    "render_json",
]

FOREIGN_WORD = r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$"  # the dot keeps third parties' names apart from ours


def open_sink(entry: Mapping[str, Any], context: Context) -> Sink:
    """The sink of one entry of `deliverTo`; touches nothing. Raises SinkError when the word or a setting cannot be.

    Args:
        entry: one mapping with one key: the type, with its settings.
        context: whose values, and what of this machine may be used.
    """
    if len(entry) != 1:
        raise SinkError(
            f"an entry of deliverTo names one place, this one names {len(entry)}",
            hint=f"give each place an entry of its own: one of {', '.join(sorted(SINKS))}",
        )
    ((word, settings),) = entry.items()
    return find_sink(word)(settings, context)


def find_sink(word: str) -> type[Sink]:
    """The sink of that name: in this directory, else among installed packages. Raises SinkError.

    Args:
        word: the key under `deliverTo`.
    """
    if word in SINKS:
        return SINKS[word]
    from genai_iac.delivery.sinks._plugins import load_installed

    sink = load_installed(word) if "." in word else None
    if sink is None:
        raise SinkError(
            f"no sink is called {word!r}",
            hint=f"write one of {', '.join(sorted(SINKS))}, or install the package that brings it",
        )
    return sink


def find_schema(word: str) -> Mapping[str, Any] | None:
    """The JSON Schema of a sink's settings; None when no such sink is installed, or it declares none. Raises SinkError.

    Args:
        word: the key under `deliverTo`.

    Raises:
        SinkError: an installed package brings it and cannot be used.
    """
    if word in SINKS:
        return SINKS[word].schema
    from genai_iac.delivery.sinks._plugins import declared_schema

    return declared_schema(word) if re.fullmatch(FOREIGN_WORD, word) else None


def entry_compartments(entry: Mapping[str, Any]) -> Iterator[Value]:
    """What one entry of `deliverTo` means by the compartments it names. A third party's entries name none."""
    for word, settings in entry.items():
        for name in SINKS[word].compartments if word in SINKS else ():
            yield read_compartment(settings[name])


def entry_claims(entry: Mapping[str, Any]) -> tuple[Claim, ...]:
    """What this entry of `deliverTo` names and no other may, as far as that can be known. Raises SinkError for one that cannot be.

    Used by validation: two keys that name one file or Vault secret would overwrite each
    other's values.
    """
    return tuple(claim for word, settings in entry.items() if word in SINKS for claim in SINKS[word].claims(settings))


def entries_are_local(entries: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there are entries, and all of them are places that each machine has for itself. A third party's are not.

    True refuses a creation in CI, where such a sink is deleted with the runner
    (`planning/sink_guards.py`).
    """
    words = [word for entry in entries for word in entry]
    return bool(words) and all(word in SINKS and SINKS[word].local for word in words)


def entry_schema() -> Mapping[str, Any]:
    """JSON Schema of one entry of `deliverTo`: exactly one known word with its settings.

    Generated from the sinks' own schemas, so a new sink needs no other change. A third party's settings are not in it: editors and
    published schemas know no packages. `schema/sink_settings.py` checks them.
    """
    return {
        "type": "object",
        "description": "One place that the plaintext goes to.",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {word: dict(sink.schema) for word, sink in sorted(SINKS.items())},
        "patternProperties": {
            FOREIGN_WORD: {"type": "object", "description": "A sink that an installed package brings."}
        },
    }


def _read_registry() -> Mapping[str, type[Sink]]:
    return register_sink(
        import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    )


def register_sink(modules: Iterable[ModuleType]) -> Mapping[str, type[Sink]]:
    """The sinks that the modules define, by word. Raises TypeError when a module defines none or several, or two share a word."""
    registry: dict[str, type[Sink]] = {}
    for module in modules:
        (sink,) = _defined(module)
        if sink.word in registry:
            raise TypeError(f"two sinks are called {sink.word}: {registry[sink.word].__module__} and {module.__name__}")
        registry[sink.word] = sink
    return registry


def _defined(module: ModuleType) -> list[type[Sink]]:
    """The one Sink class that a module of this directory defines. Raises TypeError for none or several."""
    found = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Sink) and thing.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} defines {len(found)} sinks; a module of this directory defines one")
    return found


class _Sinks(Mapping[str, type[Sink]]):
    """The registry, read when it is first asked: a stack without keys imports no sink (tests/commands/test_start_up.py)."""

    @cached_property
    def _known(self) -> Mapping[str, type[Sink]]:
        return _read_registry()

    def __getitem__(self, word: str) -> type[Sink]:
        return self._known[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


# Third-party sinks are not in it.
SINKS: Mapping[str, type[Sink]] = _Sinks()

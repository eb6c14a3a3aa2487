"""The SDK's data types (models), imported one by one: a service has 100 to 200 of them, and this tool takes none.

A package of models is a list of imports and a dictionary of type names. Its text is read instead of being run, and whatever is taken
from the package is imported then: other users of the SDK in this process find every name and the same types. A package that says
anything else is imported as it stands. This tool sends and reads plain data (`skip_deserialization`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_PACKAGE = re.compile(r"oci\.[a-z0-9_]+\.models")
_IMPORT = re.compile(r"from \.(\w+) import (\w+)")
_ENTRY = re.compile(r'"(\w+)": (\w+),?')
_MAPPING = re.compile(r"(\w+_type_mapping) = \{")
_OTHERS = ("", "}", "from __future__ import absolute_import")


class ModelTypes(dict[str, Any]):
    """Types by name, imported when they are asked for; all of them when somebody looks through it.

    Args:
        names: of the types.
        load: imports one.
    """

    def __init__(self, names: Sequence[str], load: Callable[[str], Any]) -> None:
        super().__init__()
        self.names, self._load = names, load

    def merged(self, others: Mapping[str, Any]) -> ModelTypes:
        """These types and others, still without importing any."""
        together = ModelTypes(self.names, self._load)
        dict.update(together, self._loaded(), **others)
        return together

    def __missing__(self, name: str) -> Any:
        if name not in self.names:
            raise KeyError(name)
        found = self[name] = self._load(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self.names or super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The type of that name, or `default`."""
        try:
            return self[name]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._whole())

    def keys(self) -> Any:
        """All names."""
        return self._whole().keys()

    def values(self) -> Any:
        """All types."""
        return self._whole().values()

    def items(self) -> Any:
        """All names with their types."""
        return self._whole().items()

    def _loaded(self) -> dict[str, Any]:
        return {name: dict.__getitem__(self, name) for name in dict.__iter__(self)}

    def _whole(self) -> dict[str, Any]:
        return {**{name: self[name] for name in self.names}, **self._loaded()}


class _ModelsLoader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Read what the package imports, and import none of it; run it as it stands when it says more than that."""
        found = _read(self.get_data(self.path).decode())
        if found is None:
            super().exec_module(module)
            return
        mapping, files = found
        load = partial(_load, module, files)
        vars(module)[mapping] = ModelTypes(tuple(files), load)
        vars(module).update(
            __getattr__=load, __all__=[*files, mapping], __dir__=lambda: sorted({*vars(module), *files})
        )


def _read(text: str) -> tuple[str, dict[str, str]] | None:
    """The name of the dictionary of types, and the module of each type; None when the text says anything else."""
    files: dict[str, str] = {}
    mapping, entries = "", set[str]()
    for line in map(str.strip, text.splitlines()):
        if found := _IMPORT.fullmatch(line):
            files[found[2]] = found[1]
        elif (found := _ENTRY.fullmatch(line)) and found[1] == found[2]:
            entries.add(found[1])
        elif (found := _MAPPING.fullmatch(line)) and not mapping:
            mapping = found[1]
        elif line not in _OTHERS and not line.startswith("#"):
            return None
    return (mapping, files) if mapping and entries == files.keys() else None


def _load(module: ModuleType, files: Mapping[str, str], name: str) -> Any:
    """The type of that name, or the module of one. Raises AttributeError as a module does."""
    if name in files:
        found = getattr(import_module(f"{module.__name__}.{files[name]}"), name)
    elif name in files.values():
        found = import_module(f"{module.__name__}.{name}")
    else:
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    setattr(module, name, found)
    return found


class _ModelsFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The package of models of a service, with a loader that imports none of them."""
        if not _PACKAGE.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader and spec.origin is not None:
            spec.loader = _ModelsLoader(fullname, spec.origin)
        return spec


def import_models_later() -> None:
    """From now on the SDK's models are imported when they are asked for. Call it once, when the SDK has been imported without a service."""
    base = sys.modules["oci.base_client"]
    merge = getattr(base, "merge_type_mappings", None)
    if merge is None:
        return  # this SDK puts the dictionaries together in another way, which may look through them
    sys.meta_path.insert(0, _ModelsFinder())

    def merge_later(*dictionaries: Mapping[str, Any]) -> Mapping[str, Any]:
        """The dictionaries as one, the later first; types that were not imported yet are not imported."""
        *others, last = dictionaries
        return last.merged(merge(*others)) if isinstance(last, ModelTypes) and others else merge(*dictionaries)

    vars(base)["merge_type_mappings"] = merge_later

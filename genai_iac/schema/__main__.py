"""`python -m genai_iac.schema DIR` writes the schemas into DIR, one file each."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genai_iac.schema import build_schemas


def write_schemas(directory: Path) -> None:
    """Write every schema; files that are as they should be are not touched."""
    for name, schema in build_schemas().items():
        text = json.dumps(schema, indent=2, ensure_ascii=False, default=_plain) + "\n"
        path = directory / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict[Any, Any](value)
    raise TypeError(f"{type(value).__name__} in a schema")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))

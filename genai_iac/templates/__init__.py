"""The files that `init` writes: a stack, CI workflows, hooks.

In: a directory's name, the JSON Schema of manifests. Out: text by path; nothing is written here.
Must not know: everything else. The templates are files beside this one; CI's are the same as in `examples/ci`.
"""

from __future__ import annotations

import re
from importlib.resources import files

_NAME = re.compile(r"[^a-z0-9]+")
_WORKFLOWS = ("genai-iac-plan.yml", "genai-iac-apply.yml", "genai-iac-nightly.yml", "genai-iac-rotate.yml")
_IGNORED = "# Values of secrets, and what genai-iac notes on this machine\nsecrets/\n.genai-iac/\n"
_LONGEST = 40  # characters of a stack's name, so that what is named after it fits


def starter_files(folder: str, schema: str) -> dict[str, str]:
    """Path below the new repository to text; `folder` is what its directory is called, `schema` the JSON Schema of manifests."""
    name = _NAME.sub("-", folder.lower()).strip("-")[:_LONGEST].strip("-") or "starter"
    return {
        "stack.yaml": _read("stack.yml").replace("starter", name),
        ".schemas/document.schema.json": schema,
        ".gitignore": _IGNORED,
        ".pre-commit-config.yaml": _read("pre-commit.yml"),
        **{f".github/workflows/{workflow}": _read(workflow) for workflow in _WORKFLOWS},
    }


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")

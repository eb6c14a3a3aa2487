"""The files that `init` writes: a stack, CI workflows, hooks.

In: a directory's name, the JSON Schema of manifests. Out: text by path; nothing is written here.
Must not know: everything else. The templates are files beside this one; CI's are the same as in `examples/ci`.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files

from genai_iac import __version__

_NAME = re.compile(r"[^a-z0-9]+")
_READING: tuple[str, ...] = ("genai-iac-plan.yml", "genai-iac-nightly.yml")
_WRITING = ("genai-iac-apply.yml", "genai-iac-rotate.yml")  # only with a sink that outlives the runner
_FILE = """\
  deliverTo:
    - file: {path: secrets/chat-app.env} # genai-iac: ignore=files-only for one machine, to try it
"""
_IGNORED = "# Values of secrets, and what genai-iac notes on this machine\nsecrets/\n.genai-iac/\n"
# for documents without a modeline, and editors that read no modelines
_EDITOR = (
    json.dumps(
        {
            "yaml.schemas": {".schemas/document.schema.json": ["stack.yaml", "environments/*.yaml"]},
            "yaml.completion": True,
            "files.associations": {"*.vars.yaml": "yaml"},
        },
        indent=2,
    )
    + "\n"
)
_LONGEST = 40  # characters of a stack's name, so that what is named after it fits


def starter_files(folder: str, schema: str, id: str, vault: tuple[str, str] | None = None) -> dict[str, str]:
    """Path below the new repository to text.

    `folder` is what its directory is called, `schema` the JSON Schema of manifests, `id` the new Stack's.
    `vault`: the OCIDs of a vault and of a master key in it. With them the key is delivered there, and the workflows that apply
    and rotate in CI come along; a key that is delivered to a file alone would lose its values with the runner.
    """
    name = _NAME.sub("-", folder.lower()).strip("-")[:_LONGEST].strip("-") or "starter"
    stack, workflows = _read("stack.yml").replace("starter", name), _READING
    if vault:
        stack = stack.replace(_FILE, _vault_entry(*vault))
        workflows += _WRITING
    return {
        "stack.yaml": stack.replace("STACK-ID", id),
        ".schemas/document.schema.json": schema,
        ".vscode/settings.json": _EDITOR,
        ".gitignore": _IGNORED,
        ".pre-commit-config.yaml": _read("pre-commit.yml"),
        ".github/genai-iac-requirements.txt": starter_requirements(),
        **{f".github/workflows/{workflow}": _read(workflow) for workflow in workflows},
        **({".github/actionlint.yml": _read("actionlint.yml")} if vault else {}),
    }


def starter_requirements() -> str:
    """What the workflows install: the wheel that a person has yet to name, and the locked releases that it needs."""
    return _read("requirements-head.txt").replace("VERSION", __version__) + _read("runtime.txt")


def _vault_entry(vault: str, key: str) -> str:
    settings = {"vault": vault, "key": key, "compartment": "chat", "name": "chat-app"}
    lines = [f"        {name}: {json.dumps(value)}\n" for name, value in settings.items()]
    return "".join(["  deliverTo:\n", "    - vault:\n", *lines])


def _read(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")

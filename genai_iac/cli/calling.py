"""What to type to call a model with a key that was just delivered."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from genai_iac.cli.local_tenancy import LOCAL_DB, program
from genai_iac.cli.workspace import Workspace
from genai_iac.model import Address


def calling_lines(workspace: Workspace, made: Iterable[Address]) -> str:
    """Lines for the first of these keys that went to a dotenv file; empty when none did."""
    for address in made:
        resource = workspace.manifest.resources.get(address)
        for entry in resource.settings.get("deliverTo", ()) if resource else ():
            if "file" in entry and entry["file"].get("format", "dotenv") == "dotenv":
                return _lines(workspace, address, _shown_path(workspace, str(entry["file"]["path"])))
    return ""


def _lines(workspace: Workspace, address: Address, path: str) -> str:
    serve = ""
    if workspace.flags.local:
        serve = f"  {program()} local serve &   # the local tenancy of {LOCAL_DB}, where this key lives\n"
    return (
        f"\nCall a model with {address}:\n{serve}"
        f"  set -a; . {shlex.quote(path)}; set +a\n"
        '  curl "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" \\\n'
        "    -H 'Content-Type: application/json' \\\n"
        '    -d \'{"model": "xai.grok-4", "messages": [{"role": "user", "content": "Hello"}]}\'\n'
    )


def _shown_path(workspace: Workspace, path: str) -> str:
    full = Path(workspace.manifest.stack.root) / path
    try:
        shown = str(full.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(full)
    return f"./{shown}"

"""The examples in docs/manifests.md work as they stand there."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from genai_iac.manifest import load
from genai_iac.manifest.files import MAX_BYTES, MAX_FILES
from genai_iac.manifest.yaml_composer import MAX_DEPTH, MAX_NODES, MAX_SCALAR

TEXT = (Path(__file__).parent.parent.parent / "docs" / "manifests.md").read_text(encoding="utf-8")
EXAMPLE, PROJECT, RENAMED, VARIABLES, ENVIRONMENT = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def test_the_example(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "prod.yaml").write_text(ENVIRONMENT)
    (tmp_path / "stack.yaml").write_text(EXAMPLE)
    assert [str(address) for address in load(str(tmp_path)).resources] == [
        "Compartment/chat",
        "ApiKey/chat-app",
        "Policy/chat-access",
    ]
    assert load(str(tmp_path), environment="prod").variables == {"env": "prod"}


def test_the_project() -> None:
    others = EXAMPLE.split("---\n")[:2]  # the Stack and the compartment
    loaded = load("-", stdin=BytesIO("---\n".join([*others, PROJECT]).encode()))
    key = next(one for address, one in loaded.resources.items() if address.kind == "ApiKey")
    assert str(key.settings["project"].address) == "Project/chat" and key.settings["endpoint"] == "openai/v1"


def test_the_rename() -> None:
    """Beside the compartment of the first example."""
    manifest = load("-", stdin=BytesIO("---\n".join([*EXAMPLE.split("---\n")[:2], RENAMED]).encode()))
    (key,) = (one for address, one in manifest.resources.items() if address.kind == "ApiKey")
    assert [str(address) for address in key.previous] == ["ApiKey/app"]


def test_the_variables() -> None:
    stack = EXAMPLE.split("---")[0].partition("  variables:")[0] + VARIABLES.replace("\n", "\n  ").join(["  ", "\n"])
    manifest = load("-", stdin=BytesIO(stack.encode()), variables={"owner": "me"})
    assert manifest.variables == {"env": "dev", "life": 90, "owner": "me"}


def test_the_limits() -> None:
    sizes = f"{MAX_BYTES // 2**20} MiB and {MAX_NODES:,} values a file, {MAX_DEPTH} levels, "
    assert f"{sizes}{MAX_SCALAR:,} characters a string, {MAX_FILES:,} files" in TEXT.replace("\n", " ")

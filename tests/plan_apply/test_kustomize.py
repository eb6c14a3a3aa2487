"""kustomize as people use it, by the real `kubectl kustomize` where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from conftest import ROOT

from genai_iac.manifest import Manifest, load

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")

TRANSFORMERS = {
    "nothing": "",
    "labels": "labels:\n- pairs: {app.kubernetes.io/part-of: chat}\n",
    "labels with templates": "labels:\n- pairs: {a: b}\n  includeTemplates: true\n",
    "annotations": "commonAnnotations: {owner: ml}\n",
    "namespace": "namespace: prod\n",
    "origin": "buildMetadata: [originAnnotations, transformerAnnotations, managedByLabel]\n",
    "patch": "patches:\n- target: {kind: Stack}\n  patch: |-\n    - {op: replace, path: /spec/region, value: eu-frankfurt-1}\n",
    "timestamp": "patches:\n- target: {kind: Stack}\n  patch: |-\n"
    "    - {op: add, path: /metadata/creationTimestamp, value: null}\n",
}


def build(folder: Path) -> Manifest:
    built = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, check=False)
    assert built.returncode == 0, built.stderr.decode()
    return load("-", stdin=BytesIO(built.stdout))


@pytest.mark.parametrize("text", TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_what_transformers_write_is_let_through(tmp_path: Path, text: str) -> None:
    shutil.copytree(ROOT / "examples/kustomize/base", tmp_path / "base")
    (tmp_path / "over").mkdir()
    (tmp_path / "over/kustomization.yaml").write_text(f"resources: [../base]\n{text}")
    assert [str(address) for address in build(tmp_path / "over").resources] == [
        str(address) for address in build(tmp_path / "base").resources
    ]


def test_a_name_prefix_keeps_references_right() -> None:
    made = build(ROOT / "examples/kustomize/prod")
    assert {str(address) for address in made.resources} == {
        "Compartment/prod-chat",
        "ApiKey/prod-chat-app",
        "Policy/prod-chat-access",
    }

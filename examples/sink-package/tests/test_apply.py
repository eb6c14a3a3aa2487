"""From a manifest to the database: the installed package is found by its entry point, and `validate` knows its settings."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import genai_iac as iac
from genai_iac.testing import LocalTenancy

MANIFEST = """
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: chat-app}
spec:
  compartment: /
  secrets: [{name: key-one}, {name: key-two}]
  deliverTo:
    - acme.sqlite: {database: keys.db, name: chat-app}
"""


def test_a_key_is_delivered(tenancy: LocalTenancy, tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(MANIFEST)
    command = [sys.executable, "-m", "genai_iac", "apply", "--auto-approve"]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, **tenancy.environ}, check=True)
    assert "CreateApiKey" in tenancy.writes()
    with closing(sqlite3.connect(tmp_path / "keys.db")) as database:
        ((text,),) = database.execute("SELECT text FROM keys WHERE name = 'chat-app'").fetchall()
    assert json.loads(text)["OPENAI_API_KEY"].startswith("sk-")


def test_a_misspelt_setting_is_refused_by_validate(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(MANIFEST.replace("database:", "databse:"))
    missing, unknown = iac.validate(tmp_path)
    assert "database is missing" in missing.message
    assert str(unknown).endswith(
        "stack.yaml:14:21: unknown key databse in spec.deliverTo[0].acme.sqlite; did you mean database?"
    )

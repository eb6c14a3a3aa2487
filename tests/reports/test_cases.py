"""The public reports themselves, by their own commands, where they lie beside the checkout; their variations are tests of ours.

Three more of them (proxies, regions) are run by tests/network/test_regions.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# what is said, and how often; None: never
EXPECTED: dict[str, dict[str, int | None]] = {
    "01-duplicate-compartment-name": {"[exit 1]": 7, "[exit 0]": 1, "give Compartment/": 7},
    "02-duplicate-policy-name": {"[exit 1]": 4, "give Policy/storage-admins another spec.name": 4},
    "07-broken-oci-config": {"[exit 1]": 7, "config file is malformed": 7, "[exit 0]": None},
    "08-credentials-in-environment": {"Plan: 3 to add": 2},
    "09-passphrase-key": {"Plan: 3 to add": 2, "set OCI_CLI_PASSPHRASE": 1, "cannot be decrypted": 1},
    "12-kustomize-metadata": {"Valid: stack quickstart": 6},
    "13-crlf-fmt-check": {"[exit 0]": 4, "CRLF line terminators": 1},
    "15-git-odd-paths": {"7 jobs": 1, "git fetch --unshallow": 1, "stacks/größe": 1, "stacks/日本": 1},
    "16-umask-0000-checkout": {"other users may write to secrets": 2, "700 secrets": 1, "600 secrets/chat-app.env": 1},
    "18-locale-home-uid": {"json ok True": 4, "[exit 0]": 4},
    "19-policy-forms": {"done 57 statements": 1, "use single quotes": 3},
    "20-export-odd-names": {"31 resources exported, 1 skipped": 1, "Valid: stack export2": 1},
    "22-key-file-forms": {"Plan: 3 to add": 6, "key_file = rel.pem: No such file": 1},
    "23-configmap-mount": {"Valid: stack quickstart, 3 resources in 1 file": 2},
    "24-consumer-names": {"[apply 0]": 1, "200 http://": 4, "known: env, format, path": 1},
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", EXPECTED)
def test_a_report_of_the_field_gives_what_it_should(corpus: Path, name: str) -> None:
    case = corpus / "reports" / name
    if not case.is_dir():
        pytest.skip(f"{case} is not beside this checkout")
    environ = {**os.environ, "GENAI_IAC_BIN": str(Path(sys.executable).parent), "COLUMNS": "80"}
    ran = subprocess.run(["bash", str(case / "cmd")], env=environ, capture_output=True, text=True, timeout=900)
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said and "has a defect" not in said, said
    # lines are wrapped, and some sentences with them
    text = " ".join(said.split())
    assert {words: text.count(words) or None for words in EXPECTED[name]} == EXPECTED[name], said

"""Lint of a path: the manifests, the texts that their comments stand in, and the clock."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

from genai_iac.cli.flags import Flags
from genai_iac.cli.workspace import load_manifest
from genai_iac.errors import ManifestError, Problem
from genai_iac.lint import Finding, lint_invalid, lint_manifest
from genai_iac.manifest.decode import decode
from genai_iac.manifest.files import find_place, read_files
from genai_iac.preflight import Limits


def lint_path(flags: Flags, path: str) -> tuple[Finding, ...]:
    """Everything found at that path; manifests that are not valid are findings too."""
    data = sys.stdin.buffer.read() if path == "-" else b""
    try:
        manifest = load_manifest(flags, path, BytesIO(data))
    except ManifestError as error:
        return lint_invalid(error)
    texts = dict(_read_texts(path, BytesIO(data)))
    return lint_manifest(manifest, texts, datetime.now(UTC), Limits.of_environment(os.environ))


def _read_texts(path: str, stdin: BinaryIO) -> Iterator[tuple[str, str]]:
    for file in read_files(find_place(path), stdin):
        if not isinstance(file, Problem):
            text = decode(file.data, file.name)
            if isinstance(text, str):
                yield file.name, text

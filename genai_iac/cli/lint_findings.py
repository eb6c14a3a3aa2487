"""What `lint` finds at a path. Offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from genai_iac.analysis.lint import Finding, lint_invalid, lint_manifest
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.session import load_manifest
from genai_iac.cli.unignored_files import find_unignored
from genai_iac.core.errors import ManifestError, Problem
from genai_iac.manifest.files import MAX_TOTAL, decode, find_manifest_path, read_files
from genai_iac.planning.preflight import ServiceLimits


def lint_path(flags: GlobalOptions, path: str) -> tuple[Finding, ...]:
    """Everything found at that path; manifests that are not valid are findings too."""
    data = sys.stdin.buffer.read(MAX_TOTAL + 1) if path == "-" else b""
    try:
        manifest = load_manifest(flags, path, BytesIO(data))
    except ManifestError as error:
        return lint_invalid(error)
    texts = dict(_read_texts(path, BytesIO(data)))
    unignored = find_unignored(Path(manifest.stack.root), manifest.resources)
    return lint_manifest(manifest, texts, datetime.now(UTC), ServiceLimits.of_environment(os.environ), unignored)


def _read_texts(path: str, stdin: BinaryIO) -> Iterator[tuple[str, str]]:
    for file in read_files(find_manifest_path(path), stdin):
        if not isinstance(file, Problem):
            text = decode(file.data, file.name)
            if isinstance(text, str):
                yield file.name, text

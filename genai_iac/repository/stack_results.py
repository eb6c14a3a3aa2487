"""What one verb found of one stack, as a file: shards write them, `report` reads them. The format has a version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.repository.shards import stable_hash

FORMAT = "genai-iac stack result"  # tells these files from other JSON in the same directory
FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
# of the codes of several stacks, the first of these that one of them has is the code of all
PRECEDENCE = (130, 1, 3, 4, 5, 2, 0)
# What a file name on any system, or an artefact's name in CI, may not contain.
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LARGEST = 64 * 1024 * 1024  # bytes of one result


@dataclass(frozen=True, slots=True)
class StackResult:
    """How one verb ended for one stack in one environment (empty: none)."""

    verb: str  # such as `plan`
    stack: str  # `metadata.name` of the Stack
    path: str  # from the root of the repository
    environment: str  # empty: none
    code: int  # exit code of the command
    time: str  # RFC 3339, UTC: when it ended
    seconds: float  # from start to end of the worker
    version: str  # of genai-iac
    data: Any  # the verb's JSON; of apply a list of its events; None when there is none
    message: str = ""  # the error as people read it

    @property
    def owner(self) -> str:
        """`stack` or `stack@environment`."""
        return f"{self.stack}@{self.environment}" if self.environment else self.stack

    @property
    def file_name(self) -> str:
        """A name that no other stack, environment or verb of the repository has."""
        # The hash makes the name unique; the slug is for people, and cut because names are
        # limited to 255 bytes.
        slug = _UNFIT.sub("-", f"{self.path}-{self.environment}" if self.environment else self.path).strip("-.")[-60:]
        return f"{slug or 'stack'}-{stable_hash(f'{self.path}@{self.environment}'):016x}.{self.verb}.json"


def merge_codes(codes: Iterable[int]) -> int:
    """The exit code of several: the first of 130, 1, 3, 4, 5, 2, 0 that one of them has; any other code counts as 1."""
    found = {code if code in PRECEDENCE else 1 for code in codes}
    return next((code for code in PRECEDENCE if code in found), 0)


def write_result(result: StackResult) -> bytes:
    """The file's bytes."""
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(result)}
    return (json.dumps(document, indent=1) + "\n").encode()


def read_results(folder: Path) -> Iterator[StackResult]:
    """The results below a directory, however deep (a job's artefact is often a directory of its own); other files are passed over.

    Raises UsageError for a directory that there is not, a damaged result, or one of another major version.

    Args:
        folder: searched to any depth.

    Yields:
        Results in the order of their paths.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a directory", hint="give what --out-dir wrote")
    for file in sorted(folder.rglob("*.json")):
        if file.is_file() and file.stat().st_size <= _LARGEST:
            result = _read(file)
            if result is not None:
                yield result


def _read(file: Path) -> StackResult | None:
    try:
        document = json.loads(file.read_bytes())
    # Deeply nested JSON reaches Python's recursion limit.
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is damaged: it is not JSON", hint="run that shard again") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None
    version = str(document.get("format_version"))
    if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise UsageError(f"{file} has format version {version}, this genai-iac reads {FORMAT_VERSION}")
    try:
        texts = {name: str(document[name]) for name in ("verb", "stack", "path", "environment", "time", "version")}
        code, seconds = int(document["code"]), float(document["seconds"])
        return StackResult(**texts, code=code, seconds=seconds, data=document["data"], message=str(document["message"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{file} is damaged: {error}", hint="run that shard again") from error

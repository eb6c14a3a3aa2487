"""What one verb found in one stack, as a file with a version: shards write it, `report` reads and merges them.

Of each stack the newest result of each verb counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from genai_iac.core.errors import UsageError
from genai_iac.repository.selection import stable_hash

FORMAT = "genai-iac stack result"  # distinguishes these files from other JSON in the same directory
FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
# of the codes of several stacks, the first of these that one of them has is the code of all
PRECEDENCE = (130, 1, 3, 4, 5, 2, 0)
# What a file name on any system, or an artefact's name in CI, may not contain.
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_LARGEST = 64 * 1024 * 1024  # bytes of one result


class StackResult(Struct, frozen=True):
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
        folder: searched to any depth; what begins with a dot in it is left out.

    Yields:
        Results in the order of their paths.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a directory", hint="give what --out-dir wrote")
    for file in sorted(folder.rglob("*.json")):
        # .git, .genai-iac and the like are nobody's results, and need not be JSON.
        if _is_hidden(file.relative_to(folder)):
            continue
        if file.is_file() and file.stat().st_size <= _LARGEST:
            result = _read(file)
            if result is not None:
                yield result


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.parts)


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


class ReportedSecret(Struct, frozen=True):
    """One secret of one key, as `status` reported it. Times are RFC 3339 in UTC."""

    owner: str  # stack or stack@environment
    path: str  # from the repository's root
    address: str  # `ApiKey/name`
    id: str  # OCID of the key
    secret: str  # its name within the key
    state: str  # of the service: ACTIVE, INACTIVE, …
    mask: str  # `keyMask` of the service
    role: str | None  # current, standby, pending, inactive; None or empty: nothing says
    expires: str | None  # None: never
    hours_left: float | None  # when it was read; negative once it is over
    last_used: str | None
    sinks: tuple[str, ...]  # for people: type and address of each
    rotation: str | None  # the rotation's next step
    drift: (
        bool | None
    )  # whether the live key differs from its manifest; None: drift was not looked for, or not found out


class ReportedStack(Struct, frozen=True):
    """One stack in one environment."""

    owner: str  # stack or stack@environment
    path: str  # from the repository's root
    codes: Mapping[str, int]  # by verb
    messages: Mapping[str, str]  # what failed, by verb
    read: str | None  # the tenancy's clock when its secrets were read
    drift: tuple[str, ...] | None  # addresses that differ; None: not known
    last_apply: str | None
    last_apply_code: int | None  # exit code; None: no apply among the results
    secrets: tuple[ReportedSecret, ...]


class MergedReport(Struct, frozen=True):
    """Everything, stacks by path and environment."""

    stacks: tuple[ReportedStack, ...]

    @property
    def secrets(self) -> tuple[ReportedSecret, ...]:
        """All secrets; those that expire first come first, those that never do last."""
        found = (secret for stack in self.stacks for secret in stack.secrets)
        return tuple(sorted(found, key=lambda one: (one.expires is None, one.expires or "", one.owner, one.address)))

    @property
    def code(self) -> int:
        """The merged exit code of all verbs and stacks."""
        return merge_codes(code for stack in self.stacks for code in stack.codes.values())


def merge_results(results: Iterable[StackResult]) -> MergedReport:
    """Raises UsageError for a result whose data are not what its verb prints.

    Args:
        results: of any verbs and shards, in any order.
    """
    groups: dict[tuple[str, str], dict[str, StackResult]] = {}
    for one in results:
        verbs = groups.setdefault((one.path, one.environment), {})
        # `<=`: of two results of the same second the later one in the list counts.
        if one.verb not in verbs or verbs[one.verb].time <= one.time:
            verbs[one.verb] = one
    try:
        return MergedReport(tuple(_merge_stack(verbs) for _, verbs in sorted(groups.items())))
    # The files come from other jobs and perhaps other versions.
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"a result in the directory is damaged: {error}", hint="run that shard again") from error


def _merge_stack(verbs: Mapping[str, StackResult]) -> ReportedStack:
    first = next(iter(verbs.values()))
    applied = verbs.get("apply")
    drift = _drifted(verbs.get("drift"))
    status = verbs.get("status")
    data = status.data if status is not None and isinstance(status.data, dict) else {}
    return ReportedStack(
        owner=first.owner,
        path=first.path,
        codes={verb: one.code for verb, one in sorted(verbs.items())},
        # 2 and 5 are findings (changes or drift, expiring secrets), not failures.
        messages={verb: one.message for verb, one in sorted(verbs.items()) if one.code not in (0, 2, 5)},
        read=data.get("now"),
        drift=drift,
        last_apply=applied.time if applied else None,
        last_apply_code=applied.code if applied else None,
        secrets=tuple(_secret(first, row, drift) for row in data.get("secrets", ())),
    )


def _drifted(result: StackResult | None) -> tuple[str, ...] | None:
    if result is None or not isinstance(result.data, dict) or result.code not in (0, 2):
        return None
    return tuple(str(row["address"]) for row in result.data["resources"])


def _secret(stack: StackResult, row: Mapping[str, Any], drift: tuple[str, ...] | None) -> ReportedSecret:
    return ReportedSecret(
        owner=stack.owner,
        path=stack.path,
        drift=None if drift is None else row["address"] in drift,
        sinks=tuple(map(str, row["sinks"])),
        address=str(row["address"]),
        id=str(row["id"]),
        secret=str(row["secret"]),
        state=str(row["state"]),
        mask=str(row["mask"]),
        role=row["role"],
        expires=row["expires"],
        hours_left=row["hours_left"],
        last_used=row["last_used"],
        rotation=row["rotation"],
    )

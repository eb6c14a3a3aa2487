"""The keys of a whole organisation, merged from what shards wrote: of each stack the newest result of each verb counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.repository.stack_results import StackResult, merge_codes


@dataclass(frozen=True, slots=True)
class ReportedSecret:
    """One secret of one key, as `status` told it. Times are RFC 3339 in UTC."""

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


@dataclass(frozen=True, slots=True)
class ReportedStack:
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


@dataclass(frozen=True, slots=True)
class MergedReport:
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

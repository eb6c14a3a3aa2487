"""What a saved plan was made from, and whether that still holds: the files, the variables, the live objects, the tenancy. Pure.

A saved plan is applied only to what it was made from. Each input is stored as a digest, so the file can be shared as a CI artifact, and a
refusal can still name the input that differs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genai_iac import __version__
from genai_iac.core import Address, Live, LiveResource
from genai_iac.core.errors import GuardError, StalePlanError

_AGAIN = "plan again: genai-iac plan --out FILE"  # the hint of every stale plan


def digest_inputs(
    path: str,
    environment: str | None,
    variables: Mapping[str, Any],
    files: Mapping[str, str],
    live: Live,
    groups: Mapping[Address, str],
    *,
    targets: Iterable[str] = (),
    moved: Iterable[str] = (),
    full_scan: bool = False,
    claims: bool = False,
) -> dict[str, Any]:
    """What the plan depends on, as JSON data for the saved plan. Variables and digests only: no value of a secret, no credential.

    `groups` has, by policy to be written, a digest of what the groups in it mean.

    Args:
        path: the PATH argument.
        variables: by name; values are digested, because a variable may be confidential.
        files: SHA-256 in hex by name, from `Manifest.files`.
        groups: from `policy_staleness.digest_groups`.
        targets: addresses of --target.
        moved: addresses of --delete-moved.
        full_scan: how far the plan looked; apply has to look as far.
        claims: --claim-name was given.
    """
    return {
        "path": path,
        "environment": environment,
        "variables": {name: _digest(value) for name, value in variables.items()},
        "targets": sorted(targets),
        "moved": sorted(moved),
        "full_scan": full_scan,
        "claims": claims,
        "files": dict(files),
        "tenancy": live.tenancy,
        "live": _live_digests(live) | {f"a group that {address} names": digest for address, digest in groups.items()},
        # Another release may order or call differently, so its plan is not the one that was
        # reviewed.
        "version": __version__,
    }


def check_inputs(saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises GuardError for another tenancy (no flag overrides that), StalePlanError that names every other difference.

    Args:
        saved: the `inputs` of the plan file.
        now: `digest_inputs` of this run.
    """
    if saved.get("tenancy") != now["tenancy"]:
        raise GuardError(
            f"refused: the plan was made for tenancy {saved.get('tenancy')}, this profile is of {now['tenancy']}",
            hint="choose the profile of that tenancy with --profile, or plan again",
        )
    differences = list(_differences(saved, now))
    if differences:
        raise StalePlanError("the saved plan is stale: " + "; ".join(differences), hint=_AGAIN)


def check_same_plan(saved: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Raises StalePlanError when the plan made again says something else, naming where.

    The inputs agree here. What still differs comes from sinks, groups and time, which have
    no digest of their own.

    Args:
        saved: the JSON plan in the file.
        fresh: the JSON plan made now.
    """
    if saved.get("fingerprint") == fresh["fingerprint"]:
        return
    before = {change["address"]: change for change in saved.get("changes", ())}
    after = {change["address"]: change for change in fresh["changes"]}
    affected = sorted({*before, *after} - {address for address in before if before[address] == after.get(address)})
    where = sorted({key for address in affected for key in _differing_keys(before.get(address), after.get(address))})
    raise StalePlanError(
        f"the saved plan is stale: made again it differs in {', '.join(affected)}"
        + (f" ({', '.join(where)})" if where else ""),
        hint=_AGAIN,
    )


def _differing_keys(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> set[str]:
    """The keys of two changes' documents that differ; none for a change that is in one plan only: the address says it."""
    if before is None or after is None:
        return set()
    return {key for key in {*before, *after} if before.get(key) != after.get(key)}


def _differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yields what differs, one clause each: files, variables, live objects, environment, version of the tool."""
    for what, verb in (("files", "the file"), ("variables", "the variable"), ("live", "in the tenancy")):
        before, after = saved.get(what, {}), now[what]
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                change = "is new" if name not in before else "is gone" if name not in after else "has changed"
                yield f"{verb} {name} {change}"
    if saved.get("environment") != now["environment"]:
        yield f"the environment is {now['environment']}, not {saved.get('environment')}"
    if saved.get("version") != now["version"]:
        yield f"it was made by genai-iac {saved.get('version')}, this is {now['version']}"


def _live_digests(live: Live) -> dict[str, str]:
    """A digest per live object, by the name that a message gives it.

    Masks and states of secrets count, times of use do not: a key that is called between
    plan and apply does not make the plan stale (tests/plan_apply/test_saved_plans.py).
    """
    ours = {str(address): _digest([_plain(one) for one in group]) for address, group in live.owned.items()}
    # a compartment that is not ours still carries what is: its place and name count
    around = {node.id: _digest([node.name, node.parent]) for node in live.tree.nodes.values()}
    owned = {one.id for group in live.owned.values() for one in group}
    foreign = {_name(one): _digest(_plain(one)) for one in live.others if one.kind != "Compartment"}
    copies = {
        f"{_name(one)}, with a tag of {one.mark.address}": _digest(_plain(one)) for one in live.mismatched if one.mark
    }
    compartments = {f"Compartment {live.tree.path(id)}": digest for id, digest in around.items() if id not in owned}
    return {**ours, **foreign, **copies, **compartments}


def _name(one: LiveResource) -> str:
    return f"{one.kind} {one.name} ({one.id})"


def _plain(one: LiveResource) -> Any:
    masks = [[secret.name, secret.state, secret.mask] for secret in one.secrets]
    return [one.id, one.attributes, one.tags, one.lifecycle, masks]


def _digest(value: Any) -> str:
    """24 hex digits over JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]

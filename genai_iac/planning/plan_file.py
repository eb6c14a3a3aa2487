"""What a saved plan was made from, and whether that still holds: the files, the variables, the live objects, the tenancy. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from genai_iac import __version__
from genai_iac.core import Address, Live, LiveResource
from genai_iac.core.errors import GuardError, StalePlanError

_AGAIN = "plan again: genai-iac plan --out FILE"


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
        "version": __version__,
    }


def check_inputs(saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises GuardError for another tenancy (no flag overrides that), StalePlanError that names every other difference."""
    if saved.get("tenancy") != now["tenancy"]:
        raise GuardError(
            f"refused: the plan was made for tenancy {saved.get('tenancy')}, this profile is of {now['tenancy']}"
        )
    differences = list(_differences(saved, now))
    if differences:
        raise StalePlanError("the saved plan is stale: " + "; ".join(differences), hint=_AGAIN)


def check_same_plan(saved: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    """Raises StalePlanError when the plan made again says something else, naming where."""
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
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:24]

"""Whether a fresh plan is the one that was approved, or does less of it; and what it would do that nobody approved.

The approval may come from a JSON file that somebody else wrote: it is read as a regular file of bounded size and depth in which no
key stands twice.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.cli.console import Console
from genai_iac.cli.planning import PlannedRun
from genai_iac.core import Address, Change, CompartmentTree, Live, Plan
from genai_iac.core.errors import GuardError, StalePlanError, UsageError
from genai_iac.delivery import Digest, with_destinations
from genai_iac.delivery.sinks import digest_file
from genai_iac.filesystem import InputFileError, read_input_file
from genai_iac.planning import PlanInputs
from genai_iac.planning.planner import PlanComparison, compare, filter_plan
from genai_iac.render.plan.json import HEADER, check_version, find_contradiction, fingerprint, fingerprint_of, header
from genai_iac.render.plan.text import render_text

MOST_BYTES = 64 * 1024 * 1024  # a plan of 10,000 changes has some 30 MiB
MOST_LEVELS = 64  # a plan has eight, and what policies and tags bring
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def read_regular_file(file: Path, flag: str) -> bytes:
    """The bytes of a regular file. Raises UsageError that names the flag: for a FIFO, a device, a directory, too many bytes.

    A link is followed: CI systems mount files as links.
    """
    try:
        return read_input_file(file, MOST_BYTES)
    except InputFileError as error:
        raise UsageError(f"{flag} {file}: {error}") from error


def parse_json(data: bytes) -> Any:
    """The document. Raises ValueError for what is not JSON, is nested too deep, names a key twice or has a number that is none."""
    if _depth(data) > MOST_LEVELS:
        raise ValueError(f"it is nested deeper than {MOST_LEVELS} levels")
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_unique,
        parse_constant=_no_number,
        parse_float=_finite,
        parse_int=_short,
    )


def _depth(data: bytes) -> int:
    """The number of brackets open at once, at most; counted beforehand, because parsers differ in what they survive."""
    level = deepest = 0
    for match in _BRACKETS.finditer(data):
        if match[0] in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif match[0] in b"]}":
            level -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number in it is too large")
    return number


def _short(text: str) -> int:
    if len(text) > 32:
        raise ValueError("a number in it is too long")
    return int(text)


# A prefix of a fingerprint is refused: it would approve more than one plan.
_FORM = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_STEPS = 500  # resources that are taken away, one after another, to find the plan that was approved


class Approved(Struct, frozen=True):
    """What was approved: the fingerprint and, when the plan's JSON is at hand, whose plan it is and the fingerprint of each change."""

    fingerprint: str  # of the whole plan, `sha256:` and 64 digits
    changes: Mapping[str, str] | None = None  # by address
    created: Mapping[Address, str | None] = field(default_factory=dict)  # what it makes; the OCID of what that replaces
    header: Mapping[str, str | None] | None = None  # stack, environment, tenancy, region


def read_approved(expected: str | None, file: Path | None) -> Approved | None:
    """The flags `--expect-fingerprint` and `--approved`. Anybody may have written the file, so nothing in it is believed unchecked.

    Raises UsageError for what is no plan or another one, StalePlanError when what it says does not fit its own hashes.

    Args:
        expected: value of `--expect-fingerprint`, or None.
        file: value of `--approved`, or None.

    Returns:
        None when neither flag is given. With the fingerprint alone, `changes` and `header`
            are None.
    """
    if expected is not None and not _FORM.fullmatch(expected):
        raise UsageError(
            f"--expect-fingerprint {expected} is not a fingerprint",
            hint="copy it whole: sha256: and 64 characters, as the plan prints it",
        )
    if file is None:
        return Approved(expected) if expected else None
    approved = read_approval(file, read_regular_file(file, "--approved"))
    if expected not in (None, approved.fingerprint):
        raise UsageError(f"--approved {file} is another plan: its fingerprint is {approved.fingerprint}")
    return approved


def read_approval(file: Path, data: bytes) -> Approved:
    """The same of the bytes of a file, whose name is for messages."""
    try:
        document = parse_json(data)
        rows, _ = document["changes"], document["format_version"]
        check_version(document, f"--approved {file}")
        # The fingerprints in the file are computed again from its changes. A file that was
        # edited after it was approved does not fit them.
        contradiction = find_contradiction(document)
        approved = Approved(
            str(document["fingerprint"]),
            {str(row["address"]): str(row["fingerprint"]) for row in rows},
            # What the approved plan would create. Such a resource may exist by now, if an earlier
            # apply was interrupted.
            {Address.parse(row["address"]): row["id"] for row in rows if "create" in row["actions"]},
            {name: document[name] for name in HEADER},
        )
    # Everything that JSON of another shape can raise; the recursion limit is reached by
    # deeply nested input.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f": {error}" if isinstance(error, ValueError) and not isinstance(error, UnicodeError) else ""
        raise UsageError(
            f"--approved {file} is not a plan as JSON{why}", hint="make one: genai-iac plan --out json=FILE"
        ) from error
    if contradiction is not None:
        raise StalePlanError(
            f"--approved {file} approves nothing: {contradiction}; nothing was changed",
            hint="plan again, and approve that: genai-iac plan --out json=FILE",
        )
    return approved


def find_unapproved(draft: PlannedRun, approved: Approved) -> tuple[Change, ...]:
    """The changes that nobody approved; empty when the plan is the approved one or does less of it.

    Once a part has completed, what is left reads otherwise: OCIDs are known that were not. So the plan is made again as if what
    completed were not there yet, and that plan has to be (a part of) the approved one.

    Args:
        draft: the plan that is about to be applied.
        approved: from `read_approved`.
    """
    plan = draft.plan
    if fingerprint(plan) == approved.fingerprint or not plan:
        return ()
    if approved.changes is None:
        # With the fingerprint alone a partly applied plan can be recognised only as a whole: no
        # change can be judged by itself.
        return () if any(fingerprint(earlier) == approved.fingerprint for earlier in _earlier(draft)) else plan.changes
    # Created meanwhile, as the approved plan said. The plan without them is what the approver has seen; what needs one of them and
    # is new since cannot be planned without it, and has no actions there.
    applied = frozenset(
        address for address, old in approved.created.items() if (one := draft.live.one(address)) and one.id != old
    )
    earlier = _plan_without(draft, applied, _inputs(draft)).plan
    before = {change.address: change for change in earlier.changes if change.actions}
    return tuple(change for change in plan.changes if not _is_approved(change, before, applied, approved.changes))


def hold_to_approval(draft: PlannedRun, approved: Approved, output: Console, *, quiet: bool) -> None:
    """Show what nobody approved, and nothing else. Raises StalePlanError when there is something.

    Raises GuardError when what was approved is the plan of another stack, environment, tenancy or region.
    """
    # First: the changes of another stack would all look unapproved, which hides the real
    # mistake.
    _check_header(draft.plan, approved)
    unapproved = find_unapproved(draft, approved)
    if not unapproved:
        return
    if not quiet:
        only = replace(draft.plan, changes=unapproved, notices=(), unchanged=0)
        output.say(render_text(only, draft.around, output.terminal))
    raise _refusal(approved, len(unapproved))


def _check_header(plan: Plan, approved: Approved) -> None:
    now = header(plan)
    for name, was in (approved.header or {}).items():
        if was != now[name]:
            what = name.replace("_", " ")
            raise GuardError(
                f"refused: the approved plan has the {what} {was or '(none)'}, this one {now[name] or '(none)'}; "
                "nothing was changed",
                hint="approve a plan that was made with the same --env, profile and manifests",
            )


def _refusal(approved: Approved, count: int) -> StalePlanError:
    if approved.changes is None:
        return StalePlanError(
            f"this is not the plan that was approved ({approved.fingerprint}), and a fingerprint alone tells neither what "
            "differs nor that an update of it was applied meanwhile; nothing was changed",
            hint="give the approved plan's JSON as well, with --approved FILE: what was applied is then distinguished from what is new; "
            "or approve the new plan",
        )
    return StalePlanError(
        f"{count} change{'s' * (count != 1)} of this plan {'was' if count == 1 else 'were'} not approved "
        f"({approved.fingerprint}); nothing was changed",
        hint="approve the new plan",
    )


def _is_approved(
    change: Change, before: Mapping[Address, Change], applied: frozenset[Address], changes: Mapping[str, str]
) -> bool:
    wanted = changes.get(str(change.address))
    if fingerprint_of(change) == wanted:
        return True
    # what has completed and is to change again was not approved to do so
    return (
        change.address not in applied and change.address in before and fingerprint_of(before[change.address]) == wanted
    )


def _earlier(draft: PlannedRun) -> Iterator[Plan]:
    """The plans as they would be without the newest resource, the two newest, and so on: those that nothing is to be done to."""
    touched = {change.address for change in draft.plan.changes}
    owned = ((group[0], address) for address, group in draft.live.owned.items() if address not in touched)
    youngest = sorted(
        ((one.created, address) for one, address in owned if one.created is not None),
        key=lambda pair: pair[0],
        # The newest first: an interrupted apply created the last resources.
        reverse=True,
    )
    inputs, digest = _inputs(draft), cache(digest_file)  # programs are read once for all of these plans
    for number in range(1, min(len(youngest), _MOST_STEPS) + 1):
        found = _plan_without(draft, (address for _, address in youngest[:number]), inputs, digest)
        if not found.refusals:  # without its compartment, or another one, that plan could not have been made
            yield found.plan


def _inputs(draft: PlannedRun) -> PlanInputs:
    return draft.workspace.inputs(draft.live, moved=draft.asked.moved, requests=draft.asked.requests)


def _plan_without(
    draft: PlannedRun, gone: Iterable[Address], inputs: PlanInputs, digest: Digest | None = None
) -> PlanComparison:
    live = _without(draft.live, frozenset(gone))
    held = {address: sinks for address, sinks in inputs.held.items() if address in live.owned}
    found = compare(replace(inputs, live=live, held=held, directory=draft.workspace.directory(live)))
    resources = draft.workspace.manifest.resources
    plan = filter_plan(found.plan, draft.asked.targets, {*resources, *draft.live.owned})
    return replace(found, plan=with_destinations(plan, draft.workspace.deliveries, resources, digest))


def _without(live: Live, gone: frozenset[Address]) -> Live:
    ids = {one.id for address in gone for one in live.owned.get(address, ())}
    nodes = (node for node in live.tree.nodes.values() if node.id not in ids)
    owned = {address: group for address, group in live.owned.items() if address not in gone}
    return replace(live, owned=owned, tree=CompartmentTree.of(live.tenancy, nodes))

"""Keys in use that a plan would leave without a policy that admits them, and the order of changes that keeps them admitted. Pure.

A failed call is the first sign that callers have of a missing statement, so access is compared before anything is applied: before and
after the whole plan, key by key, API by API, model by model. A statement that is replaced by an equivalent one takes nothing away. The
rule `keep_admitted` changes the order only; it never adds or removes a change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.analysis.reach import Reach, Reaches, ReachFinder, concerned_keys
from genai_iac.analysis.statements_in_force import note_losses, other_keys, secrets_in_use
from genai_iac.core import (
    Address,
    Call,
    Change,
    Invalidation,
    Live,
    LiveResource,
    LiveSecret,
    Notice,
    Plan,
    Reference,
    Resource,
    SinkState,
    references,
)
from genai_iac.core.errors import PlanError
from genai_iac.planning.ordering import add_needs
from genai_iac.resource_types import idle_time

_NAMING = ("/openai/v1",)  # where calls name a project
_MOVE = "ChangeApiKeyCompartment"  # a key that moves leaves the compartment that statements name


def keep_admitted(plan: Plan, finder: ReachFinder, *, most_statements: int = 50) -> Plan:
    """The plan in an order in which no key loses a call, even for a moment, that it has before and after.

    What begins to admit a key comes before what ceases to. A policy that admits a key before and after the key's move is
    first given the new statements beside the old ones: a call of the key's own change.

    Args:
        plan: ordered; gets further `needs`, and calls that widen a policy for a move.
        future: the tenancy after the plan.
        most_statements: how many one policy may have.
    """
    if not _may_take_access(plan):
        return plan
    keys = concerned_keys(plan, finder.future, finder.live)
    if not keys:
        return plan
    before, after, _ = finder.find(plan, keys)
    wanted = set(_successions(plan, before, after))
    for key in _moved(plan):
        plan, more = _prepare_move(plan, key, (before, after), finder, most_statements)
        wanted |= more
    # In a cycle this preference is dropped: OCI's own order wins, and a notice says that callers may be
    # refused for a moment.
    changes, refused = add_needs(plan.changes, sorted(wanted))
    notices = tuple(
        Notice(f"cannot wait for {second}, which depends on it: keys that both admit may be refused in between", first)
        for first, second in refused
    )
    return replace(plan, changes=changes, notices=(*plan.notices, *notices))


def find_access_losses(plan: Plan, resources: Mapping[Address, Resource], finder: ReachFinder) -> Plan:
    """The plan with a Invalidation in each change that takes an API from a key whose value was used within its `idle`; of a key that was
    used longer ago, a notice says it."""
    live = finder.live
    if not _may_take_access(plan):
        return plan
    plan = replace(plan, notices=(*plan.notices, *note_losses(plan, finder.future, live)))
    keys = concerned_keys(plan, finder.future, live)
    ever = {key: secrets for key, secrets in _used(plan, live) if key in keys}
    others = {key.address: one for key, one in other_keys(live) if key.address in keys}
    if not (ever or others):
        return plan
    recent = {
        key: [one for one in secrets if _is_recent(one, resources.get(key), live)] for key, secrets in ever.items()
    }
    used = {key: secrets for key, secrets in recent.items() if secrets}
    used |= {key: secrets_in_use(one, live) for key, one in others.items()}
    reaches = finder.find(plan, keys)
    idle_keys = {key: secrets for key, secrets in ever.items() if key not in used}
    notices = {
        Notice(f"{lost.change} takes {lost} from it; its values were used, though not lately", lost.key)
        for lost in _lost(plan, idle_keys, reaches)
    }
    losses: dict[Address, list[Invalidation]] = {}
    lasting, gaps = _lost(plan, used, reaches), _gaps(plan, used, reaches, finder)
    for lost, passing in (*((one, False) for one in lasting), *((one, True) for one in gaps)):
        told = Invalidation("", None, "delete" if passing else "update", idle=idle_time(resources.get(lost.key)))
        holder = _holder(others[lost.key], live) if lost.key in others else ""
        told = replace(told, key=lost.key, apis=lost.apis, passing=passing, where=lost.where, holder=holder)
        each = [replace(told, secret=one.name, last_used=one.last_used) for one in used[lost.key]]
        losses.setdefault(lost.change, []).extend(each)
    return replace(
        plan,
        notices=(*plan.notices, *sorted(notices, key=lambda one: str(one.address))),
        changes=tuple(
            replace(change, losses=(*change.losses, *losses.get(change.address, ()))) for change in plan.changes
        ),
    )


def _gaps(
    plan: Plan, used: Mapping[Address, list[LiveSecret]], reaches: Reaches, finder: ReachFinder
) -> Iterator[_Lost]:
    """What is missing while a policy is deleted and not yet created again."""
    for address in (change.address for change in plan.changes if _is_gap(change)):
        _, without, narrowed = finder.find(plan, set(used), absent=(address,))
        kept = {reached: by for reached, by in reaches.before.items() if reached in reaches.after}
        for lost in _lost(plan, used, Reaches(kept, without, narrowed)):
            yield replace(lost, change=address)


def find_project_losses(
    plan: Plan, resources: Mapping[Address, Resource], live: Live, held: Mapping[Address, Iterable[SinkState]]
) -> Plan:
    """The plan with an Invalidation in each deletion of a project that callers of a key in use name.

    Callers keep the project that they were told until they read their sink again, so a new one in the same plan does not help them.

    Args:
        held: what the sinks of each live key hold; a key that is not in it counts by what its manifest names.
    """
    gone = {change.address: live.one(change.address) for change in plan.changes if _deletes_project(change)}
    if not gone:
        return plan
    losses: dict[Address, list[Invalidation]] = {}
    for key, secrets in _used(plan, live):
        resource, sinks = resources.get(key), held.get(key, ())
        recent = [one for one in secrets if _is_recent(one, resource, live)]
        named = {sink.project for sink in sinks} | {resource.settings.get("project") if resource else None}
        for address, project in gone.items():
            told = project is not None and project.id in named
            if told or any(isinstance(one, Reference) and one.address == address for one in named):
                losses.setdefault(address, []).extend(
                    Invalidation(
                        one.name, one.last_used, "delete", idle=idle_time(resource), key=key, apis=_NAMING, project=True
                    )
                    for one in recent
                )
    changes = (replace(change, losses=(*change.losses, *losses.get(change.address, ()))) for change in plan.changes)
    return replace(plan, changes=tuple(changes))


def _deletes_project(change: Change) -> bool:
    return change.address.kind == "Project" and "delete" in change.actions


def _may_take_access(plan: Plan) -> bool:
    """Whether the plan changes policies, compartments or places of keys. Other plans skip the whole comparison."""
    return any(
        (change.address.kind in ("Policy", "Compartment") and bool(change.calls)) or _moves(change)
        for change in plan.changes
    )


def _used(plan: Plan, live: Live) -> Iterator[tuple[Address, list[LiveSecret]]]:
    """The keys that stay what they are and have values that were used: for one that goes, its own losses say it."""
    ending = {change.address for change in plan.changes if change.ends or "create" in change.actions}
    for address, group in live.owned.items():
        if address.kind == "ApiKey" and address not in ending:
            secrets = [one for key in group for one in key.secrets if one.state == "ACTIVE" and one.last_used]
            if secrets:
                yield address, secrets


def _is_recent(secret: LiveSecret, resource: Resource | None, live: Live) -> bool:
    """Whether the secret was used within the `idle` of its key."""
    return secret.last_used is not None and live.now - secret.last_used < idle_time(resource)


class _Lost(Struct, frozen=True):
    """What a key may no longer call, by the change that takes it. `where`: in words, the cases in which alone it is lost."""

    change: Address
    key: Address
    apis: tuple[str, ...]
    where: str

    def __str__(self) -> str:
        return f"{', '.join(self.apis)}{f' when {self.where}' if self.where else ''}"


def _lost(plan: Plan, used: Collection[Address], reaches: Reaches) -> Iterator[_Lost]:
    """What is no longer admitted of each of those keys."""
    before, after, narrowed = reaches
    for key in used:
        had = {reached: by for reached, by in before.items() if reached[0] == key}
        gone = {reached: by for reached, by in had.items() if reached not in after}
        unnamed = "any other model" if any(model for _, _, model in had) else "any model"
        for where in dict.fromkeys(narrowed.get(reached, "") for reached in gone):
            some = {reached: by for reached, by in gone.items() if narrowed.get(reached, "") == where}
            apis = tuple(dict.fromkeys(f"{api} with {model or unnamed}" for _, api, model in some))
            change = _culprit(plan, key, {origin.policy for by in some.values() for origin in by})
            yield _Lost(change, key, apis, where)


def _holder(key: LiveResource, live: Live) -> str:
    """A key of another stack, or of none, in words."""
    if key.mark is not None:
        return f"{key.mark.address} of stack {key.mark.owner}"
    return f"API key {key.name} in {live.tree.path(key.compartment)}"


def _culprit(plan: Plan, key: Address, policies: Iterable[str]) -> Address:
    """The change that takes the access away: of a policy that admitted the key, else of the key's place, else of a policy that denies."""
    names = set(policies)
    changes = plan.changes
    choices = (
        [change for change in changes if str(change.address) in names],
        [change for change in changes if change.address == key and _moves(change)],
        [change for change in changes if change.address.kind == "Compartment" and change.before is not None],
        [change for change in changes if change.address.kind == "Policy"],
    )
    return next((found[0].address for found in choices if found), changes[0].address)


def _successions(plan: Plan, before: Reach, after: Reach) -> Iterator[tuple[Address, Address]]:
    """Each policy change that ceases to admit a key, with one that begins to.

    Only where no policy allows it both before and after: such a one keeps callers admitted
    by itself.
    """
    changed = {str(change.address): change.address for change in plan.changes if change.address.kind == "Policy"}
    for reached in before.keys() & after.keys():
        then, later = ({origin.policy for origin in by} for by in (before[reached], after[reached]))
        if then & later:
            continue
        for ceasing in then - later:
            for beginning in later - then:
                if ceasing in changed and beginning in changed:
                    yield changed[ceasing], changed[beginning]


def _prepare_move(
    plan: Plan, key: Change, reach: tuple[Reach, Reach], finder: ReachFinder, most: int
) -> tuple[Plan, set[tuple[Address, Address]]]:
    """What must come before the key's move, and after it; the plan with the wider statements where one policy must do both."""
    wanted: set[tuple[Address, Address]] = set()
    sides = [
        {origin.policy for reached, by in side.items() if reached[0] == key.address for origin in by} for side in reach
    ]
    for policy in [change for change in plan.changes if change.address.kind == "Policy"]:
        admitted, will = (str(policy.address) in side for side in sides)
        if will and not admitted:
            wanted.add((key.address, policy.address))
        elif admitted and not will:
            wanted.add((policy.address, key.address))
        elif admitted and will and _is_needed_there(plan, key, policy, reach[1], finder):
            wanted.add((policy.address, key.address))
            plan = _widen(plan, key, policy, finder.live, most)
        elif admitted and will:
            wanted.add((policy.address, key.address))
    return plan, wanted


def _is_needed_there(plan: Plan, key: Change, policy: Change, after: Reach, finder: ReachFinder) -> bool:
    """Whether the policy as it is now would not admit the key in its new place to all that it will be admitted to."""
    # Asked by leaving the policy as it is: what would the key be allowed in its new
    # compartment then.
    without = replace(plan, changes=tuple(change for change in plan.changes if change.address != policy.address))
    try:
        _, there, _ = finder.find(without, {key.address})
    except PlanError:
        return True
    return any(reached[0] == key.address and reached not in there for reached in after)


def _widen(plan: Plan, key: Change, policy: Change, live: Live, most: int) -> Plan:
    """The first key that moves brings the new statements to the policy, beside those that it has."""
    update = next((call for call in policy.calls if call.operation == "UpdatePolicy"), None)
    known = next(change for change in plan.changes if change.address == key.address)
    done = any(call.about == policy.address for change in plan.changes for call in change.calls)
    one = live.one(policy.address)
    # Once is enough: the first key's move brings the statements for all keys of that
    # policy.
    if update is None or one is None or done:
        return plan
    # Statements about what is created later in the plan cannot be written yet.
    made = {change.address for change in plan.changes if "create" in change.actions} - set(known.needs)
    has = one.attributes["statements"]
    wanted = update.body.get("statements", ())
    assert isinstance(wanted, list)
    coming = [text for text in wanted if text not in has and not {ref.address for ref in references(text)} & made]
    if len(has) + len(coming) > most:
        note = Notice(
            f"{policy.address} has no room for the statements of both places: refused until it has followed",
            key.address,
        )
        return replace(plan, notices=(*plan.notices, note))
    call = Call("UpdatePolicy", {**update.body, "statements": [*has, *coming]}, one.id, about=policy.address)
    index = next(number for number, step in enumerate(known.calls) if step.operation == _MOVE)
    reason = f"{known.reason}; {policy.address} admits it there first"
    widened = replace(known, calls=(*known.calls[:index], call, *known.calls[index:]), reason=reason)
    return replace(plan, changes=tuple(widened if one is known else one for one in plan.changes))


def _moved(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if _moves(change)]


def _moves(change: Change) -> bool:
    return any(call.operation == _MOVE for call in change.calls)


def _is_gap(change: Change) -> bool:
    """Whether the policy is deleted before it is created again: its name is taken until then."""
    operations = [call.operation for call in change.calls]
    return operations[:1] == ["DeletePolicy"] and "CreatePolicy" in operations

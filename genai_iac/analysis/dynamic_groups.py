"""Statements for dynamic groups about what API keys call. A rule may hold keys, and rules are not read: what they decide is not known.

That a dynamic group holds API keys, as it holds other resources, is UNCONFIRMED.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from genai_iac.analysis.statements_in_force import CALLED, PolicyInForce, StatementRef, read_statement, secrets_in_use
from genai_iac.core import Address, Live, Notice, Plan
from genai_iac.iam_policy import Grant
from genai_iac.iam_policy.conditions import is_for_others
from genai_iac.iam_policy.equivalence import canonical_text
from genai_iac.iam_policy.rules import permissions_in
from genai_iac.planning.planned_state import PlannedState


def find_undecided(policies: Iterable[PolicyInForce]) -> Iterator[str]:
    """The statements for dynamic groups that give or take what keys call, as sentences."""
    for policy in policies:
        for position, text in enumerate(policy.statements, 1):
            if _gives(text) is not None:
                ref = StatementRef(policy.name, position, text)
                yield f"{ref} is for a dynamic group, which holds keys if its rule says so; it is not in this"


def note_losses(plan: Plan, future: PlannedState, live: Live) -> Iterator[Notice]:
    """A notice for each policy that ceases to allow a dynamic group what keys call, or begins to deny it; none where no key is in use."""
    if not any(one.kind == "ApiKey" and secrets_in_use(one, live) for one in (*live.found, *live.beyond)):
        return
    changed = {address: stays for address, stays in plan.existence.items() if address.kind == "Policy"}
    before = {address: list(_live_statements(address, live)) for address in changed}
    after = {
        address: [(text, future.home(address)) for text in future.statements(address)]
        for address, stays in changed.items()
        if stays and address in future.resources
    }
    had, will = ({_key(one) for texts in side.values() for one in texts} for side in (before, after))
    for address in changed:
        lost = [one for one in before[address] if _gives(one[0]) is True and _key(one) not in will]
        taken = [one for one in after.get(address, ()) if _gives(one[0]) is False and _key(one) not in had]
        if lost or taken:
            (text, _), *_ = (*lost, *taken)
            what = "ceases to allow" if lost else "begins to deny"
            message = (
                f"it {what} calls to a dynamic group, whose rule is not read: an API key in it loses access: {text}"
            )
            yield Notice(future.with_addresses(message), address)


def _live_statements(address: Address, live: Live) -> Iterator[tuple[str, str]]:
    for one in live.owned.get(address, ()):
        yield from ((text, one.compartment) for text in one.attributes["statements"])


def _key(one: tuple[str, str]) -> str:
    """What two statements have in common that mean the same in policies of one compartment."""
    text, attached = one
    return f"{attached} {canonical_text(text, None, attached)}"


def _gives(text: str) -> bool | None:
    """True for a statement that allows a dynamic group what keys call, False for one that denies it, None for all others."""
    tree = read_statement(text)
    if not isinstance(tree, Grant) or tree.subject.kind != "dynamic-group" or is_for_others(tree.condition):
        return None
    return not tree.effect.startswith("deny") if CALLED & permissions_in(tree) else None

"""Callers of a key that the endpoints will refuse, for a while or for good: the key moves away from its grants, or they go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from genai_iac.core import Address, Change, Live, LiveResource, Notice, Reference, Value, references


def warn_callers_losing_access(changes: Sequence[Change], live: Live) -> Iterator[Notice]:
    """Whose calls will be refused, as far as the policies tell that change and name a key: others may admit it as well."""
    policies = [change for change in changes if change.address.kind == "Policy" and change.before is not None]
    going = {change.id for change in changes if change.ends}
    for address, group in live.owned.items() if policies else ():
        for key in group:
            if address.kind == "ApiKey" and key.id not in going and _is_used(key):
                text = _say(address, key.id, policies, moves=any(_moves(change, key.id) for change in changes))
                yield from [Notice(text, address)] if text else []


def _say(address: Address, id: str, policies: Iterable[Change], *, moves: bool) -> str:
    naming = [change for change in policies if _names(change.before, address, id)]
    ending = [change for change in naming if not _names(change.after, address, id)]
    if ending:
        return f"unless another policy allows it, its callers lose access (401) once {_listed(ending)} no longer does"
    if naming and moves:
        return (
            f"unless another policy already allows it there, its callers lose access (401) from its move until {_listed(naming)} "
            "has followed and reached the endpoints; to move it unnoticed, apply such a policy first"
        )
    return ""


def _is_used(key: LiveResource) -> bool:
    return any(secret.state == "ACTIVE" and secret.last_used for secret in key.secrets)


def _moves(change: Change, id: str) -> bool:
    return any(call.operation == "ChangeApiKeyCompartment" and call.id == id for call in change.calls)


def _names(attributes: Mapping[str, Value] | None, address: Address, id: str) -> bool:
    """Whether the statements of a policy name the key, by its OCID or by a reference to it."""
    statements = (attributes or {}).get("statements")
    assert statements is None or isinstance(statements, Sequence)
    return any(
        id in statement if isinstance(statement, str) else Reference(address) in references(statement)
        for statement in statements or ()
    )


def _listed(changes: Iterable[Change]) -> str:
    return " and ".join(str(change.address) for change in changes)

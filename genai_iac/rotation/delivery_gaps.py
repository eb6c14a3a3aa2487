"""What the sinks of a live key lack, given the role of each secret. Pure.

A sink is a gap when it does not hold what it should. Whether a gap can be closed without a renewal depends on the other sinks: OCI shows
a value once, in the answer to CreateApiKey or RenewApiKey, so afterwards only a readable sink can give it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from genai_iac.core import Call, LiveResource, Role, SinkState


class DeliveryGaps(Struct, frozen=True):
    """Names of secrets, in two classes that need different answers.

    `undelivered` asks for a renewal, `incomplete` for a copy, and `elsewhere` for a person:
    a file belongs to one machine, so this machine cannot know whether another one still has
    the value.
    """

    undelivered: frozenset[str]  # a sink lacks the value and no sink can give it: only a renewal returns a value again
    incomplete: frozenset[
        str
    ]  # a sink lacks it or has it in another role, and a delivery without a renewal corrects that
    elsewhere: frozenset[str] = frozenset()  # no sink of this machine can give it, and another machine may have it


def find_delivery_gaps(roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource) -> DeliveryGaps:
    """Compare what each sink should hold with what it holds.

    `roles`: by secret name, what each sink should show. A secret that is not ACTIVE is never undelivered: a missing value
    that works nowhere is no reason to renew.

    Args:
        roles: by secret name, the role that each sink should show. A sink that does not
            keep a role cannot lack it.
        held: the states of the key's sinks, former ones included: values can be copied from
            those.
        live: the key as listed.
    """
    sinks = tuple(held)
    undelivered: set[str] = set()
    incomplete: set[str] = set()
    elsewhere: set[str] = set()
    for name, role in roles.items():
        lacking = any(sink.lacks(name, role) for sink in sinks)
        # write-only sinks (exec without `check`) hold values that we cannot copy out of them
        copyable = any(sink.readable and name in sink.records for sink in sinks)
        secret = live.secret(name)
        if lacking and not copyable:
            if secret is not None and secret.state == "ACTIVE":
                # Two machines with copies of one file sink once renewed each other's values at every
                # apply (tests/plan_apply/test_sink_drift.py,
                # test_two_machines_with_copies_of_one_file_do_not_renew_each_others_values).
                (elsewhere if any(name in sink.elsewhere for sink in sinks) else undelivered).add(name)
        elif lacking or any(_is_out_of_order(sink, name, role) for sink in sinks):
            incomplete.add(name)
    return DeliveryGaps(frozenset(undelivered), frozenset(incomplete), frozenset(elsewhere))


def deliverable_roles(
    roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource, calls: Iterable[Call]
) -> dict[str, Role]:
    """The roles without the values that nobody here can give: a plan that promised them failed at the delivery, at every apply.

    What a sink shows as current stays current when its successor is such a value and no call ends it; else the sink would
    show nothing although a value works (tests/stateful/cases/successor-is-elsewhere.txt).

    Args:
        roles: by secret name, as declared.
        calls: of the step. A renewal gives a value; a deactivation or revocation ends one.
    """
    sinks, made = tuple(held), tuple(calls)
    renewed = {call.secret for call in made if call.operation == "RenewApiKey"}
    ended = {call.secret for call in made if call.takes_away}
    gaps = find_delivery_gaps(roles, sinks, live)
    missing = (gaps.undelivered | gaps.elsewhere) - renewed
    kept: dict[str, Role] = {name: role for name, role in roles.items() if name not in missing}
    if any(roles[name] == "current" for name in missing):
        shown = {name for sink in sinks for name, role in sink.records.items() if role == "current"}
        working = [one.name for one in live.secrets if one.name in shown - ended - missing and one.state == "ACTIVE"]
        kept.update(dict.fromkeys(working[:1], "current"))
    return kept


def why_incomplete(names: Iterable[str], roles: Mapping[str, Role], held: Iterable[SinkState]) -> str:
    """Why sinks are written although nothing is renewed, for people.

    Args:
        names: secrets that a delivery corrects.
        roles: by secret name, what each sink should show.
        held: the states of the key's sinks.

    Returns:
        The damage of each damaged sink, with its name; without damage, the names of the
            secrets that a sink lacks, or has in another role.
    """
    sinks = tuple(held)
    damaged = [f"{sink.place}: {sink.damage}" for sink in sinks if sink.damage]
    lacking = {name for name in names if name not in roles or any(sink.lacks(name, roles[name]) for sink in sinks)}
    misplaced = sorted(set(names) - lacking)
    told = [f"a sink lacks {' and '.join(sorted(lacking))}"] if lacking else []
    told += [f"a sink has {' and '.join(misplaced)} in another role"] if misplaced else []
    return "; ".join(damaged or told)


def describe_sinks(roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource, ask: str) -> Iterator[str]:
    """What a reader should know of the sinks and no step corrects. `ask`: how a person asks for a new value.

    Args:
        roles: by secret name, what each sink should show.
        ask: a clause with the command that requests a new value; it ends the first kind of
            note.

    Yields:
        One note per secret that only another machine may have, and one per former sink that
            still holds values.
    """
    sinks = tuple(held)
    for name in sorted(find_delivery_gaps(roles, sinks, live).elsewhere):
        places = ", ".join(sink.place for sink in sinks if name in sink.elsewhere)
        yield (
            f"no sink on this machine holds the value of {name} ({places}): another machine may, so it is not renewed; "
            f"copy it from there, or deliver to a place that all machines share; {ask}"
        )
    for sink in sinks:
        if sink.former and sink.records:
            names = " and ".join(sorted(sink.records))
            yield f"{sink.place} is not declared any more and still holds {names}: remove it once nothing reads it"


def sink_differences(
    roles: Mapping[str, Role], held: Iterable[SinkState], live: LiveResource
) -> Iterator[tuple[str, str, str, str]]:
    """Where a declared sink is not as a delivery left it: its place, the secret, what is there, what should be.

    What another machine may hold, and what no working secret is about, is no difference.

    Yields:
        `(sink, secret, found, wanted)`. `secret` is empty when the whole sink is damaged;
            `found` is `missing`, `another value`
        or the damage.
    """
    for sink in held:
        if sink.former:
            continue
        for name, role in roles.items():
            secret = live.secret(name)
            active = secret is not None and secret.state == "ACTIVE" and role in ("current", "standby")
            if active and name in sink.stale:
                yield sink.place, name, "another value", role
            elif active and sink.lacks(name, role) and name not in sink.elsewhere:
                yield sink.place, name, "missing", role
        if sink.damage:
            yield sink.place, "", sink.damage, "as it was delivered"


def _is_out_of_order(sink: SinkState, name: str, role: Role) -> bool:
    """Whether the sink has the secret in another role than it should, or has it in a damaged form."""
    if role not in sink.keeps or name not in sink.records:
        return False
    return sink.records[name] != role or bool(sink.damage)

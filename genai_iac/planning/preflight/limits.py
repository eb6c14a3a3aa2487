"""Service limits that a plan must keep: statements in a policy and along a path, the depth of compartments, policies in a tenancy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from genai_iac.core import Address, Change, Live, LiveResource, Notice
from genai_iac.core.errors import PlanError, UsageError
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.preflight.names import place_of

PREFIX = "GENAI_IAC_LIMIT_"  # of the variables that raise a limit
_LOCAL_PATH = 10_000  # what the local emulator allows unless it is set to OCI's own number


class ServiceLimits(Struct, frozen=True):
    """How much fits (Oracle: service limits of IAM, policymgmt/policy-limits-compartment-hierarchy, Identity/compartments).

    Oracle raises most of them on request, and no API that this tool may call has the
    raised number. Hence the variables.
    """

    statements_per_policy: int = 50  # one policy's own statements
    statements_per_path: int = 500  # of all policies from a compartment up to the tenancy
    policies: int = 100  # the one that is raised on request
    compartment_levels: int = 6  # below the tenancy

    @classmethod
    def of_environment(cls, environ: Mapping[str, str], *, local: bool = False) -> ServiceLimits:
        """What Oracle granted this tenancy: ``GENAI_IAC_LIMIT_STATEMENTS_PER_PATH=1000``. Raises UsageError.

        A local emulator is wider along a path unless its own settings say otherwise, and refuses by itself.

        Args:
            environ: the process environment.
            local: the run talks to a local emulator.

        Raises:
            UsageError: a value is not a whole number.
        """
        given = {
            name: environ[f"{PREFIX}{name.upper()}"] for name in _names(cls) if f"{PREFIX}{name.upper()}" in environ
        }
        for name, text in given.items():
            if not text.isdecimal():
                raise UsageError(f"{PREFIX}{name.upper()} is {text!r}, not a whole number", hint="remove or correct it")
        wide = {"statements_per_path": _LOCAL_PATH} if local else {}
        return cls(**{**wide, **{name: int(text) for name, text in given.items()}})


def _names(limits: type[ServiceLimits]) -> list[str]:
    return list(limits.__struct_fields__)


def _raised(name: str) -> str:
    return f"if Oracle raised the limit of this tenancy, set {PREFIX}{name.upper()}"


def find_full_policies(policy: Address, future: PlannedState, limits: ServiceLimits) -> Iterator[PlanError]:
    """A policy with more statements than fit.

    Args:
        policy: a declared policy that is written by this plan.
    """
    count = future.count(policy)
    most = limits.statements_per_policy
    if count > most:
        where = place_of(future, policy, most)
        message = f"{where}: {policy}: {count} statements in one policy; {most} fit"
        yield PlanError(message, hint=f"move the rest to another Policy; {_raised('statements_per_policy')}")


def find_full_paths(
    policies: Sequence[Address], future: PlannedState, live: Live, limits: ServiceLimits
) -> Iterator[PlanError]:
    """The shortest paths of compartments that would hold too many statements, of those that these policies lie on.

    Statements of policies that nobody read are not counted. A path that is too full already shows that its limit is another.

    Args:
        policies: those that this plan writes; only they can be blamed.
        live: what is attached now, to see whether the limit was passed already.
    """
    before, after = _count_live(live.found), count_statements(future, live)
    written: defaultdict[str, list[Address]] = defaultdict(list)
    for policy in policies:
        written[future.home(policy)].append(policy)
    reported: set[str] = set()
    for place in sorted(after, key=lambda id: (len(future.tree.names(id)), id)):
        lineage = tuple(future.tree.lineage(place))
        now, then = (sum(counts.get(id, 0) for id in lineage) for counts in (before, after))
        ours = [policy for id in lineage for policy in written.get(id, ())]
        # A path that is too full today proves that Oracle raised the limit: refusing would be
        # wrong.
        if then > limits.statements_per_path >= now and ours and reported.isdisjoint(lineage):
            reported.add(place)
            yield _full(place, then, max(ours, key=future.count), future, limits)


def count_statements(future: PlannedState, live: Live | None = None) -> Mapping[str, int]:
    """How many statements are attached to each compartment: the declared ones, and those of live policies that are not ours.

    Args:
        live: None counts declared policies only.

    Returns:
        By compartment OCID. OCI counts a path's statements along all ancestors, which the
            caller sums.
    """
    counts = _count_live(live.others + live.mismatched if live else ())
    for address in future.resources:
        if address.kind == "Policy":
            counts[future.home(address)] += future.count(address)
    return counts


def find_deep_compartments(
    changes: Iterable[Change], future: PlannedState, limits: ServiceLimits
) -> Iterator[PlanError]:
    """Compartments that would lie too deep.

    A parent that moves takes its children along, so a compartment without a change of its
    own is not checked here.
    """
    for address in (change.address for change in changes if change.address.kind == "Compartment"):
        depth = len(future.tree.names(future.ids[address]))
        if depth > limits.compartment_levels:
            resource = future.resources[address]
            where = resource.places.get("parent", resource.source)
            message = f"{where}: {address} would be {depth} levels below the tenancy; {limits.compartment_levels} are possible"
            yield PlanError(message, hint="choose a parent higher up")


def note_many_policies(changes: Iterable[Change], live: Live, limits: ServiceLimits) -> Iterator[Notice]:
    """That the tenancy is about to hold more policies than it may unless its limit was raised.

    A notice and no error, because policies of compartments that were not read are not
    counted.
    """
    here = sum(one.kind == "Policy" for one in live.found)
    there = here + sum(_balance(change) for change in changes if change.address.kind == "Policy")
    if there > limits.policies >= here:
        yield Notice(f"a tenancy holds {limits.policies} policies unless its limit was raised; there will be {there}")


def _count_live(found: Iterable[LiveResource]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in found:
        if one.kind == "Policy":
            counts[one.compartment] += len(one.attributes["statements"])
    return counts


def _full(place: str, count: int, policy: Address, future: PlannedState, limits: ServiceLimits) -> PlanError:
    along = f"{count} statements along the compartments of {future.tree.path(place)}; {limits.statements_per_path} fit"
    hint = f"join statements, or attach policies to compartments deeper down; {_raised('statements_per_path')}"
    return PlanError(f"{future.resources[policy].source}: {policy}: {along}", hint=hint)


def _balance(change: Change) -> int:
    """By how much the change alters the number of policies: 1, -1, or 0 for a replacement."""
    return ("create" in change.actions) - ("delete" in change.actions)

"""Which compartments and regions a reading covers: the stack's own, and wherever else its resources could be. Pure.

A key that an edit of the manifests or a person in the Console moved elsewhere is still this stack's, and a list call is the only way to
find it. So every compartment is listed in every region that serves API keys and projects, as long as that is at most `MOST_LISTS` calls;
in a larger tenancy less is searched, and the plan says what was not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.resource_types import RESOURCE_TYPES, ResourceType
from genai_iac.resource_types.compartment import Contents

MOST_LISTS = 400  # list calls by compartment of one reading; above it not everything is searched without --full-scan

# The regions of the commercial realm in which Generative AI offers API keys (facts of August 2026). A region that a manifest
# names is read whether it is here or not.
API_KEY_REGIONS = frozenset(
    {
        "ap-hyderabad-1",
        "ap-osaka-1",
        "eu-frankfurt-1",
        "me-riyadh-1",
        "sa-saopaulo-1",
        "uk-london-1",
        "us-ashburn-1",
        "us-chicago-1",
        "us-phoenix-1",
    }
)

Place = tuple[
    ResourceType, str, str | None
]  # one list call: the kind, the compartment's OCID, the region where it has one


class ReadScope(Struct, frozen=True):
    """The list calls of one reading. What is not the stack's own is read only to find what is, and may fail."""

    own: tuple[Place, ...]  # what the stack names or owns; a failure here fails the run
    beyond: tuple[Place, ...]  # searched for what was moved; a failure here becomes a notice
    compartments_left: int  # how many compartments are not searched everywhere
    regions_left: tuple[str, ...]  # regions that are not searched in every compartment

    @property
    def whole(self) -> bool:
        """Whether everything is searched."""
        return not (self.compartments_left or self.regions_left)

    def without(self, recorded: Mapping[str, Contents], used: Collection[str]) -> tuple[ReadScope, tuple[Place, ...]]:
        """This scope with less of the own places, and what was left out; nothing is where everything is searched.

        Of the compartments that are not `used` only what they are known to hold is read; of the others that as well, in regions
        that nothing names any more.

        Args:
            recorded: by OCID what the stack has put at any time into a compartment that it created.
            used: OCIDs of compartments that are read whole.
        """
        if self.whole:
            return self, ()
        quiet = recorded.keys() - set(used)
        held = [
            (RESOURCE_TYPES[kind], compartment, region)
            for compartment, contents in sorted(recorded.items())
            for kind, region in sorted(contents, key=str)
        ]
        own = tuple(dict.fromkeys([*(place for place in self.own if place[1] not in quiet), *held]))
        beyond = _without((place for place in self.beyond if place[1] not in quiet), own)
        return replace(self, own=own, beyond=beyond), _without((*self.own, *self.beyond), (*own, *beyond))

    def gaps(self) -> Iterator[str]:
        """What is not searched, in words."""
        if self.compartments_left:
            several = self.compartments_left > 1
            yield (
                f"{self.compartments_left} compartment{'s' if several else ''} that the stack neither names nor owns "
                f"{'were' if several else 'was'} not searched for what it may have there; to search: --full-scan"
            )
        if self.regions_left:
            yield (
                f"{', '.join(self.regions_left)}: not searched for API keys and projects that the stack may have there; "
                "to search: --full-scan"
            )


def choose_scope(
    every: Iterable[str],
    own: Iterable[str],
    named: Iterable[str],
    subscribed: Iterable[str],
    above: Iterable[str] = (),
) -> ReadScope:
    """What to read. `every` and `own` are compartments, the tenancy among them; `named` are the regions that the stack names.

    `above` are compartments whose policies are listed in any case: what is attached there reaches into the own ones.

    Args:
        every: OCIDs of all compartments.
        own: OCIDs that the stack names or owns.
        subscribed: regions of the tenancy.

    Returns:
        The widest search that needs at most MOST_LISTS list calls.
    """
    scope = _choose(every, own, named, subscribed)
    policies = [(RESOURCE_TYPES["Policy"], compartment, None) for compartment in sorted(above)]
    return replace(scope, beyond=(*scope.beyond, *_without(policies, (*scope.own, *scope.beyond))))


def _choose(every: Iterable[str], own: Iterable[str], named: Iterable[str], subscribed: Iterable[str]) -> ReadScope:
    every, own, named = sorted(set(every)), sorted(set(own)), sorted(set(named))
    serving = sorted({*named, *(API_KEY_REGIONS & set(subscribed))})
    mine = tuple(_lists(own, named))
    wider: tuple[tuple[list[str], list[str]], ...] = ((every, serving), (every, named), (own, serving), (own, named))
    everywhere, by_place, by_region, _ = (tuple(_lists(*area)) for area in wider)
    if len(everywhere) <= MOST_LISTS:
        return ReadScope(mine, _without(everywhere, mine), 0, ())
    if len(both := tuple(dict.fromkeys((*by_place, *by_region)))) <= MOST_LISTS:
        left = tuple(region for region in serving if region not in named)
        return ReadScope(mine, _without(both, mine), 0, left)
    compartments = len(every) - len(own)
    if len(by_region) <= MOST_LISTS:
        return ReadScope(mine, _without(by_region, mine), compartments, ())
    return ReadScope(mine, (), compartments, tuple(region for region in serving if region not in named))


def whole_scope(every: Iterable[str], regions: Iterable[str]) -> ReadScope:
    """Every compartment in those regions, all of it as the stack's own: what was asked for must not fail silently.

    Args:
        every: OCIDs of compartments.
        regions: long names.
    """
    return ReadScope(tuple(_lists(sorted(set(every)), sorted(set(regions)))), (), 0, ())


def kinds_reaching(reach: str) -> list[ResourceType]:
    """The kinds that are listed so.

    Args:
        reach: `tenancy`, `compartment` or `compartment and region`.
    """
    return [kind for kind in RESOURCE_TYPES.values() if kind.listing.reach == reach]


def _lists(compartments: Iterable[str], regions: Iterable[str]) -> Iterator[Place]:
    """One list call per kind and compartment, for regional kinds also per region."""
    regions = list(regions)
    for compartment in compartments:
        for kind in kinds_reaching("compartment"):
            yield kind, compartment, None
        for kind in kinds_reaching("compartment and region"):
            for region in regions:
                yield kind, compartment, region


def _without(some: Iterable[Place], others: Iterable[Place]) -> tuple[Place, ...]:
    taken = set(others)
    return tuple(place for place in some if place not in taken)

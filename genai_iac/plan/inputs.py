"""Everything a plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from genai_iac import policy as language
from genai_iac.kinds import Wish
from genai_iac.model import Address, Held, Live, LiveResource, Owner, Resource, Stack
from genai_iac.preflight import Limits


@dataclass(frozen=True)
class Inputs:
    """Desired, live, and what else decides. Nothing is asked of the tenancy but the groups that a comparison needs."""

    stack: Stack
    resources: Mapping[Address, Resource]  # in dependency order
    live: Live
    owner: Owner
    directory: language.Directory
    held: Mapping[Address, tuple[Held, ...]] = field(default_factory=dict)  # what the sinks of each live key hold
    wishes: Mapping[Address, Wish] = field(default_factory=dict)  # what `rotate` asks
    moved: frozenset[Address] = frozenset()  # undeclared, marked elsewhere, and meant to be deleted all the same
    limits: Limits = field(default_factory=Limits)  # how much the tenancy can hold
    born: Callable[[str], datetime | None] = lambda _: None  # when the group of that OCID was made, if it is known

    def recognises(self, live: LiveResource) -> bool:
        """Whether the mark was made for that very resource, as far as can be told once it may have been moved."""
        return live.mark is not None and self.owner.recognises(live.mark, live.id)

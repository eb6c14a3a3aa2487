"""What a row of deliveries to one Vault secret will ask of OCI Vault, told without writing anything. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from genai_iac.sinks._contents import Contents
from genai_iac.sinks._stages import NEW, Stages, Versions

_UNREAD, _NONE = Stages(None, None), Versions(())


@dataclass(frozen=True, slots=True)
class Sight:
    """A Vault secret as far as writes depend on it. What is in a dying one cannot be read, so it is written anew."""

    state: Literal["absent", "dying", "alive"]
    stages: Stages = _UNREAD
    versions: Versions = _NONE

    def calls(self, deliveries: Iterable[Contents]) -> tuple[str, ...]:
        """The writes of these deliveries, one after another, as OCI operation names."""
        sight, names = self, list[str]()
        for wanted in deliveries:
            made, sight = sight._take(wanted)
            names += made
        return tuple(names)

    def _take(self, wanted: Contents) -> tuple[tuple[str, ...], Sight]:
        if not wanted.items:
            gone = self.state == "alive"
            return (("ScheduleSecretDeletion",), Sight("dying", versions=self.versions)) if gone else ((), self)
        match self.state:
            case "absent":
                return ("CreateSecret",), Sight("alive", Stages(wanted, None), NEW)
            case "dying":
                calls, after = replace(self, state="alive")._update(wanted)
                return ("CancelSecretDeletion", *calls), after
        return self._update(wanted)

    def _update(self, wanted: Contents) -> tuple[tuple[str, ...], Sight]:
        prune = ("ScheduleSecretVersionDeletion",) * len(self.versions.outdated)
        staged, current = self.stages.staged(wanted), Stages(wanted, None)
        match self.stages.route(wanted):
            case "nothing":
                return (), self
            case "stage":
                return (*prune, "UpdateSecret"), replace(
                    self, stages=Stages(self.stages.current, staged), versions=self.versions.added()
                )
            case "promote":
                return ("UpdateSecret",), replace(self, stages=current, versions=self.versions.promoted())
            case "replace":
                added = self.versions.added().promoted()
                return (*prune, "UpdateSecret", "UpdateSecret"), replace(self, stages=current, versions=added)

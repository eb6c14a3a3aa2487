"""The ownership tag: one free-form tag, sent inside the create call, that says whose a resource is and cannot be copied to another.

`STACK[@ENV]/Kind/name#digest[!retain|!forbid][~names]`. The digest binds the mark to the compartment the resource was made in
(a mark of birth, `#`), or, once an update has had the chance to write it, to the resource's own OCID (a seal, `=`). A mark
that somebody copied onto another resource fits neither. On a policy `names` is a digest of the OCIDs that its names came
to when its statements were last written.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import cast

from genai_iac.core.address import Address
from genai_iac.core.resource import Deletion, OwnershipMark

OWNERSHIP_TAG = "genai-iac"
LEAK_TAG = f"{OWNERSHIP_TAG}-leaked"  # on an API key while the leak of the secret it names is being answered
_FORM = re.compile(
    r"(?P<owner>[a-z0-9-]+(?:@[a-z0-9-]+)?)/(?P<kind>[A-Za-z]+)/(?P<name>[a-z0-9-]+)(?P<manner>[#=])(?P<digest>[0-9a-f]{16})(?:!(?P<deletion>retain|forbid))?(?:~(?P<names>[0-9a-f]{16}))?"
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who marks: a stack (with its environment) in a tenancy."""

    tenancy: str
    name: str  # Stack.owner

    def birth(self, address: Address, compartment: str, deletion: Deletion = "delete") -> str:
        """The mark to send inside a create call."""
        return self._write(address, "#" + self._digest("birth", address, compartment), deletion)

    def seal(self, address: Address, id: str, deletion: Deletion = "delete") -> str:
        """The mark to send with an update."""
        return self._write(address, "=" + self._digest("seal", address, id), deletion)

    @staticmethod
    def with_names(mark: str, names: str) -> str:
        """The mark with that digest of names, or without one."""
        bare = mark.partition("~")[0]
        return f"{bare}~{names}" if names else bare

    def owns(self, mark: OwnershipMark | None) -> bool:
        """Whether the mark names this owner (fit or not)."""
        return mark is not None and mark.owner == self.name

    def fits(self, mark: OwnershipMark, id: str, compartment: str) -> bool:
        """Whether the mark was made for that resource: born in that compartment, or sealed with that OCID."""
        if mark.sealed:
            return self.recognises(mark, id)
        return mark.digest == self._digest("birth", mark.address, compartment)

    def recognises(self, mark: OwnershipMark, id: str) -> bool:
        """Whether the mark may be that resource's: a seal of another OCID was copied, while a mark of birth tells nothing once moved."""
        return not mark.sealed or mark.digest == self._digest("seal", mark.address, id)

    def _digest(self, manner: str, address: Address, bound: str) -> str:
        text = "\n".join((manner, self.tenancy, self.name, str(address), bound))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _write(self, address: Address, bound: str, deletion: Deletion) -> str:
        return f"{self.name}/{address}{bound}" + ("" if deletion == "delete" else f"!{deletion}")


def read_ownership_tag(text: str | None) -> OwnershipMark | None:
    """The mark that a tag value holds, or None when it holds none."""
    match = _FORM.fullmatch(text or "")
    if match is None:
        return None
    deletion = cast(Deletion, match["deletion"] or "delete")
    address = Address(match["kind"], match["name"])
    sealed = match["manner"] == "="
    return OwnershipMark(match["owner"], address, match["digest"], deletion, sealed, match["names"] or "")

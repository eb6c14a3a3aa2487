"""Which of the live resources that carry one address's ownership tag is the one it was made for. Pure.

The tag is the only thing that connects a live resource with a manifest; there is no state file. Its value is

    STACK[+ID][@ENV]/KIND/NAME MANNER [!DELETION] [~NAMES]

- `ID`: 7 hex digits of a digest of Stack.spec.id;
- MANNER: `#` for a create call, `=` once sealed with the OCID. It is followed by `2.`, the origin (8 base-36 digits of milliseconds, 3 of
  chance) and 12 hex digits of a digest; the first form has 16 hex digits and no origin;
- `DELETION`: retain or forbid, absent for delete;
- `NAMES`: 16 hex digits of a digest of the OCIDs that a policy's names were compiled to.

A tag can be copied by anybody who may edit tags. The digest binds it to one resource, so that a copy deletes nothing:
tests/plan_apply/test_identity.py and tests/core/test_ownership_tag.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from msgspec import Struct

from genai_iac.core.address import Address
from genai_iac.core.resource import Deletion, LiveResource, OwnershipMark

OWNERSHIP_TAG = "genai-iac"  # name of the free-form tag on every resource of a stack
RENAMED = (
    f"{OWNERSHIP_TAG}-renamed-from"  # the name it had before, when another resource took that name in the same rename
)
LEAK_TAG = f"{OWNERSHIP_TAG}-leaked"  # on an API key while the leak of the secret it names is being answered
REPLACES = f"{OWNERSHIP_TAG}-replaces"  # the OCID of the resource that this one was created to take the place of
CONTENTS_TAG = (
    f"{OWNERSHIP_TAG}-contents"  # on a compartment of a large stack: the kinds and regions that it put into it
)

# How far the service's `timeCreated` may be from the moment in the tag. Before: two clocks that agree to about two seconds,
# and whole seconds in the Date header. After: one request, which the SDK gives up after 60 seconds.
_EARLY, _LATE = timedelta(seconds=5), timedelta(seconds=60)
# Base 36 keeps the tag short: OCI takes values of at most 256 characters.
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX = re.compile(r"~[0-9a-f]{16}$")  # the digest of names at the end of a policy's tag
_FORM = re.compile(
    r"(?P<stack>[a-z0-9-]+)(?:\+(?P<id>[0-9a-f]{7}))?(?P<env>@[a-z0-9-]+)?/(?P<kind>[A-Za-z]+)/(?P<name>[a-z0-9-]+)"
    r"(?P<manner>[#=])(?:(?P<first>[0-9a-f]{16})|2\.(?P<origin>[0-9a-z]{11})(?P<digest>[0-9a-f]{12}))"
    r"(?:!(?P<deletion>retain|forbid))?(?:~(?P<names>[0-9a-f]{16}))?"
)


class Owner(Struct, frozen=True):
    """Who owns: a stack (with its environment) in a tenancy. With an `id` it is the id that counts, whatever the name.

    Two owners of one tenancy never see each other's resources as theirs, even with equal
    addresses.
    """

    tenancy: str  # OCID; part of every digest, so a tag copied to another tenancy does not fit
    name: str  # Stack.owner
    id: str | None = None  # Stack.id
    claims: bool = False  # resources of this name that carry no id are taken for this stack's too

    @property
    def text(self) -> str:
        """What each of its ownership tags begins with."""
        stack, at, environment = self.name.partition("@")
        return f"{stack}+{self._short}{at}{environment}" if self.id else self.name

    def create_tag(self, address: Address, fixed: str, origin: str, deletion: Deletion = "delete") -> str:
        """The tag to send inside a create call; `fixed` is what `fixed_part` says of the resource.

        The OCID is not known before the call, so the tag is bound to what the call fixes and to
        the time of the call.

        Args:
            address: of the resource to be created.
            origin: from `make_origin`.
            deletion: what a later plan does when no manifest declares the resource.
        """
        digest = self._digest("birth", address, f"{origin}\n{fixed}", self.id)
        return self._write(address, f"#2.{origin}{digest[:12]}", deletion)

    def seal(self, address: Address, id: str, deletion: Deletion = "delete", origin: str = "") -> str:
        """The tag to send with an update; `origin` is that of the tag it replaces.

        Args:
            address: the address from now on, also when a rename changed it.
            id: OCID of the resource.
        """
        digest = self._digest("seal", address, id, self.id)
        return self._write(address, f"=2.{origin}{digest[:12]}" if origin else f"={digest}", deletion)

    @staticmethod
    def with_names(mark: str, names: str) -> str:
        """The tag with that digest of names, or without one.

        Args:
            mark: a tag value with or without such a digest.
            names: 16 hex digits from `planning/policy_staleness.py`; empty removes the digest.
        """
        bare = _SUFFIX.sub("", mark)
        return f"{bare}~{names}" if names else bare

    def owns(self, mark: OwnershipMark | None) -> bool:
        """Whether the tag names this owner (fit or not).

        Returns:
            With an id: only the id and the environment are compared, so a renamed stack keeps
                its resources. Without: the name.
        """
        if mark is None:
            return False
        if self.id is None:
            return not mark.stack_id and mark.owner == self.name
        if mark.stack_id:
            return mark.stack_id == self._short and mark.owner.partition("@")[2] == self.name.partition("@")[2]
        # A stack that was just given an id still has resources without one. They are taken only
        # with --claim-name, because another stack of the same name would look the same
        # (test_equal_names_with_ids_are_two_stacks).
        return self.claims and self.shares_name(mark)

    def shares_name(self, mark: OwnershipMark) -> bool:
        """Whether it may be this stack's from before it had an id, or another stack's of the same name."""
        return self.id is not None and not mark.stack_id and mark.owner == self.name

    def names(self, mark: OwnershipMark) -> bool:
        """Whether the tag is of this very name and id: one that a claim or a new stack name leaves otherwise is to be written again.

        False makes a plan write the tag again, with nothing else in the update.
        """
        return mark.owner == self.name and mark.stack_id == (self._short if self.id else "")

    def fits(self, mark: OwnershipMark, live: LiveResource) -> bool:
        """Whether the tag was made for that resource: sealed with its OCID, made at the moment it was created, or (first form)
        made for the compartment that it is in."""
        who = self.id if mark.stack_id else None
        if mark.sealed:
            return self._digest("seal", mark.former or mark.address, live.id, who).startswith(mark.digest)
        if not mark.origin:
            return self._digest("birth", mark.former or mark.address, live.compartment, who) == mark.digest
        bound = f"{mark.origin}\n{fixed_part(live.kind, live.compartment, live.name, live.region)}"
        return self._digest("birth", mark.former or mark.address, bound, who).startswith(mark.digest) and _is_timely(
            mark, live
        )

    def recognises(self, mark: OwnershipMark, live: LiveResource) -> bool:
        """Whether the tag may be that resource's: the first form says nothing of one that may have been moved.

        A weaker test than `fits`. It is enough for an update, never for a deletion of something
        undeclared.
        """
        return mark.bound_to_place or self.fits(mark, live)

    @property
    def contents_key(self) -> str:
        """Seven hex digits by which this owner knows what it recorded itself in a `CONTENTS_TAG`."""
        return self._digest("contents", Address("Compartment", ""), "", self.id)[:7]

    @property
    def _short(self) -> str:
        return hashlib.sha256(f"stack id\n{self.id}".encode()).hexdigest()[:7]

    def _digest(self, manner: str, address: Address, bound: str, id: str | None) -> str:
        who = f"id {id}@{self.name.partition('@')[2]}" if id else self.name
        text = "\n".join((manner, self.tenancy, who, str(address), bound))
        # an answer of the service may hold a lone surrogate in a name
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def _write(self, address: Address, bound: str, deletion: Deletion) -> str:
        return f"{self.text}/{address}{bound}" + ("" if deletion == "delete" else f"!{deletion}")


def fixed_part(kind: str, compartment: str, name: str, region: str | None) -> str:
    """What OCI never changes of a resource of that kind, so that a copy with other values is reported at once.

    Args:
        kind: a compartment has no fixed part, because its name and parent can both change.
        compartment: OCID of the compartment it was created in.
        region: None for the home region.
    """
    return {"Policy": f"{compartment}\n{name}", "ApiKey": region or "", "Project": region or ""}.get(kind, "")


def fixed_part_of_create(kind: str, body: Mapping[str, Any], region: str | None) -> str:
    """The same of a resource that a create call with this body makes.

    Args:
        body: the resolved body of the create call, with an OCID under `compartmentId`.
    """
    return fixed_part(kind, str(body.get("compartmentId", "")), str(body.get("name", "")), region)


def make_origin(now: datetime) -> str:
    """The origin of a resource that is created now, by the tenancy's clock.

    Three digits of chance distinguish two runs that create in the same millisecond. Two
    resources of one origin are an original and a copy of its tag.
    """
    import secrets  # slow to load, and only creates need it

    chance = secrets.randbelow(36**3)
    return _to_base_36(int(now.timestamp() * 1000), 8) + _to_base_36(chance, 3)


def read_ownership_tag(text: str | None) -> OwnershipMark | None:
    """The mark that a tag value holds, or None when it holds none.

    Args:
        text: a free-form tag's value; None when the resource has no such tag.
    """
    match = _FORM.fullmatch(text or "")
    if match is None:
        return None
    deletion = cast(Deletion, match["deletion"] or "delete")
    return OwnershipMark(
        match["stack"] + (match["env"] or ""),
        Address(match["kind"], match["name"]),
        match["first"] or match["digest"],
        deletion,
        match["manner"] == "=",
        match["names"] or "",
        match["id"] or "",
        match["origin"] or "",
    )


def _is_timely(mark: OwnershipMark, live: LiveResource) -> bool:
    """Whether the resource was created when the tag says. An unknown time of creation counts as fitting."""
    if live.created is None:
        return True
    moment = datetime.fromtimestamp(int(mark.origin[:8], 36) / 1000, UTC)
    return -_EARLY <= live.created - moment <= _LATE


def _to_base_36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


class Claimants(Struct, frozen=True):
    """The resources with one address in their tags: `ours` (more than one is a conflict), and the `copies`, which are never touched."""

    ours: tuple[LiveResource, ...]  # the original; several when nothing says which is
    copies: tuple[LiveResource, ...]  # reported and left alone


def find_claimants(owner: Owner, group: Sequence[LiveResource], gone: Iterable[LiveResource] = ()) -> Claimants:
    """Distinguish the original from copies of its tag.

    A tag sealed with the resource's OCID is sure. Of those that fit the moment of their create call, the oldest of each
    origin is the original: nobody can copy a tag before it is there. When the original is `gone`, and the service still lists
    it, what is left of its origin is a copy, however soon after it was made. Tags of the first form count only where nothing
    surer is found.

    Args:
        group: the live resources with one address of this owner in their tags.
        gone: deleted ones of the same address that the service still lists.

    Returns:
        Every resource of `group` in exactly one of the two tuples, each sorted by OCID.
    """
    everything = (*group, *gone)
    sealed = [one for one in everything if one.mark and one.mark.sealed and owner.fits(one.mark, one)]
    unsealed = [one for one in everything if one.mark and one.mark.origin and not one.mark.sealed]
    # The original was sealed by an update; whatever still carries the tag of its create
    # call is a copy of that.
    known = {one.mark.origin for one in sealed if one.mark}
    fitting = (one for one in unsealed if one.mark and one.mark.origin not in known and owner.fits(one.mark, one))
    living = {one.id for one in group}
    ours = [one for one in (*sealed, *_originals(fitting)) if one.id in living]
    if not ours:
        # Tags of releases before 0.2 do not distinguish a moved resource from a copy, so they count
        # only when nothing else fits.
        ours = [one for one in group if one.mark and one.mark.bound_to_place]
    chosen = {one.id for one in ours}
    copies = (one for one in group if one.id not in chosen)
    return Claimants(_sorted(ours), _sorted(copies))


def _originals(unsealed: Iterable[LiveResource]) -> list[LiveResource]:
    """The oldest of each origin; all of them when their ages are the same."""
    by_origin: dict[str, list[LiveResource]] = {}
    for one in unsealed:
        assert one.mark is not None
        by_origin.setdefault(one.mark.origin, []).append(one)
    found: list[LiveResource] = []
    for several in by_origin.values():
        ages = [one.created for one in several if one.created is not None]
        oldest = min(ages, default=None)
        # Equal ages give several originals. The plan then reports a conflict instead of
        # choosing silently.
        found.extend(one for one in several if one.created == oldest)
    return found


def _sorted(resources: Iterable[LiveResource]) -> tuple[LiveResource, ...]:
    return tuple(sorted(resources, key=lambda one: one.id))

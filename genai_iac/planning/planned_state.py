"""The tenancy as it will be once everything is applied; what is not created yet has a placeholder OCID. Pure.

Preflight checks need the end of a plan, not its beginning: a policy may name a compartment that the same plan creates. With a placeholder
OCID for each thing to be created, the same resolver and the same parser work on the planned state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from genai_iac import iam_policy as language
from genai_iac.core import Address, CompartmentNode, CompartmentTree, Resource, StatementText, Value
from genai_iac.core.errors import PlanError
from genai_iac.references.resolver import Resolver, TenancyDirectory
from genai_iac.resource_types import RESOURCE_TYPES

_OCID = re.compile(r"ocid1\.[A-Za-z0-9._-]*[A-Za-z0-9]")

Lookup = Callable[[str, str | None], str | None]  # name and identity domain (None: Default) to OCID


@dataclass(frozen=True)
class PlannedState:
    """Everything has an OCID here, so every reference and every statement can be resolved.

    Made once per plan. Resolving statements is the slow part, so they are cached.
    """

    resources: Mapping[Address, Resource]
    tree: CompartmentTree  # with declared compartments under their new names and parents
    ids: Mapping[Address, str]  # of everything declared: its OCID, or a placeholder until it is created
    made: frozenset[Address]  # what has its own
    _statements: dict[Address, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def resolver(self) -> Resolver:
        """From references to values."""
        return Resolver(self.resources, self.tree, self.ids)

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """Who stands behind an OCID."""
        return {id: address for address, id in self.ids.items()}

    def with_addresses(self, text: str) -> str:
        """A text with addresses in the place of the OCIDs that stand in for what is not made yet.

        For error messages: a user must not see an OCID that does not exist.
        """
        return _OCID.sub(lambda found: self._called(found[0]), text)

    def _called(self, id: str) -> str:
        address = self.addresses.get(id)
        return id if address is None or address in self.made else str(address)

    def home(self, address: Address) -> str:
        """The OCID of the compartment that a declared resource will be in. Raises PlanError when there is none like it.

        Raises:
            PlanError: the compartment is neither declared nor live.
        """
        return str(self.resolver.value(self.resources[address].attributes["compartmentId"]))

    def statements(self, policy: Address) -> tuple[str, ...]:
        """A declared policy's statements, whole. Raises PlanError when a value fits no placeholder.

        Args:
            policy: address of a declared policy.
        """
        if policy not in self._statements:
            resolved = self.resolver.value(self.resources[policy].attributes["statements"])
            self._statements[policy] = tuple(map(str, _listed(resolved)))
        return self._statements[policy]

    def pairs(self, policy: Address) -> Iterator[tuple[Value, str]]:
        """Each statement of a declared policy as written, and whole. Raises PlanError as `statements` does."""
        return zip(_listed(self.resources[policy].attributes["statements"]), self.statements(policy), strict=True)

    def is_whole(self, policy: Address) -> bool:
        """Whether every value of its statements fits its placeholder.

        False for a policy whose error is reported elsewhere; checks skip it.
        """
        try:
            return self.statements(policy) is not None
        except PlanError:
            return False

    def count(self, policy: Address) -> int:
        """How many statements a declared policy has."""
        return len(_listed(self.resources[policy].attributes["statements"]))

    def directory(self, groups: Lookup, dynamic_groups: Lookup) -> TenancyDirectory:
        """Names to OCIDs as they will be.

        Args:
            groups: group names to OCIDs, as of now: groups are not managed by manifests.
            dynamic_groups: the same for dynamic groups.
        """
        return TenancyDirectory(self.tree, groups, dynamic_groups)


def tree_as_written(statement: Value) -> language.Statement:
    """The tree of a statement whose values are not filled in: a private character stands for each placeholder.

    Filled in, each statement is one more text to parse; validation has read this one.

    Args:
        statement: text, or StatementText.
    """
    if isinstance(statement, StatementText):
        return language.Template.parse(statement.template).tree
    return language.parse_once(str(statement))


def predict_state(
    resources: Mapping[Address, Resource], tree: CompartmentTree, ids: Mapping[Address, str]
) -> PlannedState:
    """What the tenancy will be, from what it is. Raises PlanError for a compartment that will not be there.

    Args:
        resources: all declared ones; a compartment's parent may be declared too.
        tree: the live compartments.
        ids: OCIDs of what is live.
    """
    known = {address: ids.get(address) or placeholder_ocid(address) for address in resources}
    nodes = dict(tree.nodes)
    naming = Resolver(resources, tree, known)
    for address, one in resources.items():
        if address.kind == "Compartment":
            parent, name = naming.value(one.attributes["compartmentId"]), naming.value(one.attributes["name"])
            # An existing compartment is replaced under its own OCID, so a rename or a move shows in
            # every path below it.
            nodes[known[address]] = CompartmentNode(known[address], str(name), str(parent))
    return PlannedState(
        resources, CompartmentTree.of(tree.tenancy, nodes.values()), known, frozenset(ids.keys() & resources.keys())
    )


def placeholder_ocid(address: Address) -> str:
    """An OCID for what is not there yet.

    It has the right form for its type and no unique part, so the service would refuse it if
    it were ever sent.
    """
    return f"ocid1.{RESOURCE_TYPES[address.kind].ocid_type}.oc1..{address.name}"


def _listed(value: Value) -> list[Value]:
    assert isinstance(value, list)
    return value

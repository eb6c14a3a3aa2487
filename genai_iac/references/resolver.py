"""From references to values: as far as the tenancy and the manifests say now, and completely once apply has made the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from genai_iac import iam_policy as language
from genai_iac.core import (
    Address,
    CompartmentTree,
    ExistingCompartment,
    InterpolatedText,
    Lifetime,
    Live,
    Reference,
    Resource,
    StatementText,
    Value,
    leaves,
)
from genai_iac.core.errors import PlanError

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^{}]*)\}")  # `${name}`, and `$${` for the characters `${`


class Resolver(Struct, frozen=True):
    """What is known: the declared resources, the compartment tree, and the OCIDs of what is live (apply adds what it makes)."""

    resources: Mapping[Address, Resource]  # declared, by address
    tree: CompartmentTree  # compartments of the tenancy
    ids: Mapping[Address, str]  # OCIDs of live resources; the mapping grows while an apply runs

    @classmethod
    def of(cls, resources: Mapping[Address, Resource], live: Live) -> Resolver:
        """What a reading of the tenancy found."""
        return cls(resources, live.tree, live.ids)

    def declared_at(self, id: str) -> Address | None:
        """The declared resource that is live under that OCID; None for what is another stack's or no longer there."""
        return next((one for one, live in dict(self.ids).items() if live == id and one in self.resources), None)

    def value(self, value: Value) -> Value:
        """The value with everything known filled in; what is not known yet stays what it is.

        Raises PlanError for what can never be known.

        Args:
            value: an attribute or a part of one.
        """
        if isinstance(value, str):  # most are, and whether something is a Mapping takes longer to ask
            return value
        match value:
            case Reference():
                return self._reference(value)
            case ExistingCompartment():
                return self._existing(value)
            case StatementText():
                return self._statement(value)
            case InterpolatedText():
                return self._text(value)
            case Mapping():
                return {name: self.value(part) for name, part in value.items()}
            case Lifetime():
                return value
            case Sequence():
                return [self.value(part) for part in value]
        return value

    def final(self, value: Value, now: datetime) -> Any:
        """Plain data to send: lifetimes become moments. Raises PlanError when something is still unknown.

        Args:
            value: an attribute or a request body.
            now: the service's clock; lifetimes count from it.
        """
        resolved = self.value(value)
        unknown = leaves(resolved)
        if unknown:
            raise PlanError(f"{unknown[0]} is not known although everything it needs has been done")
        return _send(resolved, now)

    def compartment_path(self, compartment: Value) -> tuple[str, ...] | None:
        """The names from the root to a compartment as the manifests want it, or None when that is not known.

        Args:
            compartment: reference, path or OCID.

        Returns:
            Empty for the tenancy; None for an OCID outside the tree or a name that is still
                unknown.
        """
        match compartment:
            case Reference(address=address):
                desired = self.resources[address].attributes
                above = self.compartment_path(desired["compartmentId"])
                name = self.value(desired["name"])
                return (*above, name) if above is not None and isinstance(name, str) else None
            case ExistingCompartment():
                return compartment.names
            case str() if compartment in self.tree:
                return self.tree.names(compartment)
        return None

    def _reference(self, reference: Reference) -> Value:
        match reference.field:
            case "id":
                return self.ids.get(reference.address, reference)
            case "name":
                return self.value(self.resources[reference.address].attributes["name"])
            case "path":
                names = self.compartment_path(Reference(reference.address))
                return reference if names is None else "/" + "/".join(names)

    def _existing(self, existing: ExistingCompartment) -> str:
        found = self.tree.find(existing.names)
        if found is None:
            raise PlanError(
                f"there is no compartment {existing} in the tenancy, or this identity may not see it",
                hint="correct the path, or declare the compartment and name it by its metadata.name",
            )
        return found

    def _text(self, text: InterpolatedText) -> Value:
        filled = self._fill(text)
        if filled is None:
            return text
        # one pass: what a value brings in is never read as a placeholder
        return _PLACEHOLDER.sub(lambda found: filled[found[1]] if found[1] is not None else "${", text.template)

    def _statement(self, text: StatementText) -> Value:
        filled = self._fill(text)
        if filled is None:
            return text
        try:
            # The policy parser fills it in, so that a name with spaces or quotes cannot become
            # other words of the statement.
            return _template(text.template).fill(filled)
        except (language.PolicyValueError, language.PolicySyntaxError) as error:
            raise PlanError(f"the statement «{text.template}» cannot be filled in: {error}") from error

    def _fill(self, text: InterpolatedText) -> dict[str, str] | None:
        filled: dict[str, str] = {}
        for name, placeholder in text.placeholders:
            value = (
                self._path_in_statement(placeholder, text)
                if isinstance(placeholder, Reference) and placeholder.field == "path"
                else self.value(placeholder)
            )
            if not isinstance(value, str):
                return None
            filled[name] = value
        return filled

    def _path_in_statement(self, placeholder: Reference, text: InterpolatedText) -> Value:
        """A path as a statement writes it: names with colons, from the compartment that the policy is attached to."""
        if not isinstance(text, StatementText):
            return self.value(placeholder)
        names, attached = self.compartment_path(Reference(placeholder.address)), self.compartment_path(text.attached)
        if names is None or attached is None:
            return placeholder
        if names == attached:
            return names[-1]
        if names[: len(attached)] != attached:
            raise PlanError(
                f"{placeholder.address} is not below the compartment that the policy with «{text.template}» is attached to",
                hint="attach the policy to an ancestor of the compartment, such as the tenancy",
            )
        return ":".join(names[len(attached) :])


def named_compartments(tree: CompartmentTree, resources: Iterable[Resource]) -> Iterator[str]:
    """The OCIDs of the compartments of the tree that these resources name by path or OCID.

    Args:
        tree: compartments of the tenancy.
        resources: those without `compartmentId` are passed over.
    """
    for resource in resources:
        match resource.attributes.get("compartmentId"):
            case ExistingCompartment() as existing:
                found = tree.find(existing.names)
                if found is not None:
                    yield found
            case str() as id if id in tree:
                yield id


@lru_cache(maxsize=100_000)
def _template(text: str) -> language.Template:
    return language.Template.parse(text)


def _send(value: Value, now: datetime) -> Any:
    match value:
        case Lifetime():
            return (now + value.length).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Mapping():
            return {name: _send(part, now) for name, part in value.items()}
        case str():
            return value
        case Sequence():
            return [_send(part, now) for part in value]
    return value


Lookup = Callable[[str, str | None], str | None]  # name and domain to OCID; None: no such group, or it cannot be seen


class TenancyDirectory(Struct, frozen=True):
    """Names to OCIDs for the policy language: compartments from the tree; groups are asked for only when a comparison needs them."""

    tree: CompartmentTree
    groups: Lookup
    dynamic_groups: Lookup

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The compartment that a statement means by that path, seen from the policy's own compartment.

        Args:
            path: names as in `in compartment a:b`.
            attached: OCID of the compartment that the policy is in.
        """
        own = self.tree.nodes.get(attached)
        # A path may begin with the name of the policy's own compartment.
        if own is not None and path and own.name.casefold() == path[0].casefold():
            return self.tree.find(path[1:], attached)
        return self.tree.find(path, attached)

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether compartment is ancestor or below it."""
        return self.tree.contains(ancestor, compartment)

    def group(self, name: str, domain: str | None) -> str | None:
        """The OCID of that group.

        Args:
            name: without case.
            domain: identity domain; None: the Default domain.
        """
        return self.groups(name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """The OCID of that dynamic group."""
        return self.dynamic_groups(name, domain)

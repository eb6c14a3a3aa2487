"""Plans without a service: manifests as data, and the tenancy as it is once they are applied, or as somebody has edited it since."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core import OWNERSHIP_TAG, Address, CompartmentNode, CompartmentTree, Live, LiveResource, Owner, Plan
from genai_iac.core import read_ownership_tag as read_tag
from genai_iac.manifest import Manifest, load
from genai_iac.planning import PlanInputs, make_plan
from genai_iac.references.resolver import Resolver, TenancyDirectory
from genai_iac.resource_types import RESOURCE_TYPES, declared_secrets, declared_tags

from .manifests import Document, stack

TENANCY, REGION = "ocid1.tenancy.oc1..aaaaaaaatests", "us-chicago-1"
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MADE = NOW - timedelta(days=30)
OWNER = Owner(TENANCY, "loop")


def declare(*documents: Document, **spec: Any) -> Manifest:
    """The manifests, read as from standard input."""
    return load("-", stdin=io.BytesIO(stack(*documents, **spec).encode()))


def ocid(address: Address) -> str:
    return f"ocid1.{address.kind.lower()}.oc1..aaaaaaaa{address.name.replace('-', '')}"


def at(text: str) -> Address:
    return Address.parse(text)


class Held(Struct, frozen=True):
    """What a tenancy holds, and whose; each method answers another one."""

    resources: Mapping[str, LiveResource] = field(default_factory=dict)  # by OCID
    owner: Owner = OWNER

    def applied(self, manifest: Manifest, *only: str, created: datetime = MADE) -> Held:
        """With what the manifests declare (or `only` those addresses), each carrying its own tag."""
        held = dict(self.resources)
        ids = {address: ocid(address) for address in manifest.resources}
        for address, resource in manifest.resources.items():
            if not only or str(address) in only:
                tree = Held(held).tree
                values = Resolver(manifest.resources, tree, ids).final(resource.attributes, NOW)
                tags = {**declared_tags(resource), OWNERSHIP_TAG: self.owner.seal(address, ids[address])}
                secrets = declared_secrets(resource) if address.kind == "ApiKey" else {}
                expires = (NOW + timedelta(days=60)).isoformat()
                row = {**values, "freeformTags": tags, "id": ids[address], "lifecycleState": "ACTIVE"} | {
                    "timeCreated": created.isoformat(),
                    "keys": [
                        {"keyName": name, "keyMask": f"sk-{name}", "state": "ACTIVE", "timeExpiry": expires}
                        for name in secrets
                    ],
                }
                region = (resource.region or REGION) if secrets else None
                held[ids[address]] = RESOURCE_TYPES[address.kind].live(row, region)
        return replace(self, resources=held)

    def edited(self, address: str, **attributes: Any) -> Held:
        """With attributes of that resource as somebody set them by hand."""
        one = self.resources[ocid(at(address))]
        name = attributes.get("name", attributes.get("displayName", one.name))
        place = attributes.get("compartmentId", one.compartment)
        return self.having(replace(one, attributes={**one.attributes, **attributes}, name=name, compartment=place))

    def having(self, *resources: LiveResource) -> Held:
        return replace(self, resources={**self.resources, **{one.id: one for one in resources}})

    def without(self, *addresses: str) -> Held:
        gone = {ocid(at(address)) for address in addresses}
        return replace(self, resources={id: one for id, one in self.resources.items() if id not in gone})

    def one(self, address: str) -> LiveResource:
        return self.resources[ocid(at(address))]

    @property
    def tree(self) -> CompartmentTree:
        places = (one for one in self.resources.values() if one.kind == "Compartment")
        return CompartmentTree.of(TENANCY, (CompartmentNode(one.id, one.name, one.compartment) for one in places))

    @property
    def live(self) -> Live:
        """One reading of it."""
        found = self.resources.values()
        return Live.of(self.owner, self.tree, found, home_region=REGION, now=NOW, regions=(REGION,), places=(TENANCY,))

    def inputs(self, manifest: Manifest, **others: Any) -> PlanInputs:
        live = self.live
        directory = TenancyDirectory(live.tree, lambda *_: None, lambda *_: None)
        return PlanInputs(manifest.stack, manifest.resources, live, self.owner, directory, **others)

    def plan(self, *documents: Document, **others: Any) -> Plan:
        return make_plan(self.inputs(declare(*documents), **others))


def strange(kind: str, name: str, compartment: str = TENANCY, mark: str | None = None, **others: Any) -> LiveResource:
    """A resource that is not the stack's, or (`mark`) carries that tag."""
    tags = {OWNERSHIP_TAG: mark} if mark else {}
    named = {RESOURCE_TYPES[kind].name_field: name}
    attributes = {**named, "compartmentId": compartment, "description": "", "freeformTags": tags}
    attributes |= {"statements": []} if kind == "Policy" else {"secrets": {}} if kind == "ApiKey" else {}
    region = REGION if kind == "ApiKey" else None
    id = others.pop("id", f"ocid1.{kind.lower()}.oc1..bbbbbbbb{name.lower()}")
    one = LiveResource(kind, id, attributes, compartment, name, region, "ACTIVE", tags, MADE, read_tag(mark))
    return replace(one, **others)


def addresses(plan: Plan) -> list[str]:
    return [str(change.address) for change in plan.changes]


def needs(plan: Plan) -> dict[str, list[str]]:
    return {str(change.address): [str(one) for one in change.needs] for change in plan.changes}


def calls(plan: Plan) -> dict[str, list[str]]:
    return {str(change.address): [call.operation for call in change.calls] for change in plan.changes}


def notices(plan: Plan) -> Iterable[str]:
    return [notice.text for notice in plan.notices]

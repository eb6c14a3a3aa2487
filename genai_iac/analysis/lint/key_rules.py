"""Rules on API keys: who may call with them, where their values go, when they expire.

The rules see the tenancy as manifests alone show it: what they declare and what they name as existing. What is not known offline is
represented by an OCID or a name of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from genai_iac.analysis.lint.finding import Finding, LintRule
from genai_iac.core import (
    Address,
    CompartmentNode,
    CompartmentTree,
    Document,
    ExistingCompartment,
    Lifetime,
    Reference,
    Resource,
    Source,
    leaves,
)
from genai_iac.delivery.sinks import entries_are_local
from genai_iac.iam_policy import Directory, parse_once, resolve_where_known
from genai_iac.iam_policy import StatementInForce as Statement
from genai_iac.iam_policy.lint import Key, grants_without_key, keys_without_grant
from genai_iac.planning.planned_state import PlannedState, predict_state
from genai_iac.planning.preflight.names import find_model_warnings, place_of
from genai_iac.resource_types import Rotation, read_duration, region_of_endpoint

_TENANCY = "ocid1.tenancy.oc1..offline"  # stands for a tenancy that no manifest names


def offline_tenancy(resources: Mapping[Address, Resource], tenancy: str | None) -> PlannedState:
    """Everything declared, in the compartments that the manifests name.

    Args:
        tenancy: OCID from the Stack; None uses a placeholder.
    """
    tree = CompartmentTree.of(tenancy or _TENANCY, _surroundings(resources.values(), tenancy or _TENANCY))
    return predict_state(resources, tree, {})


class OfflineDirectory(Struct, frozen=True):
    """Names to OCIDs, as far as the manifests say.

    A group resolves to an OCID made of its name, so that statements about one group are
    recognised as such.
    """

    known: Directory

    def compartment(self, path: tuple[str, ...], attached: str) -> str | None:
        """The OCID of a compartment that the manifests know."""
        return self.known.compartment(path, attached)

    def contains(self, ancestor: str, compartment: str) -> bool:
        """Whether a compartment is below another, by the manifests."""
        return self.known.contains(ancestor, compartment)

    def group(self, name: str, domain: str | None) -> str | None:
        """An OCID that stands for the group of that name."""
        return f"ocid1.group.oc1..{domain or 'default'}/{name}".lower()

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """An OCID that stands for the dynamic group of that name."""
        return f"ocid1.dynamicgroup.oc1..{domain or 'default'}/{name}".lower()


def _surroundings(resources: Iterable[Resource], tenancy: str) -> Iterator[CompartmentNode]:
    """Compartments that the manifests name and do not declare: paths from the root, and OCIDs."""
    for resource in resources:
        place = resource.attributes.get("compartmentId")
        if isinstance(place, str) and place != tenancy and not place.startswith("ocid1.tenancy."):
            yield CompartmentNode(place, place, tenancy)
        for leaf in leaves(resource.attributes):
            if isinstance(leaf, ExistingCompartment):
                yield from _along(leaf.names, tenancy)


def _along(names: tuple[str, ...], tenancy: str) -> Iterator[CompartmentNode]:
    """One node per step of a path from the root."""
    parent = tenancy
    for end in range(1, len(names) + 1):
        # written like an OCID of the service: a statement in which it stands is checked as any other
        digest = hashlib.sha256("/".join(names[:end]).lower().encode()).hexdigest()
        id = f"ocid1.compartment.oc1..existing{digest[:40]}"
        yield CompartmentNode(id, names[end - 1], parent)
        parent = id


# A value that leaks is useful until it expires; one that expires in days does not
# survive a failed delivery.
_LONGEST, _SHORTEST = timedelta(days=365), timedelta(days=7)
_OVERLAP = "7d"  # between two secrets of a key that has no rotation to say how long

UNGRANTED = LintRule("key-without-grant", "warning", "a key that no statement lets call anything")
UNKNOWN_KEY = LintRule("grant-without-key", "warning", "a statement for a key that the manifests do not declare")
NO_SINK = LintRule("no-sink", "warning", "a key whose values are delivered nowhere")
FILES_ONLY = LintRule("files-only", "info", "a key whose values go to files of one machine alone")
NOT_IGNORED = LintRule("not-ignored", "warning", "a delivered file that git does not ignore")
ONE_SECRET = LintRule("one-secret", "info", "a key that cannot be rotated without an outage")
TOGETHER = LintRule("expires-together", "warning", "both secrets expire within one overlap")
PAST = LintRule("expires-past", "error", "a secret that is declared to have expired")
LONG = LintRule("expires-long", "warning", "a secret with a lifetime of more than a year")
SHORT = LintRule("expires-short", "warning", "a secret with a lifetime of less than a week")
LATE = LintRule("rotation-late", "warning", "secrets that expire before their rotation is complete")
RETIRED_MODEL = LintRule("retired-model", "warning", "a model that is retired, or not served in the key's region")
ENDPOINT_REGION = LintRule("endpoint-region", "warning", "an endpoint or a project of another region than its key's")
KEY_RULES = (
    UNGRANTED,
    UNKNOWN_KEY,
    NO_SINK,
    FILES_ONLY,
    NOT_IGNORED,
    ONE_SECRET,
    TOGETHER,
    PAST,
    LONG,
    SHORT,
    LATE,
    RETIRED_MODEL,
    ENDPOINT_REGION,
)


def lint_keys(
    future: PlannedState,
    documents: Mapping[Address, Document],
    directory: OfflineDirectory,
    now: datetime,
    unignored: Collection[str] = (),
) -> Iterator[Finding]:
    """Every key by itself, then keys and statements against each other. `unignored`: paths of files that git would commit."""
    for address, resource in future.resources.items():
        if address.kind == "ApiKey":
            yield from _lint_key(resource, documents[address], now)
            yield from _lint_files(resource, documents[address], unignored)
            yield from _lint_regions(resource, future)
        for place, message in find_model_warnings(address, future, now):
            yield _finding(RETIRED_MODEL, message, place, resource, "name a current model")
    yield from _lint_grants(future, directory, now)


def _lint_key(resource: Resource, document: Document, now: datetime) -> Iterator[Finding]:
    """Sinks, number of secrets and expiries of one key."""
    if not resource.settings.get("deliverTo"):
        fix = "add deliverTo, or rotate it manually"
        yield _finding(NO_SINK, "no deliverTo: the values of its secrets are lost", document.source, resource, fix)
    if entries_are_local(resource.settings.get("deliverTo", ())):
        message = (
            "every sink is a file: each machine has its own, a CI runner loses it, and apply refuses that under CI=true"
        )
        place = document.place("spec", "deliverTo")
        yield _finding(
            FILES_ONLY, message, place, resource, "add a vault or an exec sink where more than one machine applies"
        )
    secrets: Mapping[str, Any] = resource.attributes["secrets"]  # type: ignore[assignment]
    if len(secrets) == 1:
        message = "one secret: a new value replaces the one in use, and OCI cannot add a second secret later"
        yield _finding(ONE_SECRET, message, document.place("spec", "secrets"), resource, "declare two secrets")
    rotation = Rotation.of(resource)
    for index, (name, secret) in enumerate(secrets.items()):
        place = document.place("spec", "secrets", index, "expires")
        yield from _lint_expiry(name, secret["expires"], place, resource, now)
        if rotation is not None:
            yield from _lint_rotation_length(name, secret["expires"], rotation, place, resource)
    if rotation is None and len(secrets) == 2:
        yield from _lint_pair(secrets, document, resource, now)


def _lint_files(resource: Resource, document: Document, unignored: Collection[str]) -> Iterator[Finding]:
    for index, entry in enumerate(resource.settings.get("deliverTo", ())):
        path = entry.get("file", {}).get("path")
        if path in unignored:
            message = f"git does not ignore {path}: the next commit of everything has the secret values in it"
            place = document.place("spec", "deliverTo", index, "file", "path")
            yield _finding(NOT_IGNORED, message, place, resource, "add it to .gitignore")


def _lint_regions(resource: Resource, future: PlannedState) -> Iterator[Finding]:
    """An endpoint or project of another region than the key's. Keys work in their own region only."""
    endpoint, project = resource.settings.get("endpoint", ""), resource.settings.get("project")
    region = region_of_endpoint(endpoint)
    if region is not None and region != resource.region:
        message = f"the key is of {resource.region}, its endpoint of {region}: keys work in their own region only"
        place = resource.places.get("endpoint", resource.source)
        yield _finding(ENDPOINT_REGION, message, place, resource, "name an endpoint of the key's region")
    declared = future.resources.get(project.address) if isinstance(project, Reference) else None
    if declared is not None and declared.region != resource.region:
        message = f"the key is of {resource.region}, its project of {declared.region}: projects are regional"
        place = resource.places.get("project", resource.source)
        yield _finding(ENDPOINT_REGION, message, place, resource, "name a project of the key's region")


def _lint_expiry(
    name: str, expires: Lifetime | str, place: Source, resource: Resource, now: datetime
) -> Iterator[Finding]:
    """A secret that has expired, or whose lifetime is too long or too short."""
    life = _dies(expires, now) - now
    if life <= timedelta():
        yield _finding(
            PAST, f"{name} expired on {expires}", place, resource, "give a later date, or a life such as 90d"
        )
    elif life > _LONGEST:
        message = f"{name} has a lifetime of {life.days} days: a value that leaks stays useful for as long"
        yield _finding(LONG, message, place, resource, "90d, and a rotation that renews it in time")
    elif life < _SHORTEST and isinstance(expires, Lifetime):
        message = f"{name} has a lifetime of {expires}: a failed delivery or a holiday is enough to lose the key"
        yield _finding(SHORT, message, place, resource, "live longer than a week")


def _lint_rotation_length(
    name: str, expires: Lifetime | str, rotation: Rotation, place: Source, resource: Resource
) -> Iterator[Finding]:
    """A secret whose life is shorter than one rotation: it expires before it is replaced."""
    needed = rotation.every + rotation.overlap
    if isinstance(expires, Lifetime) and expires.length < needed:
        message = (
            f"{name} has a lifetime of {expires}, but its rotation ends after {needed.days} days: "
            "expiry will rotate it, not the calendar"
        )
        yield _finding(LATE, message, place, resource, f"live for {needed.days}d or longer, or rotate more often")


def _lint_pair(secrets: Mapping[str, Any], document: Document, resource: Resource, now: datetime) -> Iterator[Finding]:
    """Two secrets that expire within one overlap: neither can replace the other in time."""
    first, second = (_dies(secret["expires"], now) for secret in secrets.values())
    if abs(first - second) < read_duration(_OVERLAP) and "revoked" not in {one["state"] for one in secrets.values()}:
        names = " and ".join(secrets)
        message = f"{names} expire within {_OVERLAP} of each other: when one expires there is no time left to activate the other"
        fix = "let one live longer by weeks, or add a rotation"
        yield _finding(TOGETHER, message, document.place("spec", "secrets"), resource, fix)


def _dies(expires: Lifetime | str, now: datetime) -> datetime:
    """When the secret would expire if it were created now."""
    return now + expires.length if isinstance(expires, Lifetime) else datetime.fromisoformat(expires)


def _lint_grants(future: PlannedState, directory: OfflineDirectory, now: datetime) -> Iterator[Finding]:
    """Keys without a statement, and statements for keys that nobody declares."""
    statements = list(_statements(future, directory))
    rules = [rule for _, rule in statements]
    # Placeholder OCIDs, the same that statements resolve to.
    keys = {future.ids[address]: address for address in future.resources if address.kind == "ApiKey"}
    known = [_key(id, address, future) for id, address in keys.items()]
    for key in keys_without_grant(known, rules, now):
        resource = future.resources[keys[key.id]]
        fix = "add a Policy with grants: [{apiKey: " + resource.address.name + "}]"
        message = "no declared statement lets this key call a model: every call will be answered 401"
        yield _finding(UNGRANTED, message, resource.source, resource, fix)
    places = {id(rule): place for place, rule in statements}
    for rule, ocid in grants_without_key(known, rules):
        policy = future.resources[future.addresses[rule.source]]
        message = f"{ocid} is no key of these manifests: once the key is gone the statement stays"
        fix = "declare the key and write ${ApiKey/NAME.id}, or import it"
        yield _finding(UNKNOWN_KEY, message, places[id(rule)], policy, fix)


def _key(id: str, address: Address, future: PlannedState) -> Key:
    path = tuple(future.tree.lineage(future.home(address)))
    variables = {"request.principal.compartment.id": path[0]}
    return Key(id, str(address), path, variables)


def _statements(future: PlannedState, directory: OfflineDirectory) -> Iterator[tuple[Source, Statement]]:
    """Every declared statement with its position, names resolved as far as the manifests know them."""
    for address in future.resources:
        if address.kind == "Policy" and future.is_whole(address):
            home = future.home(address)
            for number, text in enumerate(future.statements(address)):
                tree = resolve_where_known(parse_once(text), directory, home)
                yield place_of(future, address, number), Statement(future.ids[address], home, tree, text)


def _finding(rule: LintRule, message: str, place: Source, resource: Resource, fix: str) -> Finding:
    return Finding(rule.id, rule.severity, message, place, resource.address, fix)

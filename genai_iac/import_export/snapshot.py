"""A reading of the tenancy as a file, so that a plan can be made with no credentials and no network. Pure.

It has names, compartments, tags, policy statements and expiries: what list calls show. No secret is in it, not even the mask of one, and
of a resource without an ownership tag only what a plan may need to know about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core import (
    OWNERSHIP_TAG,
    CompartmentNode,
    CompartmentTree,
    Live,
    LiveResource,
    LiveSecret,
    Owner,
    Resource,
    read_ownership_tag,
)
from genai_iac.core.errors import UsageError
from genai_iac.references.resolver import named_compartments
from genai_iac.resource_types import RESOURCE_TYPES

FORMAT = "genai-iac snapshot"  # distinguishes the file from any other JSON
FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there
_AGAIN = "make it again: genai-iac snapshot --out FILE"
_OF_STRANGERS = ("compartmentId", "statements")  # beside the name
_TIMES = ("created", "expires", "last_used")
# what is read of a row: all that this version knows, whatever else a newer minor version wrote
_RESOURCE_FIELDS = frozenset(LiveResource.__struct_fields__) - {"mark", "secrets"}
# A mask shows characters of the value, so it is left out as well.
_SECRET_FIELDS = frozenset(LiveSecret.__struct_fields__) - {"mask"}

Names = Mapping[str, str]  # OCID by name in lower case


class Snapshot(Struct, frozen=True):
    """One reading for any stack of the tenancy. Group names are in lower case; None: the identity might not list them."""

    tenancy: str  # OCID
    home_region: str
    now: datetime  # the service's clock at the time of the reading; plans on the snapshot count from it
    regions: tuple[str, ...]  # regions that were read
    places: tuple[str, ...]  # OCIDs of compartments that were read
    resources: tuple[LiveResource, ...]  # by kind and OCID
    groups: Names | None = None  # of the Default domain
    dynamic_groups: Names | None = None
    births: Mapping[str, datetime] = field(default_factory=dict)  # of these groups, by OCID
    gone: tuple[
        LiveResource, ...
    ] = ()  # deleted, and listed still: a copy of its ownership tag is reported by it. Older snapshots have none

    def live(self, owner: Owner) -> Live:
        """The reading as that owner sees it."""
        return Live.of(
            owner,
            self.tree,
            self.resources,
            home_region=self.home_region,
            now=self.now,
            regions=self.regions,
            places=self.places,
            gone=self.gone,
        )

    @property
    def tree(self) -> CompartmentTree:
        """The tenancy's compartments."""
        compartments = (one for one in self.resources if one.kind == "Compartment")
        return CompartmentTree.of(
            self.tenancy, (CompartmentNode(one.id, one.name, one.compartment) for one in compartments)
        )

    def group(self, name: str, domain: str | None) -> str | None:
        """The OCID of that group of the Default domain. Raises UsageError when the snapshot cannot know."""
        return _find(self.groups, name, domain)

    def dynamic_group(self, name: str, domain: str | None) -> str | None:
        """The same for a dynamic group."""
        return _find(self.dynamic_groups, name, domain)

    def created_at(self, id: str) -> datetime | None:
        """When the group of that OCID was made, if the snapshot knows the group."""
        return self.births.get(id)


def take_snapshot(
    live: Live, groups: Names | None, dynamic_groups: Names | None, births: Mapping[str, datetime]
) -> Snapshot:
    """What has to be kept of a reading.

    Args:
        live: a reading.
        groups: None when they may not be listed.
        dynamic_groups: None when they may not be listed.
        births: creation times of groups, by OCID.
    """
    resources = tuple(sorted((_kept(one) for one in live.found), key=lambda one: (one.kind, one.id)))
    gone = tuple(sorted(live.gone, key=lambda one: (one.kind, one.id)))
    return Snapshot(
        live.tenancy,
        live.home_region,
        live.now,
        live.regions,
        live.places,
        resources,
        groups,
        dynamic_groups,
        births,
        tuple(replace(_kept(one), secrets=()) for one in gone),
    )


def write_snapshot(snapshot: Snapshot) -> str:
    """The snapshot as JSON, one line a resource so that two can be compared, one line feed at the end."""
    head = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tenancy": snapshot.tenancy,
        "home_region": snapshot.home_region,
        "now": snapshot.now.isoformat(),
        "regions": list(snapshot.regions),
        "places": list(snapshot.places),
        "groups": snapshot.groups,
        "dynamic_groups": snapshot.dynamic_groups,
        "births": {id: created.isoformat() for id, created in snapshot.births.items()},
        "gone": [_row(one) for one in snapshot.gone],
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    rows = ",\n  ".join(json.dumps(_row(one)) for one in snapshot.resources)
    return "{\n" + ",\n".join([*lines, f'"resources": [\n  {rows}\n]']) + "\n}\n"


def read_snapshot(data: bytes, name: str = "this file") -> Snapshot:
    """The snapshot of a file. Raises UsageError with the file's name for what is none, is damaged, or is of another version."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError
        version = str(document["format_version"])
        if version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
            raise UsageError(f"{name} has version {version}, this genai-iac reads {FORMAT_VERSION}", hint=_AGAIN)
        return _read(document, newer=_minor(version) > _minor(FORMAT_VERSION))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{name} is not a snapshot, or a part of it is missing", hint=_AGAIN) from error


def _minor(version: str) -> int:
    return int(version.partition(".")[2] or 0)


def unread_scope(snapshot: Snapshot, resources: Iterable[Resource], region: str) -> Iterator[str]:
    """What these manifests name and the snapshot did not look into, in words: what is there already is not known.

    Args:
        snapshot: what was read.
        resources: declared resources.
        region: of the Stack, for resources that name none.
    """
    declared, tree = list(resources), snapshot.tree
    for place in sorted({*named_compartments(tree, declared)} - {*snapshot.places}, key=tree.path):
        yield f"the compartment {tree.path(place)}"
    regions = {
        resource.region or region
        for resource in declared
        if RESOURCE_TYPES[resource.address.kind].listing.reach == "compartment and region"
    }
    yield from (f"the region {name}" for name in sorted(regions - {*snapshot.regions}))


def _kept(one: LiveResource) -> LiveResource:
    if read_ownership_tag(one.tags.get(OWNERSHIP_TAG)) is None:
        known = {*_OF_STRANGERS, RESOURCE_TYPES[one.kind].name_field}
        attributes = {name: value for name, value in one.attributes.items() if name in known}
        # A snapshot may be shared with people who review plans: of other resources it has no
        # more than a plan compares.
        return replace(one, attributes=attributes, tags={}, secrets=())
    return replace(one, secrets=tuple(replace(secret, mask="") for secret in one.secrets))


def _row(one: LiveResource) -> dict[str, Any]:
    """A resource as JSON data. Its mark is in its tags, and its name and compartment among its attributes stay as they are."""
    row = {name: value for name, value in _values(one).items() if name not in ("mark", "secrets")}
    secrets = [
        {name: _plain(value) for name, value in _values(secret).items() if name != "mask"} for secret in one.secrets
    ]
    return {name: _plain(value) for name, value in row.items()} | ({"secrets": secrets} if secrets else {})


def _values(item: LiveResource | LiveSecret) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(document: Mapping[str, Any], *, newer: bool) -> Snapshot:
    """The snapshot; one of a newer minor version may hold kinds of resources that this version does not know."""
    return Snapshot(
        tenancy=_text(document["tenancy"]),
        home_region=_text(document["home_region"]),
        now=_read_time(document["now"]),
        regions=tuple(map(_text, document["regions"])),
        places=tuple(map(_text, document["places"])),
        resources=tuple(_read_row(row) for row in document["resources"] if not newer or row["kind"] in RESOURCE_TYPES),
        groups=_texts_or_none(document.get("groups")),
        dynamic_groups=_texts_or_none(document.get("dynamic_groups")),
        births={id: _read_time(created) for id, created in document.get("births", {}).items()},
        gone=tuple(_read_row(row) for row in document.get("gone", ()) if not newer or row["kind"] in RESOURCE_TYPES),
    )


def _read_row(row: Mapping[str, Any]) -> LiveResource:
    if row["kind"] not in RESOURCE_TYPES:
        raise ValueError
    secrets = tuple(
        LiveSecret(**{**_known(_SECRET_FIELDS, _read_times(secret)), "mask": ""}) for secret in row.get("secrets", ())
    )
    read = LiveResource(**{**_known(_RESOURCE_FIELDS, _read_times(row)), "secrets": secrets})
    for text in (
        read.id,
        read.compartment,
        read.name,
        read.lifecycle,
        read.region or "",
        *map(_name_and_state, secrets),
    ):
        _text(text)
    _texts(read.tags)
    _check_attributes(read.attributes)
    return read


def _name_and_state(secret: LiveSecret) -> str:
    return _text(secret.name) + _text(secret.state)


def _text(value: Any) -> str:
    """The value when it is a text. Anybody may have written the file, and what is compared later has to be of one type.

    A lone surrogate raises UnicodeEncodeError, which is a ValueError: JSON can hold one, and no digest can be made of it.
    """
    if not isinstance(value, str):
        raise TypeError
    value.encode()
    return value


def _texts_or_none(value: Any) -> dict[str, str] | None:
    return None if value is None else _texts(value)


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(item) for name, item in value.items()}


def _check_attributes(attributes: Any) -> None:
    """Plain data by name; statements are texts."""
    if not isinstance(attributes, Mapping):
        raise TypeError
    for statement in attributes.get("statements") or ():
        _text(statement)
    _texts_or_none(attributes.get("tags"))
    _text(attributes.get("description") or "")
    _text(attributes.get("name") or "")


def _known(names: frozenset[str], row: Mapping[str, Any]) -> dict[str, Any]:
    """What this version reads of a row: a newer minor version may have written more."""
    return {name: value for name, value in row.items() if name in names}


def _read_times(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _read_time(value) if name in _TIMES and value is not None else value for name, value in row.items()}


def _read_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError  # it could not be compared with the others
    return moment


def _find(names: Names | None, name: str, domain: str | None) -> str | None:
    # the Identity API, from which the names came, answers for the Default domain only
    if domain is not None and domain.casefold() != "default":
        return None
    if names is None:
        raise UsageError(
            "the snapshot holds no groups, which this plan has to compare: its maker might not list them",
            hint="let the identity that makes snapshots inspect groups and dynamic-groups",
        )
    return names.get(name.casefold())

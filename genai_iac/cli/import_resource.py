"""The walk of `import`: look, check that it may be, write the mark with the etag that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from genai_iac.cli.session import Session
from genai_iac.core import OWNERSHIP_TAG, Address, Live, LiveResource, Resource, read_ownership_tag
from genai_iac.core.current_address import making_change_of
from genai_iac.core.errors import ServiceFailure, UsageError
from genai_iac.import_export.export import export_resource, name_resources
from genai_iac.import_export.importing import check_free, check_resource_type, import_change, is_adopted
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.common.yaml_text import yaml_document
from genai_iac.resource_types import RESOURCE_TYPES


def adopt_resource(workspace: Session, address: Address, ocid: str, say: Callable[[str], None]) -> None:
    """Adopt it and say so; what no manifest declares is reported as one. Raises UsageError, GuardError, ServiceFailure."""
    # The OCID's type is compared before anything is read: a wrong pair must not cost a
    # scan.
    check_resource_type(address, ocid)
    live = workspace.read()
    desired = workspace.manifest.resources.get(address)
    found, etag = _get(workspace, address, ocid, desired, live)
    if desired is None:
        raise UsageError(
            f"no manifest declares {address}",
            hint=f"declare it, then import again:\n{_paste(workspace, address, found, live)}",
        )
    check_free(address, ocid, live)
    named = f"{found.kind} {escape_control(found.name, NAME_LIMIT)} ({escape_control(found.id, NAME_LIMIT)})"
    if is_adopted(desired, found, workspace.owner):
        say(f"{named} is {address} of {workspace.owner.name} already; nothing to do.\n")
        return
    call = import_change(desired, found, workspace.owner)
    with making_change_of(address):
        # With the etag of the resource as it was checked: a change in between ends in 412 and
        # adopts nothing.
        workspace.provider.write(call.operation, id=call.id, body=dict(call.body), region=call.region, etag=etag)
    say(f"{named} is {address} of {workspace.owner.name} now.\n{_what_next(desired, found)}")


def _get(
    workspace: Session, address: Address, ocid: str, desired: Resource | None, live: Live
) -> tuple[LiveResource, str | None]:
    """The resource and its etag. A key is looked for where it is declared, then in every region that was read."""
    kind = RESOURCE_TYPES[address.kind]
    regions: list[str | None] = [None]
    if kind.listing.reach == "compartment and region":
        # Likeliest first, each region once.
        regions = list(dict.fromkeys([_region_in(ocid), desired.region if desired else None, *live.regions]))
    for region in (one for one in regions if one is not None or len(regions) == 1):
        try:
            reply = workspace.provider.get(kind.get_operation, ocid, region)
        except ServiceFailure as failure:
            # 404 in one region may only mean that the key lives in another; the last region's
            # answer is the final one.
            if failure.status != 404 or region == regions[-1]:
                raise
            continue
        found = kind.read(reply.data, region)
        return replace(found, mark=read_ownership_tag(found.tags.get(OWNERSHIP_TAG))), reply.etag
    raise UsageError(f"{ocid} cannot be found", hint="declare its region")


def _region_in(ocid: str) -> str | None:
    """The region that an OCID spells out; None when it has a code or nothing."""
    region = ocid.split(".")[3] if ocid.count(".") >= 4 else ""
    return region if region.count("-") >= 2 else None


def _paste(workspace: Session, address: Address, found: LiveResource, live: Live) -> str:
    owner = workspace.owner.name
    names = name_resources((one for group in live.owned.values() for one in group), owner)
    told = export_resource(
        replace(found, mark=None), {**names, found.id: address}, live, workspace.manifest.stack.region, owner
    )
    return yaml_document(told.document)


def _what_next(desired: Resource, found: LiveResource) -> str:
    lines = []
    if found.kind == "ApiKey":
        lines.append(
            "OCI showed the values of its secrets once, when they were created, so they cannot be delivered now."
        )
        if desired.settings.get("deliverTo"):
            lines.append(
                "They count as undelivered: the plan renews the unused ones that no other machine can hold, and reports the others."
            )
    return "\n".join([*lines, "See what still differs: genai-iac plan"]) + "\n"

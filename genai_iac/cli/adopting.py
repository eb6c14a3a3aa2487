"""The walk of `import`: look, check that it may be, write the mark with the etag that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from genai_iac.adopt import adopt, check_free, check_kind, is_adopted
from genai_iac.cli.workspace import Workspace
from genai_iac.errors import ServiceFailure, UsageError
from genai_iac.export import name_resources, tell_resource
from genai_iac.kinds import KINDS
from genai_iac.model import TAG, Address, Live, LiveResource, Resource, read_mark
from genai_iac.render.foreign import visible
from genai_iac.render.words import NAME_LIMIT
from genai_iac.render.yaml_text import yaml_document


def adopt_resource(workspace: Workspace, address: Address, ocid: str, say: Callable[[str], None]) -> None:
    """Adopt it and say so; what no manifest declares is told as one. Raises UsageError, GuardError, ServiceFailure."""
    check_kind(address, ocid)
    live = workspace.read()
    desired = workspace.manifest.resources.get(address)
    found, etag = _get(workspace, address, ocid, desired, live)
    if desired is None:
        raise UsageError(
            f"no manifest declares {address}",
            hint=f"declare it, then import again:\n{_paste(workspace, address, found, live)}",
        )
    check_free(address, ocid, live)
    named = f"{found.kind} {visible(found.name, NAME_LIMIT)} ({visible(found.id, NAME_LIMIT)})"
    if is_adopted(address, found, workspace.owner):
        say(f"{named} is {address} of {workspace.owner.name} already; nothing to do.\n")
        return
    call = adopt(desired, found, workspace.owner)
    workspace.provider.write(call.operation, id=call.id, body=dict(call.body), region=call.region, etag=etag)
    say(f"{named} is {address} of {workspace.owner.name} now.\n{_what_next(desired, found)}")


def _get(
    workspace: Workspace, address: Address, ocid: str, desired: Resource | None, live: Live
) -> tuple[LiveResource, str | None]:
    """The resource and its etag. A key is looked for where it is declared, then in every region that was read."""
    kind = KINDS[address.kind]
    regions: list[str | None] = [None]
    if kind.listing.reach == "compartment and region":
        regions = list(dict.fromkeys([_region_in(ocid), desired.region if desired else None, *live.regions]))
    for region in (one for one in regions if one is not None or len(regions) == 1):
        try:
            reply = workspace.provider.get(kind.get_operation, ocid, region)
        except ServiceFailure as failure:
            if failure.status != 404 or region == regions[-1]:
                raise
            continue
        found = kind.read(reply.data, region)
        return replace(found, mark=read_mark(found.tags.get(TAG))), reply.etag
    raise UsageError(f"{ocid} cannot be found", hint="declare its region")


def _region_in(ocid: str) -> str | None:
    """The region that an OCID spells out; None when it has a code or nothing."""
    region = ocid.split(".")[3] if ocid.count(".") >= 4 else ""
    return region if region.count("-") >= 2 else None


def _paste(workspace: Workspace, address: Address, found: LiveResource, live: Live) -> str:
    owner = workspace.owner.name
    names = name_resources((one for group in live.owned.values() for one in group), owner)
    told = tell_resource(
        replace(found, mark=None), {**names, found.id: address}, live, workspace.manifest.stack.region, owner
    )
    return yaml_document(told.document)


def _what_next(desired: Resource, found: LiveResource) -> str:
    lines = []
    if found.kind == "ApiKey":
        lines.append(
            "OCI showed the values of its secrets once, when they were minted, so nobody can deliver those now."
        )
        if desired.settings.get("deliverTo"):
            lines.append(
                "They count as undelivered: the plan renews those that nobody uses, and says so of the others."
            )
    return "\n".join([*lines, "See what still differs: genai-iac plan"]) + "\n"

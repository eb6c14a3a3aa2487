"""The data types that all packages share, and the errors.

For: one definition of resource, change, plan, outcome and secret; all are frozen.
In: plain values. Out: immutable objects; later stages make new ones.
Must not know: any other package of this project, the SDK, files, the clock.

A name is imported from its module when it is first asked for: a run that only prints a version needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_iac.core.address import Address, Source
    from genai_iac.core.delivery import Delivery, DeliveryPlan, Destination, Item, Record, Role, SinkContents, SinkState
    from genai_iac.core.live import CompartmentNode, CompartmentTree, Live
    from genai_iac.core.ownership import (
        CONTENTS_TAG,
        LEAK_TAG,
        OWNERSHIP_TAG,
        RENAMED,
        REPLACES,
        Owner,
        fixed_part_of_create,
        make_origin,
        read_ownership_tag,
    )
    from genai_iac.core.plan import ACTIONS, Action, Call, Change, Invalidation, Notice, Outcome, Plan, Status, Summary
    from genai_iac.core.resource import (
        Deletion,
        Document,
        LiveResource,
        LiveSecret,
        OwnershipMark,
        Path,
        Resource,
        Stack,
    )
    from genai_iac.core.secret import Secret
    from genai_iac.core.values import (
        COMPARTMENT_SCHEMA,
        ExistingCompartment,
        InterpolatedText,
        Lifetime,
        Reference,
        StatementText,
        Value,
        leaves,
        read_compartment,
        references,
    )

_MODULES = {
    "address": (
        "Address",
        "Source",
    ),
    "live": (
        "CompartmentNode",
        "CompartmentTree",
        "Live",
    ),
    "delivery": (
        "Delivery",
        "DeliveryPlan",
        "Destination",
        "Item",
        "Record",
        "Role",
        "SinkContents",
        "SinkState",
    ),
    "ownership": (
        "CONTENTS_TAG",
        "LEAK_TAG",
        "OWNERSHIP_TAG",
        "RENAMED",
        "REPLACES",
        "Owner",
        "fixed_part_of_create",
        "make_origin",
        "read_ownership_tag",
    ),
    "plan": (
        "ACTIONS",
        "Action",
        "Call",
        "Change",
        "Invalidation",
        "Notice",
        "Outcome",
        "Plan",
        "Status",
        "Summary",
    ),
    "resource": (
        "Deletion",
        "Document",
        "LiveResource",
        "LiveSecret",
        "OwnershipMark",
        "Path",
        "Resource",
        "Stack",
    ),
    "secret": ("Secret",),
    "values": (
        "COMPARTMENT_SCHEMA",
        "ExistingCompartment",
        "InterpolatedText",
        "Lifetime",
        "Reference",
        "StatementText",
        "Value",
        "leaves",
        "read_compartment",
        "references",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    return found


__all__ = [
    "ACTIONS",
    "COMPARTMENT_SCHEMA",
    "CONTENTS_TAG",
    "LEAK_TAG",
    "OWNERSHIP_TAG",
    "RENAMED",
    "REPLACES",
    "Action",
    "Address",
    "Call",
    "Change",
    "CompartmentNode",
    "CompartmentTree",
    "Deletion",
    "Delivery",
    "DeliveryPlan",
    "Destination",
    "Document",
    "ExistingCompartment",
    "InterpolatedText",
    "Invalidation",
    "Item",
    "Lifetime",
    "Live",
    "LiveResource",
    "LiveSecret",
    "Notice",
    "Outcome",
    "Owner",
    "OwnershipMark",
    "Path",
    "Plan",
    "Record",
    "Reference",
    "Resource",
    "Role",
    "Secret",
    "SinkContents",
    "SinkState",
    "Source",
    "Stack",
    "StatementText",
    "Status",
    "Summary",
    "Value",
    "fixed_part_of_create",
    "leaves",
    "make_origin",
    "read_compartment",
    "read_ownership_tag",
    "references",
]

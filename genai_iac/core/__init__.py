"""The data types that all packages share, and the errors.

For: one definition of resource, change, plan, outcome and secret; all are frozen.
In: plain values. Out: immutable objects; later stages make new ones.
Must not know: any other package of this project, the SDK, files, the clock.
"""

from genai_iac.core.address import Address, Source
from genai_iac.core.compartment_tree import CompartmentNode, CompartmentTree
from genai_iac.core.delivery import Delivery, DeliveryPlan, Destination, Item, Record, Role, SinkContents, SinkState
from genai_iac.core.live import Live
from genai_iac.core.ownership import (
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
from genai_iac.core.resource import Deletion, Document, LiveResource, LiveSecret, OwnershipMark, Path, Resource, Stack
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

__all__ = [
    "ACTIONS",
    "COMPARTMENT_SCHEMA",
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

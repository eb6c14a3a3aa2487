"""The nouns: what a manifest declares, what a tenancy holds, what a plan says, what an apply reports. Data only, all frozen."""

from genai_iac.model.address import Address, Source
from genai_iac.model.compartments import COMPARTMENT_SCHEMA, read_compartment
from genai_iac.model.delivery import Delivery, Handover, Held, Holding, Item, Record, Role
from genai_iac.model.document import Document, Path
from genai_iac.model.live import Live
from genai_iac.model.marks import LEAKED, TAG, Owner, read_mark
from genai_iac.model.plan import ACTIONS, Action, Call, Change, Loss, Notice, Outcome, Plan, Status, Summary
from genai_iac.model.resource import Deletion, LiveResource, LiveSecret, Mark, Resource, Stack
from genai_iac.model.secret import Secret
from genai_iac.model.tree import Node, Tree
from genai_iac.model.values import (
    ExistingCompartment,
    Lifetime,
    Reference,
    StatementText,
    Text,
    Value,
    leaves,
    references,
)

__all__ = [
    "ACTIONS",
    "COMPARTMENT_SCHEMA",
    "LEAKED",
    "TAG",
    "Action",
    "Address",
    "Call",
    "Change",
    "Deletion",
    "Delivery",
    "Document",
    "ExistingCompartment",
    "Handover",
    "Held",
    "Holding",
    "Item",
    "Lifetime",
    "Live",
    "LiveResource",
    "LiveSecret",
    "Loss",
    "Mark",
    "Node",
    "Notice",
    "Outcome",
    "Owner",
    "Path",
    "Plan",
    "Record",
    "Reference",
    "Resource",
    "Role",
    "Secret",
    "Source",
    "Stack",
    "StatementText",
    "Status",
    "Summary",
    "Text",
    "Tree",
    "Value",
    "leaves",
    "read_compartment",
    "read_mark",
    "references",
]

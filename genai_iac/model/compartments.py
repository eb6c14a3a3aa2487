"""The ways to name a compartment in a manifest, shared by every kind that lives in one and every sink that puts something there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genai_iac.model.address import Address
from genai_iac.model.values import ExistingCompartment, Reference, Value

OCID = re.compile(r"ocid1\.(compartment|tenancy)\.[a-z0-9-]+\.[a-z0-9-]*\.[a-z0-9-]+", re.IGNORECASE)

COMPARTMENT_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "title": "Compartment",
    "description": (
        "A declared Compartment by its metadata.name, an existing one by its path from the root (/a/b), an OCID, "
        "or the word tenancy for the root."
    ),
    "pattern": r"^(tenancy|/|(/[A-Za-z0-9._-]{1,100})+|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|ocid1\.(compartment|tenancy)\..+)$",
    "examples": ["chat", "/platform/ai", "tenancy"],
}


def read_compartment(written: Value) -> Value:
    """What a manifest means by a compartment: a Reference to a declared one, an ExistingCompartment, or an OCID as it is."""
    if not isinstance(written, str):
        return written
    if written == "tenancy":
        return ExistingCompartment("/")
    if written.startswith("/"):
        return ExistingCompartment("/" + "/".join(name for name in written.split("/") if name))
    return written if OCID.fullmatch(written) else Reference(Address("Compartment", written))

"""What a value that is not known yet might become: a reference fits a pattern when a value of its sort could."""

from __future__ import annotations

import re

from genai_iac.model import Reference, Text

_HOLE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_NAME = "Name_1"  # compartments may be called that, hosts and secrets of keys may not all


def sample(value: object) -> object:
    """A string for a Reference or Text; anything else as it is."""
    if isinstance(value, Reference):
        return _sample_reference(value)
    if isinstance(value, Text):
        holes = dict(value.holes)
        return _HOLE.sub(lambda hole: "${" if hole[1] is None else str(sample(holes.get(hole[1], ""))), value.template)
    return value


def _sample_reference(reference: Reference) -> str:
    match reference.field:
        case "id":
            return f"ocid1.{reference.address.kind.lower()}.oc1..aaaaaaaa"
        case "name":
            return _NAME
        case "path":
            return f"/{_NAME}/{_NAME}"

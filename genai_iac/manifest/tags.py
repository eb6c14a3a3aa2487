"""Free-form tags, which all kinds have: the Stack's, then the resource's own. OCI's limits leave room for the owner mark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genai_iac.manifest.notes import Notes
from genai_iac.model import Document
from genai_iac.model.marks import TAG
from genai_iac.schema import show

MOST = 9  # OCI takes ten; one is the owner mark
MOST_BYTES = 4_700  # OCI takes 5 KB of JSON; the rest is for the owner mark


def merge_tags(shared: Mapping[str, Any], document: Document, notes: Notes) -> Mapping[str, Any]:
    """The tags of a resource; what OCI would not take is noted."""
    tags = {**shared, **document.spec.get("tags", {})}
    check_tags(document, tags, notes)
    return tags


def check_tags(document: Document, tags: Mapping[str, Any], notes: Notes) -> None:
    """Note tags that are too many, too long together, or ours alone."""
    if TAG in tags:
        notes.add(
            document.place("spec", "tags", TAG, "~key"),
            f"the tag {TAG} is the owner mark, which only this tool writes",
            "remove it",
        )
    if len(tags) > MOST:
        message = f"{len(tags)} tags, those of the Stack included; OCI takes ten, one of which is the owner mark"
        notes.add(document.place("spec", "tags"), message, f"keep {MOST}")
    elif sum(len(f"{key}{value}".encode()) + 6 for key, value in tags.items()) > MOST_BYTES:
        longest = max(tags, key=lambda key: len(str(tags[key])))
        notes.add(
            document.place("spec", "tags"),
            "the tags are longer together than the 5 KB that OCI takes",
            f"shorten {show(longest)}",
        )

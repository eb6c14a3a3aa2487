"""The forms of a Vault secret's content, and the tag by which a secret of ours is recognised."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genai_iac.core import Role, Secret
from genai_iac.delivery.sinks import _json_format, _raw
from genai_iac.delivery.sinks._base import Context
from genai_iac.delivery.sinks._contents import Contents, Unreadable
from genai_iac.delivery.sinks._json_format import read_json
from genai_iac.delivery.sinks._vault_client import VaultVersion

TAG = "genai-iac-sink"  # `1 stack@environment ApiKey/name`: the number of the form, then whose it is
_TAG_FORM = re.compile(r"1 (?P<owner>\S+) (?P<address>\S+)")
_DESCRIPTION = re.compile(r"Secrets of (?P<address>ApiKey/\S+) of (?P<owner>\S+), kept by genai-iac")  # before the tag
_EVERY_ROLE: frozenset[Role] = frozenset({"current", "standby", "pending", "inactive"})


@dataclass(frozen=True)
class VaultForm:
    """How contents become the content of a version (and records beside it), and how they are read back.

    `json` keeps records inside the content; `raw` keeps them in the secret's metadata, so
    that consumers read the bare value.
    """

    roles: frozenset[Role]  # what the form can keep
    read: Callable[[VaultVersion], Contents | Unreadable | None]  # the contents of a version
    content: Callable[[Contents], Secret]  # the text of a version, from contents
    # text for the metadata, from the new and the held contents; empty: none
    records: Callable[[Contents, Contents | None], str]


def _read_raw(version: VaultVersion) -> Contents | Unreadable | None:
    """The contents of a version in the form `raw`."""
    if not version.records:
        return Unreadable("has no records in its metadata", ours=False)
    return _raw.read_records(Secret.document(version.records), version.content)


def _current(contents: Contents) -> Secret:
    values = (item.value for item in contents.items if item.record.role == "current")
    return next(filter(None, values), Secret(""))


FORMS: Mapping[str, VaultForm] = {
    "json": VaultForm(_EVERY_ROLE, lambda version: read_json(version.content), _json_format.render, lambda *_: ""),
    "raw": VaultForm(
        frozenset({"current"}),
        _read_raw,
        _current,
        lambda contents, held: _raw.render_records(contents, held).reveal(),
    ),
}


def tag_of(context: Context) -> dict[str, str]:
    """The free-form tag that a Vault secret of that key carries.

    Args:
        context: of the key.
    """
    return {TAG: f"1 {context.owner} {context.address}"}


def is_of(found: Mapping[str, Any], context: Context) -> bool:
    """Whether a Vault secret was made for that key: by its tag, or by the description that earlier versions wrote.

    The description is for people; nothing depends on it once there is a tag.

    Args:
        found: a row of ListSecrets or an answer of GetSecret.
    """
    tag = (found.get("freeformTags") or {}).get(TAG)
    match = _TAG_FORM.fullmatch(tag) if tag else _DESCRIPTION.fullmatch(found.get("description") or "")
    # a renamed key keeps the tag that its Vault secret was made with
    addresses = {str(address) for address in (context.address, *context.previous)}
    return match is not None and match["owner"] == context.owner and match["address"] in addresses

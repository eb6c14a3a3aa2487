"""Writes contents as one JSON object: the values under the names that consumers read, the records under a name of ours."""

from __future__ import annotations

import json

from genai_iac.core import Secret
from genai_iac.delivery.sinks._contents import Contents, head_as_data, item_as_data

OURS = "genai-iac"  # field with the records; everything else in the object is for consumers


def render(contents: Contents) -> Secret:
    """The whole text, the same for the same contents.

    Args:
        contents: with all values. An inactive value has a field too, under a name that no
            consumer reads.
    """
    names = contents.names.of_records(contents.records)
    return Secret.document(
        json.dumps(
            {
                **{name: item.value.reveal() for name, item in zip(names, contents.items, strict=True) if item.value},
                contents.names.base_url: contents.base_url,
                **({contents.names.project: contents.project} if contents.project else {}),
                OURS: {
                    **head_as_data(contents),
                    "records": [
                        {**item_as_data(item), "name": name} for name, item in zip(names, contents.items, strict=True)
                    ],
                },
            },
            indent=2,
        )
        + "\n"
    )

"""New OCIDs, in the form each kind of thing has: `ocid1.TYPE.oc1.[REGION].UNIQUE`."""

import re
import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
# what the SDK accepts in a configuration file
_SHAPE = re.compile(r"([0-9a-zA-Z-_]+[.:])([0-9a-zA-Z-_]*[.:]){3,}([0-9a-zA-Z-_]+)")


def make_ocid(kind: str, region: str = "") -> str:
    """A new OCID; things of Identity have no region in theirs."""
    start = "amaaaaaa" if region else "aaaaaaaa"
    return f"ocid1.{kind}.oc1.{region}.{start}" + "".join(secrets.choice(_ALPHABET) for _ in range(52))


def is_ocid(text: str) -> bool:
    """Whether the text has the shape of an OCID."""
    return len(text) <= 255 and _SHAPE.fullmatch(text) is not None

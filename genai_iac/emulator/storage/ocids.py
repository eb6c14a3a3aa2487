"""New OCIDs, in the form each kind of thing has: `ocid1.TYPE.oc1.[REGION].UNIQUE`."""

import secrets

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base 32, as in real OCIDs


def make_ocid(kind: str, region: str = "") -> str:
    """A new OCID; things of Identity have no region in theirs.

    Args:
        kind: the second part, such as generativeaiapikey.
        region: long name; empty for Identity.
    """
    start = "amaaaaaa" if region else "aaaaaaaa"
    return f"ocid1.{kind}.oc1.{region}.{start}" + "".join(secrets.choice(_ALPHABET) for _ in range(52))

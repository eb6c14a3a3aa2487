"""Regions, and the hosts that a manifest may have a bearer secret sent to: OCI's own, and those that the command line allows.

A region is taken as the SDK takes it: a name in any case, or the three-letter code. One that was not recognised used to become part of
a host name or of a path, and the answer was "401, check the key".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from urllib.parse import urlsplit

from genai_iac.core.errors import GuardError, UsageError

# every region of every realm has this form; a code that the SDK does not know has three letters
_NAME = re.compile(r"[a-z]{2,10}(?:-[a-z]+){1,3}-[0-9]{1,2}")


def normalize_region(text: str, where: str) -> str:
    """The long name of the region that `text` means, such as us-ashburn-1 for `IAD`.

    `where` says where it was written, for the message: "--region", "region in profile DEFAULT of FILE". A name of the right form
    that this version of the SDK does not know is taken too: OCI opens regions faster than SDKs are installed.
    Raises UsageError when it is no region.

    Args:
        text: a long name or a three-letter code, in any case.
    """
    import oci

    name: str = oci.regions.get_region_from_short_name(text.strip())
    if oci.regions.is_region(name) or _NAME.fullmatch(name):
        return name
    raise UsageError(f"{where}: {text.strip()!r} is not a region", hint=_advice(name))


def is_known(region: str) -> bool:
    """Whether the SDK knows a region of that long name.

    A region without entry may still exist; callers use this only for hints.
    """
    import oci

    return bool(oci.regions.is_region(region))


def similar_regions(region: str) -> list[str]:
    """The regions whose names are nearest to that one.

    At most two, best first.
    """
    import oci

    return get_close_matches(region, oci.regions.REGIONS, n=2, cutoff=0.75)


def region_of_ocid(ocid: str) -> str | None:
    """The long name of the region inside an OCID, which may be a code or written with underscores; None when there is none.

    Raises UsageError when what stands there is no region.

    Args:
        ocid: `ocid1.TYPE.REALM.REGION.UNIQUE`.
    """
    parts = ocid.split(".")
    named = parts[3] if len(parts) > 4 else ""
    return normalize_region(named.replace("_", "-"), f"the OCID {ocid}") if named else None


def _advice(name: str) -> str:
    bare = re.split(r"[#;]", name, maxsplit=1)[0].strip().strip("\"'").strip()
    if bare != name and _NAME.fullmatch(bare):
        return f"write {bare} alone: no quotes, and nothing behind it"
    near = similar_regions(bare.replace("_", "-").replace(" ", "-"))
    return (
        f"did you mean {' or '.join(near)}?"
        if near
        else "write its name, such as us-ashburn-1, or its code, such as iad"
    )


# by the `endpoint` of an ApiKey
INFERENCE_PATHS: Mapping[str, str] = {"actions/v1": "/20231130/actions/v1", "openai/v1": "/openai/v1"}
_SERVICE = "generativeai"  # a label of every host of the service: inference.generativeai.REGION.oci.oraclecloud.com


def check_inference_host(url: str, allowed: Collection[str]) -> None:
    """Raises GuardError unless the URL is https and its host is the Generative AI service's or one of `allowed`.

    A manifest may come from a pull request: it must not be able to send a key's secret to a host of its own choice.
    Requests that are signed never go to such a URL.

    Args:
        url: of `spec.endpoint`.
        allowed: hosts of --allow-endpoint-host; case does not matter.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme == "https" and (host in {name.lower() for name in allowed} or _is_service(host)):
        return
    raise GuardError(
        f"refused: {url} is no endpoint of OCI Generative AI, and keys would be called with there",
        hint=f"if it is yours, allow it outside the manifests: --allow-endpoint-host {host or 'HOST'}",
    )


def _is_service(host: str) -> bool:
    import oci

    domains = set(oci.regions.REALMS.values())
    return _SERVICE in host.split(".") and any(host.endswith(f".{domain}") for domain in domains)

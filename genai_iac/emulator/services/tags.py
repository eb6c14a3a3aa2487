"""Free-form and defined tags: their limits, and the two that a tenancy puts on everything."""

from typing import Any

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import Body, as_object, optional_object
from genai_iac.emulator.http.responses import encode_body
from genai_iac.emulator.storage.time_format import format_instant

MAX_FREEFORM = 10  # of one resource (Oracle: "Limits on Tags")
MAX_DEFINED = 64  # of one resource
MAX_BYTES = 5 * 1024  # of the free-form or of the defined tags of one resource, as JSON
_MAX_KEY = 100  # characters
_MAX_VALUE = 256  # characters


def read_tags(body: Body, creator: str, now: int) -> dict[str, Any]:
    """The tags of something new, with `Oracle-Tags` beside what was asked for."""
    stamp = {"CreatedBy": creator, "CreatedOn": format_instant(now)}
    return {
        "freeformTags": _read_freeform(body),
        "definedTags": {**_read_defined(body), "Oracle-Tags": stamp},
    }


def changed_tags(body: Body) -> dict[str, Any]:
    """The maps an update replaces: those it names, each as a whole."""
    changed: dict[str, Any] = {}
    if body.get("freeformTags") is not None:
        changed["freeformTags"] = _read_freeform(body)
    if body.get("definedTags") is not None:
        changed["definedTags"] = _read_defined(body)
    return changed


def _read_freeform(body: Body) -> dict[str, str]:
    tags = optional_object(body, "freeformTags")
    if len(tags) > MAX_FREEFORM:
        raise invalid(f"A resource may have at most {MAX_FREEFORM} free-form tags.")
    for key, value in tags.items():
        _check_key(key)
        if not isinstance(value, str):
            raise invalid(f"The value of free-form tag {key} must be a string.")
        _check_value(key, value)
    _check_size(tags)
    return tags


def _read_defined(body: Body) -> dict[str, dict[str, Any]]:
    tags = optional_object(body, "definedTags")
    for namespace, pairs in tags.items():
        _check_key(namespace)
        for key, value in as_object(pairs, f"definedTags.{namespace}").items():
            _check_key(key)
            if not isinstance(value, (str, int, bool)):
                raise invalid(f"The value of defined tag {namespace}.{key} must be a string, number or boolean.")
            _check_value(key, str(value))
    if sum(len(pairs) for namespace, pairs in tags.items() if namespace != "Oracle-Tags") > MAX_DEFINED:
        raise invalid(f"A resource may have at most {MAX_DEFINED} defined tags.")
    _check_size(tags)
    return tags


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= _MAX_KEY or any(character in key for character in ". \t\r\n"):
        raise invalid(f"Tag key '{key}' must be 1 to {_MAX_KEY} characters without spaces and periods.")


def _check_value(key: str, value: str) -> None:
    if len(value) > _MAX_VALUE:
        raise invalid(f"The value of tag {key} is longer than {_MAX_VALUE} characters.")


def _check_size(tags: dict[str, Any]) -> None:
    if len(encode_body(tags)) > MAX_BYTES:
        raise invalid(f"The tags take more than {MAX_BYTES} bytes.")

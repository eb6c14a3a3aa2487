"""Free-form and defined tags: their limits, the two tags that a tenancy puts on everything, and tag defaults.

A defined tag is checked against the tenancy's tag namespaces. A tag default of a compartment holds for what is created in it and below
it; a tag given in the request wins. Source: Oracle's pages on tag defaults and tag variables.
"""

from typing import Any

from genai_iac.emulator.http.requests import Body, as_object, optional_object
from genai_iac.emulator.http.responses import encode_body, invalid
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import ResourceQuery, StoredResource
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


# Kinds of stored resources, also part of their OCIDs.
NAMESPACE = "tagnamespace"
DEFINITION = "tagdefinition"
DEFAULT = "tagdefault"
_BUILT_IN = "oracle-tags"  # namespace that every tenancy has, so it is not looked up; in lower case


def new_tags(call: OperationContext, compartment: str) -> dict[str, Any]:
    """The tags of something new in a compartment; 400 for those that are not defined, or are required and lack.

    Args:
        compartment: OCID of where the new resource is created.

    Raises:
        ServiceError: 400 for undefined tags, values outside the list, and required tags
            that lack.
    """
    tags = read_tags(call.body, call.caller.name, call.now)
    defined: dict[str, dict[str, Any]] = {space: dict(pairs) for space, pairs in tags["definedTags"].items()}
    _check(call, defined, {})
    for default in effective_defaults(call, compartment):
        space, name = default.body["tagNamespaceName"], default.body["tagDefinitionName"]
        if not _has(defined, space, name):
            if default.body["isRequired"]:
                raise invalid(f"The tag default requires a value for tag {space}.{name}.")
            defined.setdefault(space, {})[name] = _fill(call, default.body["value"])
    return {**tags, "definedTags": defined}


def updated_tags(call: OperationContext, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The maps an update replaces; 400 for tags that are not defined. What was there `before` may stay."""
    changed = changed_tags(call.body)
    _check(call, changed.get("definedTags", {}), (before or {}).get("definedTags", {}))
    return changed


def effective_defaults(call: OperationContext, compartment: str) -> list[StoredResource]:
    """The tag defaults that hold in a compartment: its own first, then its parents'; one for each tag.

    Args:
        compartment: OCID; its parents count as well.
    """
    found: dict[str, StoredResource] = {}
    for place in call.directory.path_of(compartment):
        for default in call.resources.select(ResourceQuery(DEFAULT, (place,))):
            found.setdefault(default.body["tagDefinitionId"], default)
    return list(found.values())


def find_namespace(call: OperationContext, name: str) -> StoredResource | None:
    """The tag namespace of that name, in any case."""
    rows = call.resources.select(ResourceQuery(NAMESPACE, None))
    return next((row for row in rows if row.name.casefold() == name.casefold()), None)


def find_definition(call: OperationContext, namespace: str, name: str) -> StoredResource | None:
    """The tag of that name, in any case, in the namespace of that OCID."""
    rows = call.resources.select(ResourceQuery(DEFINITION, None, field=("tagNamespaceId", namespace)))
    return next((row for row in rows if row.name.casefold() == name.casefold()), None)


def check_value(definition: StoredResource, value: Any) -> None:
    """400 when the tag has a list of values and this is none of them."""
    allowed = (definition.body.get("validator") or {}).get("values")
    if allowed and str(value) not in allowed:
        raise invalid(f"The value of tag {definition.name} must be one of {', '.join(allowed)}.")


def _check(call: OperationContext, defined: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]) -> None:
    for space, pairs in defined.items():
        if space.casefold() == _BUILT_IN:
            continue
        namespace = find_namespace(call, space)
        if namespace is None:
            if call.world.settings.unknownTags == "refuse" and space not in before:
                raise invalid(f"TagNamespace {space} does not exist.")
            continue
        for name, value in pairs.items():
            definition = find_definition(call, namespace.id, name)
            if definition is None:
                raise invalid(f"TagDefinition {name} in TagNamespace {space} does not exist.")
            if before.get(space, {}).get(name) != value:
                if namespace.body["isRetired"] or definition.body["isRetired"]:
                    raise invalid(f"TagDefinition {name} in TagNamespace {space} is retired.")
                check_value(definition, value)


def _has(defined: dict[str, dict[str, Any]], space: str, name: str) -> bool:
    return any(
        given.casefold() == space.casefold() and name.casefold() in {key.casefold() for key in pairs}
        for given, pairs in defined.items()
    )


def _fill(call: OperationContext, value: str) -> str:
    """The value with its tag variables filled in."""
    filled = value.replace("${iam.principal.name}", call.caller.name)
    return filled.replace("${oci.datetime}", format_instant(call.now))

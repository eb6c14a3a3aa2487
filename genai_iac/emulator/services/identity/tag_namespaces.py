"""Tag namespaces (names unique in the tenancy) and the tags in them: keys, perhaps with a list of values, found by name."""

from typing import Any

from msgspec.structs import replace

from genai_iac.emulator.http.requests import choice, given_texts, items, optional_object, read_flag, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, conflict, invalid, not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.policy_statements import subtree_of
from genai_iac.emulator.services.identity.serializers import answer_one, list_kind, read_description
from genai_iac.emulator.services.identity.work_requests import finish_work, get_work_request, start_work
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import (
    DEFAULT,
    DEFINITION,
    NAMESPACE,
    find_definition,
    find_namespace,
    new_tags,
    updated_tags,
)
from genai_iac.emulator.storage.resources import ResourceQuery, StoredResource

TAG_NAME = r"[A-Za-z0-9_-]{1,100}"


@operation(
    "identity",
    "CreateTagNamespace",
    "POST /20160918/tagNamespaces",
    home=True,
    retry_token=True,
    permissions=("TAG_NAMESPACE_CREATE",),
)
def create_tag_namespace(call: OperationContext) -> Answer:
    """CreateTagNamespace."""
    compartment = call.enter(text(call.body, "compartmentId"))
    name, description = text(call.body, "name", most=100, pattern=TAG_NAME), read_description(call)
    if find_namespace(call, name) is not None or name.casefold() == "oracle-tags":
        raise conflict("TagNamespaceAlreadyExists", f"TagNamespace '{name}' already exists.")
    body = {"description": description, "isRetired": False, **new_tags(call, compartment)}
    return answer_one(call.make(NAMESPACE, compartment, name, body))


@operation(
    "identity",
    "GetTagNamespace",
    "GET /20160918/tagNamespaces/{tagNamespaceId}",
    permissions=("TAG_NAMESPACE_INSPECT",),
)
def get_tag_namespace(call: OperationContext) -> Answer:
    """GetTagNamespace."""
    return answer_one(load_namespace(call))


@operation("identity", "ListTagNamespaces", "GET /20160918/tagNamespaces", permissions=("TAG_NAMESPACE_INSPECT",))
def list_tag_namespaces(call: OperationContext) -> Answer:
    """ListTagNamespaces of a compartment, with those below it when `includeSubcompartments` is true."""
    compartment = call.enter(call.request.required("compartmentId"))
    if call.request.one("includeSubcompartments") == "true":
        below = tuple(ocid for ocid, _ in subtree_of(call.connection, compartment))
        return list_kind(call, NAMESPACE, None, compartments=below)
    return list_kind(call, NAMESPACE, compartment)


@operation(
    "identity",
    "UpdateTagNamespace",
    "PUT /20160918/tagNamespaces/{tagNamespaceId}",
    home=True,
    permissions=("TAG_NAMESPACE_UPDATE",),
)
def update_tag_namespace(call: OperationContext) -> Answer:
    """UpdateTagNamespace: description, tags, and whether it is retired, which retires its tags with it."""
    old = load_namespace(call)
    retired = read_flag(call.body, "isRetired", old.body["isRetired"])
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description"), "isRetired": retired}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation(
    "identity",
    "DeleteTagNamespace",
    "DELETE /20160918/tagNamespaces/{tagNamespaceId}",
    home=True,
    permissions=("TAG_NAMESPACE_DELETE",),
)
def delete_tag_namespace(call: OperationContext) -> Answer:
    """DeleteTagNamespace: a retired one without tags."""
    old = load_namespace(call)
    call.check_etag(old)
    if not old.body["isRetired"]:
        raise conflict("Conflict", f"TagNamespace '{old.name}' must be retired before it is deleted.")
    if call.resources.select(ResourceQuery(DEFINITION, None, field=("tagNamespaceId", old.id), limit=1)):
        raise conflict("Conflict", f"TagNamespace '{old.name}' still has tags; delete them first.")
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (create_tag_namespace, get_tag_namespace, list_tag_namespaces, update_tag_namespace, delete_tag_namespace)


def load_namespace(call: OperationContext) -> StoredResource:
    """The namespace in the path; 404 for those who may not do this with it."""
    return call.load(NAMESPACE, call.ocid("tagNamespaceId"))


_TAGS = "/20160918/tagNamespaces/{tagNamespaceId}/tags"
_READ = ("TAG_NAMESPACE_INSPECT",)
_WRITE = ("TAG_NAMESPACE_UPDATE",)


@operation("identity", "CreateTag", f"POST {_TAGS}", home=True, retry_token=True, permissions=_WRITE)
def create_tag(call: OperationContext) -> Answer:
    """CreateTag."""
    namespace = load_namespace(call)
    name, description = text(call.body, "name", most=100, pattern=TAG_NAME), read_description(call)
    if find_definition(call, namespace.id, name) is not None:
        raise conflict("TagDefinitionAlreadyExists", f"TagDefinition '{name}' already exists.")
    body = {
        "description": description,
        "tagNamespaceId": namespace.id,
        "tagNamespaceName": namespace.name,
        "isRetired": False,
        "isCostTracking": read_flag(call.body, "isCostTracking"),
        "validator": _read_validator(call),
        **new_tags(call, namespace.compartment),
    }
    return answer_one(call.make(DEFINITION, namespace.compartment, name, body))


@operation("identity", "GetTag", f"GET {_TAGS}/{{tagName}}", permissions=_READ)
def get_tag(call: OperationContext) -> Answer:
    """GetTag."""
    return answer_one(_load(call))


@operation("identity", "ListTags", f"GET {_TAGS}", permissions=_READ)
def list_tags(call: OperationContext) -> Answer:
    """ListTags of a namespace."""
    return list_kind(call, DEFINITION, None, field=("tagNamespaceId", load_namespace(call).id))


@operation("identity", "UpdateTag", f"PUT {_TAGS}/{{tagName}}", home=True, permissions=_WRITE)
def update_tag(call: OperationContext) -> Answer:
    """UpdateTag: description, tags, values, and whether it is retired."""
    old = _load(call)
    call.check_etag(old)
    changed: dict[str, Any] = {
        "isRetired": read_flag(call.body, "isRetired", old.body["isRetired"]),
        "isCostTracking": read_flag(call.body, "isCostTracking", old.body["isCostTracking"]),
    }
    if call.body.get("validator") is not None:
        changed["validator"] = _read_validator(call)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description"), **changed}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation("identity", "DeleteTag", f"DELETE {_TAGS}/{{tagName}}", home=True, permissions=("TAG_NAMESPACE_DELETE",))
def delete_tag(call: OperationContext) -> Answer:
    """DeleteTag: a retired one without defaults. It is taken off everything, by a work request that is done at once."""
    old = _load(call)
    call.check_etag(old)
    if not old.body["isRetired"]:
        raise conflict("Conflict", f"TagDefinition '{old.name}' must be retired before it is deleted.")
    if call.resources.select(ResourceQuery(DEFAULT, None, field=("tagDefinitionId", old.id), limit=1)):
        raise conflict("Conflict", f"TagDefinition '{old.name}' still has tag defaults; delete them first.")
    # names of tags hold no quotes, so that they can stand in the path of a JSON member
    path = f'$.definedTags."{old.body["tagNamespaceName"]}"."{old.name}"'
    call.connection.execute("UPDATE resources SET body = json_remove(body, ?)", (path,))
    call.resources.remove(old.id)
    work = start_work(call.connection, call.now, "DELETE_TAG_DEFINITION", old)
    finish_work(call.connection, call.now, work, [])
    return Answer(status=202, headers={"opc-work-request-id": work})


DEFINITION_OPERATIONS = (
    create_tag,
    get_tag,
    list_tags,
    update_tag,
    delete_tag,
    operation(
        "identity", "GetTaggingWorkRequest", "GET /20160918/taggingWorkRequests/{workRequestId}", permissions=_READ
    )(get_work_request.function),
)


def _load(call: OperationContext) -> StoredResource:
    found = find_definition(call, load_namespace(call).id, call.parameters["tagName"])
    if found is None:
        raise not_found()
    return found


def _read_validator(call: OperationContext) -> dict[str, Any] | None:
    given = optional_object(call.body, "validator")
    if not given or choice(given, "validatorType", ("ENUM", "DEFAULT")) == "DEFAULT":
        return None
    values = items(given, "values")
    if not values or not all(isinstance(value, str) and value for value in values):
        raise invalid("validator.values must be a list of texts.")
    return {"validatorType": "ENUM", "values": values}

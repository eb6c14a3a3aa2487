"""Tag namespaces: names under which tags are defined, unique in the tenancy."""

from dataclasses import replace

from genai_iac.emulator.http.errors import conflict
from genai_iac.emulator.http.request_fields import given_texts, read_flag, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import DEFINITION, NAMESPACE, find_namespace, new_tags, updated_tags
from genai_iac.emulator.services.identity.policy_statements import subtree_of
from genai_iac.emulator.services.identity.serializers import answer_one, list_kind, read_description
from genai_iac.emulator.services.operation_context import OperationContext
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

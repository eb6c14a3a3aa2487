"""Tag defaults: the values that new things in a compartment and below it get, or must be given."""

from msgspec.structs import replace

from genai_iac.emulator.http.requests import read_flag, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page, conflict, related_not_found
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.identity.serializers import answer_one, list_kind, show
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import DEFAULT, DEFINITION, check_value, effective_defaults
from genai_iac.emulator.storage.resources import ResourceQuery, StoredResource

MAX_DEFAULTS = 5  # of one compartment (Oracle: Managing tag defaults)
_ALL = "/20160918/tagDefaults"
_ONE = f"{_ALL}/{{tagDefaultId}}"
_INSPECT = ("TAG_DEFAULT_INSPECT",)  # permission for reading


@operation(
    "identity", "CreateTagDefault", f"POST {_ALL}", home=True, retry_token=True, permissions=("TAG_DEFAULT_CREATE",)
)
def create_tag_default(call: OperationContext) -> Answer:
    """CreateTagDefault: at most five in a compartment, one for each tag."""
    compartment = call.enter(text(call.body, "compartmentId"))
    definition = call.resources.find(DEFINITION, text(call.body, "tagDefinitionId"), call.hidden_after)
    if definition is None or definition.body["isRetired"]:
        raise related_not_found()
    present = call.resources.select(ResourceQuery(DEFAULT, (compartment,)))
    if any(default.body["tagDefinitionId"] == definition.id for default in present):
        raise conflict("TagDefaultAlreadyExists", f"There is a tag default for tag {definition.name} already.")
    if len(present) >= MAX_DEFAULTS:
        raise conflict("LimitExceeded", f"A compartment may have at most {MAX_DEFAULTS} tag defaults.")
    body = {
        "tagNamespaceId": definition.body["tagNamespaceId"],
        "tagNamespaceName": definition.body["tagNamespaceName"],
        "tagDefinitionId": definition.id,
        "tagDefinitionName": definition.name,
        "value": _read_value(call, definition),
        "isRequired": read_flag(call.body, "isRequired"),
    }
    return answer_one(call.make(DEFAULT, compartment, definition.name, body))


@operation("identity", "GetTagDefault", f"GET {_ONE}", permissions=_INSPECT)
def get_tag_default(call: OperationContext) -> Answer:
    """GetTagDefault."""
    return answer_one(_load(call))


@operation("identity", "ListTagDefaults", f"GET {_ALL}", permissions=_INSPECT)
def list_tag_defaults(call: OperationContext) -> Answer:
    """ListTagDefaults of a compartment, or of a tag."""
    definition = call.request.one("tagDefinitionId")
    compartment = call.request.one("compartmentId") if definition else call.request.required("compartmentId")
    call.enter(compartment or call.world.tenancy)
    return list_kind(call, DEFAULT, compartment, field=None if definition is None else ("tagDefinitionId", definition))


@operation("identity", "AssembleEffectiveTagSet", f"GET {_ALL}/actions/assembleEffectiveTagSet", permissions=_INSPECT)
def assemble_effective_tag_set(call: OperationContext) -> Answer:
    """AssembleEffectiveTagSet: the defaults that hold in a compartment, its parents' among them."""
    compartment = call.enter(call.request.required("compartmentId"))
    return answer_page([show(default) for default in effective_defaults(call, compartment)], None)


@operation("identity", "UpdateTagDefault", f"PUT {_ONE}", home=True, permissions=("TAG_DEFAULT_UPDATE",))
def update_tag_default(call: OperationContext) -> Answer:
    """UpdateTagDefault: value, and whether it is required."""
    old = _load(call)
    call.check_etag(old)
    definition = call.resources.find(DEFINITION, old.body["tagDefinitionId"])
    if definition is None:
        raise related_not_found()
    required = read_flag(call.body, "isRequired", old.body["isRequired"])
    body = {**old.body, "value": _read_value(call, definition), "isRequired": required}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation("identity", "DeleteTagDefault", f"DELETE {_ONE}", home=True, permissions=("TAG_DEFAULT_DELETE",))
def delete_tag_default(call: OperationContext) -> Answer:
    """DeleteTagDefault: what has the tag keeps it."""
    old = _load(call)
    call.check_etag(old)
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (
    create_tag_default,
    get_tag_default,
    list_tag_defaults,
    assemble_effective_tag_set,
    update_tag_default,
    delete_tag_default,
)


def _load(call: OperationContext) -> StoredResource:
    return call.load(DEFAULT, call.ocid("tagDefaultId"))


def _read_value(call: OperationContext, definition: StoredResource) -> str:
    value = text(call.body, "value", most=256)
    if "${" not in value:
        check_value(definition, value)
    return value

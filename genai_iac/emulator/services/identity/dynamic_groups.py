"""Dynamic groups: a name for whatever matches a rule. Policies may name them; nothing here is ever a member."""

from dataclasses import replace

from genai_iac.emulator.http.errors import invalid
from genai_iac.emulator.http.request_fields import given_texts, optional_text, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import new_tags, updated_tags
from genai_iac.emulator.services.identity.serializers import (
    answer_one,
    list_kind,
    read_description,
    read_name,
    refuse_taken,
    require_tenancy,
)
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.iam_policy import PolicySyntaxError, parse_matching_rule


@operation(
    "identity",
    "CreateDynamicGroup",
    "POST /20160918/dynamicGroups",
    home=True,
    retry_token=True,
    permissions=("DYNAMIC_GROUP_CREATE",),
)
def create_dynamic_group(call: OperationContext) -> Answer:
    """CreateDynamicGroup."""
    tenancy = require_tenancy(call)
    name, description = read_name(call), read_description(call)
    rule = check_rule(text(call.body, "matchingRule", most=4000))
    refuse_taken(call, "dynamicgroup", name, "DynamicGroup")
    body = {"description": description, "matchingRule": rule, **new_tags(call, tenancy)}
    return answer_one(call.make("dynamicgroup", tenancy, name, body))


@operation("identity", "GetDynamicGroup", "GET /20160918/dynamicGroups/{dynamicGroupId}")
def get_dynamic_group(call: OperationContext) -> Answer:
    """GetDynamicGroup."""
    return answer_one(call.load("dynamicgroup", call.ocid("dynamicGroupId")))


@operation("identity", "ListDynamicGroups", "GET /20160918/dynamicGroups")
def list_dynamic_groups(call: OperationContext) -> Answer:
    """ListDynamicGroups."""
    return list_kind(call, "dynamicgroup", call.enter(call.request.required("compartmentId")))


@operation(
    "identity",
    "UpdateDynamicGroup",
    "PUT /20160918/dynamicGroups/{dynamicGroupId}",
    home=True,
    permissions=("DYNAMIC_GROUP_UPDATE",),
)
def update_dynamic_group(call: OperationContext) -> Answer:
    """UpdateDynamicGroup: description, matching rule, tags."""
    old = call.load("dynamicgroup", call.ocid("dynamicGroupId"))
    call.check_etag(old)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description")}
    rule = optional_text(call.body, "matchingRule", most=4000)
    if rule is not None:
        body["matchingRule"] = check_rule(rule)
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation(
    "identity",
    "DeleteDynamicGroup",
    "DELETE /20160918/dynamicGroups/{dynamicGroupId}",
    home=True,
    permissions=("DYNAMIC_GROUP_DELETE",),
)
def delete_dynamic_group(call: OperationContext) -> Answer:
    """DeleteDynamicGroup."""
    old = call.load("dynamicgroup", call.ocid("dynamicGroupId"))
    call.check_etag(old)
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (
    create_dynamic_group,
    get_dynamic_group,
    list_dynamic_groups,
    update_dynamic_group,
    delete_dynamic_group,
)


def check_rule(rule: str) -> str:
    """The matching rule as it is; 400 for one that cannot be read."""
    try:
        parse_matching_rule(rule)
    except PolicySyntaxError as error:
        raise invalid(f"matchingRule cannot be read: {error.message}.") from None
    return rule

"""Users: who signs requests."""

from dataclasses import replace

from genai_iac.emulator.http.errors import conflict
from genai_iac.emulator.http.request_fields import given_texts, optional_text
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

CAPABILITIES = {
    "canUseConsolePassword": False,
    "canUseApiKeys": True,
    "canUseAuthTokens": False,
    "canUseSmtpCredentials": False,
    "canUseDbCredentials": False,
    "canUseCustomerSecretKeys": False,
    "canUseOAuth2ClientCredentials": False,
}


@operation("identity", "CreateUser", "POST /20160918/users", home=True, retry_token=True, permissions=("USER_CREATE",))
def create_user(call: OperationContext) -> Answer:
    """CreateUser."""
    tenancy = require_tenancy(call)
    name, description = read_name(call), read_description(call)
    email = optional_text(call.body, "email", most=255)
    refuse_taken(call, "user", name, "User")
    body = {"description": description, "email": email, "isMfaActivated": False, "capabilities": CAPABILITIES}
    body |= new_tags(call, tenancy)
    return answer_one(call.make("user", tenancy, name, body))


@operation("identity", "GetUser", "GET /20160918/users/{userId}")
def get_user(call: OperationContext) -> Answer:
    """GetUser."""
    return answer_one(call.load("user", call.ocid("userId")))


@operation("identity", "ListUsers", "GET /20160918/users")
def list_users(call: OperationContext) -> Answer:
    """ListUsers."""
    return list_kind(call, "user", call.enter(call.request.required("compartmentId")))


@operation("identity", "UpdateUser", "PUT /20160918/users/{userId}", home=True, permissions=("USER_UPDATE",))
def update_user(call: OperationContext) -> Answer:
    """UpdateUser: description, email, tags."""
    old = call.load("user", call.ocid("userId"))
    call.check_etag(old)
    body = {**old.body, **updated_tags(call, old.body), **given_texts(call.body, "description", "email")}
    return answer_one(call.resources.save(old, replace(old, body=body), call.now))


@operation("identity", "DeleteUser", "DELETE /20160918/users/{userId}", home=True, permissions=("USER_DELETE",))
def delete_user(call: OperationContext) -> Answer:
    """DeleteUser: one that is in no group. Its keys go with it."""
    old = call.load("user", call.ocid("userId"))
    call.check_etag(old)
    if call.connection.execute("SELECT 1 FROM memberships WHERE user = ?", (old.id,)).fetchone():
        raise conflict("Conflict", f"User '{old.name}' is still in a group; remove it from there first.")
    call.connection.execute("DELETE FROM user_keys WHERE user = ?", (old.id,))
    call.resources.remove(old.id)
    return NO_CONTENT


OPERATIONS = (create_user, get_user, list_users, update_user, delete_user)

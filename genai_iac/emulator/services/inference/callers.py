"""Who calls an inference endpoint (an API key's secret, or a user who signed the request), and the project that the call names.

A secret must be known, ACTIVE, in this region, and admitted by a policy; whatever is wrong, the answer is the same 401, as in the real
service. A signed call is in a compartment, which a header names (oci-openai and oci-genai-auth send it).

The header OpenAI-Project: "Using projects is required to call the OCI OpenAI-compatible API" (Oracle: use-project.htm); that Responses
answers 400 without one is reported from live runs (langchain-oracle, pull request 242). UNCONFIRMED: the answer for a project that is
not there, and whether chat under /20231130/actions/v1 wants one.
"""

import sqlite3
from typing import Protocol

from genai_iac.emulator.auth.authorizer import AuthorizedKeyUse
from genai_iac.emulator.http.responses import missing, not_authenticated, not_found, related_not_found
from genai_iac.emulator.services.generative_ai.key_secrets import KIND, PROJECT_KIND
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.secret_storage import digest_secret
from genai_iac.iam_policy import permissions_of

_COMPARTMENT_HEADERS = ("opc-compartment-id", "compartmentid")  # in lower case; the first is oci-openai's


class ModelCaller(Protocol):
    """Whoever may use a model."""

    def may_use(self, model: str, operation: str | None = None, profile: StoredResource | None = None) -> bool:
        """Whether a policy lets this caller do this with the model, or with the routing profile that stands for it."""

    def use(self, model: str, profile: StoredResource | None = None) -> None:
        """An error unless a policy admits it."""

    @property
    def principal(self) -> str:
        """Who it is, for the call log."""


def identify(call: OperationContext) -> ModelCaller:
    """The caller of an operation that takes secrets and signatures."""
    return SignedCaller(call, _named_compartment(call)) if call.caller.id else Bearer(call)


class SignedCaller:
    """A user who signed the call. What is forbidden is 404, as for every signed call."""

    def __init__(self, call: OperationContext, compartment: str) -> None:
        self._call = call
        self._path = call.directory.path_of(compartment)

    def may_use(self, model: str, operation: str | None = None, profile: StoredResource | None = None) -> bool:
        """Whether a policy lets the caller's groups do this with the model in the compartment."""
        call = self._call
        name = operation or call.operation.name
        about = {"target.model.id": model}
        admitted = bool(self._path) and call.authorizer.admits(call, self._path, permissions_of(name), about=about)
        if admitted and profile is not None:
            place = call.directory.path_of(profile.compartment)
            return call.authorizer.admits(call, place, permissions_of("GetRoutingProfile"), about=about)
        return admitted

    def use(self, model: str, profile: StoredResource | None = None) -> None:
        """404 unless a policy admits it."""
        if not self.may_use(model, profile=profile):
            raise not_found()

    @property
    def principal(self) -> str:
        """The user's name."""
        return self._call.caller.name


def _named_compartment(call: OperationContext) -> str:
    headers = call.request.headers
    for name in _COMPARTMENT_HEADERS:
        if headers.get(name):
            return headers[name]
    project = headers.get("openai-project")
    if project:
        row = call.connection.execute("SELECT compartment FROM resources WHERE id = ?", (project,)).fetchone()
        return call.world.tenancy if row is None else str(row["compartment"])
    raise missing("opc-compartment-id")


class Bearer:
    """The secret a call came with, once it is known to be good."""

    def __init__(self, call: OperationContext) -> None:
        self._call = call
        row = _find_credential(call)
        self._position: int = row["position"]
        key = call.resources.find(KIND, row["api_key"])
        if key is None or key.region != call.region:
            raise not_authenticated()
        self._key: StoredResource = key

    def may_use(self, model: str, operation: str | None = None, profile: StoredResource | None = None) -> bool:
        """Whether a policy lets this key do this with the model."""
        call = self._call
        name, place = operation or call.operation.name, profile.compartment if profile else ""
        tags = self._key.body.get("definedTags") or {}
        creator = str(tags.get("Oracle-Tags", {}).get("CreatedBy", ""))
        use = AuthorizedKeyUse(self._key.id, self._key.compartment, call.region, name, model, tags, creator, place)
        return call.authorizer.admits_key(call, use)

    def use(self, model: str, profile: StoredResource | None = None) -> None:
        """401 (404 when the settings say so) unless a policy admits it; then the secret has been used."""
        settings = self._call.world.settings
        if not self.may_use(model, profile=profile):
            raise not_authenticated() if settings.refusedCalls == "401" else not_found()
        if not settings.showsLastUse:
            return
        self._call.connection.execute(
            "UPDATE key_secrets SET last_used = ? WHERE api_key = ? AND position = ?",
            (self._call.now, self._key.id, self._position),
        )

    @property
    def principal(self) -> str:
        """The key's OCID, for the call log."""
        return self._key.id


def _find_credential(call: OperationContext) -> sqlite3.Row:
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise not_authenticated()
    delay = call.world.settings.propagationDelay
    moment = call.now - delay
    query = "SELECT c.*, s.expiry FROM credentials c JOIN key_secrets s USING (api_key, position) WHERE c.digest = ?"
    query += " AND c.since <= ? AND (c.until IS NULL OR c.until > ?)" if delay else " AND c.until IS NULL"
    values = (moment, moment) if delay else ()
    row: sqlite3.Row | None = call.connection.execute(query, (digest_secret(value.strip()), *values)).fetchone()
    if row is None or row["state"] != "ACTIVE" or row["expiry"] <= call.now:
        raise not_authenticated()
    return row


def check_project(call: OperationContext, *, required: bool) -> None:
    """400 for a call without a project where one is required, and for a project that this region does not have."""
    named = call.request.headers.get("openai-project")
    if not named:
        if required:
            raise missing("OpenAI-Project")
        return
    project = call.resources.find(PROJECT_KIND, named, call.hidden_after)
    if project is None or project.region != call.region or project.state != "ACTIVE":
        raise related_not_found()

"""Secret bundles, version 20190301: the only door to what is in a secret."""

import base64
from typing import Any

from genai_iac.emulator.http.errors import conflict, missing, not_found
from genai_iac.emulator.http.paging import slice_page
from genai_iac.emulator.http.responses import Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.vault.contents import STAGES, Version, find_version, list_versions, open_content
from genai_iac.emulator.services.vault.rules import expiry_of, is_blocked
from genai_iac.emulator.services.vault.secrets import KIND
from genai_iac.emulator.services.vault.versions import parse_number, read_order
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import format_instant


@operation("secrets", "GetSecretBundle", "GET /20190301/secretbundles/{secretId}")
def get_bundle(call: OperationContext) -> Answer:
    """GetSecretBundle: the CURRENT version unless another is asked for."""
    return _answer(call, call.load(KIND, call.ocid("secretId"), region=call.region))


@operation("secrets", "GetSecretBundleByName", "POST /20190301/secretbundles/actions/getByName")
def get_bundle_by_name(call: OperationContext) -> Answer:
    """GetSecretBundleByName, by the name of the secret and its vault."""
    name, vault = call.request.one("secretName"), call.request.one("vaultId")
    if name is None or vault is None:
        raise missing("secretName" if name is None else "vaultId")
    row = call.connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND name = ? AND state <> 'DELETED'"
        " AND json_extract(body, '$.vaultId') = ?",
        (KIND, name, vault),
    ).fetchone()
    if row is None:
        raise not_found()
    return _answer(call, call.load(KIND, row["id"], region=call.region))


@operation("secrets", "ListSecretBundleVersions", "GET /20190301/secretbundles/{secretId}/versions")
def list_bundle_versions(call: OperationContext) -> Answer:
    """ListSecretBundleVersions."""
    secret = _require_readable(call.load(KIND, call.ocid("secretId"), region=call.region))
    versions = list_versions(call, secret.id)
    if read_order(call) == "DESC":
        versions.reverse()
    page, following = slice_page(versions, call.request)
    return answer_page([_show(secret, version) for version in page], following)


OPERATIONS = (get_bundle, get_bundle_by_name, list_bundle_versions)


def _answer(call: OperationContext, secret: StoredResource) -> Answer:
    _require_readable(secret)
    version = _find(call, secret)
    if version.deletion is not None:
        raise not_found()
    if is_blocked(secret.body["secretRules"], version.created, call.now):
        raise conflict("Conflict", f"Version {version.number} has expired, and a rule blocks reading it.")
    content = base64.b64encode(open_content(call, version)).decode("ascii")
    body = {
        **_show(secret, version),
        "secretBundleContent": {"contentType": "BASE64", "content": content},
        "metadata": secret.body["metadata"],
    }
    return Answer(body, headers={"etag": secret.etag})


def _require_readable(secret: StoredResource) -> StoredResource:
    if secret.state != "ACTIVE":
        raise not_found()
    return secret


def _find(call: OperationContext, secret: StoredResource) -> Version:
    number, name = call.request.one("versionNumber"), call.request.one("secretVersionName")
    stage = call.request.one_of("stage", STAGES) or "CURRENT"
    return find_version(
        call, secret.id, number=None if number is None else parse_number(number), name=name, stage=stage
    )


def _show(secret: StoredResource, version: Version) -> dict[str, Any]:
    expiry = expiry_of(secret.body["secretRules"], version.created)
    shown = {
        "secretId": secret.id,
        "versionNumber": version.number,
        "versionName": version.name,
        "stages": list(version.stages),
        "timeCreated": format_instant(version.created),
        "timeOfDeletion": None if version.deletion is None else format_instant(version.deletion),
        "timeOfExpiry": None if expiry is None else format_instant(expiry),
    }
    return {name: value for name, value in shown.items() if value is not None}

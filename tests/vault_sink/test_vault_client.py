"""The provider's `VaultClient` against the local emulator: regions, waiting, doubtful answers, and no plaintext but in the request."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Tenancy

from genai_iac.core import Secret
from genai_iac.core.errors import ServiceFailure
from genai_iac.oci_client import Connection, OciClient, TenancyVault, connect

REGION = "us-chicago-1"
FIRST = "sk-CANARYfirst7Qm2Vx9Kp4Lr8Tz1Wb6Nc3Yd5Hf0Js7Gk2Mv9"
SECOND = "sk-CANARYsecondRu1Ty8Ui3Op6As9Df2Gh7Jk4Lz0Xc5Vb8Nm"


@pytest.fixture
def provider(tenancy: Tenancy) -> Iterator[OciClient]:
    made = connect(Connection(config_file=str(tenancy.config_file), endpoint=tenancy.url))
    yield made
    made.close()


@pytest.fixture
def tenancy_vault(provider: OciClient) -> TenancyVault:
    return TenancyVault(provider)


def place(tenancy: Tenancy, region: str = REGION) -> dict[str, str]:
    """The built-in vault and key of a region."""
    return dict(tenancy.control("GET", "health")["vaults"][region])


def make(vault: TenancyVault, tenancy: Tenancy, content: str = FIRST, region: str = REGION) -> str:
    """The OCID of a new Vault secret called chat in the root."""
    there = place(tenancy, region)
    details = {
        "compartmentId": tenancy.tenancy,
        "vaultId": there["vault"],
        "keyId": there["key"],
        "secretName": "chat",
        "description": "of this test",
    }
    return str(vault.create_secret(details, Secret(content))["id"])


def text(vault: TenancyVault, secret: str, stage: Any = "CURRENT") -> str | None:
    version = vault.read_version(secret, stage)
    return version.content.reveal() if version else None


def fault(tenancy: Tenancy, operation: str, when: str = "after", **effect: Any) -> None:
    tenancy.control("POST", "faults", [{"operation": operation, "nth": 1, "when": when, "effect": effect}])


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("region", [REGION, "eu-frankfurt-1"])
def test_a_secret_is_made_found_and_changed_in_the_region_of_its_vault(
    tenancy_vault: TenancyVault, tenancy: Tenancy, region: str
) -> None:
    vault = place(tenancy, region)["vault"]
    assert tenancy_vault.find_secret(vault, tenancy.tenancy, "chat") is None
    made = make(tenancy_vault, tenancy, region=region)
    assert made.split(".")[3] == region
    found = tenancy_vault.find_secret(vault, tenancy.tenancy, "chat")
    assert found and (found["id"], found["lifecycleState"], found["description"]) == (made, "ACTIVE", "of this test")
    assert text(tenancy_vault, made) == FIRST and text(tenancy_vault, made, "PENDING") is None
    tenancy_vault.add_version(made, Secret(SECOND), "PENDING")
    assert (text(tenancy_vault, made), text(tenancy_vault, made, "PENDING")) == (FIRST, SECOND)
    tenancy_vault.promote_version(made, 2)
    assert (text(tenancy_vault, made), text(tenancy_vault, made, "PENDING")) == (SECOND, None)
    assert [(row["versionNumber"], sorted(row["stages"])) for row in tenancy_vault.list_versions(made)] == [
        (2, ["CURRENT", "LATEST"]),
        (1, ["PREVIOUS"]),
    ]
    assert {call["path"].split("?")[0].split("/")[2] for call in tenancy.calls()} == {region}


def test_other_names_and_other_vaults_are_not_found(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    make(tenancy_vault, tenancy)
    vault = place(tenancy)["vault"]
    assert tenancy_vault.find_secret(vault, tenancy.tenancy, "cha") is None
    assert tenancy_vault.find_secret(vault, tenancy.tenancy, "Chat") is None
    assert tenancy_vault.find_secret(vault[:-4] + "aaaa", tenancy.tenancy, "chat") is None


def test_a_short_region_key_is_understood(tenancy_vault: TenancyVault, provider: OciClient) -> None:
    assert tenancy_vault._region("ocid1.vault.oc1.iad.b5x.aaaa") == "us-ashburn-1"
    assert tenancy_vault._region("ocid1.vaultsecret.oc1.ord.b5x.aaaa") == "us-chicago-1"
    assert tenancy_vault._region("ocid1.vault.oc1.eu-frankfurt-1.b5x.aaaa") == "eu-frankfurt-1"
    assert tenancy_vault._region("ocid1.vault.oc1..aaaa") is None and tenancy_vault._region("nonsense") is None


def test_a_deletion_is_as_early_as_it_can_be_and_can_be_taken_back(
    tenancy_vault: TenancyVault, tenancy: Tenancy
) -> None:
    made, vault = make(tenancy_vault, tenancy), place(tenancy)["vault"]
    tenancy_vault.schedule_deletion(made)
    found = tenancy_vault.find_secret(vault, tenancy.tenancy, "chat")
    assert found and found["lifecycleState"] == "PENDING_DELETION" and text(tenancy_vault, made) is None
    tenancy_vault.cancel_deletion(made)
    assert text(tenancy_vault, made) == FIRST
    tenancy_vault.schedule_deletion(made)
    tenancy.advance("25h")
    assert tenancy_vault.find_secret(vault, tenancy.tenancy, "chat") is None


def test_old_versions_are_scheduled_for_deletion(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    made = make(tenancy_vault, tenancy)
    for content in (SECOND, FIRST):
        tenancy_vault.add_version(made, Secret(content), "CURRENT")
    tenancy_vault.schedule_version_deletion(made, 1)
    leaving = {row["versionNumber"]: bool(row.get("timeOfDeletion")) for row in tenancy_vault.list_versions(made)}
    assert leaving == {1: True, 2: False, 3: False}


def test_every_change_sends_the_etag_it_read(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    made = make(tenancy_vault, tenancy)
    tenancy.control(
        "POST", "faults", [{"operation": "UpdateSecret", "nth": 1, "when": "before", "effect": {"delay": "300ms"}}]
    )
    client = tenancy.client("vault", REGION)
    import threading

    def disturb() -> None:
        client.update_secret(made, {"description": "by another hand"})

    other = threading.Timer(0.1, disturb)
    other.start()
    with pytest.raises(ServiceFailure) as caught:
        tenancy_vault.add_version(made, Secret(SECOND), "PENDING")
    other.join()
    assert caught.value.code == "NoEtagMatch" and text(tenancy_vault, made, "PENDING") is None


def test_a_secret_that_is_still_being_made_is_waited_for(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    tenancy.settings(lifecycleDelay="600ms")
    made = make(tenancy_vault, tenancy)
    assert text(tenancy_vault, made) == FIRST
    assert tenancy.writes() == ["CreateSecret"]


@pytest.mark.parametrize(
    "operation", ["CreateSecret", "UpdateSecret", "ScheduleSecretDeletion", "CancelSecretDeletion"]
)
@pytest.mark.parametrize("effect", [{"drop": True}, {"status": 500, "code": "InternalServerError"}])
def test_a_change_whose_answer_was_lost_happens_once(
    tenancy_vault: TenancyVault, tenancy: Tenancy, operation: str, effect: dict[str, Any]
) -> None:
    if operation == "CreateSecret":
        fault(tenancy, operation, **effect)
    made = make(tenancy_vault, tenancy)
    if operation == "CancelSecretDeletion":
        tenancy_vault.schedule_deletion(made)
    if operation != "CreateSecret":
        fault(tenancy, operation, **effect)
    if operation == "UpdateSecret":
        tenancy_vault.add_version(made, Secret(SECOND), "PENDING")
        assert text(tenancy_vault, made, "PENDING") == SECOND
        fault(tenancy, operation, **effect)
        tenancy_vault.promote_version(made, 2)
    if operation == "ScheduleSecretDeletion":
        tenancy_vault.schedule_deletion(made)
    if operation == "CancelSecretDeletion":
        tenancy_vault.cancel_deletion(made)
    dying = operation == "ScheduleSecretDeletion"
    assert text(tenancy_vault, made) == (None if dying else SECOND if operation == "UpdateSecret" else FIRST)
    versions = tenancy.client("vault", REGION).list_secret_versions(made).data
    assert len(versions) == (2 if operation == "UpdateSecret" else 1)


def test_a_pruning_whose_answer_was_lost_happens_once(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    made = make(tenancy_vault, tenancy)
    for content in (SECOND, FIRST):
        tenancy_vault.add_version(made, Secret(content), "CURRENT")
    fault(tenancy, "ScheduleSecretVersionDeletion", drop=True)
    tenancy_vault.schedule_version_deletion(made, 1)
    assert [bool(row.get("timeOfDeletion")) for row in tenancy_vault.list_versions(made)] == [False, False, True]


def test_failures_are_reported_in_our_words(tenancy_vault: TenancyVault, tenancy: Tenancy) -> None:
    make(tenancy_vault, tenancy)
    with pytest.raises(ServiceFailure, match=r"CreateSecret: 409 .*already exists") as caught:
        make(tenancy_vault, tenancy)
    assert caught.value.request_id and caught.value.operation == "CreateSecret"


def test_no_plaintext_is_in_logs_answers_errors_or_frames(
    tenancy_vault: TenancyVault, provider: OciClient, tenancy: Tenancy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = make(tenancy_vault, tenancy)
    tenancy_vault.add_version(made, Secret(SECOND), "PENDING")
    reply = provider.get("GetSecretBundle", made, REGION, stage="PENDING")
    shown = [repr(reply), json.dumps(reply.data), repr(tenancy_vault.read_version(made, "PENDING"))]
    for effect in ({"drop": True}, {"status": 400, "code": "InvalidParameter", "message": "no"}):
        tenancy.control(
            "POST", "faults", [{"operation": "UpdateSecret", "nth": 1, "count": 50, "when": "before", "effect": effect}]
        )
        with pytest.MonkeyPatch.context() as patch, pytest.raises(ServiceFailure) as caught:
            patch.setattr("genai_iac.oci_client.retry._LONGEST", 0.01)
            tenancy_vault.add_version(made, Secret(FIRST), "PENDING")
        shown.append(everything_about(caught.value))
        tenancy.control("DELETE", "faults")
    assert [piece for one in (*shown, caplog.text) for piece in traces(one)] == []
    assert traces(f"x {FIRST} y") and traces(encoded(FIRST, 1)), "the search finds what is there"


def everything_about(error: BaseException | None) -> str:
    """What a debugger would show: texts, arguments, chained exceptions, the locals of every frame of the package and below."""
    shown = io.StringIO()
    while error is not None:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = traceback.StackSummary(frame for frame in report.stack if "/tests/" not in frame.filename)
        shown.write(f"{error!r} {error.args!r} {vars(error)!r}\n" + "".join(frames.format()))
        error = error.__cause__ or error.__context__
    return shown.getvalue()


def encoded(value: str, offset: int) -> str:
    import base64

    return base64.b64encode(b"\0" * offset + value.encode()).decode()[4:-4]


def traces(shown: str) -> list[str]:
    """Pieces of the values in a text, plain or base64."""
    forms = [form for value in (FIRST, SECOND) for form in (value, *(encoded(value, offset) for offset in range(3)))]
    return [
        form[start : start + 14]
        for form in forms
        for start in range(len(form) - 13)
        if form[start : start + 14] in shown
    ]


@pytest.mark.parametrize(
    "body", [["something", {"else": 1}], {"some": "thing"}, {"keys": [7], "secretBundleContent": 1}]
)
@pytest.mark.parametrize(
    "operation",
    ["ListSecrets", "GetSecret", "GetSecretBundle", "ListSecretVersions", "GetVault", "GetKey", "CreateSecret"],
)
def test_an_answer_of_another_shape_is_a_failure_that_names_the_call(
    tenancy_vault: TenancyVault, tenancy: Tenancy, operation: str, body: Any
) -> None:
    secret, there = make(tenancy_vault, tenancy), place(tenancy)
    asked = {
        "ListSecrets": lambda: tenancy_vault.find_secret(there["vault"], tenancy.tenancy, "chat"),
        "GetSecret": lambda: tenancy_vault.promote_version(secret, 1),
        "GetSecretBundle": lambda: tenancy_vault.read_version(secret, "CURRENT"),
        "ListSecretVersions": lambda: tenancy_vault.list_versions(secret),
        "GetVault": lambda: tenancy_vault.read_key(there["vault"], there["key"]),
        "GetKey": lambda: tenancy_vault.read_key(there["vault"], there["key"]),
        "CreateSecret": lambda: make(tenancy_vault, tenancy),
    }
    effect = {"status": 200, "body": body}
    tenancy.control("POST", "faults", {"operation": operation, "effect": effect})
    with pytest.raises(ServiceFailure, match=operation):
        asked[operation]()

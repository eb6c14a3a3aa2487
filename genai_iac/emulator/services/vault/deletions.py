"""The slow deletion of secrets and of their versions: scheduled at least a day ahead, called off until then."""

from msgspec.structs import replace

from genai_iac.emulator.http.requests import optional_instant
from genai_iac.emulator.http.responses import Answer, conflict, invalid
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.vault.bundles import read_number
from genai_iac.emulator.services.vault.contents import Version, find_version, list_versions
from genai_iac.emulator.services.vault.secrets import KIND, load_secret, require_active
from genai_iac.emulator.storage.resources import Resources
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import DAY, MINUTE, format_instant

_EARLIEST = DAY  # from now
_LATEST = 30 * DAY  # from now; also the default


@operation("vault", "ScheduleSecretDeletion", "POST /20180608/secrets/{secretId}/actions/scheduleDeletion")
def schedule_secret_deletion(call: OperationContext) -> Answer:
    """ScheduleSecretDeletion: of no use at once, gone at the time; its name stays taken until then."""
    old = load_secret(call)
    require_active(old)
    moment = _read_time(call)
    body = {**old.body, "timeOfDeletion": format_instant(moment)}
    new = call.resources.save(old, replace(old, state="PENDING_DELETION", body=body), call.now)
    schedule(call.connection, moment, "delete-secret", old.id, at=format_instant(moment))
    return Answer(headers={"etag": new.etag})


@operation("vault", "CancelSecretDeletion", "POST /20180608/secrets/{secretId}/actions/cancelDeletion")
def cancel_secret_deletion(call: OperationContext) -> Answer:
    """CancelSecretDeletion."""
    old = load_secret(call)
    if old.state != "PENDING_DELETION":
        raise conflict("Conflict", f"The secret is {old.state}, not PENDING_DELETION.")
    body = {name: value for name, value in old.body.items() if name != "timeOfDeletion"}
    new = call.resources.save(old, replace(old, state="ACTIVE", body=body), call.now)
    return Answer(headers={"etag": new.etag})


@operation(
    "vault",
    "ScheduleSecretVersionDeletion",
    "POST /20180608/secrets/{secretId}/version/{number}/actions/scheduleDeletion",
)
def schedule_version_deletion(call: OperationContext) -> Answer:
    """ScheduleSecretVersionDeletion: of a DEPRECATED version only."""
    version = _find(call)
    if version.stages != ("DEPRECATED",):
        raise conflict("Conflict", f"Version {version.number} is {' and '.join(version.stages)}, not DEPRECATED.")
    if version.deletion is not None:
        raise conflict("Conflict", f"Version {version.number} is scheduled for deletion already.")
    pending = sum(other.deletion is not None for other in list_versions(call, version.secret))
    if pending >= call.world.settings.limit("versionsPerSecret"):
        raise conflict("Conflict", "Too many versions of the secret are pending deletion.")
    _set_deletion(call, version, _read_time(call))
    return Answer()


@operation(
    "vault",
    "CancelSecretVersionDeletion",
    "POST /20180608/secrets/{secretId}/version/{number}/actions/cancelDeletion",
)
def cancel_version_deletion(call: OperationContext) -> Answer:
    """CancelSecretVersionDeletion."""
    version = _find(call)
    if version.deletion is None:
        raise conflict("Conflict", f"Version {version.number} is not scheduled for deletion.")
    _set_deletion(call, version, None)
    return Answer()


OPERATIONS = (
    schedule_secret_deletion,
    cancel_secret_deletion,
    schedule_version_deletion,
    cancel_version_deletion,
)


def _find(call: OperationContext) -> Version:
    secret = load_secret(call)
    require_active(secret)
    return find_version(call, secret.id, number=read_number(call), stage="")


def _read_time(call: OperationContext) -> int:
    body = call.body if call.request.body else {}
    moment = optional_instant(body, "timeOfDeletion")
    if moment is None:
        return call.now + _LATEST
    # a client's "in one day" is a little less than a day when it arrives
    if not call.now + _EARLIEST - 5 * MINUTE <= moment <= call.now + _LATEST + 5 * MINUTE:
        raise invalid("timeOfDeletion must be 1 to 30 days from now.")
    return moment


def _set_deletion(call: OperationContext, version: Version, moment: int | None) -> None:
    call.connection.execute(
        "UPDATE secret_versions SET deletion = ? WHERE secret = ? AND number = ?",
        (moment, version.secret, version.number),
    )


def _delete(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    secret = resources.find(KIND, due.target)
    # a deletion that was called off and scheduled anew has another time
    if secret is None or secret.state != "PENDING_DELETION" or secret.body.get("timeOfDeletion") != due.detail["at"]:
        return
    due.connection.execute("DELETE FROM secret_versions WHERE secret = ?", (secret.id,))
    resources.save(secret, replace(secret, state="DELETED"), due.world.now)


WORKS = {"delete-secret": _delete}

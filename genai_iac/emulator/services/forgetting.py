"""What was deleted is shown as DELETED for ninety days, and then it is as if it had never been.

Source: Oracle's page on deleting compartments; that API keys go after the same time is an assumption."""

from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import Resources
from genai_iac.emulator.storage.tenancy_state import ScheduledJob, schedule
from genai_iac.emulator.storage.time_format import DAY

KEPT = 90 * DAY  # milliseconds
JOB = "forget-deleted"  # name of the scheduled job


def forget_later(job: OperationContext | ScheduledJob, kind: str, ocid: str) -> None:
    """Forget what was deleted in this call, or by this job, when its ninety days are over."""
    schedule(job.connection, job.world.now + KEPT, JOB, ocid, kind=kind)


def _forget(due: ScheduledJob) -> None:
    resources = Resources(due.connection)
    found = resources.find(due.detail["kind"], due.target)
    deleted = found is not None and found.state == "DELETED"  # a compartment may have been recovered, and deleted again
    if found is None or not deleted or due.world.now < (found.updated or found.created) + KEPT:
        return
    resources.remove(due.target)
    due.connection.execute("DELETE FROM key_secrets WHERE api_key = ?", (due.target,))
    due.connection.execute("DELETE FROM credentials WHERE api_key = ?", (due.target,))


WORKS = {JOB: _forget}

"""Object Storage: enough of it for locks and state. One namespace, buckets, whole objects, conditional writes."""

from genai_iac.emulator.services.object_storage import buckets, objects

OPERATIONS = (*buckets.OPERATIONS, *objects.OPERATIONS)

"""The namespace and its buckets."""

from typing import Any

from genai_iac.emulator.http.errors import ServiceError, conflict
from genai_iac.emulator.http.paging import Order, list_page
from genai_iac.emulator.http.request_fields import optional_object, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, answer_page
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.defined_tags import new_tags
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import format_instant

KIND = "bucket"
_NAME = r"[A-Za-z0-9._-]{1,256}"  # of a bucket; unique in namespace and region
_ORDER = Order("TIMECREATED", "NAME")


@operation("object-storage", "GetNamespace", "GET /n")
def get_namespace(call: OperationContext) -> Answer:
    """GetNamespace: a JSON string."""
    return Answer(namespace_of(call))


@operation("object-storage", "CreateBucket", "POST /n/{namespaceName}/b")
def create_bucket(call: OperationContext) -> Answer:
    """CreateBucket."""
    check_namespace(call)
    compartment = call.enter(text(call.body, "compartmentId"))
    name = text(call.body, "name", most=256, pattern=_NAME)
    if _find(call, name) is not None:
        raise conflict(
            "BucketAlreadyExists",
            f"Either the bucket '{name}' in the namespace exists already or you are not authorized.",
        )
    metadata = optional_object(call.body, "metadata")
    body = {"metadata": metadata, "createdBy": call.caller.id, **new_tags(call, compartment)}
    return _answer(call, call.make_regional(call.region, KIND, compartment, name, body))


@operation("object-storage", "ListBuckets", "GET /n/{namespaceName}/b")
def list_buckets(call: OperationContext) -> Answer:
    """ListBuckets of a compartment."""
    check_namespace(call)
    compartment = call.enter(call.request.required("compartmentId"))
    wanted = call.listing(KIND, compartment, region=call.region)
    rows, following = list_page(call.resources, wanted, call.request, _ORDER)
    return answer_page([_show(call, row) for row in rows], following)


@operation("object-storage", "GetBucket", "GET /n/{namespaceName}/b/{bucketName}")
def get_bucket(call: OperationContext) -> Answer:
    """GetBucket."""
    return _answer(call, load_bucket(call))


@operation("object-storage", "HeadBucket", "HEAD /n/{namespaceName}/b/{bucketName}")
def head_bucket(call: OperationContext) -> Answer:
    """HeadBucket."""
    return Answer(headers={"etag": load_bucket(call).etag})


@operation("object-storage", "DeleteBucket", "DELETE /n/{namespaceName}/b/{bucketName}")
def delete_bucket(call: OperationContext) -> Answer:
    """DeleteBucket: an empty one."""
    bucket = load_bucket(call)
    wanted = call.request.headers.get("if-match")
    if wanted is not None and wanted != bucket.etag:
        raise ServiceError(412, "IfMatchFailed", "The If-Match header does not match the etag of the bucket.")
    if call.connection.execute("SELECT 1 FROM objects WHERE bucket = ?", (bucket.id,)).fetchone():
        raise conflict("BucketNotEmpty", f"Bucket '{bucket.name}' is not empty. Delete all object versions first.")
    call.resources.remove(bucket.id)
    return NO_CONTENT


OPERATIONS = (get_namespace, create_bucket, list_buckets, get_bucket, head_bucket, delete_bucket)


def namespace_of(call: OperationContext) -> str:
    """The one namespace a tenancy has."""
    return "ns" + call.world.tenancy[-10:]


def check_namespace(call: OperationContext) -> None:
    """404 for another namespace."""
    if call.parameters["namespaceName"] != namespace_of(call):
        raise ServiceError(
            404,
            "NamespaceNotFound",
            "You do not have authorization to perform this request, or the requested resource could not be found.",
        )


def load_bucket(call: OperationContext) -> StoredResource:
    """The bucket in the path; 404 BucketNotFound when it is not there or not for this caller."""
    check_namespace(call)
    name = call.parameters["bucketName"]
    bucket = _find(call, name)
    if bucket is None or not call.may_enter(bucket.compartment, target=bucket):
        raise ServiceError(
            404,
            "BucketNotFound",
            f"Either the bucket named '{name}' does not exist in the namespace '{namespace_of(call)}' "
            "or you are not authorized to access it",
        )
    return bucket


def _find(call: OperationContext, name: str) -> StoredResource | None:
    row = call.connection.execute(
        "SELECT id FROM resources WHERE kind = ? AND region = ? AND name = ?", (KIND, call.region, name)
    ).fetchone()
    return None if row is None else call.resources.find(KIND, row["id"])


def _answer(call: OperationContext, bucket: StoredResource) -> Answer:
    return Answer(_show(call, bucket), headers={"etag": bucket.etag}, resource=bucket.id)


def _show(call: OperationContext, bucket: StoredResource) -> dict[str, Any]:
    return {
        "namespace": namespace_of(call),
        "name": bucket.name,
        "id": bucket.id,
        "compartmentId": bucket.compartment,
        "timeCreated": format_instant(bucket.created),
        "etag": bucket.etag,
        "publicAccessType": "NoPublicAccess",
        "storageTier": "Standard",
        "versioning": "Disabled",
        **bucket.body,
    }

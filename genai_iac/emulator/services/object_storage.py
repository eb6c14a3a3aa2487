"""Object Storage, as much as locks and state need: one namespace, its buckets, and objects.

Objects are written whole and read whole; if-match and if-none-match guard a write, which is what locks are made of.
"""

import base64
import hashlib
import json
import sqlite3
import uuid
from typing import Any

from genai_iac.emulator.http.paging import Order, list_page, read_limit
from genai_iac.emulator.http.requests import optional_object, text
from genai_iac.emulator.http.responses import NO_CONTENT, Answer, ServiceError, answer_page, conflict, invalid
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.tags import new_tags
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.time_format import format_http_date, format_instant

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


BUCKET_OPERATIONS = (get_namespace, create_bucket, list_buckets, get_bucket, head_bucket, delete_bucket)


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


_PATH = "/n/{namespaceName}/b/{bucketName}/o/{objectName...}"
_META = "opc-meta-"  # prefix of headers that are stored and returned


@operation("object-storage", "PutObject", f"PUT {_PATH}", streamed=True)
def put_object(call: OperationContext) -> Answer:
    """PutObject."""
    bucket = load_bucket(call)
    name = call.parameters["objectName"]
    # In the transaction of the write: two clients that use `if-none-match: *` as a lock
    # cannot both succeed.
    _check_conditions(call, _find_object(call, bucket.id, name))
    content = call.request.body
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode("ascii")
    given = call.request.headers.get("content-md5")
    if given is not None and given != md5:
        raise ServiceError(
            400,
            "UnmatchedContentMD5",
            f"The computed MD5 of the request body ({md5}) does not match the Content-MD5 header ({given})",
        )
    metadata = {key: value for key, value in call.request.headers.items() if key.startswith(_META)}
    content_type = call.request.headers.get("content-type", "application/octet-stream")
    etag = str(uuid.uuid4())
    call.connection.execute(
        "INSERT OR REPLACE INTO objects VALUES (?,?,?,?,?,?,?,?)",
        (bucket.id, name, etag, md5, content_type, json.dumps(metadata), call.now, content),
    )
    return Answer(headers={"etag": etag, "opc-content-md5": md5, "last-modified": format_http_date(call.now)})


@operation("object-storage", "GetObject", f"GET {_PATH}")
def get_object(call: OperationContext) -> Answer:
    """GetObject, or 304 when the caller has it already."""
    row = _load(call)
    if call.request.headers.get("if-none-match") in (row["etag"], "*"):
        return Answer(status=304, headers={"etag": row["etag"]})
    return Answer(content=row["content"], content_type=row["content_type"], headers=_headers(row))


@operation("object-storage", "HeadObject", f"HEAD {_PATH}")
def head_object(call: OperationContext) -> Answer:
    """HeadObject."""
    row = _load(call)
    headers = {**_headers(row), "content-length": str(len(row["content"]))}
    return Answer(content=b"", content_type=row["content_type"], headers=headers)


@operation("object-storage", "DeleteObject", f"DELETE {_PATH}")
def delete_object(call: OperationContext) -> Answer:
    """DeleteObject."""
    row = _load(call)
    call.connection.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (row["bucket"], row["name"]))
    return Answer(status=204, headers={"last-modified": format_http_date(row["modified"])})


@operation("object-storage", "ListObjects", "GET /n/{namespaceName}/b/{bucketName}/o")
def list_objects(call: OperationContext) -> Answer:
    """ListObjects by prefix, start and end, with `/` as the only delimiter."""
    bucket = load_bucket(call)
    prefix, start, end = (call.request.one(name) or "" for name in ("prefix", "start", "end"))
    delimiter = call.request.one("delimiter")
    if delimiter not in (None, "/"):
        raise invalid("delimiter must be /.")
    limit = read_limit(call.request)
    rows = call.connection.execute(
        "SELECT name, etag, md5, modified, length(content) AS size FROM objects WHERE bucket = ? AND name >= ?"
        " AND substr(name, 1, ?) = ? ORDER BY name",
        (bucket.id, max(start, prefix), len(prefix), prefix),
    )
    objects: list[dict[str, Any]] = []
    prefixes: dict[str, None] = {}
    following = None
    for row in rows:
        if end and row["name"] >= end:
            break
        if len(objects) + len(prefixes) >= limit:
            following = row["name"]
            break
        head, found, _ = row["name"][len(prefix) :].partition("/")
        if delimiter and found:
            prefixes[f"{prefix}{head}/"] = None
        else:
            objects.append(_summary(row))
    shown: dict[str, Any] = {"objects": objects, "prefixes": list(prefixes)}
    return Answer(shown if following is None else {**shown, "nextStartWith": following})


OBJECT_OPERATIONS = (put_object, get_object, head_object, delete_object, list_objects)


def _load(call: OperationContext) -> sqlite3.Row:
    bucket = load_bucket(call)
    name = call.parameters["objectName"]
    row = _find_object(call, bucket.id, name)
    if row is None:
        raise ServiceError(404, "ObjectNotFound", f"The object '{name}' was not found in the bucket '{bucket.name}'")
    wanted = call.request.headers.get("if-match")
    if wanted not in (None, "*", row["etag"]):
        raise _if_match_failed()
    return row


def _find_object(call: OperationContext, bucket: str, name: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = call.connection.execute(
        "SELECT * FROM objects WHERE bucket = ? AND name = ?", (bucket, name)
    ).fetchone()
    return row


def _check_conditions(call: OperationContext, row: sqlite3.Row | None) -> None:
    headers = call.request.headers
    wanted = headers.get("if-match")
    if wanted is not None and (row is None or wanted not in ("*", row["etag"])):
        raise _if_match_failed()
    if headers.get("if-none-match") == "*" and row is not None:
        raise ServiceError(412, "IfNoneMatchFailed", "The If-None-Match header is '*' but the object exists.")


def _if_match_failed() -> ServiceError:
    return ServiceError(412, "IfMatchFailed", "The If-Match header does not match the etag of the object.")


def _headers(row: sqlite3.Row) -> dict[str, str]:
    return {
        "etag": row["etag"],
        "content-md5": row["md5"],
        "last-modified": format_http_date(row["modified"]),
        **json.loads(row["metadata"]),
    }


def _summary(row: sqlite3.Row) -> dict[str, Any]:
    stamp = format_instant(row["modified"])
    return {
        "name": row["name"],
        "size": row["size"],
        "md5": row["md5"],
        "etag": row["etag"],
        "timeCreated": stamp,
        "timeModified": stamp,
    }


OPERATIONS = (*BUCKET_OPERATIONS, *OBJECT_OPERATIONS)

"""Objects: written whole, read whole, and guarded by if-match and if-none-match, which is what locks are made of."""

import base64
import hashlib
import json
import sqlite3
import uuid
from typing import Any

from genai_iac.emulator.http.errors import ServiceError, invalid
from genai_iac.emulator.http.paging import read_limit
from genai_iac.emulator.http.responses import Answer
from genai_iac.emulator.http.router import operation
from genai_iac.emulator.services.object_storage.buckets import load_bucket
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.storage.time_format import format_http_date, format_instant

_PATH = "/n/{namespaceName}/b/{bucketName}/o/{objectName...}"
_META = "opc-meta-"  # prefix of headers that are stored and returned


@operation("object-storage", "PutObject", f"PUT {_PATH}", streamed=True)
def put_object(call: OperationContext) -> Answer:
    """PutObject."""
    bucket = load_bucket(call)
    name = call.parameters["objectName"]
    # In the transaction of the write: two clients that use `if-none-match: *` as a lock
    # cannot both succeed.
    _check_conditions(call, _find(call, bucket.id, name))
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


OPERATIONS = (put_object, get_object, head_object, delete_object, list_objects)


def _load(call: OperationContext) -> sqlite3.Row:
    bucket = load_bucket(call)
    name = call.parameters["objectName"]
    row = _find(call, bucket.id, name)
    if row is None:
        raise ServiceError(404, "ObjectNotFound", f"The object '{name}' was not found in the bucket '{bucket.name}'")
    wanted = call.request.headers.get("if-match")
    if wanted not in (None, "*", row["etag"]):
        raise _if_match_failed()
    return row


def _find(call: OperationContext, bucket: str, name: str) -> sqlite3.Row | None:
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

"""What can happen to a request that is answered, or not, while the process lives: promises.md 2.6, and headers that are none."""

from __future__ import annotations

from typing import Any

Fault = dict[str, Any]
ELSEWHERE = "http://127.0.0.1:9/elsewhere"
_WRONG = {"status": 200, "body": {"items": "none", "id": 7, "keys": [3, None], "lifecycleState": []}}

FAULTS: dict[str, Fault] = {
    "500 before the commit": {"effect": {"status": 500, "code": "InternalServerError"}},
    "500 after the commit": {"effect": {"status": 500, "code": "InternalServerError"}, "when": "after"},
    "502 with a web page": {"effect": {"status": 502, "body": "<html>Bad Gateway</html>"}},
    "503": {"effect": {"status": 503, "code": "ServiceUnavailable"}},
    "429 with Retry-After": {"effect": {"status": 429, "code": "TooManyRequests", "retryAfter": "1"}},
    "429 without": {"effect": {"status": 429, "code": "TooManyRequests"}},
    "401 of a wrong clock": {"effect": {"status": 401, "code": "NotAuthenticated", "message": "The clock is off."}},
    "404 for two reads": {"effect": {"status": 404, "code": "NotAuthorizedOrNotFound"}, "count": 2},
    "409 it exists": {"effect": {"status": 409, "code": "NotAuthorizedOrResourceAlreadyExists"}},
    "412": {"effect": {"status": 412, "code": "NoEtagMatch"}},
    "reset before the commit": {"effect": {"reset": True}},
    "reset after the commit": {"effect": {"reset": True}, "when": "after"},
    "half a body": {"effect": {"truncate": True}, "when": "after"},
    "JSON of another shape": {"effect": _WRONG, "when": "after"},
    "a byte at a time": {"effect": {"trickle": True}},
    "silence": {"effect": {"silence": "3s"}, "when": "after"},
    "closed after the commit": {"effect": {"drop": True}, "when": "after"},
    "redirect before the commit": {"effect": {"status": 302, "headers": {"location": ELSEWHERE}}},
    "redirect after the commit": {"effect": {"status": 307, "headers": {"location": ELSEWHERE}}, "when": "after"},
}


_REFUSED = {"status": 400, "code": "InvalidParameter", "message": "Refused:", "quote": True}
QUOTES: dict[str, Fault] = {
    "a refusal that quotes the request": {"effect": _REFUSED},
    "a refusal that quotes the answer": {"effect": _REFUSED, "when": "after"},
}


def _headers(**headers: str) -> Fault:
    return {"effect": {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}, "when": "after"}


HEADERS: dict[str, Fault] = {
    "a date that is none": _headers(date="yesterday"),
    "a date without a zone": _headers(date="Thu, 01 Jan 2026 00:00:00 -0000"),
    "a date that no calendar has": _headers(date="Thu, 99 Foo 99999 77:88:99 GMT"),
    "the last date there is": _headers(date="Fri, 31 Dec 9999 23:59:59 -2359"),
    "a request id of another world": _headers(opc_request_id="\x1b[2J\x01\xff" + "x" * 9000),
    "an etag that is none": _headers(etag='\x01\xff"' + "e" * 5000),
    "a work request that is none": _headers(opc_work_request_id="../../\x00 nothing"),
    "a work request that nobody knows": _headers(opc_work_request_id="ocid1.coreservicesworkrequest.oc1..aaaanobody"),
    "a page that is none": _headers(opc_next_page="\x01\xff"),
    "a content type that is none": _headers(content_type="\xff; charset=\x01nothing; charset=utf-9"),
    "a packing that is not true": _headers(content_encoding="gzip, br, gzip"),
    "a deflation that is not true": _headers(content_encoding="deflate"),
    "a Retry-After that is none": _headers(retry_after="soon, -1, 1e400"),
    "a cookie for everybody": _headers(set_cookie="a=b; Domain=.; Expires=never; Max-Age=\xff"),
    "a location on success": _headers(location=ELSEWHERE, link="<http://127.0.0.1:9/>; rel=next", refresh="0"),
    "more headers than anyone reads": _headers(**{f"x_{number}": "y" for number in range(200)}),
    "a header longer than a line": _headers(x_long="y" * 70_000),
}

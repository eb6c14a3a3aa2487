"""A plan as a file that apply takes: the JSON plan, what it was made from, and a seal over every other byte.

The seal tells damage and hand edits, it does not tell who wrote the file; that a plan still fits is found by making it again and comparing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from genai_iac.errors import StalePlanError
from genai_iac.model import Plan
from genai_iac.render.json_plan import FORMAT_VERSION, plan_document
from genai_iac.render.json_text import write_json

_BEFORE_SEAL = b',\n  "seal": "sha256:'
_AFTER_SEAL = b'"\n}\n'
_FORM = re.compile(
    rb"(?P<head>\{.*)" + re.escape(_BEFORE_SEAL) + rb"(?P<seal>[0-9a-f]{64})" + re.escape(_AFTER_SEAL), re.DOTALL
)
_AGAIN = "make it again: genai-iac plan --out FILE"


def saved_plan(plan: Plan, inputs: Mapping[str, Any]) -> bytes:
    """The plan document with `inputs` (JSON data: what the plan was made from) and `seal`."""
    document = {**plan_document(plan), "inputs": dict(inputs)}
    head = write_json(document, indent=2).removesuffix("\n}").encode("ascii") + _BEFORE_SEAL
    return head + _seal(head).encode("ascii") + _AFTER_SEAL


def read_saved_plan(data: bytes) -> Mapping[str, Any]:
    """The document of a saved plan. Raises StalePlanError when it is none, or altered in any byte, or of another version."""
    form = _FORM.fullmatch(data)
    if form is None:
        raise StalePlanError("this is not a saved plan, or a part of it is missing", hint=_AGAIN)
    if form["seal"].decode("ascii") != _seal(form["head"] + _BEFORE_SEAL):
        raise StalePlanError("the saved plan was altered after it was made: its seal does not fit", hint=_AGAIN)
    document = json.loads(data)
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise StalePlanError(
            f"the saved plan has format version {version}, this genai-iac reads {FORMAT_VERSION}", hint=_AGAIN
        )
    return dict(document)


def _seal(head: bytes) -> str:
    return hashlib.sha256(head + _AFTER_SEAL).hexdigest()

"""A saved plan gives back what was saved, and is refused when any of its bytes was touched."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from rendered_plans import EVERYTHING, NOTHING, large_plan

from genai_iac.core import Plan
from genai_iac.core.errors import StalePlanError
from genai_iac.render.plan.json import plan_document, read_saved_plan, saved_plan

INPUTS = {"files": {"stack.yaml": "sha256:00"}, "version": "1.2.3", "seal": "not the seal"}
DATA = saved_plan(EVERYTHING, INPUTS)


@pytest.mark.parametrize(
    "plan", [EVERYTHING, NOTHING, large_plan(50, "日本 \x00 \ud800 ###[x]")], ids=["everything", "nothing", "large"]
)
def test_what_was_saved_is_read(plan: Plan) -> None:
    document = dict(read_saved_plan(saved_plan(plan, INPUTS)))
    assert document.pop("inputs") == INPUTS
    assert document.pop("seal").startswith("sha256:")
    assert document == json.loads(json.dumps(plan_document(plan)).replace("\\ud800", "\\ufffd"))


def test_the_same_plan_makes_the_same_file() -> None:
    assert saved_plan(EVERYTHING, INPUTS) == DATA
    assert json.loads(DATA)["fingerprint"] == plan_document(EVERYTHING)["fingerprint"]


@pytest.mark.parametrize("start", range(0, len(DATA), 1_000))
def test_a_flipped_byte_is_refused(start: int) -> None:
    for position in range(start, min(start + 1_000, len(DATA)), 13):
        _assert_refused(_flip(DATA, position, 1 << position % 8))
    _assert_refused(_flip(DATA, len(DATA) - 1 - start // 1_000, 1))  # the seal's own bytes, one a run


@pytest.mark.matrix
def test_every_bit_of_every_byte() -> None:
    data = saved_plan(large_plan(30), INPUTS)
    assert len(data) > 20_480
    for position in range(len(data)):
        for bit in range(8):
            _assert_refused(_flip(data, position, 1 << bit))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"not a plan",
        DATA[:-1],
        DATA[:-3],
        DATA[1:],
        DATA + b"\n",
        b"\n" + DATA,
        DATA + DATA,
        DATA.replace(b"\n", b"\r\n"),
        json.dumps(json.loads(DATA)).encode(),
        json.dumps(plan_document(EVERYTHING)).encode(),
        b"apiVersion: genai-iac/v1\nkind: Stack\n",
        b"\xff\xfe" + DATA,
    ],
)
def test_what_is_no_whole_saved_plan_is_refused(data: bytes) -> None:
    _assert_refused(data)


def test_a_format_of_another_age_is_refused_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.render.plan.json.FORMAT_VERSION", "2.0")
    newer = saved_plan(EVERYTHING, INPUTS)
    monkeypatch.undo()
    with pytest.raises(StalePlanError, match=r"format version 2\.0, this genai-iac reads 1\.1"):
        read_saved_plan(newer)


def test_a_later_minor_version_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.render.plan.json.FORMAT_VERSION", "1.7")
    newer = saved_plan(replace(EVERYTHING, unchanged=8), INPUTS)
    monkeypatch.undo()
    assert read_saved_plan(newer)["unchanged"] == 8


def _flip(data: bytes, position: int, mask: int) -> bytes:
    return data[:position] + bytes((data[position] ^ mask,)) + data[position + 1 :]


def _assert_refused(data: bytes) -> None:
    with pytest.raises(StalePlanError) as caught:
        read_saved_plan(data)
    assert caught.value.hint == "make it again: genai-iac plan --out FILE"

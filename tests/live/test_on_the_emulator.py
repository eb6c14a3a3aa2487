"""The live tests whole against the local emulator, where every answer is known; and with each answer the other way round."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import oci
import pytest
from conftest import ROOT, SETTINGS_OF_RUN, Tenancy

from . import iam_probes, key_probes
from .lab import TAG, Lab, Place
from .ledger import PROBES, Verdict, render, settle

__all__ = ["iam_probes", "key_probes"]

pytestmark = pytest.mark.skipif(bool(SETTINGS_OF_RUN), reason="the answers of this run are other ones")
REGION = "us-chicago-1"
PAGE = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")


@pytest.fixture
def lab(tenancy: Tenancy) -> Lab:
    config = oci.config.from_file(str(tenancy.config_file))
    made = tenancy.client("identity").create_compartment(
        {"compartmentId": tenancy.tenancy, "name": "live", "description": "-"}
    )
    place = Place(config, made.data.id, REGION, "xai.grok-4", tenancy.url)
    return Lab(place, 400, rest=lambda seconds: None)


def settled(lab: Lab, *numbers: str) -> dict[str, Verdict]:
    """The verdicts by number; all of them when none is named."""
    return {one.number: one for one in settle(lab, [one for one in PROBES if not numbers or one.number in numbers])}


def test_every_assumption_holds_here_and_nothing_is_left(lab: Lab, tenancy: Tenancy) -> None:
    verdicts = settled(lab)
    assert [str(one) for one in verdicts.values() if one.word != "confirmed"] == []
    assert lab.remove_all() == []
    rows = lab.keys.list_api_keys(lab.place.compartment).data.items
    assert {one.lifecycle_state for one in rows if TAG in one.freeform_tags} == {"DELETED"}
    assert lab.identity.list_policies(lab.place.compartment).data == []
    made = [call for call in tenancy.calls() if call["operation"] in ("CreateApiKey", "CreatePolicy")]
    assert len(made) > 20


# number, settings or a fault of the emulator, and the verdict
OTHER: list[tuple[str, dict[str, Any], str]] = [
    ("A7", {"retryTokenReplay": "masked"}, "refuted, handled"),
    ("A7", {"retryTokenReplay": "invalidate"}, "refuted, handled"),
    ("A8", {"renewRevoked": True}, "refuted, handled"),
    ("A9", {"renewKeepsInactive": True}, "refuted"),
    ("A11", {"deletedKeys": "gone"}, "refuted, handled"),
    ("B2", {"unknownNames": "accept"}, "refuted, handled"),
    ("C1", {"refusedCalls": "404"}, "refuted, handled"),
    ("C2", {"showsLastUse": False}, "refuted"),
    ("C4", {"projectRequired": True}, "refuted, handled"),
    ("A5", {"operation": "ListApiKeys", "effect": {"headers": {"date": "Mon, 01 Jan 2024 00:00:00 GMT"}}}, "refuted"),
    ("A6", {"operation": "GetApiKey", "nth": 2, "effect": {"headers": {"date": ""}}}, "refuted"),
    ("A12", {"operation": "UpdateApiKey", "nth": 2, "effect": {"status": 409, "code": "IncorrectState"}}, "refuted"),
    ("A16", {"operation": "CreateApiKey", "effect": {"status": 409, "code": "Conflict"}}, "refuted"),
    ("A17", {"operation": "ListApiKeys", "effect": {"headers": {"opc-next-page": ""}}}, "refuted"),
    ("B1", {"operation": "CreatePolicy", "nth": 2, "effect": {"status": 400, "code": "InvalidParameter"}}, "refuted"),
    ("B4", {"operation": "CreatePolicy", "effect": {"status": 400, "code": "InvalidParameter"}}, "refuted"),
    ("B5", {"operation": "UpdatePolicy", "nth": 2, "effect": {"status": 409, "code": "Conflict"}}, "refuted"),
]


@pytest.mark.parametrize(("number", "other", "word"), OTHER, ids=[f"{one[0]}-{next(iter(one[1]))}" for one in OTHER])
def test_another_answer_is_seen(lab: Lab, tenancy: Tenancy, number: str, other: dict[str, Any], word: str) -> None:
    if "operation" in other:
        tenancy.control("POST", "faults", other)
    else:
        tenancy.settings(**other)
    assert settled(lab, number)[number].word == word


def test_a_spent_budget_ends_the_rest_and_everything_is_removed(lab: Lab) -> None:
    lab.budget = 20
    verdicts = settled(lab)
    words = [one.word for one in verdicts.values()]
    assert words[0] == "confirmed" and words[-1] == "not tried"
    assert "the budget of 20 calls is spent" in str(verdicts["C4"])
    assert lab.remove_all() == []


def test_without_a_model_no_inference_call_is_made(lab: Lab, tenancy: Tenancy) -> None:
    lab.place = Place(lab.place.config, lab.place.compartment, REGION, None, tenancy.url)
    assert settled(lab, "C1")["C1"].word == "not tried"
    assert [call for call in tenancy.calls() if "/actions/v1/" in call["path"]] == []


def test_what_an_earlier_run_left_is_removed(lab: Lab) -> None:
    key, policy = lab.key().data.id, lab.policy("allow any-user to inspect policies in compartment live").data.id
    later = Lab(lab.place, 20, rest=lambda seconds: None)
    assert later.remove_all() == []
    assert later.keys.get_api_key(key).data.lifecycle_state == "DELETED"
    with pytest.raises(oci.exceptions.ServiceError):
        later.identity.get_policy(policy)


@pytest.mark.parametrize("function", [one.observe for one in PROBES], ids=[one.number for one in PROBES])
def test_a_refusal_that_quotes_a_value_is_not_shown(function: Callable[[Lab], str]) -> None:
    """What probes answer are fixed words: no value, mask or message of the service is among what they return."""
    code = function.__code__
    names = {
        name
        for one in (code, *(inner for inner in code.co_consts if hasattr(inner, "co_names")))
        for name in one.co_names
    }
    assert not names & {"message", "reveal", "print"}


def test_the_ledger_shows_no_value(lab: Lab) -> None:
    values = []
    create = lab.keys.create_api_key

    def watched(*arguments: Any, **options: Any) -> Any:
        answer = create(*arguments, **options)
        values.extend(one.key for one in answer.data.keys if one.key)
        return answer

    lab.keys.create_api_key = watched
    text = render(list(settled(lab).values()), lab.calls)
    assert len(values) > 20 and [one for one in values if one[3:15] in text] == []


def test_the_page_lists_what_is_tried_and_every_file_that_is_unsure() -> None:
    listed = re.findall(r"^\| ([A-D]\d+) \|", PAGE, re.MULTILINE)
    tried = [one.number for one in PROBES]
    assert [number for number in tried if number not in listed] == []
    untried = {number for number in listed if number not in tried}
    assert untried == {number for number in listed if number.startswith("D")}
    unsure = [
        path.relative_to(ROOT)
        for top in ("genai_iac", "docs")
        for path in sorted((ROOT / top).rglob("*"))
        if path.suffix in (".py", ".tsv", ".md") and "UNCONFIRMED" in path.read_text(encoding="utf-8")
    ]
    assert [str(path) for path in unsure if path != Path("docs/assumptions.md") and f"`{path}`" not in PAGE] == []


def test_every_path_on_the_page_exists() -> None:
    paths = set(re.findall(r"`((?:genai_iac|tests|docs)/[\w/.-]+)`", PAGE))
    assert len(paths) > 15 and [path for path in sorted(paths) if not (ROOT / path).exists()] == []

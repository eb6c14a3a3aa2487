"""`Change.delivers_before` is the one order of calls and deliveries: what a plan shows is what an execution follows."""

from __future__ import annotations

from typing import Any

import pytest

from genai_iac.core import Address, Call, Change
from genai_iac.core.plan import Action

CREATE = Call("CreateApiKey", {"keyDetails": [{"keyName": "a"}, {"keyName": "b"}]})
RENEW = Call("RenewApiKey", secret="a")
TAG = Call("UpdateApiKey")
DEACTIVATE = Call("SetApiKeyState", {"state": "INACTIVE"}, secret="b")
ACTIVATE = Call("SetApiKeyState", {"state": "ACTIVE"}, secret="b")
DELETE = Call("DeleteApiKey")
WRITE = "UpdateSecret"


def change(*calls: Call, actions: tuple[Action, ...] = ("update",), **more: Any) -> Change:
    return Change(Address("ApiKey", "chat"), actions, "test", calls=calls, sink_calls=(WRITE,), **more)


@pytest.mark.parametrize(
    ("calls", "shown"),
    [
        ((CREATE, TAG), "CreateApiKey UpdateSecret UpdateApiKey"),
        ((CREATE, DEACTIVATE), "CreateApiKey UpdateSecret SetApiKeyState"),
        ((RENEW, TAG), "RenewApiKey UpdateApiKey UpdateSecret"),
        ((RENEW, DEACTIVATE, TAG), "RenewApiKey UpdateSecret SetApiKeyState UpdateApiKey"),
        ((ACTIVATE, RENEW, DELETE), "SetApiKeyState RenewApiKey UpdateSecret DeleteApiKey"),
        ((), "UpdateSecret"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_values_reach_the_sinks_straight_after_a_create_and_before_any_value_stops_working(
    calls: tuple[Call, ...], shown: str
) -> None:
    assert change(*calls).operations == tuple(shown.split())


def test_sinks_of_a_deleted_key_are_emptied_last() -> None:
    assert change(DELETE, actions=("delete",)).operations == ("DeleteApiKey", WRITE)


def test_the_records_of_a_renamed_key_come_first() -> None:
    renamed = change(TAG, record_calls=("UpdateSecretRecord",))
    assert renamed.operations == ("UpdateSecretRecord", "UpdateApiKey", WRITE)

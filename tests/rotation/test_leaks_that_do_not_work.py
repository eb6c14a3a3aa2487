"""A leaked secret that does not work any more: answered in one command, and an outage is not passed over."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Project, Tenancy

from genai_iac.cli.leak_renewal import deactivated_leaks
from genai_iac.core import LEAK_TAG, Address, Call, Change, DeliveryPlan, Plan

from .rotation_cases import APPLY, KEY, ROTATE, begin, secrets, states, words

QUIET = {"every": "60d", "overlap": "7d", "idle": "24h"}


def test_the_slot_is_renewed_whether_or_not_the_plan_deactivates_it() -> None:
    key, tags = Address("ApiKey", "chat"), {LEAK_TAG: "one=sk-a****b"}

    def renewed(*actions: Any, retired: str | None = "one", **body: Any) -> bool:
        call = Call("RenewApiKey", body, "ocid", "us-chicago-1", "two")
        handover = DeliveryPlan({"two": "current"}, retired=retired)
        change = Change(key, actions, "", None, {}, (call,), handover=handover)
        return deactivated_leaks(Plan("s", None, "t", "us-chicago-1", (change,), 0, 0)) == {key: "one"}

    assert renewed("renew", "deactivate", freeformTags=tags) and renewed("renew", freeformTags=tags)
    assert not renewed("renew", freeformTags={LEAK_TAG: "one"}), "this note asks for a revocation"
    assert not renewed("update", retired=None, freeformTags=tags), "an old note that another change sends along"
    assert not renewed("renew")


def stop(project: Project, tenancy: Tenancy, name: str, state: str) -> None:
    """As a person does in the Console."""
    from oci.generative_ai.models import SetApiKeyStateDetails

    (id,) = {one["id"] for one in project.run("status", "--format", "json").json["secrets"]}
    client = tenancy.client("generative_ai", "us-chicago-1")
    client.set_api_key_state(id, SetApiKeyStateDetails(key_name=name, state=state))


@pytest.mark.matrix
@pytest.mark.parametrize("leaked", ["key-one", "key-two"])
@pytest.mark.parametrize("how", ["inactive", "expired"])
def test_both_secrets_are_new_after_one_command(project: Project, tenancy: Tenancy, leaked: str, how: str) -> None:
    begin(project, rotation=QUIET)
    if how == "expired":
        tenancy.advance("91d")
    else:
        stop(project, tenancy, "key-one", "INACTIVE")
    before = {name: one["mask"] for name, one in secrets(project).items()}
    said = words(project.run(*ROTATE, "--leaked", leaked))
    after = secrets(project)
    other = "key-two" if leaked == "key-one" else "key-one"
    assert states(project) == {leaked: ("INACTIVE", "inactive"), other: ("ACTIVE", "current")}
    assert all(after[name]["mask"] != mask for name, mask in before.items())
    assert f"what this costs: nothing, {leaked} does not work" in said and "get 401 at once" not in said
    assert project.run(*APPLY).out.rstrip().endswith("No changes.")


@pytest.mark.matrix
def test_a_leak_that_was_revoked_by_hand_says_how_the_outage_ends(project: Project, tenancy: Tenancy) -> None:
    begin(project, rotation=QUIET)
    stop(project, tenancy, "key-one", "REVOKED")
    said = words(project.run("rotate", KEY, "--leaked", "key-one", "--auto-approve"))
    assert "key-one is revoked already, and callers read it; to make key-two current: genai-iac apply" in said
    project.run(*APPLY)
    assert states(project)["key-two"] == ("ACTIVE", "current")
    said = words(project.run("rotate", KEY, "--leaked", "key-one", "--auto-approve"))
    assert "key-one is revoked already" in said and "callers read it" not in said

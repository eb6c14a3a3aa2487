"""The bot of a pull request holds no power: with the printed policy of `plan` it sees everything and changes nothing."""

from __future__ import annotations

from typing import Any

import oci
import pytest
from conftest import Project, Ran, Tenancy
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import client, compartments, keys, named, policies
from vault_sink.vault_setups import ROTATION, entry, write_key

from .stacks import edited

LOOKS: tuple[tuple[str, ...], ...] = (
    ("plan",),
    ("plan", "--full-scan", "--format", "json"),
    ("drift",),
    ("drift", "--unmanaged", "--full-scan"),
    ("snapshot", "--out", "-"),
    ("snapshot", "--full-scan", "--out", "-"),
    ("export",),
    ("export", "--compartment", "/chat", "--full-scan"),
    ("status",),
    ("expiry",),
    ("access", "--diff"),
    ("doctor",),
)
POWERS = (("apply", "--auto-approve"), ("destroy", "--auto-approve"), ("import",))


@pytest.fixture
def watched(applied: Project, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The stack as the bot sees it, once all services have heard of it."""
    monkeypatch.setattr("genai_iac.oci_client.retry.WINDOW", 0)
    become(applied, tenancy, "plan")
    return applied


def become(project: Project, tenancy: Tenancy, verb: str) -> None:
    """From now on the project is used by an identity with what `permissions VERB` prints, and nothing else."""
    made = tenancy.control("POST", "principals", {"name": "bot", "groups": ["bots"]})
    statements = project.run("permissions", verb, "--group", "bots").out.splitlines()
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="bots", description="What they may do", statements=statements
    )
    client(tenancy, "identity").create_policy(details)
    tenancy.settings(enforceIam=True)
    project.environ |= {"GENAI_IAC_CONFIG_FILE": made["configFile"], "GENAI_IAC_PROFILE": "bot"}
    tenancy.forget_calls()


def test_it_sees_what_an_administrator_sees(watched: Project, tenancy: Tenancy) -> None:
    administrator = Project(watched.path, {"GENAI_IAC_ENDPOINT": tenancy.url})
    administrator.environ["GENAI_IAC_CONFIG_FILE"] = str(tenancy.config_file)
    watched.write(edited("Chat workloads", "Chat"))
    for look in LOOKS:
        found, wanted = watched.run(*look, code=None), administrator.run(*look, code=None)
        assert (found.code, seen(found, look)) == (wanted.code, seen(wanted, look)), look
        assert found.code == (2 if look[0] == "drift" else 0), look
    assert tenancy.writes() == []


def seen(ran: Ran, look: tuple[str, ...]) -> Any:
    """What a look shows of the tenancy, without the moment it was taken."""
    if look[0] == "snapshot":
        document = ran.json
        return [document[name] for name in ("tenancy", "home_region", "regions", "places", "groups", "resources")]
    if look[0] == "doctor":
        return [line for line in ran.out.splitlines() if line.startswith("ok may List") and "Groups" not in line]
    return ran.out.splitlines()[1 if look[0] in ("status", "expiry") else 0 :]


@pytest.mark.parametrize("power", POWERS, ids=lambda power: power[0])
def test_no_write_of_its_succeeds(watched: Project, tenancy: Tenancy, power: tuple[str, ...]) -> None:
    watched.write(edited("Chat workloads", "Chat").replace("The app's", "Its own").replace("app may", "app can"))
    if power == ("import",):
        power = ("import", "ApiKey/app", named(keys(tenancy), "app").id)
    before = everything(tenancy)
    tenancy.forget_calls()
    ran = watched.run(*power, code=None)
    assert ran.code in (0, 1, 4)
    assert tenancy.writes() == []
    assert everything(tenancy) == before
    assert "Traceback" not in ran.out + ran.err


def test_a_refusal_names_the_right_that_is_missing(watched: Project, tenancy: Tenancy) -> None:
    for before, after, right in (
        ("Chat workloads", "Chat", "use compartments"),
        ("The app's", "Its own", "read generative-ai-apikey"),
        ("app may chat", "app can chat", "manage policies"),
    ):
        watched.write(edited(before, after))
        out = " ".join(watched.run("apply", "--auto-approve", code=4).out.replace("|", " ").split())
        assert f"it needs the right to {right}" in out
    assert tenancy.writes() == []


def test_a_hand_edit_is_seen_without_power(watched: Project, tenancy: Tenancy) -> None:
    home = named(compartments(tenancy), "chat")
    details = oci.identity.models.UpdateCompartmentDetails(description="By hand")
    client(tenancy, "identity").update_compartment(home.id, details)
    tenancy.forget_calls()
    assert "By hand" in watched.run("drift", code=2).out
    assert tenancy.writes() == []


def test_a_plan_from_a_powerless_snapshot_is_the_live_one(watched: Project, tenancy: Tenancy) -> None:
    watched.run("snapshot", "--out", "snapshot.json")
    watched.write(edited("Chat workloads", "Chat"))
    alone = Project(watched.path, {"GENAI_IAC_ENDPOINT": "", "GENAI_IAC_CONFIG_FILE": "/nonexistent"})
    assert alone.run("plan", "--snapshot", "snapshot.json").out == watched.run("plan").out


def test_the_policy_of_apply_lasts_from_the_first_apply_to_destroy(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(*grown()))
    become(project, tenancy, "apply")
    for documents in (grown(), grown(description="Changed"), grown(compartment="inner"), grown()[:1]):
        project.write(stack(*documents))
        project.run("apply", "--auto-approve")
    project.run("destroy", "--auto-approve")
    assert compartments(tenancy) == keys(tenancy) == {}


def test_the_policy_of_rotate_suffices_for_whole_rotations(project: Project, tenancy: Tenancy) -> None:
    write_key(project, entry(tenancy), secrets=2, rotation=ROTATION)
    project.run("apply", "--auto-approve")
    become(project, tenancy, "rotate")
    for _ in range(3):
        project.run("rotate", "ApiKey/app", "--auto-approve")
        tenancy.advance("3d")
        project.run("apply", "--auto-approve")
    written = tenancy.writes()
    assert written.count("SetApiKeyState") == written.count("RenewApiKey") == 3
    assert "ScheduleSecretVersionDeletion" in written


def grown(**spec: Any) -> list[dict[str, Any]]:
    """Compartments, a key and a policy."""
    inner = compartment("inner", parent="home")
    return [compartment("home"), inner, key("app", **spec), policy("rule", grants=[{"apiKey": "app"}])]


def everything(tenancy: Tenancy) -> list[Any]:
    """All that lives, as text."""
    return [str(one) for group in (compartments(tenancy), keys(tenancy), policies(tenancy)) for one in group.values()]

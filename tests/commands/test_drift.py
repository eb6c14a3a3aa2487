"""What somebody changed by hand comes to light: named, told apart from what the manifests changed, safe to paste anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import oci
import pytest
from conftest import Project, Tenancy
from markdown_it import MarkdownIt
from msgspec.structs import replace
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import APPROVED, keys, words

from genai_iac.cli import drift_report
from genai_iac.core import OWNERSHIP_TAG, Address, Owner, make_origin
from genai_iac.emulator import running

from .project import Deployment
from .stacks import commit, git

STATEMENT = "allow group readers to read buckets in compartment home"
OTHER = "allow group readers to read objects in compartment home"
EXPIRY = "2030-01-01T00:00:00Z"
models: Any = oci.identity.models
key_models: Any = oci.generative_ai.models


class Declared(Deployment):
    """A tenancy in which the stack lives as declared."""

    def drift(self, *arguments: str, code: int) -> dict[str, Any]:
        """The report as data; nothing has been written for it."""
        self.tenancy.forget_calls()
        report: dict[str, Any] = self.project.run("drift", "--format", "json", *arguments, code=code).json
        assert self.tenancy.writes() == []
        assert report["drift"] is (code == 2)
        return report

    def make_key(self, name: str, compartment: str = "home", **details: Any) -> Any:
        """A key that has no ownership tag, unless its tags are given."""
        wanted = key_models.CreateApiKeyDetails(
            compartment_id=self.live("Compartment", compartment).id,
            display_name=name,
            key_details=[{"keyName": "key-one", "timeExpiry": EXPIRY}],
            **details,
        )
        return self.generative_ai.create_api_key(wanted).data


Act = Callable[[Declared], Any]


def documents(**app: Any) -> list[dict[str, Any]]:
    secrets = [{"name": "key-one", "expires": EXPIRY}, {"name": "key-two", "expires": "90d"}]
    return [
        compartment("home", description="Home"),
        compartment("side", description="Side"),
        key("app", **{"secrets": secrets, "description": "The app's", "tags": {"team": "ml"}, **app}),
        key("dying", secrets=2),
        policy("rule", compartment="home", statements=[STATEMENT, OTHER], description="A rule"),
    ]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declared]:
    """One tenancy for all tests."""
    with running() as server:
        tenancy = Tenancy(server.url, Path(server.config_file), server.tenancy)
        environ = {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": str(tenancy.config_file)}
        project = Project(tmp_path_factory.mktemp("stack"), environ)
        tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
        project.write(stack(*documents()))
        project.run(*APPROVED)
        commit(project.path)
        yield Declared(project, tenancy)


@pytest.fixture
def applied_stack(lived: Declared) -> Iterator[Declared]:
    """As declared before each test, and brought back after it."""
    yield lived
    dying = [key for key in keys(lived.tenancy).values() if key.display_name == "dying"]
    if any(secret.state == "REVOKED" for key in dying for secret in key.keys):
        key_deleted(lived)
    lived.project.write(stack(*documents()))
    lived.project.run(*APPROVED, "--accept-outage", "ApiKey/app")


def changed(kind: str, name: str, /, **values: Any) -> Act:
    """One update by hand."""

    def act(deployment: Declared) -> None:
        id = deployment.live(kind, name).id
        if kind == "Compartment":
            deployment.identity.update_compartment(id, models.UpdateCompartmentDetails(**values))
        elif kind == "Policy":
            deployment.identity.update_policy(id, models.UpdatePolicyDetails(**values))
        else:
            deployment.generative_ai.update_api_key(id, key_models.UpdateApiKeyDetails(**values))

    return act


def retagged(kind: str, name: str, tag: str) -> Act:
    def act(deployment: Declared) -> None:
        changed(kind, name, freeform_tags={**deployment.live(kind, name).freeform_tags, "team": tag})(deployment)

    return act


def switched(name: str, secret: str, state: str) -> Act:
    def act(deployment: Declared) -> None:
        details = key_models.SetApiKeyStateDetails(key_name=secret, state=state)
        deployment.generative_ai.set_api_key_state(deployment.live("ApiKey", name).id, details)

    return act


def renewed(deployment: Declared) -> None:
    details = {"keyName": "key-one", "timeExpiry": "2031-01-01T00:00:00Z"}
    id = deployment.live("ApiKey", "app").id
    deployment.generative_ai.renew_api_key(id, key_models.RenewApiKeyDetails(details=details))


def key_moved(deployment: Declared) -> None:
    details = key_models.ChangeApiKeyCompartmentDetails(compartment_id=deployment.live("Compartment", "side").id)
    deployment.generative_ai.change_api_key_compartment(deployment.live("ApiKey", "app").id, details)


def compartment_moved(deployment: Declared) -> None:
    details = models.MoveCompartmentDetails(target_compartment_id=deployment.live("Compartment", "home").id)
    deployment.identity.move_compartment(deployment.live("Compartment", "side").id, details)


def policy_deleted(deployment: Declared) -> None:
    deployment.identity.delete_policy(deployment.live("Policy", "rule").id)


def key_revoked(deployment: Declared) -> None:
    """Permanently: only another key can be as declared again."""
    switched("dying", "key-two", "REVOKED")(deployment)


def key_deleted(deployment: Declared) -> None:
    deployment.generative_ai.delete_api_key(deployment.live("ApiKey", "dying").id)


# What it finds

# by hand: what was done, to which resource, the path that differs (none: it is missing)
EDITS: dict[str, tuple[Act, str, str | None]] = {
    "compartment renamed": (changed("Compartment", "side", name="elsewhere"), "Compartment/side", "name"),
    "compartment described": (changed("Compartment", "side", description="X"), "Compartment/side", "description"),
    "compartment moved": (compartment_moved, "Compartment/side", "compartmentId"),
    "policy described": (changed("Policy", "rule", description="X"), "Policy/rule", "description"),
    "statement changed": (
        changed("Policy", "rule", statements=[STATEMENT.replace("to read", "to use"), OTHER]),
        "Policy/rule",
        "statements",
    ),
    "statement deleted": (changed("Policy", "rule", statements=[STATEMENT]), "Policy/rule", "statements"),
    "statement added": (
        changed("Policy", "rule", statements=[STATEMENT, OTHER, STATEMENT.replace("buckets", "vaults")]),
        "Policy/rule",
        "statements",
    ),
    "policy deleted": (policy_deleted, "Policy/rule", None),
    "key renamed": (changed("ApiKey", "app", display_name="theirs"), "ApiKey/app", "displayName"),
    "key described": (changed("ApiKey", "app", description="X"), "ApiKey/app", "description"),
    "key moved": (key_moved, "ApiKey/app", "compartmentId"),
    "tag changed": (retagged("ApiKey", "app", "theirs"), "ApiKey/app", "freeformTags.team"),
    "secret off": (switched("app", "key-one", "INACTIVE"), "ApiKey/app", "secrets.key-one.state"),
    "secret renewed": (renewed, "ApiKey/app", "secrets.key-one.expires"),
    "secret revoked": (key_revoked, "ApiKey/dying", "secrets.key-two.state"),
    "key deleted": (key_deleted, "ApiKey/dying", None),
}


@pytest.mark.parametrize(("edit", "address", "path"), EDITS.values(), ids=EDITS)
def test_a_hand_edit_is_found_and_named(applied_stack: Declared, edit: Act, address: str, path: str | None) -> None:
    edit(applied_stack)
    report = applied_stack.drift(code=2)
    (found,) = report["resources"]
    assert (found["address"], found["direction"]) == (address, None)
    assert found["what"] == ("changed" if path else "missing")
    assert [one["path"] for one in found["differences"]] == ([path] if path else [])
    text = applied_stack.project.run("drift", code=2).out
    assert f"{address} {'is not as declared' if path else 'is declared and not there'}" in text


def test_nothing_changed_is_no_drift(applied_stack: Declared) -> None:
    assert applied_stack.drift(code=0)["resources"] == []
    assert applied_stack.project.run("drift").out.splitlines()[-1] == "No drift."


def test_of_a_rotation_only_what_stopped_it_is_drift(project: Project, tenancy: Tenancy) -> None:
    """Its steps are due, and age is its own affair; a key whose secrets somebody turned off is neither."""
    deployment = Declared(project, tenancy)
    project.write(stack(compartment("home"), key("turns", secrets=2, rotation={"every": "60d"})))
    project.run(*APPROVED)
    tenancy.advance("61d")
    assert project.run("plan", "--format", "json").json["summary"]["renew"] == 1
    assert deployment.drift(code=0)["resources"] == []
    switched("turns", "key-one", "REVOKED")(deployment)
    (found,) = deployment.drift(code=2)["resources"]
    assert found["address"] == "ApiKey/turns"


# What no call can correct


def test_what_no_call_can_correct_hides_nothing(applied_stack: Declared) -> None:
    """A secret revoked permanently, a name taken by somebody, and an ordinary edit: drift tells all three, plan refuses."""
    key_revoked(applied_stack)
    policy_deleted(applied_stack)
    home = applied_stack.live("Compartment", "home").id
    taken = models.CreatePolicyDetails(compartment_id=home, name="rule", description="Theirs", statements=[STATEMENT])
    foreign = applied_stack.identity.create_policy(taken).data.id
    changed("Compartment", "side", description="X")(applied_stack)
    report = applied_stack.drift("--base", "main", code=2)
    text, page = (applied_stack.project.run("drift", "--format", form, code=2).out for form in ("text", "markdown"))
    refused = applied_stack.project.run("plan", code=1).err
    applied_stack.identity.delete_policy(foreign)
    assert {(one["address"], one["what"], one["direction"]) for one in report["resources"]} == {
        ("ApiKey/dying", "changed", "theirs"),
        ("Compartment/side", "changed", "theirs"),
        ("Policy/rule", "missing", "theirs"),
    }
    for one in report["refusals"]:
        assert all(words(one["message"]) in words(reported) for reported in (text, page, refused))
        assert all(words(one["hint"]) in words(reported) for reported in (text, page, refused))
    first, second = sorted(one["message"].partition(": ")[2] for one in report["refusals"])
    assert first.startswith("ApiKey/dying secret key-two was revoked")
    assert second.startswith(f"Policy/rule: Policy rule exists and is not this stack's ({foreign})")
    last = "Drift: 2 changed, 1 missing, 0 unexpected. Apply is refused for 2 reasons."
    assert text.splitlines()[-1] == last and f"### {last}" in page


def test_any_refusal_is_listed(project: Project, tenancy: Tenancy) -> None:
    """An exact expiry that is past, a key that two runs have made, a compartment that was renamed."""
    deployment = Declared(project, tenancy)
    details = models.CreateCompartmentDetails(compartment_id=tenancy.tenancy, name="outside", description="Theirs")
    outside = deployment.identity.create_compartment(details).data.id
    dated = [{"name": "key-one", "expires": EXPIRY}]
    project.write(
        stack(compartment("home"), key("dated", secrets=dated), key("copied"), key("out", compartment="/outside"))
    )
    project.run(*APPROVED)
    owner = Owner(tenancy.tenancy, "loop")
    other = deployment.make_key("copy").id
    seal = owner.seal(Address("ApiKey", "copied"), other, origin=make_origin(datetime.now(UTC)))
    deployment.generative_ai.update_api_key(other, {"freeformTags": {OWNERSHIP_TAG: seal}})
    deployment.identity.update_compartment(outside, models.UpdateCompartmentDetails(name="renamed"))
    tenancy.control("POST", "clock", {"set": EXPIRY})
    report = deployment.drift(code=2)
    assert {(one["address"], one["what"], len(one["differences"])) for one in report["resources"]} == {
        ("ApiKey/dated", "changed", 1),
        ("ApiKey/copied", "changed", 0),
        ("ApiKey/out", "changed", 2),
    }
    said = " ".join(one["message"] for one in report["refusals"])
    assert len(report["refusals"]) == 3
    assert all(
        part in said for part in ("which is past", "the ownership tag of ApiKey/copied", "no compartment /outside")
    )
    assert project.run("plan", code=1).err.count("Error: ") == 3


# Whose doing it is


def declared(*more: dict[str, Any], without: str = "", **app: Any) -> Act:
    """The manifests say something else."""

    def act(deployment: Declared) -> None:
        kept = [one for one in documents(**app) if f"{one['kind']}/{one['metadata']['name']}" != without]
        deployment.project.write(stack(*kept, *more))

    return act


BY_HAND = changed("ApiKey", "app", description="By hand")
# the acts, the resource, whose doing it is, and that of each value
DIRECTIONS: dict[str, tuple[list[Act], str, str, dict[str, str]]] = {
    "a value declared": ([declared(description="New")], "ApiKey/app", "yours", {"description": "yours"}),
    "a resource declared": ([declared(key("new"))], "ApiKey/new", "yours", {}),
    "a resource no longer declared": ([declared(without="ApiKey/dying")], "ApiKey/dying", "yours", {}),
    "a value by hand": ([BY_HAND], "ApiKey/app", "theirs", {"description": "theirs"}),
    "deleted by hand": ([policy_deleted], "Policy/rule", "theirs", {}),
    "both the same value": ([declared(description="New"), BY_HAND], "ApiKey/app", "both", {"description": "both"}),
    "each another value": (
        [declared(displayName="new"), BY_HAND],
        "ApiKey/app",
        "both",
        {"displayName": "yours", "description": "theirs"},
    ),
    "no longer declared, changed by hand": (
        [declared(without="ApiKey/dying"), changed("ApiKey", "dying", display_name="theirs")],
        "ApiKey/dying",
        "both",
        {},
    ),
}


@pytest.mark.parametrize(("acts", "address", "whose", "values"), DIRECTIONS.values(), ids=DIRECTIONS)
def test_the_direction_is_reported(
    applied_stack: Declared, acts: list[Act], address: str, whose: str, values: dict[str, str]
) -> None:
    for act in acts:
        act(applied_stack)
    (found,) = applied_stack.drift("--base", "main", code=0 if whose == "yours" else 2)["resources"]
    assert (found["address"], found["direction"]) == (address, whose)
    assert {one["path"]: one["direction"] for one in found["differences"]} == values


def test_what_both_changed_alike_is_no_difference(applied_stack: Declared) -> None:
    declared(description="By hand")(applied_stack)
    BY_HAND(applied_stack)
    assert applied_stack.drift("--base", "main", code=0)["resources"] == []


def test_a_branch_is_compared_with_where_it_came_from(applied_stack: Declared) -> None:
    git(applied_stack.project.path, "checkout", "--quiet", "-b", "proposal")
    declared(description="New")(applied_stack)
    commit(applied_stack.project.path)
    changed("Policy", "rule", description="By hand")(applied_stack)
    found = applied_stack.drift("--base", "main", code=2)["resources"]
    text = applied_stack.project.run("drift", "--base", "main", code=2).out
    git(applied_stack.project.path, "checkout", "--quiet", "main")
    assert {one["address"]: one["direction"] for one in found} == {"ApiKey/app": "yours", "Policy/rule": "theirs"}
    assert text.splitlines()[-1].startswith("Drift: 1 changed, 0 missing, 0 unexpected. 1 change of the manifests")


def test_without_a_base_it_says_what_it_cannot_distinguish(applied_stack: Declared) -> None:
    """A manifest that was edited and not applied yet looks like a change by hand."""
    texts = [["--format", "text"], ["--format", "markdown"], ["--format", "json"]]
    said = words("without --base REF a manifest change cannot be distinguished from a manual one")
    assert not any(said in words(applied_stack.project.run("drift", *form).out) for form in texts)
    declared(description="New")(applied_stack)
    assert all(said in words(applied_stack.project.run("drift", *form, code=2).out) for form in texts)
    assert said not in words(applied_stack.project.run("drift", "--base", "main").out)


def test_an_unknown_base_is_an_error(applied_stack: Declared) -> None:
    ran = applied_stack.project.run("drift", "--base", "nowhere", code=1)
    assert "nowhere" in ran.err and "Traceback" not in ran.err


# What nobody declares, and what a text may do


def test_unmanaged_lists_a_key_of_nobody(applied_stack: Declared) -> None:
    foreign = applied_stack.make_key("somebodys")
    assert applied_stack.drift(code=0)["unmanaged"] is None
    (listed,) = applied_stack.drift("--unmanaged", code=0)["unmanaged"]
    said = [applied_stack.project.run("drift", "--unmanaged", "--format", form).out for form in ("text", "markdown")]
    applied_stack.generative_ai.delete_api_key(foreign.id)
    assert (listed["id"], listed["displayName"]) == (foreign.id, "somebodys")
    assert listed["compartmentId"] == foreign.compartment_id
    assert all(words(part) in words(text) for text in said for part in ("somebodys", foreign.id))


HOSTILE = [  # 200 more in every rendering of a plan: tests/render
    "@octocat",
    "::error::x",
    "`" * 40,
    "```",
    "</details>",
    "<!-- genai-iac drift loop -->",
    "[x](javascript:alert(1))",
    "<script>alert(1)</script>",
    "#1 closes #2",
    "# Head",
    "a\u202eb",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(applied_stack: Declared, text: str) -> None:
    """In a value, since the service allows no such display name; Markdown is read by a parser."""
    changed("ApiKey", "app", description=text)(applied_stack)
    (found,) = applied_stack.drift(code=2)["resources"]
    page = applied_stack.project.run("drift", "--format", "markdown", code=2).out
    assert found["differences"][0]["live"] == text
    assert all(character.isprintable() or character == "\n" for character in page)
    assert not any(line.lstrip().startswith("::") for line in page.splitlines())
    assert [page.count(part) for part in ("<details>", "</details>", "<!--")] == [1, 1, 1]
    tokens = MarkdownIt("commonmark").parse(page)
    assert [token.type for token in tokens].count("fence") == 1
    (fence,) = (token for token in tokens if token.type == "fence")
    assert [line[:15] for line in fence.content.splitlines()] == ["- description: ", "+ description: "]


def test_a_hostile_display_name_stays_text(applied_stack: Declared) -> None:
    """The local emulator makes no key of such a name, so what was read gets them before it is rendered."""
    foreign = applied_stack.make_key("somebodys")
    with pytest.MonkeyPatch.context() as patch:
        find = drift_report.find_unmanaged
        patch.setattr(
            drift_report, "find_unmanaged", lambda live: [replace(find(live)[0], name=text) for text in HOSTILE]
        )
        report = applied_stack.drift("--unmanaged", code=0)
        page = applied_stack.project.run("drift", "--unmanaged", "--format", "markdown").out
    applied_stack.generative_ai.delete_api_key(foreign.id)
    assert [one["displayName"] for one in report["unmanaged"]] == HOSTILE
    assert all(character.isprintable() or character == "\n" for character in page)
    tokens = MarkdownIt("commonmark").parse(page)
    spans = [token.children or [] for token in tokens if token.type == "inline"][-len(HOSTILE) :]
    assert all([part.type for part in span] == ["code_inline"] for span in spans)
    assert all(foreign.id in span[0].content for span in spans)
    assert [page.count(part) for part in ("<details>", "</details>", "<!--")] == [0, 0, 1]

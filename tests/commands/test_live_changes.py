"""Whatever somebody does to the tenancy or to a sink between plan and apply: the saved plan is refused, names it, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import oci
import pytest
from conftest import Project, Tenancy
from plan_apply.manifests import compartment, key, policy, stack
from plan_apply.sdk_helpers import words

from genai_iac.emulator import running

from .project import Deployment

FILE = "change.plan"
SINK = {"deliverTo": [{"file": {"path": "secrets/app.env"}}]}
STATEMENT = "allow group readers to read buckets in compartment home"
models: Any = oci.identity.models
key_models: Any = oci.generative_ai.models


@dataclass
class Changing(Deployment):
    """A tenancy in which the stack lives."""

    undo: list[Callable[[], Any]] = field(default_factory=list)  # of what would keep the next plan from being made

    def id(self, kind: str, name: str) -> str:
        """The OCID of what lives under that name."""
        return str(self.live(kind, name).id)

    def tags(self, kind: str, name: str) -> dict[str, str]:
        return dict(self.live(kind, name).freeform_tags)

    def update(self, kind: str, name: str, /, **values: Any) -> None:
        id = self.id(kind, name)
        if kind == "Compartment":
            self.identity.update_compartment(id, models.UpdateCompartmentDetails(**values))
        elif kind == "Policy":
            self.identity.update_policy(id, models.UpdatePolicyDetails(**values))
        else:
            self.generative_ai.update_api_key(id, key_models.UpdateApiKeyDetails(**values))


def documents(**app: Any) -> list[dict[str, Any]]:
    return [
        *(compartment(name, description=name) for name in ("home", "side", "empty", "spare")),
        key("app", secrets=2, **SINK, **app),
        *(key(name, secrets=2) for name in ("other", "moved", "gone", "stripped", "dying")),
        policy("rule", compartment="home", statements=[STATEMENT]),
        *(policy(name) for name in ("second", "lost", "bare")),
    ]


@pytest.fixture(scope="module")
def changing_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    """One tenancy for all changes; each plans anew, those that destroy have something of their own."""
    with running() as server:
        tenancy = Tenancy(server.url, Path(server.config_file), server.tenancy)
        environ = {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": str(tenancy.config_file)}
        project = Project(tmp_path_factory.mktemp("stack"), environ)
        deployment = Changing(project, tenancy)
        for name in ("readers", "writers"):
            make_group(deployment, name)
        project.write(stack(*documents()))
        project.run("apply", "--auto-approve")
        planned = policy(
            "granted", compartment="home", statements=["allow group writers to use buckets in compartment home"]
        )
        project.write(stack(*documents(description="To be applied"), planned, policy("new"), key("new")))
        yield deployment


def make_group(deployment: Changing, name: str) -> None:
    details = models.CreateGroupDetails(compartment_id=deployment.tenancy.tenancy, name=name, description=name)
    deployment.identity.create_group(details)


def edits(kind: str, name: str, *fields: str) -> Iterator[tuple[str, Callable[[Changing], str]]]:
    """One change for each attribute that can be updated, and for the tags."""

    def change(values: Callable[[Changing], dict[str, Any]]) -> Callable[[Changing], str]:
        def act(deployment: Changing) -> str:
            deployment.update(kind, name, **values(deployment))
            return f"{kind}/{name}"

        return act

    for changed in fields:
        yield f"{kind}/{name} {changed}", change(lambda _, name=changed: {name: "by-hand"})  # type: ignore[misc]
    yield (
        f"{kind}/{name} tag added",
        change(lambda deployment: {"freeform_tags": {**deployment.tags(kind, name), "a": "b"}}),
    )
    yield (
        f"{kind}/{name} tag changed",
        change(lambda deployment: {"freeform_tags": {**deployment.tags(kind, name), "a": "c"}}),
    )


def statements(*texts: str) -> Callable[[Changing], str]:
    def act(deployment: Changing) -> str:
        deployment.update("Policy", "rule", statements=list(texts))
        return "Policy/rule"

    return act


def renamed(kind: str, name: str, attribute: str) -> Callable[[Changing], str]:
    def act(deployment: Changing) -> str:
        deployment.update(kind, name, **{attribute: "by-hand"})
        deployment.undo.append(lambda: deployment.update(kind, "by-hand", **{attribute: name}))
        return f"{kind}/{name}"

    return act


def stripped(kind: str, name: str) -> Callable[[Changing], str]:
    """The ownership tag is taken off."""

    def act(deployment: Changing) -> str:
        tags = deployment.tags(kind, name)
        deployment.undo.append(lambda: deployment.update(kind, name, freeform_tags=tags))
        deployment.update(kind, name, freeform_tags={})
        return name

    return act


def in_state(name: str, secret: str, state: str) -> Callable[[Changing], str]:
    def act(deployment: Changing) -> str:
        details = key_models.SetApiKeyStateDetails(key_name=secret, state=state)
        id = deployment.id("ApiKey", name)
        deployment.generative_ai.set_api_key_state(id, details)
        if state == "REVOKED":
            deployment.undo.append(lambda: deployment.generative_ai.delete_api_key(id))
        return f"ApiKey/{name}"

    return act


def renewed(deployment: Changing) -> str:
    details = {"keyName": "key-two", "timeExpiry": "2099-01-01T00:00:00Z"}
    deployment.generative_ai.renew_api_key(
        deployment.id("ApiKey", "other"), key_models.RenewApiKeyDetails(details=details)
    )
    return "ApiKey/other"


def key_moved(deployment: Changing) -> str:
    details = key_models.ChangeApiKeyCompartmentDetails(compartment_id=deployment.id("Compartment", "side"))
    deployment.generative_ai.change_api_key_compartment(deployment.id("ApiKey", "moved"), details)
    return "ApiKey/moved"


def key_deleted(deployment: Changing) -> str:
    deployment.generative_ai.delete_api_key(deployment.id("ApiKey", "gone"))
    return "ApiKey/gone"


def compartment_moved(deployment: Changing) -> str:
    details = models.MoveCompartmentDetails(target_compartment_id=deployment.id("Compartment", "home"))
    deployment.identity.move_compartment(deployment.id("Compartment", "spare"), details)
    return "Compartment/spare"


def compartment_deleted(deployment: Changing) -> str:
    deployment.identity.delete_compartment(deployment.id("Compartment", "empty"))
    return "Compartment/empty"


def policy_deleted(deployment: Changing) -> str:
    deployment.identity.delete_policy(deployment.id("Policy", "lost"))
    return "Policy/lost"


def made(kind: str, name: str, **values: Any) -> Callable[[Changing], str]:
    """Somebody makes something in the compartment."""

    def act(deployment: Changing) -> str:
        home = deployment.id("Compartment", "home")
        if kind == "Compartment":
            place = values.get("place", home)
            details = models.CreateCompartmentDetails(compartment_id=place, name=name, description="Theirs")
            deployment.identity.create_compartment(details)
        elif kind == "Policy":
            details = models.CreatePolicyDetails(
                compartment_id=home, name=name, description="Theirs", statements=[STATEMENT]
            )
            id = deployment.identity.create_policy(details).data.id
            deployment.undo.append(lambda: deployment.identity.delete_policy(id))
        else:
            secret = {"keyName": "key-one", "timeExpiry": "2099-01-01T00:00:00Z"}
            details = key_models.CreateApiKeyDetails(
                compartment_id=home, display_name=name, key_details=[secret], freeform_tags=values.get("tags", {})
            )
            id = deployment.generative_ai.create_api_key(details).data.id
            deployment.undo.append(lambda: deployment.generative_ai.delete_api_key(id))
        return name

    return act


def group_made_again(deployment: Changing) -> str:
    """The planned statement would read the same and let others in."""
    (old,) = deployment.identity.list_groups(deployment.tenancy.tenancy, name="writers").data
    deployment.identity.delete_group(old.id)
    make_group(deployment, "writers")
    return "a group that Policy/granted names has changed"


def mark_copied(deployment: Changing) -> str:
    return made("ApiKey", "copy", tags=deployment.tags("ApiKey", "other"))(deployment) and "ApiKey/other"


def sink_gone(deployment: Changing) -> str:
    (deployment.project.path / "secrets/app.env").unlink()
    return "ApiKey/app"


def sink_edited(deployment: Changing) -> str:
    file = deployment.project.path / "secrets/app.env"
    text = file.read_text()
    deployment.undo.append(lambda: file.write_text(text))
    file.write_text("\n".join(line for line in text.splitlines() if "key-two" not in line) + "\n")
    return "ApiKey/app"


def expired(deployment: Changing) -> str:
    deployment.tenancy.advance("91d")
    return "ApiKey/other"


CHANGES: dict[str, Callable[[Changing], str]] = {
    **dict(edits("Compartment", "side", "description")),
    **dict(edits("Compartment", "home", "description")),
    **dict(edits("Policy", "second", "description")),
    **dict(edits("ApiKey", "other", "description")),
    **dict(edits("ApiKey", "app", "description")),
    "Compartment renamed": renamed("Compartment", "side", "name"),
    "ApiKey renamed": renamed("ApiKey", "other", "display_name"),
    "Policy statement changed": statements(STATEMENT.replace("to read", "to use")),
    "Policy statement added": statements(STATEMENT, STATEMENT.replace("buckets", "objects")),
    "Policy statement taken": statements(STATEMENT.replace("buckets", "objects")),
    "secret off": in_state("other", "key-one", "INACTIVE"),
    "secret on": in_state("other", "key-one", "ACTIVE"),
    "secret revoked": in_state("dying", "key-one", "REVOKED"),
    "secret renewed": renewed,
    "ApiKey moved": key_moved,
    "ApiKey deleted": key_deleted,
    "ApiKey without its tag": stripped("ApiKey", "stripped"),
    "Policy without its tag": stripped("Policy", "bare"),
    "Policy deleted": policy_deleted,
    "Compartment moved": compartment_moved,
    "Compartment deleted": compartment_deleted,
    "Compartment of theirs": made("Compartment", "theirs"),
    "Policy of theirs": made("Policy", "theirs"),
    "ApiKey of theirs": made("ApiKey", "theirs"),
    "the name of a planned policy": made("Policy", "new"),
    "the name of a planned key": made("ApiKey", "new"),
    "a group made again": group_made_again,
    "sink edited": sink_edited,
    "sink gone": sink_gone,
    "a tag copied": mark_copied,
    "secret expired": expired,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_is_refused_by_name(changing_stack: Changing, change: Callable[[Changing], str]) -> None:
    changing_stack.project.run("plan", "--out", FILE)
    touched = change(changing_stack)
    changing_stack.tenancy.forget_calls()
    ran = changing_stack.project.run("apply", FILE, code=None)
    writes = changing_stack.tenancy.writes()
    while changing_stack.undo:
        changing_stack.undo.pop()()
    assert ran.code == 1
    assert words(touched) in words(ran.err)
    assert writes == []

"""A good manifest becomes resources, whichever way it is given."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from genai_iac.core import Address, ExistingCompartment, InterpolatedText, Lifetime, Reference, StatementText
from genai_iac.core.errors import UsageError
from genai_iac.manifest import Manifest, load

GOOD = Path(__file__).parent / "good" / "chat.yaml"
CHAT, PLATFORM, KEY, TURNING, POLICY = (
    Address.parse(text)
    for text in ("Compartment/chat", "Compartment/platform", "ApiKey/chat-app", "ApiKey/turning", "Policy/chat-access")
)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load(str(GOOD))


def test_the_stack(manifest: Manifest) -> None:
    stack = manifest.stack
    assert (stack.name, stack.owner, stack.region, stack.tenancy) == (
        "chat",
        "chat",
        "us-chicago-1",
        "ocid1.tenancy.oc1..aaaa",
    )
    assert stack.tags == {"team": "ml-platform", "stage": "dev"}
    assert stack.root == str(GOOD.parent.resolve())
    assert manifest.variables == {"env": "dev", "owner": "ml-engineers", "life": 90}


def test_resources_come_in_the_order_of_the_file(manifest: Manifest) -> None:
    assert list(manifest.resources) == list(manifest.documents) == [PLATFORM, CHAT, KEY, TURNING, POLICY]


def test_a_compartment(manifest: Manifest) -> None:
    chat = manifest.resources[CHAT]
    assert chat.deletion == "retain"
    assert chat.attributes["name"] == "chat-dev"
    assert chat.attributes["compartmentId"] == Reference(PLATFORM)
    assert chat.attributes["freeformTags"] == {"team": "ml-platform", "stage": "own"}
    assert chat.attributes["description"] == InterpolatedText(
        "Chat workloads of ${Stack.name} below ${Compartment/platform.path}",
        (("Stack.name", "chat"), ("Compartment/platform.path", Reference(PLATFORM, "path"))),
    )
    assert manifest.resources[PLATFORM].attributes["description"] == "Shared: 100 % ours, it costs ${MUCH}"


def test_a_key(manifest: Manifest) -> None:
    key = manifest.resources[KEY]
    assert key.region == "us-ashburn-1"
    assert key.attributes["description"] == "Key of the chat application, in two lines"
    assert key.attributes["secrets"]["key-two"]["expires"] == Lifetime("90d", timedelta(days=90))  # type: ignore[index,call-overload]
    assert key.settings["deliverTo"] == ({"file": {"path": "secrets/dev/chat-app.env"}},)


def test_a_policy_keeps_every_placeholder_of_a_statement(manifest: Manifest) -> None:
    policy = manifest.resources[POLICY]
    statements = policy.attributes["statements"]
    assert isinstance(statements, list)
    assert statements[0] == StatementText(
        "allow group ${var.owner} to read generative-ai-family in compartment ${Compartment/chat.name}",
        (("var.owner", "ml-engineers"), ("Compartment/chat.name", Reference(CHAT, "name"))),
        attached=ExistingCompartment("/platform"),
    )
    assert statements[1] == "allow group admins to manage generative-ai-family in compartment platform"
    assert len(statements) == 4  # two grants were written out


def test_places_are_exact(manifest: Manifest) -> None:
    document = manifest.documents[CHAT]
    assert str(document.place("spec", "name")).endswith("chat.yaml:23:9")
    assert str(document.place("spec", "name", "~key")).endswith("chat.yaml:23:3")
    assert document.place("spec", "secrets", 7, "name") == document.place("spec")
    places = dict(document.places)
    assert len(places) == len(document.places)
    assert places["spec", "tags", "stage"] == document.place("spec", "tags", "stage")


def test_the_graph(manifest: Manifest) -> None:
    assert manifest.graph.needs(CHAT) == {PLATFORM}
    assert manifest.graph.needs(POLICY) == {CHAT, KEY}
    assert manifest.graph.order() == (PLATFORM, CHAT, KEY, TURNING, POLICY)


def _as_directory(tmp_path: Path) -> Manifest:
    for number, text in enumerate(GOOD.read_text().split("---\n")):
        (tmp_path / f"{number}.yml").write_text(text)
    return load(str(tmp_path))


def _as_standard_input(tmp_path: Path) -> Manifest:
    return load("-", stdin=BytesIO(GOOD.read_bytes()))


@pytest.mark.parametrize("way", [_as_directory, _as_standard_input])
def test_the_way_does_not_matter(way: Callable[[Path], Manifest], tmp_path: Path, manifest: Manifest) -> None:
    other = way(tmp_path)
    assert {address: resource.attributes for address, resource in other.resources.items()} == {
        address: resource.attributes for address, resource in manifest.resources.items()
    }


def test_inputs_are_digested(manifest: Manifest) -> None:
    assert manifest.files == {"chat.yaml": sha256(GOOD.read_bytes()).hexdigest()}


def test_nothing_there() -> None:
    with pytest.raises(UsageError, match="nowhere cannot be found"):
        load("nowhere")


def test_the_sdk_is_not_imported() -> None:
    show = "print([name for name in ('oci', 'jsonschema') if name in sys.modules])"
    code = f"import sys; from genai_iac.manifest import load; load({str(GOOD)!r}); {show}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    assert ran.stdout.strip() == "[]", (
        "validate must work without the SDK, and without jsonschema while nothing is wrong"
    )

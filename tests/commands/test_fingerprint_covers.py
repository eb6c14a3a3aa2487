"""The fingerprint is the whole of what will happen: another value anywhere in the inputs is another one, other words are not.

All plans are made on a snapshot, so that neither network nor clock is in the way.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project, Tenancy

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec:
  id: 5f0c9a34
  region: us-chicago-1
  tags: {team: ml}
  variables:
    words: {default: Chat workloads}
    idle: {default: nothing reads it}
---
apiVersion: genai-iac/v1
kind: Compartment
metadata: {name: chat}
spec:
  name: chat-prod
  parent: /
  description: "${var.words}"
  tags: {cost: "4711"}
  deletion: retain
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: app}
spec:
  displayName: app
  description: The app's
  compartment: chat
  region: us-chicago-1
  tags: {tier: gold}
  deletion: forbid
  secrets:
    - {name: key-one, expires: 90d}
    - {name: key-two, expires: 135d, state: inactive}
  deliverTo:
    - file: {path: secrets/app.env, format: dotenv}
    - vault: {vault: ocid1.vault.oc1..aaaa, key: ocid1.key.oc1..aaaa, compartment: chat, name: app}
    - exec: {command: [./deliver.sh, app], check: [sh, check.sh, --against=expected.txt], timeout: 30s}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: turning}
spec:
  displayName: turning
  compartment: chat
  secrets:
    - {name: key-one, expires: 90d}
    - {name: key-two, expires: 90d}
  deliverTo:
    - vault: {vault: ocid1.vault.oc1..aaaa, key: ocid1.key.oc1..aaaa, compartment: chat, name: turning}
  rotation: {every: 60d, overlap: 7d, idle: 24h, retire: deactivate, verify: {model: xai.grok-4}}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: access}
spec:
  name: access
  compartment: /
  description: app may chat
  tags: {tier: gold}
  deletion: retain
  statements:
    - allow group readers to read generative-ai-family in compartment ${Compartment/chat.path}
  grants:
    - {apiKey: app, apis: [chat], models: [xai.grok-4]}
"""
ENVIRONMENT = "apiVersion: genai-iac/v1\nkind: Environment\nmetadata: {{name: {0}}}\nspec: {{}}\n"
PROGRAMS = {"deliver.sh": "#!/bin/sh\ncat > /dev/null\n", "check.sh": "exit 0\n", "expected.txt": "sk-...\n"}

# by document and path: another value of that leaf that is valid too
OTHERS: dict[str, Any] = {
    "Stack/chat metadata.name": "talk",
    "Stack/chat spec.id": "5f0c9a35",
    "Stack/chat spec.region": "us-ashburn-1",
    "Stack/chat spec.tags.team": "platform",
    "Stack/chat spec.variables.words.default": "Talk workloads",
    "Compartment/chat metadata.name": None,  # referred to by name: renamed as a whole below
    "Compartment/chat spec.name": "chat-test",
    "Compartment/chat spec.parent": "/lab",
    "Compartment/chat spec.description": "Others",
    "Compartment/chat spec.tags.cost": "4712",
    "Compartment/chat spec.deletion": "forbid",
    "ApiKey/app metadata.name": None,
    "ApiKey/app spec.displayName": "bot",
    "ApiKey/app spec.description": "The bot's",
    "ApiKey/app spec.compartment": "/lab",
    "ApiKey/app spec.region": "us-ashburn-1",
    "ApiKey/app spec.tags.tier": "silver",
    "ApiKey/app spec.deletion": "delete",
    "ApiKey/app spec.secrets.0.name": "key-three",
    "ApiKey/app spec.secrets.0.expires": "91d",
    "ApiKey/app spec.secrets.1.name": "key-three",
    "ApiKey/app spec.secrets.1.expires": "136d",
    "ApiKey/app spec.secrets.1.state": "active",
    "ApiKey/app spec.deliverTo.0.file.path": "secrets/stolen.env",
    "ApiKey/app spec.deliverTo.0.file.format": "json",
    "ApiKey/app spec.deliverTo.1.vault.vault": "ocid1.vault.oc1..bbaaaa",
    "ApiKey/app spec.deliverTo.1.vault.key": "ocid1.key.oc1..bbbb",
    "ApiKey/app spec.deliverTo.1.vault.compartment": "/lab",
    "ApiKey/app spec.deliverTo.1.vault.name": "stolen",
    "ApiKey/app spec.deliverTo.2.exec.command.0": "./other.sh",
    "ApiKey/app spec.deliverTo.2.exec.command.1": "stolen",
    "ApiKey/app spec.deliverTo.2.exec.check.0": "bash",
    "ApiKey/app spec.deliverTo.2.exec.check.1": "other.sh",
    "ApiKey/app spec.deliverTo.2.exec.check.2": "--against=other.sh",
    "ApiKey/app spec.deliverTo.2.exec.timeout": "31s",
    "ApiKey/turning metadata.name": "turned",
    "ApiKey/turning spec.displayName": "turned",
    "ApiKey/turning spec.compartment": "/lab",
    "ApiKey/turning spec.secrets.0.name": "key-three",
    "ApiKey/turning spec.secrets.0.expires": "91d",
    "ApiKey/turning spec.secrets.1.name": "key-three",
    "ApiKey/turning spec.secrets.1.expires": "91d",
    "ApiKey/turning spec.deliverTo.0.vault.vault": "ocid1.vault.oc1..bbaaaa",
    "ApiKey/turning spec.deliverTo.0.vault.key": "ocid1.key.oc1..bbbb",
    "ApiKey/turning spec.deliverTo.0.vault.compartment": "/lab",
    "ApiKey/turning spec.deliverTo.0.vault.name": "turned",
    "ApiKey/turning spec.rotation.every": "61d",
    "ApiKey/turning spec.rotation.overlap": "8d",
    "ApiKey/turning spec.rotation.idle": "25h",
    "ApiKey/turning spec.rotation.retire": "revoke",
    "ApiKey/turning spec.rotation.verify.model": "meta.llama-3.3-70b-instruct",
    "Policy/access metadata.name": "rights",
    "Policy/access spec.name": "rights",
    "Policy/access spec.compartment": "chat",
    "Policy/access spec.description": "app may talk",
    "Policy/access spec.tags.tier": "silver",
    "Policy/access spec.deletion": "delete",
    "Policy/access spec.statements.0": "allow group readers to use generative-ai-family in compartment ${Compartment/chat.path}",
    "Policy/access spec.grants.0.apiKey": "turning",
    "Policy/access spec.grants.0.apis.0": "responses",
    "Policy/access spec.grants.0.models.0": "meta.llama-3.3-70b-instruct",
}
RENAMED = {"Compartment/chat metadata.name", "ApiKey/app metadata.name"}
READ_BY_NOBODY = "Stack/chat spec.variables.idle.default"


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of everything that is no mapping and no list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, str(index)))
    else:
        yield path


def replaced(value: Any, path: tuple[str, ...], other: Any) -> Any:
    """A copy with another leaf."""
    if not path:
        return other
    changed = copy.copy(value)
    key: Any = int(path[0]) if isinstance(value, list) else path[0]
    changed[key] = replaced(value[key], path[1:], other)
    return changed


DOCUMENTS = {f"{one['kind']}/{one['metadata']['name']}": one for one in yaml.safe_load_all(STACK)}
LEAVES = [
    f"{name} {'.'.join(path)}"
    for name, document in DOCUMENTS.items()
    for path in leaves(document)
    if path not in (("apiVersion",), ("kind",))
]


def mutated(leaf: str, other: Any) -> str:
    name, _, path = leaf.partition(" ")
    documents = {**DOCUMENTS, name: replaced(DOCUMENTS[name], tuple(path.split(".")), other)}
    return yaml.safe_dump_all(documents.values(), sort_keys=False)


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project and a snapshot of a tenancy, whose emulator has stopped."""
    from genai_iac.emulator import running

    project = Project(tmp_path_factory.mktemp("preview"))
    project.write(STACK)
    for name in ("dev", "prod"):
        project.write(ENVIRONMENT.format(name), f"environments/{name}.yaml")
    for name, text in {**PROGRAMS, "other.sh": PROGRAMS["deliver.sh"]}.items():
        project.write(text, name).chmod(0o755)
    with running() as server:
        tenancy = Tenancy(server.url, Path(server.config_file), server.tenancy)
        tenancy.control("POST", "principals", {"name": "reader", "groups": ["readers"]})
        models = __import__("oci").identity.models
        details = models.CreateCompartmentDetails(compartment_id=tenancy.tenancy, name="lab", description="Lab")
        tenancy.client("identity").create_compartment(details)
        arguments = ("--endpoint", server.url, "--config-file", str(server.config_file))
        project.run("snapshot", "--full-scan", "--out", "snapshot.json", *arguments)
    return project


def document(project: Project, text: str = STACK, *arguments: str, snapshot: str = "snapshot.json") -> dict[str, Any]:
    project.write(text)
    try:
        planned: dict[str, Any] = project.run("plan", "-o", "json", "--snapshot", snapshot, *arguments).json
        return planned
    finally:
        project.write(STACK)


def fingerprint(project: Project, text: str = STACK, *arguments: str, snapshot: str = "snapshot.json") -> str:
    return str(document(project, text, *arguments, snapshot=snapshot)["fingerprint"])


@pytest.fixture(scope="module")
def whole(preview: Project) -> str:
    """The fingerprint of the plan as it is."""
    return fingerprint(preview)


def test_every_leaf_of_the_manifests_is_tried() -> None:
    assert set(LEAVES) == {*OTHERS, READ_BY_NOBODY}
    assert {leaf for leaf, other in OTHERS.items() if other is None} == RENAMED


@pytest.mark.parametrize("leaf", [leaf for leaf, other in OTHERS.items() if other is not None])
def test_a_leaf_that_differs_is_another_plan(preview: Project, whole: str, leaf: str) -> None:
    assert fingerprint(preview, mutated(leaf, OTHERS[leaf])) != whole


@pytest.mark.parametrize(("before", "after"), [("name: chat}", "name: talk}"), ("name: app}", "name: bot}")])
def test_a_resource_under_another_name_is_another_plan(preview: Project, whole: str, before: str, after: str) -> None:
    old, new = before[6:-1], after[6:-1]
    head, rest = STACK.split("---\n", 1)
    text = (
        rest.replace(before, after)
        .replace(f"Compartment/{old}", f"Compartment/{new}")
        .replace(f"compartment: {old}", f"compartment: {new}")
    )
    assert fingerprint(preview, f"{head}---\n{text.replace(f'apiKey: {old}', f'apiKey: {new}')}") != whole


@pytest.mark.parametrize(
    "arguments", [("--env", "dev"), ("--env", "prod"), ("--var", "words=Talk")], ids=lambda words: "".join(words)
)
def test_what_the_command_line_says_is_part_of_it(preview: Project, whole: str, arguments: tuple[str, ...]) -> None:
    assert fingerprint(preview, STACK, *arguments) != whole


def test_two_environments_have_two_fingerprints(preview: Project) -> None:
    assert len({fingerprint(preview, STACK, "--env", name) for name in ("dev", "prod")}) == 2


@pytest.mark.parametrize("text", [STACK, STACK.split("---\n")[0]], ids=["changes", "no changes"])
def test_another_tenancy_is_another_plan(preview: Project, text: str) -> None:
    snapshot = (preview.path / "snapshot.json").read_text()
    tenancy = json.loads(snapshot)["tenancy"]
    preview.write(snapshot.replace(tenancy, tenancy[:-4] + "zzzz"), "elsewhere.json")
    assert fingerprint(preview, text, snapshot="elsewhere.json") != fingerprint(preview, text)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("edit", ["a byte more", "gone"])
def test_the_bytes_of_programs_are_part_of_it(preview: Project, whole: str, name: str, edit: str) -> None:
    file = preview.path / name
    if edit == "gone":
        file.unlink()
    else:
        file.write_text(PROGRAMS[name] + "\n")
    try:
        assert fingerprint(preview) != whole
    finally:
        preview.write(PROGRAMS[name], name).chmod(0o755)
    assert fingerprint(preview) == whole


def _absolute(preview: Project) -> list[str]:
    return [str(preview.path / "deliver.sh")]


COMMANDS: dict[str, Callable[[Project], list[str]]] = {
    "a path": lambda _: ["./deliver.sh"],
    "an absolute path": _absolute,
    "a roundabout path": lambda _: ["environments/../deliver.sh"],
    "an interpreter": lambda _: ["bash", "deliver.sh"],
    "options before": lambda _: ["bash", "-eu", "deliver.sh", "app"],
    "env": lambda _: ["env", "A=1", "sh", "./deliver.sh"],
    "an absolute argument": lambda preview: ["sh", *_absolute(preview)],
    "an option's value": lambda _: ["interpreter", "--script=deliver.sh"],
    "a module": lambda _: ["python3", "-m", "deliver"],
    "a link": lambda _: ["./link.sh"],
    "a link for an interpreter": lambda _: ["sh", "link.sh"],
}


@pytest.mark.parametrize("way", COMMANDS)
def test_a_program_is_bound_however_it_is_named(preview: Project, way: str) -> None:
    if not (preview.path / "link.sh").exists():
        (preview.path / "link.sh").symlink_to("deliver.sh")
    preview.write("import sys\n", "deliver.py")
    text = mutated("ApiKey/app spec.deliverTo.2.exec.command", COMMANDS[way](preview))
    before = document(preview, text)
    (preview.path / "deliver.sh").write_text("#!/bin/sh\ncat > stolen\n")
    preview.write("import os\n", "deliver.py")
    try:
        after = document(preview, text)
    finally:
        preview.write(PROGRAMS["deliver.sh"], "deliver.sh").chmod(0o755)
        preview.write("import sys\n", "deliver.py")
    assert before["fingerprint"] != after["fingerprint"]
    assert document(preview, text)["fingerprint"] == before["fingerprint"]


def test_a_program_above_the_manifests_is_bound(preview: Project) -> None:
    program = preview.path.parent / f"{preview.path.name}-above.sh"
    found = set()
    for command in (["../" + program.name], ["sh", "../" + program.name, "app"]):
        for content in ("exit 0\n", "exit 1\n"):
            program.write_text(content)
            found.add(fingerprint(preview, mutated("ApiKey/app spec.deliverTo.2.exec.command", command)))
    assert len(found) == 4


def test_what_another_program_writes_elsewhere_is_no_program(preview: Project) -> None:
    written = preview.path.parent / f"{preview.path.name}-written"
    text = mutated("ApiKey/app spec.deliverTo.2.exec.command", ["tee", str(written)])
    before = fingerprint(preview, text)
    written.write_text("sk-value")
    assert fingerprint(preview, text) == before


def test_what_a_file_sink_writes_is_no_program(preview: Project) -> None:
    """Else the delivery itself would make the approval unfit, and a digest of a value would be printed."""
    text = mutated("ApiKey/app spec.deliverTo.2.exec.command", ["sh", "-c", "cat", "secrets/app.env"])
    before = fingerprint(preview, text)
    preview.write("OPENAI_API_KEY=sk-value\n", "secrets/app.env")
    planned = document(preview, text)
    (preview.path / "secrets/app.env").unlink()
    assert planned["fingerprint"] == before
    assert "secrets/app.env" not in json.dumps([sink["programs"] for sink in sinks(planned)])


def sinks(planned: dict[str, Any]) -> list[dict[str, Any]]:
    (key,) = (change for change in planned["changes"] if change["address"] == "ApiKey/app")
    return list(key["sinks"])


def test_the_plan_names_every_sink_with_place_program_format_and_values(preview: Project) -> None:
    file, vault, program = sinks(document(preview))
    assert {name: file[name] for name in ("type", "place", "command", "format", "secrets")} == {
        "type": "file",
        "place": "file secrets/app.env",
        "command": None,
        "format": "dotenv",
        "secrets": ["key-one", "key-two"],
    }
    assert (vault["type"], vault["settings"]["vault"]) == ("vault", "ocid1.vault.oc1..aaaa")
    assert program["command"] == ["./deliver.sh", "app"]
    assert program["secrets"] == ["key-one"]  # it takes the current value and no other
    assert set(program["programs"]) == {"./deliver.sh", "check.sh", "expected.txt"}


def test_a_change_that_writes_no_sink_names_none(preview: Project) -> None:
    changes = {change["address"]: change for change in document(preview)["changes"]}
    assert changes["Compartment/chat"]["sinks"] == changes["Policy/access"]["sinks"] == []


# What changes nothing


def test_order_layout_comments_and_time_are_no_difference(preview: Project, whole: str) -> None:
    head, *rest = STACK.split("---\n")
    assert fingerprint(preview, "---\n".join([head, *reversed(rest)])) == whole
    assert fingerprint(preview, yaml.safe_dump_all(DOCUMENTS.values(), sort_keys=True)) == whole
    assert fingerprint(preview, STACK.replace("spec:\n", "spec: # why\n") + "# the end\n") == whole
    assert fingerprint(preview, STACK.replace(", format: dotenv", "").replace(", timeout: 30s", "")) == whole
    later = json.loads((preview.path / "snapshot.json").read_text())
    preview.write(json.dumps({**later, "now": later["now"].replace("20", "21", 1)}), "later.json")
    assert fingerprint(preview, snapshot="later.json") == whole


def test_a_variable_that_nothing_reads_is_no_difference(preview: Project, whole: str) -> None:
    assert fingerprint(preview, mutated(READ_BY_NOBODY, "anything")) == whole


def test_the_directory_is_no_difference(preview: Project, whole: str, tmp_path: Path) -> None:
    """What is planned in one checkout is applied in another."""
    import shutil

    shutil.copytree(preview.path, tmp_path / "checkout", symlinks=True)
    assert fingerprint(Project(tmp_path / "checkout")) == whole

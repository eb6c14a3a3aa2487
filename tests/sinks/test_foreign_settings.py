"""Settings of sinks that installed packages bring: `validate` checks them by the schema that the sink's class declares."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Project

from .packages import PLUGIN, install

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: chat}
spec: {region: us-chicago-1, variables: {size: {default: 9}}}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {name: chat-app}
spec:
  compartment: /
  secrets: [{name: key-one}, {name: key-two}]
  deliverTo:
    - acme.ssm: SETTINGS
"""
SCHEMA = """{
    "type": "object", "additionalProperties": False, "required": ["parameter"],
    "properties": {
        "parameter": {"type": "string", "pattern": "^/[a-z]+$", "examples": ["/chat"]},
        "size": {"type": "integer", "maximum": 4, "description": "How many are kept."},
        "old": False,
        "tags": {"type": "array", "prefixItems": [{"const": "a"}], "items": {"$ref": "#/$defs/tag"}},
    },
    "$defs": {"tag": {"enum": ["b", "c"]}},
}"""
OLD_SCHEMA = PLUGIN[PLUGIN.index("    schema = ") : PLUGIN.index("    def __init__")]


def declaring(schema: str) -> str:
    """The package with a sink that declares that schema; none when it is empty."""
    return PLUGIN.replace(OLD_SCHEMA, f"    schema = {schema}\n" if schema else "")


def refused(project: Project, settings: str, command: str = "validate") -> str:
    """What a command says of these settings, without line breaks."""
    project.write(STACK.replace("SETTINGS", settings))
    return " ".join(project.run(command, code=1).err.split())


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_an_unknown_setting_is_refused_where_it_stands(offline: Project, installed: Path, command: str) -> None:
    install(installed, code=declaring(SCHEMA))
    said = refused(offline, "{parameter: /chat, sise: 3}", command)
    assert "stack.yaml:13:36: unknown key sise in spec.deliverTo[0].acme.ssm next: did you mean size?" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{}", "13:17: spec.deliverTo[0].acme.ssm.parameter is missing next: for example parameter: /chat"),
        (
            "{parameter: 3}",
            "13:29: spec.deliverTo[0].acme.ssm.parameter must be a string, not a number next: put quotes",
        ),
        (
            "{parameter: chat}",
            "13:29: spec.deliverTo[0].acme.ssm.parameter is not in the form it needs next: for example",
        ),
        ("{parameter: /a, size: '${var.size}'}", "ssm.size must be 4 or less next: how many are kept"),
        ("{parameter: /a, old: 1}", "13:17: spec.deliverTo[0].acme.ssm has a part that its schema never allows next: "),
        ("{parameter: /a, tags: [b]}", "tags[0] must be a next: see what the package that brings acme.ssm says"),
        ("{parameter: /a, tags: [a, d]}", "13:43: spec.deliverTo[0].acme.ssm.tags[1] must be b or c next: "),
        ("null", "13:17: spec.deliverTo[0].acme.ssm must be a mapping, not empty"),
    ],
)
def test_malformed_settings_are_refused(offline: Project, installed: Path, settings: str, said: str) -> None:
    install(installed, code=declaring(SCHEMA))
    assert said in refused(offline, settings)


def test_problems_elsewhere_hide_none_of_the_settings(offline: Project, installed: Path) -> None:
    install(installed, code=declaring(SCHEMA))
    offline.write(STACK.replace("SETTINGS", "{size: '${var.sise}'}").replace("compartment: /", "compartmnt: /"))
    said = " ".join(offline.run("validate", code=1).err.split())
    assert "unknown key compartmnt" in said and "ssm.parameter is missing" in said
    assert "no variable sise is declared" in said and "ssm.size" not in said


def test_right_settings_are_accepted(offline: Project, installed: Path) -> None:
    install(installed, code=declaring(SCHEMA))
    offline.write(STACK.replace("SETTINGS", "{parameter: /chat, size: 4, tags: [a, c, b]}"))
    offline.run("validate")


@pytest.mark.parametrize("bring", [False, True], ids=["not installed", "no schema"])
def test_without_a_schema_settings_are_accepted(offline: Project, installed: Path, bring: bool) -> None:
    if bring:
        install(installed, code=declaring(""))
    offline.write(STACK.replace("SETTINGS", "{anything: [1, {b: c}]}"))
    offline.run("validate")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ("3", "its schema is no mapping"),
        ("{'type': 'strin'}", "its schema is no JSON Schema: 'strin' is not valid"),
        ("{'pattern': '('}", "its schema is no JSON Schema: '(' is not a 'regex'"),
        (
            "{'allOf': [{'$ref': 'http://127.0.0.1:9/x.json'}]}",
            "its schema refers to http://127.0.0.1:9/x.json, and only",
        ),
        ("{'$ref': '#/$defs/none'}", "the schema of spec.deliverTo[0].acme.ssm cannot be used: "),
        ("{'$ref': '#'}", "the schema of spec.deliverTo[0].acme.ssm cannot be used: RecursionError"),
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero next: reinstall its package"),
        ("exit(0)", "cannot be loaded: SystemExit: 0 next: reinstall its package"),
    ],
)
def test_a_package_that_cannot_be_used_is_named_at_its_entry(
    offline: Project, installed: Path, schema: str, why: str
) -> None:
    install(installed, code=declaring(schema))
    said = refused(offline, "{}")
    assert "stack.yaml:13:" in said and "acme.ssm" in said and why in said

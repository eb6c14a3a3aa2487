"""YAML of other tools beside a stack: passed over with a note, never mistaken for ours, and ours never for theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Project

from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
KEYED = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: %s}\nspec: {region: us-chicago-1}\n"
OTHERS = {
    "compose": "services:\n  web: &web {image: nginx}\n  two: *web\n",
    "mkdocs": "site_name: x\nmarkdown_extensions:\n  - a: {b: !!python/name:c.d }\n",
    "openapi": "openapi: 3.0.0\ninfo: {title: x}\npaths: {}\n",
    "kubernetes": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n",
    "playbook": "- hosts: all\n  tasks: []\n",
    "helm": "{{- if .Values.x }}\nkind: ConfigMap\n{{- end }}\n",
    "tabs": "a:\n\tb: 1\n",
    "latin-1": "a: caf\u00e9\n",
    "kustomization": "resources: [stack.yaml]\n",
    "text": "just words\n",
    "workflow": "on: push\njobs: {}\n",
}
OURS = {
    "wrong apiVersion": "apiVersion: genai-iac/v2\nkind: ApiKey\nmetadata: {name: x}\nspec: {}\n",
    "another's apiVersion": "apiVersion: v1\nkind: ApiKey\nmetadata: {name: x}\nspec: {}\n",
    "mistyped apiVersion": "apiVersion: genai_iac/v1\nkind: ApiKey\nmetadata: {name: x}\nspec: {}\n",
    "mistyped kind": "kind: ApiKy\nmetadata: {name: x}\nspec: {}\n",
    "kind in capitals": "kind: APIKEY\nmetadata: {name: x}\n",
    "key in capitals": "Kind: ApiKey\nmetadata: {name: x}\n",
    "no kind": "metadata: {name: x}\nspec: {compartment: chat}\n",
    "broken": "kind: ApiKey\nspec: {a: [\n",
    "not UTF-8": "kind: ApiKey # caf\u00e9\n",
    "unknown kind": "apiVersion: genai-iac/v1\nkind: Bucket\nmetadata: {name: x}\nspec: {}\n",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_another_tools_file_is_passed_over_and_named(offline: Project, text: str) -> None:
    offline.write(STACK)
    (offline.path / "other.yml").write_bytes(text.encode("latin-1"))
    ran = offline.run("validate")
    assert "Valid: stack chat" in ran.out and "passed over: other.yml" in ran.err
    offline.run("fmt")
    assert (offline.path / "other.yml").read_bytes() == text.encode("latin-1")
    offline.write(STACK.replace("spec: {", "spec: {ignore: [other.yml], "))
    assert offline.run("validate").err == ""


def test_a_kind_that_another_tool_has_too_is_refused_with_the_way_to_keep_it(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text(STACK)
    (tmp_path / "kyverno.yaml").write_text("apiVersion: kyverno.io/v1\nkind: Policy\nmetadata: {name: x}\nspec: {}\n")
    with pytest.raises(ManifestError) as raised:
        load(tmp_path)
    assert "Stack.spec.ignore" in str(raised.value.problems[0].hint)


@pytest.mark.parametrize("text", OURS.values(), ids=OURS)
def test_a_mistyped_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.yaml").write_text(STACK)
    (tmp_path / "other.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ManifestError, match=r"other\.yaml"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("glob", "fits"),
    [("*.yaml", True), ("charts", True), ("charts/", True), ("charts/**", True), ("**/x.yaml", True), ("charts/*/x.yaml", True),
     ("charts/*", True), ("./charts/a/x.yaml", True), ("x.yml", False), ("chart", False), ("a/x.yaml", False), ("[a-z]*", False)],
)  # fmt: skip
def test_globs_of_ignore(tmp_path: Path, glob: str, fits: bool) -> None:
    (tmp_path / "charts/a").mkdir(parents=True)
    (tmp_path / "charts/a/x.yaml").write_text("kind: ApiKey: no\n")
    (tmp_path / "stack.yml").write_text(STACK.replace("spec: {", f"spec: {{ignore: ['{glob}'], "))
    if fits:
        assert load(str(tmp_path)).passed_over == ()
    else:
        with pytest.raises(ManifestError, match=r"x\.yaml"):
            load(str(tmp_path))


def test_several_stacks_are_named_in_one_sentence(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "stack.yaml").write_text(KEYED % name)
    with pytest.raises(ManifestError) as caught:
        load(str(tmp_path))
    (problem,) = caught.value.problems
    assert problem.message.startswith("3 stacks are below this directory: a (")
    assert all(f"{name}/stack.yaml" in problem.message for name in ("a", "b", "c"))


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_line_endings_and_marks_are_not_content(offline: Project, mark: bytes, ending: bytes) -> None:
    content = mark + STACK.encode().replace(b"\n", ending)
    (offline.path / "stack.yaml").write_bytes(content)
    offline.run("validate")
    offline.run("fmt", "--check")
    (offline.path / "stack.yaml").write_bytes(content.replace(b"kind: Stack", b"kind:   Stack"))
    offline.run("fmt")
    assert (offline.path / "stack.yaml").read_bytes() == content

"""What editors get: a modeline in every document, and what the real yaml-language-server makes of it over LSP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

from genai_iac.formatting import format_text
from genai_iac.schema import build_schemas

MODELINE = "# yaml-language-server: $schema=.schemas/document.schema.json"
DOCUMENT = "apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: NAME}\nspec: {description: A}\n"
STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: a}\nspec: {region: us-chicago-1}\n"
OTHERS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"


def test_fmt_completes_the_modelines_of_a_file() -> None:
    text = f"{MODELINE}\n{DOCUMENT}---\n# about b\n{DOCUMENT}---\n{OTHERS}"
    laid_out = format_text(text, "a.yaml")
    assert laid_out == f"{MODELINE}\n{DOCUMENT}---\n{MODELINE}\n# about b\n{DOCUMENT}---\n{OTHERS}"
    assert format_text(laid_out, "a.yaml") == laid_out


def test_fmt_adds_none_where_there_is_none() -> None:
    text = f"{DOCUMENT}---\n{DOCUMENT}"
    assert format_text(text, "a.yaml") == text


def test_a_modeline_of_its_own_stays() -> None:
    text = f"{MODELINE}\n{DOCUMENT}---\n{MODELINE.replace('.schemas', '../.schemas')}\n{DOCUMENT}"
    assert format_text(text, "a.yaml") == text


def test_every_document_of_init_has_it(offline: Project) -> None:
    offline.run("init", "shop")
    documents = (offline.path / "shop/stack.yaml").read_text().split("---\n")
    assert len(documents) == 5 and all(MODELINE in one for one in documents)
    settings = json.loads((offline.path / "shop/.vscode/settings.json").read_text())
    assert list(settings["yaml.schemas"]) == [".schemas/document.schema.json"]
    assert offline.run("fmt", "--check", "shop").out == ""


def test_every_document_of_export_has_it(project: Project) -> None:
    project.write(f"{STACK}---\n{DOCUMENT.replace('NAME', 'a')}")
    project.run("apply", "--auto-approve")
    project.run("export", "--out", "adopted")
    texts = [file.read_text() for file in (project.path / "adopted").glob("*.yaml")]
    documents = [document for text in texts for document in text.split("---\n")]
    assert len(documents) > 1 and all(MODELINE in document for document in documents)


# GENAI_IAC_YAML_SERVER names the program: npm install yaml-language-server, then node_modules/.bin/yaml-language-server
SERVER = os.environ.get("GENAI_IAC_YAML_SERVER") or shutil.which("yaml-language-server")
needs_server = pytest.mark.skipif(
    SERVER is None or shutil.which("node") is None,
    reason="needs node and yaml-language-server (npm install yaml-language-server; GENAI_IAC_YAML_SERVER=its program)",
)


class Editor:
    """A client of one language server, as far as these tests ask."""

    def __init__(self, process: subprocess.Popen[bytes], root: Path) -> None:
        self._process, self._number, self.root = process, 0, root
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}

    def ask(self, method: str, parameters: object) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def notify(self, method: str, parameters: object) -> None:
        self._send({"method": method, "params": parameters})

    def open(self, name: str) -> str:
        uri = (self.root / name).as_uri()
        text = (self.root / name).read_text()
        self.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
        return uri

    def wait_for_diagnostics(self, uri: str) -> list[dict[str, Any]]:
        while uri not in self.diagnostics:
            self._read()
        return self.diagnostics[uri]

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """One message; what the server asks is answered, what it finds is kept."""
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            asked = message["params"].get("items", []) if message["method"] == "workspace/configuration" else None
            self._send({"id": message["id"], "result": None if asked is None else [{}] * len(asked)})
        return message


@contextmanager
def editor(root: Path) -> Iterator[Editor]:
    assert SERVER is not None
    with subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as process:
        client = Editor(process, root)
        folder = {"uri": root.as_uri(), "name": "shop"}
        client.ask(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder], "capabilities": {}},
        )
        client.notify("initialized", {})
        settings = {"yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        try:
            yield client
        finally:
            process.kill()


@pytest.mark.matrix
@needs_server
def test_the_real_server_checks_completes_and_explains_the_second_document(offline: Project) -> None:
    offline.run("init", "shop")
    root = offline.path / "shop"
    text = (root / "stack.yaml").read_text()
    lines = text.replace(
        "  description: The chat application", "  descripton: The chat application\n  parent: 7"
    ).splitlines()
    (root / "stack.yaml").write_text("\n".join(lines) + "\n")
    broken = next(number for number, line in enumerate(lines) if "descripton" in line)
    described = build_schemas()["compartment.schema.json"]["properties"]["spec"]["properties"]["name"]["description"]
    with editor(root) as client:
        uri = client.open("stack.yaml")
        found = client.wait_for_diagnostics(uri)
        assert sorted(one["range"]["start"]["line"] for one in found) == [broken, broken + 1], found
        at = {"textDocument": {"uri": uri}, "position": {"line": broken - 1, "character": 3}}
        hover = client.ask("textDocument/hover", at)
        assert described in hover["contents"]["value"].replace("\\", ""), hover
        offered = client.ask("textDocument/completion", {**at, "position": {"line": broken, "character": 2}})
        assert "deletion" in {item["label"] for item in offered["items"]}

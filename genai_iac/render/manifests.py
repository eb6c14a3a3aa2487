"""An export as files of manifests: a Stack, then a file a kind, each document with comments on what a reader has to know about it.

The YAML is read back unchanged by our strict reader and by any YAML 1.1 or 1.2 reader: what could be read otherwise is quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from genai_iac.import_export.export import Export, ExportedResource
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control, quoted
from genai_iac.resource_types import RESOURCE_TYPES

_PLAIN = re.compile(r"[A-Za-z/][ -~]*")  # printable ASCII that begins with nothing YAML has a meaning for
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z/][A-Za-z0-9 ._/@+-]*")
# What YAML or our references would take for something else, inside a plain text.
_MEANS = re.compile(r": |:$| #|\$\{|^(?:---|\.\.\.)| $")
_LONGEST_FLOW = 100  # characters of a mapping on one line
_RESOLVER: Any = yaml.resolver.Resolver()
_STRING = "tag:yaml.org,2002:str"  # a plain text that PyYAML resolves to anything else is quoted


def yaml_documents(documents: Iterable[tuple[Sequence[str], Mapping[str, Any]]]) -> str:
    """Documents with the comments that stand above each, separated by `---`.

    Args:
        documents: comments, a line each, and data of JSON's types.
    """
    return "---\n".join(
        "\n".join((*map(_comment, comments), *_mapping(data, ""))) + "\n" for comments, data in documents
    )


def yaml_document(data: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """One document."""
    return yaml_documents([(comments, data)])


def _comment(text: str) -> str:
    return f"# {escape_control(text)}".rstrip()


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _entry(f"{indent}{_scalar(key, in_flow=True)}:", value, indent + "  ")


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        flow = _flow(value)
        # `metadata` has one or two short fields: one line, as in the examples of the
        # documentation.
        if head.strip() == "metadata:" or not value:
            yield f"{head} {flow}"
            return
        yield head
        yield from _mapping(value, indent)
    elif isinstance(value, (list, tuple)):
        yield f"{head} []" if not value else head
        for item in value:
            yield from _item(item, indent)
    else:
        yield f"{head} {_scalar(value, in_flow=False)}"


def _item(item: Any, indent: str) -> Iterator[str]:
    if not isinstance(item, Mapping):
        yield f"{indent}- {_scalar(item, in_flow=False)}"
        return
    flow = _flow(item)
    if len(flow) <= _LONGEST_FLOW and not any(isinstance(part, (Mapping, list, tuple)) for part in item.values()):
        yield f"{indent}- {flow}"
        return
    first, *rest = _mapping(item, indent + "  ")
    yield f"{indent}- {first.strip()}"
    yield from rest


def _flow(data: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{_scalar(key, True)}: {_scalar(value, True)}" for key, value in data.items()) + "}"


def _scalar(value: Any, in_flow: bool) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    fits = (_PLAIN_IN_FLOW if in_flow else _PLAIN).fullmatch(value) and not _MEANS.search(value)
    if fits and _RESOLVER.resolve(yaml.ScalarNode, value, (True, False)) == _STRING:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())


SCHEMA = ".schemas/document.schema.json"  # where the header says it is, beside the manifests
_MOST = 200  # documents of one file
_MODELINE = f"yaml-language-server: $schema={SCHEMA}"


def manifest_files(export: Export, environment: str | None) -> dict[str, str]:
    """File name to text."""
    files = {"stack.yaml": yaml_document(export.stack, [_MODELINE, *_remarks(export)])}
    for kind in dict.fromkeys(one.address.kind for one in export.exported):
        of_kind = [one for one in export.exported if one.address.kind == kind]
        for number, start in enumerate(range(0, len(of_kind), _MOST), 1):
            name = f"{RESOURCE_TYPES[kind].export_file}{f'-{number}' if number > 1 else ''}.yaml"
            files[name] = _documents(of_kind[start : start + _MOST], environment)
    if environment is not None:
        files[f"environments/{environment}.yaml"] = yaml_document(_environment(export, environment), [_MODELINE_BELOW])
    return files


def manifest_text(export: Export, environment: str | None) -> str:
    """All of it as one text. The Environment document is not in it: that is a file of its own."""
    head = yaml_document(export.stack, [_MODELINE, *_remarks(export)])
    return "---\n".join([head, *([_documents(export.exported, environment)] if export.exported else [])])


def _documents(exported: Sequence[ExportedResource], environment: str | None) -> str:
    return yaml_documents([(list(_comments(one, environment)), one.document) for one in exported])


def _comments(one: ExportedResource, environment: str | None) -> Iterator[str]:
    yield _MODELINE  # an editor checks the documents that have it
    yield one.live.id
    if not one.ours:
        # without it the tag would name the stack without an environment as the owner
        chosen = f" --env {environment}" if environment else ""
        yield f"adopt it: genai-iac import {one.address} {one.live.id}{chosen}"
    yield from one.remarks
    if one.live.kind == "ApiKey":
        yield (
            "OCI showed the values of its secrets once, when they were created: "
            "deliverTo applies to values created or renewed from now on"
        )
        yield from (f"{secret.name} has expired" for secret in one.live.secrets if secret.state == "EXPIRED")


def _remarks(export: Export) -> Iterator[str]:
    yield "Written by genai-iac export from live resources"
    for live, reason in export.left_out:
        yield f"left out: {live.kind} {quoted(live.name, NAME_LIMIT)} ({escape_control(live.id, NAME_LIMIT)}): {reason}"


def _environment(export: Export, name: str) -> Mapping[str, object]:
    version = export.stack["apiVersion"]
    return {"apiVersion": version, "kind": "Environment", "metadata": {"name": name}, "spec": {}}


_MODELINE_BELOW = f"yaml-language-server: $schema=../{SCHEMA}"

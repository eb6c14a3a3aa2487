"""An export as files of manifests: a Stack, then a file a kind, each document with what a reader has to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from genai_iac.import_export.export import Export, ExportedResource
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control, quoted
from genai_iac.render.common.yaml_text import yaml_document, yaml_documents
from genai_iac.resource_types import RESOURCE_TYPES

SCHEMA = ".schemas/document.schema.json"  # where the header says it is, beside the manifests
_MOST = 200  # documents of one file
_MODELINE = f"yaml-language-server: $schema={SCHEMA}"


def manifest_files(export: Export, environment: str | None) -> dict[str, str]:
    """File name to text."""
    files = {"stack.yaml": yaml_document(export.stack, [_MODELINE, *_remarks(export)])}
    for kind in dict.fromkeys(one.address.kind for one in export.told):
        told = [one for one in export.told if one.address.kind == kind]
        for number, start in enumerate(range(0, len(told), _MOST), 1):
            name = f"{RESOURCE_TYPES[kind].export_file}{f'-{number}' if number > 1 else ''}.yaml"
            files[name] = _documents(told[start : start + _MOST])
    if environment is not None:
        files[f"environments/{environment}.yaml"] = yaml_document(_environment(export, environment), [_MODELINE_BELOW])
    return files


def manifest_text(export: Export) -> str:
    """All of it as one text. An environment is not in it: that is a file of its own."""
    head = yaml_document(export.stack, [_MODELINE, *_remarks(export)])
    return "---\n".join([head, *([_documents(export.told)] if export.told else [])])


def _documents(told: Sequence[ExportedResource]) -> str:
    return yaml_documents([(list(_comments(one)), one.document) for one in told])


def _comments(one: ExportedResource) -> Iterator[str]:
    yield _MODELINE  # an editor checks the documents that have it
    yield one.live.id
    if not one.ours:
        yield f"adopt it: genai-iac import {one.address} {one.live.id}"
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

"""Data as YAML that our strict reader, and any YAML 1.1 or 1.2 reader, gives back as it was: what could be read otherwise is quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from genai_iac.render.common.sanitize import escape_control

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

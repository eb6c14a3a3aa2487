"""Seeded edits of bytes and of JSON: the same seed makes the same input, so a failure is known by its number."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

_PIECES = (
    *(
        b"\x00",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\x1b[2J",
        b"\r",
        b"\r\n",
        b"\n",
        b"\t",
        b" ",
        b'"',
        b"'",
        b"\\",
        b"#",
    ),
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b"[" * 100,
        b'{"a":' * 70,
        b",",
        b":",
        b"=",
        b"=" * 40,
        b"null",
        b"true",
        b"1e999",
        b"-0",
    ),
    *(
        b"NaN",
        b"9" * 400,
        b"\xe2\x80\xae",
        b"\xef\xbb\xbf",
        b"$" + b"{var.x}",
        b"%",
        b"[DEFAULT]\n",
        b"a" * 3000,
        b"where all {",
    ),
    *(
        b"2027-02-30",
        b"0001-01-01T00:00:00-23:59",
        b"9999-12-31T23:59:59.999999+00:01",
        b"ocid1.x",
        b"\\ud800",
        b"\\u0000",
    ),
)
_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1e300,
        10**30,
        "",
        " ",
        "a",
        "\u202e",
        "\ud800",
        "\x00",
        "x" * 2000,
        "ocid1.apikey",
        "1.1",
        "2.0",
    ),
    *(
        "sha256:" + "0" * 64,
        "ACTIVE",
        "2027-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "²",
        "1" * 50,
    ),
    *([], {}, [[]], [None], {"": None}, [{}] * 3, {"a": {"b": {"c": []}}}, ["delete"], ["create", "create"]),
)


def edit_bytes(chance: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to six edits: something put in, taken out, changed, or copied from elsewhere."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(1, 7)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(_PIECES)
            case 1:
                del data[at : at + chance.randrange(1, 20)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                del data[at:]
            case _:
                start = chance.randrange(len(data) + 1)
                data[at:at] = data[start : start + chance.randrange(1, 200)]
    return bytes(data)


def edit_json(chance: random.Random, seeds: Sequence[bytes]) -> Any:
    """The document of one of the seeds with one to four members or elements replaced, removed, doubled or renamed."""
    document = json.loads(chance.choice(seeds))
    for _ in range(chance.randrange(1, 5)):
        parents = list(_collections(document))
        if not parents:
            return deepcopy(chance.choice(_VALUES))
        _edit_one(chance, chance.choice(parents), parents)
    return document


def _edit_one(chance: random.Random, parent: Any, parents: list[Any]) -> None:
    keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
    if not keys:
        return
    key = chance.choice(keys)
    match chance.randrange(4):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[chance.choice(("", "id", "x" * 300, "\u202e", "__class__", *map(str, keys)))] = parent.pop(key)
        case 2:
            parent[key] = json.loads(json.dumps(chance.choice(parents)))  # a copy: a loop is no JSON
        case _:
            parent[key] = deepcopy(chance.choice(_VALUES))  # the next edit may be inside it


def _collections(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _collections(item)

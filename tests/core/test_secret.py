"""The type that carries plaintext: nothing makes text of it but `reveal`, and `reveal` is called in few places."""

from __future__ import annotations

import ast
import copy
import dataclasses
import io
import json
import logging
import pickle
import pprint
import string
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

import genai_iac
from genai_iac.core import Item, Record, Secret

VALUE = "sk-CANARY0123456789abcdefghijABCDEFGHIJ0123456789xyz"
CONSTANT = "Secret(****)"
PACKAGE = Path(genai_iac.__file__).parent

# where values may be opened: the sinks keep them, the provider makes a Vault request of one, the verification call signs in with one
MAY_REVEAL = (
    "delivery/sinks/",
    "oci_client/secrets",
    "execute/verification",
    "testing/sink_contract",  # asserts that a sink gives the canaries back
)


def _item(secret: Secret) -> Item:
    return Item(Record("key-one", "sk-CA****", "current"), secret)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "print": lambda secret: print(secret, file=io.StringIO()),
    "format": format,
    "format with a width": lambda secret: format(secret, ">80"),
    "f-string": lambda secret: f"{secret}",
    "f-string with !s": lambda secret: f"{secret!s}",
    "str.format": lambda secret: "{}".format(secret),  # noqa: UP032
    "str.format_map": lambda secret: "{x}".format_map({"x": secret}),
    "percent": lambda secret: "%s" % secret,  # noqa: UP031
    "percent with a name": lambda secret: "%(x)s" % {"x": secret},  # noqa: UP031
    "join": lambda secret: "".join([secret]),
    "concatenation": lambda secret: "" + secret,
    "concatenation from the right": lambda secret: secret + "",
    "Template": lambda secret: string.Template("$x").substitute(x=secret),
    "StringIO": lambda secret: io.StringIO().write(secret),
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "len": len,
    "iteration": list,
    "index": lambda secret: secret[0],
    "containment": lambda secret: "s" in secret,
    "hash": hash,
    "dict key": lambda secret: {secret: 1},
    "order": lambda secret: secret < secret,
    "vars": vars,
    "json": json.dumps,
    "json as a key's value": lambda secret: json.dumps({"key": secret}),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "asdict": lambda secret: dataclasses.asdict(dataclasses.make_dataclass("Holder", ["secret"])(secret)),
    **{
        f"{way.__module__} {way.__name__}": lambda secret, way=way: way(secret)
        for way in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins)
    },
    **{
        f"{way.__module__} {way.__name__} of a struct": lambda secret, way=way: way(_item(secret))
        for way in (msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, copy.deepcopy, pickle.dumps)
    },
    "__reduce__": lambda secret: secret.__reduce__(),
    "__getstate__": lambda secret: secret.__getstate__(),
    **{f"pickle {protocol}": partial(pickle.dumps, protocol=protocol) for protocol in range(6)},
}

SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "ascii": ascii,
    "f-string with !r": lambda secret: f"{secret!r}",
    "percent r": lambda secret: "%r" % secret,  # noqa: UP031
    "in a list": lambda secret: str([secret]),
    "in a struct": lambda secret: repr(_item(secret)),
    "asdict of a struct": lambda secret: str(msgspec.structs.asdict(_item(secret))),
    "astuple of a struct": lambda secret: str(msgspec.structs.astuple(_item(secret))),
    "pprint": pprint.pformat,
    "locals of a traceback": lambda secret: _traceback_with(secret),
}


@pytest.mark.parametrize("way", REFUSED)
def test_no_text_can_be_made_of_it(way: str) -> None:
    with pytest.raises(TypeError) as caught:
        REFUSED[way](Secret(VALUE))
    assert VALUE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("way", SHOWN)
def test_what_is_shown_is_the_same_for_every_value(way: str) -> None:
    shown = SHOWN[way](Secret(VALUE))
    assert CONSTANT in shown and VALUE[:9] not in shown


def test_a_log_call_writes_no_value() -> None:
    stream = io.StringIO()
    logger = logging.Logger("of this test")
    handler = logging.StreamHandler(stream)
    handler.handleError = lambda record: stream.write(traceback.format_exc())  # type: ignore[method-assign,assignment]
    logger.addHandler(handler)
    logger.error("the value is %s", Secret(VALUE))
    logger.error("the value is %r", Secret(VALUE))
    assert VALUE not in stream.getvalue()
    assert "can only be opened by a sink" in stream.getvalue() and CONSTANT in stream.getvalue()


def test_reveal_gives_the_value() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_equal_values_are_equal_and_nothing_else_is() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE[:-1])
    assert Secret(VALUE) != Secret(VALUE[:-1] + "ß")
    assert Secret(VALUE) != VALUE


def test_values_are_opened_in_few_places() -> None:
    opened = {file for file in PACKAGE.rglob("*.py") for line in _reveals(file.read_text(encoding="utf-8"))}
    names = {file.relative_to(PACKAGE).as_posix() for file in opened}
    assert {name for name in names if not name.startswith(MAY_REVEAL)} == set()
    assert "delivery/sinks/_program.py" in names, "the search finds what is there"


@pytest.mark.parametrize(
    "code",
    [
        "value.reveal()",
        "x = secret.reveal",
        "getattr(secret, 'reveal')()",
        "map(Secret.reveal, many)",
        "secret._Secret__value",
    ],
)
def test_the_search_sees_every_way_in(code: str) -> None:
    assert _reveals(code)


def _reveals(code: str) -> list[int]:
    """The lines in which a value is opened, whether by a call, a reference to the method, its name as a string, or the hidden field."""
    ways_in = {"reveal", "_Secret__value"}
    return [
        node.lineno
        for node in ast.walk(ast.parse(code))
        if (isinstance(node, ast.Attribute) and node.attr in ways_in)
        or (isinstance(node, ast.Constant) and node.value in ways_in)
    ]


def _traceback_with(secret: Secret) -> str:
    held = secret
    try:
        raise ValueError
    except ValueError as error:
        assert held
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

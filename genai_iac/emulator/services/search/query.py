"""The structured query language: `query <types> resources [where <condition>] [sorted by <field> asc|desc]`.

Pure: text in, a Query out; `Query.matches` judges one resource. Source: Oracle, "Search Language Syntax"."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

Item = Mapping[str, Any]
Test = Callable[[Item], bool]

# A quoted text, an operator, or a word.
_TOKEN = re.compile(r"\s*(?:('(?:[^'\\]|\\.)*')|(&&|\|\||!=|=~|=|[(),])|([A-Za-z0-9_.-]+))", re.ASCII)
_FIELDS = {  # names in any case
    "displayname": "displayName",
    "identifier": "identifier",
    "compartmentid": "compartmentId",
    "lifecyclestate": "lifecycleState",
    "timecreated": "timeCreated",
    "resourcetype": "resourceType",
}
_MAX_TOKENS = 500  # the parser is recursive


class QueryError(ValueError):
    """A query that cannot be read."""


class Query(Struct, frozen=True):
    """Which types (lower case; empty: all), which of them, in which order."""

    types: frozenset[str]  # in lower case; empty: all
    test: Test
    sort_by: str = "timeCreated"
    descending: bool = True

    def matches(self, item: Item) -> bool:
        """Whether the query asks for this resource."""
        return (not self.types or str(item["resourceType"]).lower() in self.types) and self.test(item)


def parse_query(text: str) -> Query:
    """Read a query; QueryError says what is wrong."""
    reader = _QueryReader(_tokenize(text))
    reader.expect("query")
    types = [reader.word()]
    while reader.accept(","):
        types.append(reader.word())
    reader.expect("resources")
    if reader.accept("return"):
        reader.word()
        while reader.accept(","):
            reader.word()
    test: Test = reader.condition() if reader.accept("where") else _always
    if reader.accept("matching"):
        test = _both(test, match_text(reader.value()))
    query = Query(frozenset() if "all" in types else frozenset(types), test)
    if reader.accept("sorted"):
        reader.expect("by")
        query = Query(query.types, query.test, _field_name(reader.word()), reader.way() == "desc")
    reader.end()
    return query


def match_text(text: str) -> Test:
    """A free-text search: the words anywhere in what is shown of a resource, in any case."""
    words = text.lower().split()

    def test(item: Item) -> bool:
        shown = " ".join(str(value) for value in item.values()).lower()
        return all(word in shown for word in words)

    return test


class _QueryReader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._depth = 0

    def accept(self, word: str) -> bool:
        if self._tokens and self._tokens[0].lower() == word:
            self._tokens.pop(0)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise QueryError(f"expected '{word}' at '{self._peek()}'")

    def word(self) -> str:
        if not self._tokens or not re.fullmatch(r"[A-Za-z0-9_.-]+", self._tokens[0]):
            raise QueryError(f"expected a word at '{self._peek()}'")
        return self._tokens.pop(0).lower() if "." not in self._tokens[0] else self._tokens.pop(0)

    def value(self) -> str:
        if not self._tokens or not self._tokens[0].startswith("'"):
            raise QueryError(f"expected a value in quotes at '{self._peek()}'")
        return re.sub(r"\\(.)", r"\1", self._tokens.pop(0)[1:-1])

    def way(self) -> str:
        if self.accept("asc"):
            return "asc"
        self.accept("desc")
        return "desc"

    def end(self) -> None:
        if self._tokens:
            raise QueryError(f"did not expect '{self._peek()}'")

    def condition(self) -> Test:
        test = self._conjunction()
        while self.accept("||"):
            test = _either(test, self._conjunction())
        return test

    def _conjunction(self) -> Test:
        test = self._term()
        while self.accept("&&"):
            test = _both(test, self._term())
        return test

    def _term(self) -> Test:
        if self.accept("("):
            self._depth += 1
            if self._depth > 50:
                raise QueryError("the condition is nested too deeply")
            test = self.condition()
            self.expect(")")
            self._depth -= 1
            return test
        field = self.word()
        for sign in ("!=", "=~", "="):
            if self.accept(sign):
                return _comparison(field, sign, self.value())
        raise QueryError(f"expected =, != or =~ at '{self._peek()}'")

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else "the end"


def _tokenize(text: str) -> list[str]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(f"cannot read '{text[position : position + 20]}'")
        tokens.append(match[1] or match[2] or match[3])
        position = match.end()
        if len(tokens) > _MAX_TOKENS:
            raise QueryError("the query is too long")
    return tokens


def _comparison(field: str, sign: str, wanted: str) -> Test:
    read = _values(field)
    low = wanted.lower()

    def test(item: Item) -> bool:
        values = [value.lower() for value in read(item)]
        if sign == "=~":
            return any(low in value for value in values)
        return (low in values) is (sign == "=")

    return test


def _values(field: str) -> Callable[[Item], list[str]]:
    parts = field.split(".")
    head = parts[0].lower()
    if head == "freeformtags" and len(parts) == 2:
        return lambda item: [str(part) for part in _tag_side(item["freeformTags"], parts[1])]
    if head == "definedtags" and len(parts) == 2:
        return lambda item: [str(part) for pairs in item["definedTags"].values() for part in _tag_side(pairs, parts[1])]
    name = _field_name(field)
    return lambda item: [str(item[name])] if item.get(name) is not None else []


def _tag_side(pairs: Mapping[str, Any], side: str) -> list[Any]:
    if side.lower() == "key":
        return list(pairs)
    if side.lower() == "value":
        return list(pairs.values())
    raise QueryError(f"tags have a key and a value, not '{side}'")


def _field_name(field: str) -> str:
    name = _FIELDS.get(field.lower())
    if name is None:
        raise QueryError(f"there is no field '{field}'")
    return name


def _always(_item: Item) -> bool:
    return True


def _both(left: Test, right: Test) -> Test:
    return lambda item: left(item) and right(item)


def _either(left: Test, right: Test) -> Test:
    return lambda item: left(item) or right(item)

"""The table of operations: method and path to name, service and function; and the lookup that reads it.

Services declare their operations with `@operation` and export them in one tuple; `Router` finds the one that a request means.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from genai_iac.emulator.http.responses import Answer, ServiceError
from genai_iac.iam_policy import permissions_of

if TYPE_CHECKING:
    from genai_iac.emulator.services.operation_context import OperationContext

Function = Callable[["OperationContext"], Answer]  # runs inside the call's transaction
Auth = Literal["signature", "bearer", "either"]  # bearer: an API key's secret; either: that or a signature


class Operation(Struct, frozen=True):
    """One operation of one service. `home`: writes of Identity, which only the home region takes."""

    service: str  # as in the call log
    name: str  # OCI's operation name; faults match by it
    method: str
    path: str  # with `{parameter}` and, at the end, `{parameter...}` for slashes
    function: Function
    home: bool = False
    auth: Auth = "signature"
    retry_token: bool = False  # honours opc-retry-token
    streamed: bool = False  # the body is an upload: not JSON, and its signature need not cover it
    permissions: tuple[str, ...] | None = None  # None: what genai_iac.iam_policy knows of the operation's name

    def needs(self) -> tuple[str, ...]:
        """The permissions a caller must have.

        Raises:
            KeyError: an operation of no table that declares no permissions.
        """
        return permissions_of(self.name) if self.permissions is None else self.permissions


def operation(
    service: str,
    name: str,
    route: str,
    *,
    home: bool = False,
    auth: Auth = "signature",
    retry_token: bool = False,
    streamed: bool = False,
    permissions: tuple[str, ...] | None = None,
) -> Callable[[Function], Operation]:
    """Declare an operation: `@operation("identity", "GetPolicy", "GET /20160918/policies/{policyId}")`.

    Args:
        route: method, a space, and the path.
    """
    method, _, path = route.partition(" ")

    def declare(function: Function) -> Operation:
        return Operation(service, name, method, path, function, home, auth, retry_token, streamed, permissions)

    return declare


class _Node(Struct):
    literals: dict[str, "_Node"] = field(default_factory=dict)
    any: "tuple[str, _Node] | None" = None
    rest: "tuple[str, _Node] | None" = None  # a last parameter that may hold slashes
    methods: dict[str, Operation] = field(default_factory=dict)


class Router:
    """Finds operations by method and path segments; a literal segment wins over a parameter."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for item in operations:
            self._add(item)

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Operation, dict[str, str]]:
        """The operation and its path parameters; 404 NotFound or 405 MethodNotAllowed."""
        found = _walk(self._root, segments, {})
        if found is None:
            raise ServiceError(404, "NotFound", "There is no operation at this path.")
        node, parameters = found
        if method not in node.methods:
            allowed = {"allow": ", ".join(sorted(node.methods))}
            raise ServiceError(405, "MethodNotAllowed", "Method Not Allowed", allowed)
        return node.methods[method], parameters

    def _add(self, item: Operation) -> None:
        node = self._root
        for part in item.path.strip("/").split("/"):
            node = _descend(node, part)
        if item.method in node.methods:
            # At import: a table with two operations at one path would depend on their order.
            raise ValueError(f"two operations at {item.method} {item.path}")
        node.methods[item.method] = item


def _descend(node: _Node, part: str) -> _Node:
    if part.startswith("{") and part.endswith("...}"):
        node.rest = node.rest or (part[1:-4], _Node())
        return node.rest[1]
    if part.startswith("{"):
        node.any = node.any or (part[1:-1], _Node())
        return node.any[1]
    return node.literals.setdefault(part, _Node())


def _walk(node: _Node, segments: tuple[str, ...], parameters: dict[str, str]) -> tuple[_Node, dict[str, str]] | None:
    if not segments:
        return (node, parameters) if node.methods else None
    first, rest = segments[0], segments[1:]
    # Literals first, with a way back: a parameter must not take a fixed word for a value.
    if first in node.literals:
        found = _walk(node.literals[first], rest, parameters)
        if found:
            return found
    if node.any is not None:
        name, child = node.any
        found = _walk(child, rest, {**parameters, name: first})
        if found:
            return found
    if node.rest is not None:
        name, child = node.rest
        return child, {**parameters, name: "/".join(segments)}
    return None

"""One call from start to end, in one transaction: settle what is due, authenticate, replay or run, log, commit."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace

from genai_iac.emulator.access.authorize import Caller, Gate
from genai_iac.emulator.access.rules import RuleBook
from genai_iac.emulator.answers import Answer, answer_error
from genai_iac.emulator.authenticate import authenticate
from genai_iac.emulator.call import Call
from genai_iac.emulator.call_log import LoggedCall, log_call
from genai_iac.emulator.database import Database
from genai_iac.emulator.errors import ServiceError, not_authenticated
from genai_iac.emulator.faults import Effect, Strike, strike
from genai_iac.emulator.inference.errors import inference_error
from genai_iac.emulator.operations import Operation, Router
from genai_iac.emulator.pending import settle
from genai_iac.emulator.regions import REGIONS
from genai_iac.emulator.requests import Incoming
from genai_iac.emulator.retry_tokens import RetryToken
from genai_iac.emulator.services import OPERATIONS, WORKS
from genai_iac.emulator.world import World, read_world

_LOG = logging.getLogger("genai_iac.emulator")


@dataclass(frozen=True)
class Route:
    """What a request means: an operation with its path parameters, or the error that says it means nothing."""

    operation: Operation | None
    parameters: dict[str, str]
    error: ServiceError | None = None


class Engine:
    """The synchronous heart of a local tenancy. It answers; sending, waiting and breaking connections is the wire's."""

    def __init__(self, database: Database, master_key: Callable[[], str]) -> None:
        self._database = database
        self._master_key = master_key
        self._router = Router(OPERATIONS)
        self._gate = Gate(RuleBook())

    def route(self, request: Incoming) -> Route:
        """Find the operation a request means."""
        try:
            operation, parameters = self._router.find(request.method, request.segments)
        except ServiceError as error:
            return Route(None, {}, error)
        return Route(operation, parameters)

    def now(self) -> int:
        """The tenancy's time in milliseconds."""
        return read_world(self._database.connection).now

    def prepare(self, route: Route) -> tuple[World, Strike]:
        """The world as it is, and the faults whose turn this call is."""
        world = read_world(self._database.connection)
        if not world.faults or route.operation is None:
            return world, Strike()
        with self._database.write() as connection:
            return world, strike(connection, route.operation.name)

    def answer(self, request: Incoming, route: Route, struck: Strike) -> Answer:
        """Run the operation, or the fault that answers in its place, and log the call. Never raises."""
        try:
            with self._database.write() as connection:
                return self._within(connection, request, route, struck)
        except Exception:
            _LOG.exception("%s %s failed inside the local tenancy", request.method, request.path)
            with self._database.write() as connection:
                failure = ServiceError(500, "InternalServerError", "Internal Server Error")
                answer = answer_error(failure)
                _log(connection, read_world(connection), request, route, "", answer.status, failure.code)
            return answer

    def _within(self, connection: sqlite3.Connection, request: Incoming, route: Route, struck: Strike) -> Answer:
        world = read_world(connection)
        settle(connection, world, WORKS)
        lag = max((effect.lag for effect in struck.before), default=0)
        if lag:
            world = replace(world, settings=replace(world.settings, consistencyDelay=lag))
        connection.execute("SAVEPOINT work")
        desk = _Desk(connection, world, request, route, self._gate, self._master_key)
        code = ""
        try:
            answer = desk.answer(struck)
        except ServiceError as error:
            connection.execute("ROLLBACK TO work")
            answer, code = desk.show_error(error), error.code
        connection.execute("RELEASE work")
        answer, status = _after(answer, struck)
        _log(connection, world, request, route, answer.principal or desk.caller.name, status, code)
        return answer


class _Desk:
    """One call being worked on; `caller` is known once it has been authenticated."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        world: World,
        request: Incoming,
        route: Route,
        gate: Gate,
        master_key: Callable[[], str],
    ) -> None:
        self.caller = Caller()
        self._connection = connection
        self._world = world
        self._request = request
        self._route = route
        self._gate = gate
        self._master_key = master_key

    def answer(self, struck: Strike) -> Answer:
        """The operation's answer, or that of the fault that stands before it."""
        for effect in struck.before:
            if effect.cuts:
                return Answer(status=0)
            if effect.answers:
                return _fault_answer(effect)
        operation = self._route.operation
        if operation is None:
            raise self._route.error or not_authenticated()
        region = self._region()
        if operation.auth == "signature":
            self.caller = authenticate(self._connection, self._world, self._request, operation, self._master_key)
        if operation.home and region != self._world.home:
            raise _wrong_region(self._world.home)
        return self._run_once(self._call(operation, region))

    def show_error(self, error: ServiceError) -> Answer:
        """An error in the shape clients of this operation read."""
        operation = self._route.operation
        return inference_error(error) if operation and operation.auth == "bearer" else answer_error(error)

    def _call(self, operation: Operation, region: str) -> Call:
        return Call(
            self._request,
            operation,
            self._route.parameters,
            region,
            self._world,
            self._connection,
            self.caller,
            self._gate,
            self._master_key,
        )

    def _region(self) -> str:
        region = self._request.region or self._world.home
        # the real services do not know a tenancy's users in a region it has not subscribed to
        if region not in self._world.settings.subscribedRegions:
            raise not_authenticated()
        return region

    def _run_once(self, call: Call) -> Answer:
        given = self._request.headers.get("opc-retry-token")
        if given is None or not call.operation.retry_token:
            return call.operation.function(call)
        request = self._request
        token = RetryToken(given, self.caller.id, call.operation.name, call.region, request.path, request.body)
        replayed = token.replay(self._connection, self._world.settings.retryTokenReplay, self._world.now)
        if replayed is not None:
            return replayed
        answer = call.operation.function(call)
        token.remember(self._connection, answer, self._world.now)
        return answer


def _wrong_region(home: str) -> ServiceError:
    key = REGIONS[home]
    return ServiceError(
        403, "NotAllowed", f"Please go to your home region {key} to execute CREATE, UPDATE and DELETE operations."
    )


def _after(answer: Answer, struck: Strike) -> tuple[Answer, int]:
    for effect in struck.after:
        if effect.cuts:
            return answer, 0
        if effect.answers:
            answer = _fault_answer(effect)
    return answer, answer.status


def _fault_answer(effect: Effect) -> Answer:
    status = effect.status or 500
    if effect.body is None:
        body = {"code": effect.code or f"Fault{status}", "message": effect.message or "Injected by the local tenancy."}
        return Answer(body, status, effect.headers)
    if isinstance(effect.body, str):
        return Answer(
            None, status, effect.headers, effect.body.encode("utf-8"), effect.content_type or "text/html; charset=utf-8"
        )
    return Answer(effect.body, status, effect.headers, content_type=effect.content_type or "application/json")


def _log(
    connection: sqlite3.Connection,
    world: World,
    request: Incoming,
    route: Route,
    principal: str,
    status: int,
    code: str,
) -> None:
    path, _, query = request.target.partition("?")
    log_call(
        connection,
        LoggedCall(
            world.now,
            route.operation.service if route.operation else "",
            route.operation.name if route.operation else "",
            request.method,
            path,
            query,
            request.region or world.home,
            principal,
            status,
            code,
        ),
    )

"""Calls from start to end, each in one transaction: settle what is due, answer, log, commit."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace

from genai_iac.emulator.access.authorize import Gate
from genai_iac.emulator.access.rules import RuleBook
from genai_iac.emulator.answers import Answer, answer_error
from genai_iac.emulator.call_log import LoggedCall, log_call
from genai_iac.emulator.database import Database
from genai_iac.emulator.desk import Desk, Route, fault_answer
from genai_iac.emulator.errors import ServiceError
from genai_iac.emulator.faults import Strike, strike
from genai_iac.emulator.operations import Router
from genai_iac.emulator.pending import settle
from genai_iac.emulator.requests import Incoming
from genai_iac.emulator.services import OPERATIONS, WORKS
from genai_iac.emulator.world import World, read_world

_LOG = logging.getLogger("genai_iac.emulator")


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
        desk = Desk(connection, world, request, route, self._gate, self._master_key)
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


def _after(answer: Answer, struck: Strike) -> tuple[Answer, int]:
    for effect in struck.after:
        if effect.cuts:
            return answer, 0
        if effect.answers:
            answer = fault_answer(effect)
    return answer, answer.status


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

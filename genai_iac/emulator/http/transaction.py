"""Calls from start to end, each in one transaction: settle what is due, answer, log, commit."""

import logging
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace

from genai_iac.emulator.auth.authorizer import Authorizer
from genai_iac.emulator.auth.policy_cache import PolicyCache
from genai_iac.emulator.control.faults import ActiveFaults, match_faults
from genai_iac.emulator.http.call_handler import CallHandler, MatchedRoute, fault_answer
from genai_iac.emulator.http.errors import ServiceError
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, answer_error
from genai_iac.emulator.http.router import Router
from genai_iac.emulator.services.registry import OPERATIONS, WORKS
from genai_iac.emulator.storage.call_log import LoggedCall, log_call
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.tenancy_state import TenancyState, read_tenancy_state, run_due_jobs

# Defects of the emulator itself; calls are in the database's call log.
_LOG = logging.getLogger("genai_iac.emulator")


class TransactionRunner:
    """The synchronous heart of a local emulator. It answers; sending, waiting and breaking connections is the wire's.

    Synchronous on purpose: one SQLite connection and one write lock; the event loop waits
    for each call.
    """

    def __init__(self, database: Database, master_key: Callable[[], str], *, allow_kill: bool = False) -> None:
        self._database = database
        self._allow_kill = allow_kill
        self._master_key = master_key
        self._router = Router(OPERATIONS)
        self._gate = Authorizer(PolicyCache())

    def route(self, request: Incoming) -> MatchedRoute:
        """Find the operation a request means."""
        try:
            operation, parameters = self._router.find(request.method, request.segments)
        except ServiceError as error:
            return MatchedRoute(None, {}, error)
        return MatchedRoute(operation, parameters)

    def now(self) -> int:
        """The tenancy's time in milliseconds."""
        return read_tenancy_state(self._database.connection).now

    def prepare(self, route: MatchedRoute) -> tuple[TenancyState, ActiveFaults]:
        """The world as it is, and the faults whose turn this call is.

        Faults are counted in a transaction of their own: a call that then fails was seen all
        the same.
        """
        world = read_tenancy_state(self._database.connection)
        if not world.faults or route.operation is None:
            return world, ActiveFaults()
        with self._database.write() as connection:
            struck = match_faults(connection, route.operation.name)
        return world, struck if self._allow_kill else struck.without_kills()

    def answer(self, request: Incoming, route: MatchedRoute, struck: ActiveFaults) -> Answer:
        """Run the operation, or the fault that answers in its place, and log the call. Never raises.

        Args:
            struck: from `prepare`.
        """
        try:
            with self._database.write() as connection:
                return self._within(connection, request, route, struck)
        except Exception:
            _LOG.exception("%s %s failed inside the local emulator", request.method, request.path)
            with self._database.write() as connection:
                failure = ServiceError(500, "InternalServerError", "Internal Server Error")
                answer = answer_error(failure)
                _log(connection, read_tenancy_state(connection), request, route, "", answer.status, failure.code)
            return answer

    def _within(
        self, connection: sqlite3.Connection, request: Incoming, route: MatchedRoute, struck: ActiveFaults
    ) -> Answer:
        world = read_tenancy_state(connection)
        # Work that time has brought is done by whichever call comes first, so no background
        # thread is needed.
        run_due_jobs(connection, world, WORKS)
        lag = max((effect.lag for effect in struck.before), default=0)
        if lag:
            world = replace(world, settings=replace(world.settings, consistencyDelay=lag))
        # An operation that fails leaves nothing, while the log entry of the same transaction
        # stays.
        connection.execute("SAVEPOINT work")
        desk = CallHandler(connection, world, request, route, self._gate, self._master_key)
        code = ""
        try:
            answer = desk.answer(struck)
        except ServiceError as error:
            connection.execute("ROLLBACK TO work")
            answer, code = desk.show_error(error), error.code
        connection.execute("RELEASE work")
        answer, status = _after(answer, struck)
        principal = answer.principal or desk.caller.name
        _log(connection, world, request, route, principal, status, code, desk.unfilled)
        return answer


def _after(answer: Answer, struck: ActiveFaults) -> tuple[Answer, int]:
    for effect in struck.after:
        if effect.cuts:
            return answer, 0
        if effect.answers:
            answer = fault_answer(effect, answer.encode())
    return answer, answer.status


def _log(
    connection: sqlite3.Connection,
    world: TenancyState,
    request: Incoming,
    route: MatchedRoute,
    principal: str,
    status: int,
    code: str,
    unfilled: Collection[str] = (),
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
            tuple(sorted(unfilled)),
        ),
    )

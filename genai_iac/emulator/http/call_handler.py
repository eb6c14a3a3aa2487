"""One call from start to end, in one transaction: run the jobs that are due, find who called and whether they may, answer, log, commit.

A request that was answered before, by its retry token, gets the same answer.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.emulator.auth.authorizer import Authorizer, Caller, PolicyCache
from genai_iac.emulator.auth.signatures import authenticate
from genai_iac.emulator.control.faults import ActiveFaults, Effect, match_faults
from genai_iac.emulator.control.settings import REGIONS
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, ServiceError, answer_error, not_authenticated
from genai_iac.emulator.http.router import Operation, Router
from genai_iac.emulator.services.audit import record_event
from genai_iac.emulator.services.inference.prompt import inference_error
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.registry import OPERATIONS, WORKS
from genai_iac.emulator.storage.call_log import LoggedCall, RetryToken, log_call
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.tenancy_state import TenancyState, read_tenancy_state, run_due_jobs

# Paths below which errors have OpenAI's form.
_OPENAI_PATHS = (("openai", "v1"), ("20231130", "actions"))


class MatchedRoute(Struct, frozen=True):
    """What a request means: an operation with its path parameters, or the error that says it means nothing."""

    operation: Operation | None  # None when no path or method fits
    parameters: dict[str, str]  # path parameters by name, decoded
    error: ServiceError | None = None


class CallHandler:
    """One call being worked on; `caller` is known once it has been authenticated.

    Args:
        connection: inside the transaction of this call.
        world: the tenancy at the beginning of the call.
        authorizer: decides by policies.
        master_key: passphrase for stored secrets.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        world: TenancyState,
        request: Incoming,
        route: MatchedRoute,
        authorizer: Authorizer,
        master_key: Callable[[], str],
    ) -> None:
        self.caller = Caller()
        self.unfilled: set[str] = set()  # variables that conditions asked for and no request has
        self._connection = connection
        self._world = world
        self._request = request
        self._route = route
        self._authorizer = authorizer
        self._master_key = master_key

    def answer(self, struck: ActiveFaults) -> Answer:
        """The operation's answer, or that of the fault that stands before it.

        Args:
            struck: faults that are due; one before the operation keeps it from running.

        Raises:
            ServiceError: of authentication, routing or the operation.
        """
        for effect in struck.before:
            if effect.cuts:
                return Answer(status=0)
            if effect.answers:
                return fault_answer(effect, self._request.body)
        operation = self._route.operation
        if operation is None:
            raise self._route.error or not_authenticated()
        region = self._region()
        if operation.auth == "signature" or (operation.auth == "either" and _is_signed(self._request)):
            # Before the home-region check: an unknown caller learns nothing about regions.
            self.caller = authenticate(self._connection, self._world, self._request, operation, self._master_key)
        if operation.home and region != self._world.home:
            raise _wrong_region(self._world.home)
        return self._run_once(self._call(operation, region))

    def show_error(self, error: ServiceError) -> Answer:
        """An error in the shape clients of this operation read."""
        operation = self._route.operation
        if operation is None:
            # OpenAI's clients read the `error` object also where a path is wrong
            return inference_error(error) if self._request.segments[:2] in _OPENAI_PATHS else answer_error(error)
        return answer_error(error) if operation.auth == "signature" else inference_error(error)

    def _call(self, operation: Operation, region: str) -> OperationContext:
        return OperationContext(
            self._request,
            operation,
            self._route.parameters,
            region,
            self._world,
            self._connection,
            self.caller,
            self._authorizer,
            self._master_key,
            self.unfilled,
        )

    def _region(self) -> str:
        region = self._request.region or self._world.home
        # the real services do not know a tenancy's users in a region it has not subscribed to
        if region not in self._world.settings.subscribedRegions:
            raise not_authenticated()
        return region

    def _run_once(self, call: OperationContext) -> Answer:
        given = self._request.headers.get("opc-retry-token")
        # Operations without retry tokens ignore the header, as the services do.
        if given is None or not call.operation.retry_token:
            return call.operation.function(call)
        request = self._request
        token = RetryToken(given, self.caller.id, call.operation.name, call.region, request.path, request.body)
        # Looked up inside the transaction, so two equal requests at once cannot both create.
        replayed = token.replay(self._connection, self._world.settings.retryTokenReplay, self._world.now)
        if replayed is not None:
            return replayed
        answer = call.operation.function(call)
        token.store_answer(self._connection, answer, self._world.now)
        return answer


def _is_signed(request: Incoming) -> bool:
    return request.headers.get("authorization", "").lower().startswith("signature ")


def _wrong_region(home: str) -> ServiceError:
    key = REGIONS[home]
    return ServiceError(
        403, "NotAllowed", f"Please go to your home region {key} to execute CREATE, UPDATE and DELETE operations."
    )


def fault_answer(effect: Effect, quoted: bytes = b"") -> Answer:
    """The answer a fault gives in the place of the operation; one that quotes has `quoted` in its message.

    Args:
        quoted: the request's body, or the answer's: for tests that no error text leaks a
            value.
    """
    status = effect.status or 500
    if effect.body is None:
        message = effect.message or "Injected by the local emulator."
        if effect.quote:
            message = f"{message} {quoted.decode('utf-8', 'replace')}"
        body = {"code": effect.code or f"Fault{status}", "message": message}
        return Answer(body, status, effect.headers)
    if isinstance(effect.body, str):
        return Answer(
            None, status, effect.headers, effect.body.encode("utf-8"), effect.content_type or "text/html; charset=utf-8"
        )
    return Answer(effect.body, status, effect.headers, content_type=effect.content_type or "application/json")


# Defects of the emulator itself; calls are in the database's call log.
_LOG = logging.getLogger("genai_iac.emulator")


class TransactionRunner:
    """The synchronous part of a local emulator. It answers; sending, waiting and breaking connections is the wire's.

    Synchronous on purpose: one SQLite connection and one write lock; the event loop waits
    for each call.
    """

    def __init__(self, database: Database, master_key: Callable[[], str], *, allow_kill: bool = False) -> None:
        self._database = database
        self._allow_kill = allow_kill
        self._master_key = master_key
        self._router = Router(OPERATIONS)
        self._authorizer = Authorizer(PolicyCache())

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
        handler = CallHandler(connection, world, request, route, self._authorizer, self._master_key)
        code = ""
        try:
            answer = handler.answer(struck)
        except ServiceError as error:
            connection.execute("ROLLBACK TO work")
            answer, code = handler.show_error(error), error.code
        connection.execute("RELEASE work")
        if route.operation is not None:
            record_event(connection, world, request, (route.operation, route.parameters), handler.caller, answer, code)
        answer, status = _after(answer, struck)
        principal = answer.principal or handler.caller.name
        _log(connection, world, request, route, principal, status, code, handler.unfilled)
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

"""One call being worked on: who called, whether they may, whether they have been answered before, and the answer."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from genai_iac.emulator.auth.authorizer import Authorizer, Caller
from genai_iac.emulator.auth.signatures import authenticate
from genai_iac.emulator.control.faults import ActiveFaults, Effect
from genai_iac.emulator.http.errors import ServiceError, not_authenticated
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, answer_error
from genai_iac.emulator.http.router import Operation
from genai_iac.emulator.services.inference.errors import inference_error
from genai_iac.emulator.services.operation_context import OperationContext
from genai_iac.emulator.services.regions import REGIONS
from genai_iac.emulator.storage.retry_tokens import RetryToken
from genai_iac.emulator.storage.tenancy_state import TenancyState

# Paths below which errors have OpenAI's form.
_OPENAI_PATHS = (("openai", "v1"), ("20231130", "actions"))


@dataclass(frozen=True)
class MatchedRoute:
    """What a request means: an operation with its path parameters, or the error that says it means nothing."""

    operation: Operation | None  # None when no path or method fits
    parameters: dict[str, str]  # path parameters by name, decoded
    error: ServiceError | None = None


class CallHandler:
    """One call being worked on; `caller` is known once it has been authenticated.

    Args:
        connection: inside the transaction of this call.
        world: the tenancy at the beginning of the call.
        gate: decides by policies.
        master_key: passphrase for stored secrets.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        world: TenancyState,
        request: Incoming,
        route: MatchedRoute,
        gate: Authorizer,
        master_key: Callable[[], str],
    ) -> None:
        self.caller = Caller()
        self.unfilled: set[str] = set()  # variables that conditions asked for and no request has
        self._connection = connection
        self._world = world
        self._request = request
        self._route = route
        self._gate = gate
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
            self._gate,
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
        token.remember(self._connection, answer, self._world.now)
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

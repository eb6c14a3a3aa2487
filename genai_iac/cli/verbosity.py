"""What -v adds, on standard error: who calls whom, and the requests. Names, statuses and times only: never what was sent or answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_iac.cli.flags import Flags
from genai_iac.cli.output import Output
from genai_iac.render.foreign import visible

if TYPE_CHECKING:
    from genai_iac.provider import Provider, Request, Watch

_EVERY_REQUEST = 2


def tell_connection(flags: Flags, provider: Provider) -> None:
    """Say whom this run calls, and with which identity."""
    if flags.verbose:
        connection = provider.connection
        by = f"profile {connection.profile or 'DEFAULT'}" if connection.auth == "api_key" else connection.auth
        where = connection.endpoint or "OCI"
        text = f"Calling {where} in {provider.region} with {by}, tenancy {provider.tenancy}."
        Output.of_environment(no_color=flags.no_color).note(f"{visible(text)}\n")


def watch_requests(flags: Flags) -> Watch | None:
    """Says each request as it ends, or only those that fail; None when nobody wants to know."""
    if not flags.verbose:
        return None
    output = Output.of_environment(no_color=flags.no_color)

    def tell(request: Request) -> None:
        if flags.verbose >= _EVERY_REQUEST or not request:
            ended = request.status or "no answer"
            output.note(f"{request.operation} in {request.region}: {ended}, {request.seconds * 1000:.0f} ms\n")

    return tell

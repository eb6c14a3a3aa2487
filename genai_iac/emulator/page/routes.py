"""The page and its clock buttons over HTTP."""

import hmac
from urllib.parse import parse_qs, urlencode

from genai_iac.emulator.control.clock import turn_clock
from genai_iac.emulator.http.errors import ServiceError
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, answer_error
from genai_iac.emulator.page.html import render_page, security_headers
from genai_iac.emulator.page.view import read_view
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.tenancy_state import set_clock

_CLOCK = ("_page", "clock")


class Page:
    """The page of one tenancy."""

    def __init__(self, database: Database, token: str | None) -> None:
        self._database = database
        self._token = token

    def owns(self, request: Incoming) -> bool:
        """Whether this request is for the page or one of its buttons."""
        if request.region is not None:
            return False
        return request.segments == _CLOCK or (request.segments == () and request.method in ("GET", "HEAD"))

    def answer(self, request: Incoming) -> Answer:
        """The page, or the way back to it after a button."""
        if request.segments != _CLOCK:
            return self._show(self._proven(request.query.get("token", [""])[0]))
        try:
            self._press(request)
        except ServiceError as error:
            return answer_error(error)
        return Answer(status=303, headers={"location": f"/?{urlencode({'token': self._token})}"})

    def _proven(self, token: str) -> str | None:
        """The token, when it is the one of the control API: the buttons do what that does."""
        proven = self._token is not None and hmac.compare_digest(token.encode(), self._token.encode())
        return token if proven else None

    def _show(self, token: str | None) -> Answer:
        with self._database.snapshot() as connection:
            view = read_view(connection)
        content = render_page(view, token).encode("utf-8")
        return Answer(content=content, content_type="text/html; charset=utf-8", headers=security_headers())

    def _press(self, request: Incoming) -> None:
        # browsers say with every form where it stands; other pages were turned away before this
        if request.method != "POST" or "origin" not in request.headers:
            raise ServiceError(403, "Forbidden", "The buttons are for the page itself; programs use /_local/clock.")
        fields = {name: values[0] for name, values in parse_qs(request.body.decode("latin-1")).items()}
        if not self._proven(fields.pop("token", "")):
            raise ServiceError(
                403, "Forbidden", "The buttons need the page's address with its token, as local serve prints it."
            )
        with self._database.write() as connection:
            if fields == {"set": "now"}:
                set_clock(connection, 0)
            else:
                turn_clock(connection, fields)

"""The emulator's page as one HTML document without scripts, fonts or images from elsewhere, and its routes with the clock's buttons.

Whatever came from outside goes through `_safe`.
"""

import base64
import hashlib
import hmac
import html
import unicodedata
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from genai_iac.emulator.control.settings import REGIONS
from genai_iac.emulator.http.requests import Incoming
from genai_iac.emulator.http.responses import Answer, ServiceError, answer_error, invalid
from genai_iac.emulator.page.view import CompartmentView, ResourceGroup, View, read_view
from genai_iac.emulator.services.generative_ai.key_secrets import KeySecret
from genai_iac.emulator.storage.database import Database
from genai_iac.emulator.storage.resources import StoredResource
from genai_iac.emulator.storage.tenancy_state import change_offset, set_clock
from genai_iac.emulator.storage.time_format import DAY, HOUR, MINUTE, format_duration, format_instant

_STEPS = (("1h", "an hour"), ("1d", "a day"), ("7d", "a week"), ("30d", "30 days"))
_LONGEST = 2_000
_SOON = 14 * DAY


def render_page(view: View, token: str | None) -> str:
    """The whole page; the buttons of the clock only for who has shown the control token."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Local emulator</title><style>{stylesheet()}</style></head><body>"
        f"{_header(view, token)}<main>{_tree(view)}<aside>{_people(view)}{_calls(view)}</aside></main></body></html>"
    )


@cache
def stylesheet() -> str:
    """The style of the page."""
    return Path(__file__).with_name("page.css").read_text("utf-8")


@cache
def security_headers() -> dict[str, str]:
    """Headers under which a browser loads nothing, runs nothing and frames nothing, whatever the page should hold."""
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode("utf-8")).digest()).decode("ascii")
    return {
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


def _header(view: View, token: str | None) -> str:
    world = view.world
    offset = (
        f"{'+' if world.offset > 0 else '-'}{_about(abs(world.offset))}" if abs(world.offset) >= 1000 else "real time"
    )
    faults = (
        f'<span class="state revoked">{view.faults} fault{"s" * (view.faults != 1)} armed</span>' if view.faults else ""
    )
    return (
        "<header><div><h1>Local emulator</h1>"
        f'<p class="id">{_safe(world.tenancy)}</p>'
        f"<p>Home region <b>{world.home}</b> ({REGIONS[world.home]}) {faults}</p></div>"
        f'<form class="clock" method="post" action="/_page/clock"><p><time>{format_instant(world.now)[:19]}Z</time>'
        f"<small>{offset}</small></p>{_buttons(token)}</form></header>"
    )


def _buttons(token: str | None) -> str:
    if token is None:
        return ""
    steps = "".join(
        f'<button name="advance" value="{step}" title="Advance by {words}">+{step}</button>' for step, words in _STEPS
    )
    return (
        f'<input type="hidden" name="token" value="{html.escape(token, quote=True)}"><p>{steps}'
        '<button name="set" value="now" title="Back to real time">now</button></p>'
    )


def _tree(view: View) -> str:
    places = "".join(_compartment(view, place) for place in view.places)
    return f"<section><h2>Compartments</h2>{places}{_more(view.more_places, 'compartments')}</section>"


def _compartment(view: View, place: CompartmentView) -> str:
    resource = place.resource
    state = "" if resource.state == "ACTIVE" else _state(resource.state)
    described = _safe(str(resource.body.get("description") or ""))
    keys = "".join(_key(view, key) for key in place.keys.rows)
    policies = "".join(_policy(policy) for policy in place.policies.rows)
    secrets = "".join(
        f"<li>{_safe(item.name)} {_state(item.state)} <small>{item.region}</small></li>" for item in place.secrets.rows
    )
    return (
        f'<article class="depth-{min(place.depth, 6)}"><h3>{_safe(resource.name)} {state}</h3>'
        f'<p class="id" title="{_safe(resource.id)}">{_safe(resource.id)}</p><p class="about">{described}</p>'
        f"{_resource_group('API keys', keys, place.keys)}{_resource_group('Policies', policies, place.policies)}"
        f"{_resource_group('Vault secrets', secrets and f'<ul>{secrets}</ul>', place.secrets)}</article>"
    )


def _resource_group(title: str, content: str, group: ResourceGroup) -> str:
    return f"<h4>{title}</h4>{content}{_more(group.more, '')}" if content else ""


def _more(number: int, what: str) -> str:
    return f'<p class="more">… and {number} more {what}</p>' if number else ""


def _key(view: View, key: StoredResource) -> str:
    rows = "".join(_secret(secret, view.world.now) for secret in view.key_secrets.get(key.id, []))
    return (
        f"<table><caption><b>{_safe(key.name)}</b> <small>{_safe(key.region)}</small> "
        f'<span class="id">{_safe(key.id)}</span></caption>'
        "<thead><tr><th>Secret</th><th>Mask</th><th>State</th><th>Expires</th><th>Last used</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _secret(secret: KeySecret, now: int) -> str:
    left = secret.expiry - now
    when = f"in {_about(left)}" if left > 0 else f"{_about(-left)} ago"
    used = "never" if secret.last_used is None else f"{_about(max(0, now - secret.last_used))} ago"
    soon = ' class="soon"' if 0 < left < _SOON and secret.state in ("ACTIVE", "INACTIVE") else ""
    return (
        f"<tr><td>{_safe(secret.name)}</td><td><code>{_safe(secret.mask)}</code></td><td>{_state(secret.state_at(now))}</td>"
        f'<td{soon} title="{format_instant(secret.expiry)}">{when}</td><td>{used}</td></tr>'
    )


def _policy(policy: StoredResource) -> str:
    texts = policy.body["statements"]
    statements = "".join(f"<li><code>{_safe(text)}</code></li>" for text in texts)
    summary = f"<summary>{_safe(policy.name)} <small>{len(texts)}</small></summary>"
    return f"<details>{summary}<ol>{statements}</ol></details>"


def _people(view: View) -> str:
    users = ", ".join(_safe(user.name) for user in view.people)
    groups = ", ".join(_safe(group.name) for group in view.groups)
    return f"<section><h2>Who</h2><p><b>Users</b> {users}</p><p><b>Groups</b> {groups}</p></section>"


def _calls(view: View) -> str:
    rows = "".join(
        f'<tr class="{"bad" if call["status"] >= 400 or not call["status"] else "good"}"><td>{call["n"]}</td>'
        f"<td>{_safe(call['operation'] or call['path'][:60])}</td><td>{_safe(call['principal'])}</td>"
        f'<td title="{_safe(call["region"])}">{_safe(REGIONS.get(call["region"], "?"))}</td>'
        f'<td title="{_safe(call["code"])}">{call["status"] or "cut"}</td></tr>'
        for call in view.calls
    )
    body = f'<table class="calls"><tbody>{rows}</tbody></table>' if rows else "<p>None yet.</p>"
    return f"<section><h2>Last calls</h2>{body}</section>"


def _state(state: str) -> str:
    return f'<span class="state {_safe(state.lower())}">{_safe(state)}</span>'


def _about(length: int) -> str:
    """A length of time for people: one unit."""
    for unit in (DAY, HOUR, MINUTE, 1000):
        if length >= unit:
            return format_duration(length // unit * unit) if unit != DAY else f"{length // DAY}d"
    return "0s"


def _safe(text: str) -> str:
    """Text that is only text: escaped, without control and direction marks, and not without end."""
    shown = "".join(
        "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") else character
        for character in text[:_LONGEST]
    )
    return html.escape(shown, quote=True)


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
                try:
                    change_offset(connection, fields)
                except ValueError as error:
                    raise invalid(f"{error}.") from None

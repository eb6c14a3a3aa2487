"""`expiry`: when each secret dies, the nearest first: for people, programs, calendars and monitors. A mask is shown, a value never."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from genai_iac.inventory import Entry
from genai_iac.render.attributes import moment
from genai_iac.render.expiry_calendar import calendar_text
from genai_iac.render.expiry_metrics import metrics_text
from genai_iac.render.expiry_table import table_text
from genai_iac.render.inventory import entry_document
from genai_iac.render.json_text import write_json
from genai_iac.render.terminal import Terminal

_NEVER = datetime.max.replace(tzinfo=UTC)


def render_expiry(
    form: str,
    stack: str,
    entries: Iterable[Entry],
    now: datetime,
    dying: Iterable[Entry] = (),
    terminal: Terminal | None = None,
) -> str:
    """The secrets in one of the forms `text`, `json`, `ics` (RFC 5545), `prometheus` (text exposition format 0.0.4).

    `dying` are those that `--within` is about; the text and the JSON point them out.
    """
    ordered = tuple(sorted(entries, key=lambda entry: (entry.expires or _NEVER, entry.address, entry.secret)))
    forms: Mapping[str, Callable[[], str]] = {
        "text": lambda: table_text(stack, ordered, now, tuple(dying), terminal or Terminal()),
        "json": lambda: _document_text(stack, ordered, now, tuple(dying)),
        "ics": lambda: calendar_text(stack, ordered, now),
        "prometheus": lambda: metrics_text(stack, ordered, now),
    }
    return forms[form]()


def _document_text(stack: str, entries: tuple[Entry, ...], now: datetime, dying: tuple[Entry, ...]) -> str:
    secrets = [{**entry_document(entry, now), "dying": entry in dying} for entry in entries]
    return (
        write_json({"format_version": "1.0", "stack": stack, "now": moment(now), "secrets": secrets}, indent=2) + "\n"
    )

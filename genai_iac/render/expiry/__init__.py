"""When each secret expires, the nearest first: text and JSON here, a calendar (iCalendar) and metrics (Prometheus) in `formats.py`.

In: secret statuses. Out: text, with masks and without values. Must not know: the clock; the time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.render.common.attribute_values import moment, moment_for_people
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.phrases import NAME_LIMIT, count, elapsed_words, join_words
from genai_iac.render.common.sanitize import columns, escape_control, named
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.expiry.formats import calendar_text, metrics_text
from genai_iac.render.plan.context import SOON
from genai_iac.render.status import entry_document, life_words, part_words

_WORD_LIMIT = 40  # characters of a state or a role
_SHORTEST_BAR = 16  # columns below which a timeline shows nothing
_LONGEST_LABEL = 40  # columns


def table_text(
    stack: str, entries: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...], terminal: Terminal
) -> str:
    """The table, the timeline of those that live, and how many expire within the time asked for. Entries come nearest first."""
    return terminal.join(_lines(stack, entries, now, expiring, terminal))


def _lines(
    stack: str, entries: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...], terminal: Terminal
) -> Iterator[str]:
    yield from terminal.wrap(f"Stack {escape_control(stack, NAME_LIMIT)} at {moment_for_people(now)}", rest="      ")
    with_expiry = tuple(
        entry for entry in entries if entry.state not in ("REVOKED", "DELETED") and entry.expires is not None
    )
    if not with_expiry:
        yield ""
        yield "No secret of this stack expires."
        return
    yield ""
    yield from _table_lines(with_expiry, now, expiring, terminal)
    unexpired = tuple(entry for entry in with_expiry if (left := entry.left(now)) is not None and left > timedelta())
    if unexpired:
        yield ""
        yield from _timeline_lines(unexpired, now, expiring, terminal)
    yield ""
    yield _closing(unexpired, now, expiring, terminal)


def _table_lines(
    entries: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...], terminal: Terminal
) -> Iterator[str]:
    rows = [_cells(entry, now) for entry in entries]
    widths = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
    for entry, row in zip(entries, rows, strict=True):
        padded = "  ".join(cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True))
        yield from terminal.wrap(padded.rstrip(), "", "    ", _tone(entry, now, expiring))


def _cells(entry: SecretStatus, now: datetime) -> tuple[str, ...]:
    assert entry.expires is not None
    return (
        moment_for_people(entry.expires),
        life_words(entry, now).removeprefix("expires "),
        named(entry.address),
        escape_control(entry.secret, NAME_LIMIT),
        " ".join(filter(None, (escape_control(entry.state, _WORD_LIMIT), part_words(entry)))),
    )


def _tone(entry: SecretStatus, now: datetime, expiring: tuple[SecretStatus, ...]) -> Tone | None:
    if entry in expiring or entry.state == "EXPIRED":
        return "danger"
    left = entry.left(now)
    if entry.state != "ACTIVE" or left is None:
        return "dim"
    return "change" if left < SOON else None


def _timeline_lines(
    entries: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...], terminal: Terminal
) -> Iterator[str]:
    """A bar a secret, from now to its expiry, all on one scale."""
    labels = [f"{named(entry.address)} {escape_control(entry.secret, NAME_LIMIT)}" for entry in entries]
    space = min(max(map(columns, labels)), _LONGEST_LABEL, terminal.width // 2)
    wide = terminal.width - space - 3
    longest = max(entry.expires - now for entry in entries if entry.expires)
    if wide < _SHORTEST_BAR:
        return
    for entry, label in zip(entries, labels, strict=True):
        assert entry.expires is not None
        shown = _fit(label, space, terminal)
        bar = _bar(round(wide * ((entry.expires - now) / longest)), entry.state == "ACTIVE", terminal)
        yield f"{shown}{' ' * (space - columns(shown))}  {terminal.paint(bar, _tone(entry, now, expiring))}"
    end = f"in {elapsed_words(longest)}"
    yield terminal.paint(f"{' ' * space}  now{end.rjust(wide - 3)}", "dim")


def _expiring_words(expiring: tuple[SecretStatus, ...], now: datetime) -> Iterator[str]:
    expired = sum(entry.is_expired_in_use for entry in expiring)
    if expired:
        yield f"{count(expired, 'current secret')} {'has' if expired == 1 else 'have'} expired"
    moments = [entry.expires for entry in expiring if entry.expires and not entry.is_expired_in_use]
    if moments:
        when = f"within {elapsed_words(max(moments) - now)}" if max(moments) > now else "now"
        yield f"{count(len(moments), 'working secret')} {'expires' if len(moments) == 1 else 'expire'} {when}"


def _fit(label: str, space: int, terminal: Terminal) -> str:
    if columns(label) <= space:
        return label
    dots = terminal.glyph("…", "..")
    while columns(label) > space - len(dots):
        label = label[:-1]
    return label + dots


def _bar(length: int, works: bool, terminal: Terminal) -> str:
    line: Mapping[bool, str] = {True: terminal.glyph("━", "="), False: terminal.glyph("╌", "-")}
    return line[works] * max(length - 1, 0) + terminal.glyph("●" if works else "○", "*" if works else "o")


def _closing(
    unexpired: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...], terminal: Terminal
) -> str:
    if expiring:
        return terminal.paint(f"{join_words(_expiring_words(expiring, now))}.", "danger")
    working = [entry for entry in unexpired if entry.state == "ACTIVE"]
    if not working:
        return terminal.paint("No secret works.", "danger")
    which = "The only working secret" if len(working) == 1 else f"The first of {len(working)} working secrets"
    return terminal.paint(f"{which} {life_words(working[0], now)}.", "strong")


_NEVER = datetime.max.replace(tzinfo=UTC)


def render_expiry(
    form: str,
    stack: str,
    entries: Iterable[SecretStatus],
    now: datetime,
    expiring: Iterable[SecretStatus] = (),
    terminal: Terminal | None = None,
) -> str:
    """The secrets in one of the forms `text`, `json`, `ics` (RFC 5545), `prometheus` (text exposition format 0.0.4).

    `expiring` are those that `--within` is about; the text and the JSON point them out.
    """
    ordered = tuple(sorted(entries, key=lambda entry: (entry.expires or _NEVER, entry.address, entry.secret)))
    forms: Mapping[str, Callable[[], str]] = {
        "text": lambda: table_text(stack, ordered, now, tuple(expiring), terminal or Terminal()),
        "json": lambda: _document_text(stack, ordered, now, tuple(expiring)),
        "ics": lambda: calendar_text(stack, ordered, now),
        "prometheus": lambda: metrics_text(stack, ordered, now),
    }
    return forms[form]()


def _document_text(
    stack: str, entries: tuple[SecretStatus, ...], now: datetime, expiring: tuple[SecretStatus, ...]
) -> str:
    secrets = [{**entry_document(entry, now), "dying": entry in expiring} for entry in entries]
    return (
        write_json({"format_version": "1.0", "stack": stack, "now": moment(now), "secrets": secrets}, indent=2) + "\n"
    )

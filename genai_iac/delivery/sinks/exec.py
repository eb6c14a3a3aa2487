"""The exec sink: a program of the user's takes the current value on its standard input and puts it where it belongs.

The value cannot be read back. `check` says what the place holds; without it, this machine's journal says what was delivered from here,
and what it does not mention counts as delivered.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, ClassVar

from genai_iac.core import Address, Delivery, Item, Record, Role, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import check_tenant, record_as_data, record_from_data
from genai_iac.delivery.sinks._delivery_log import LogEntry, read_log, update_log
from genai_iac.delivery.sinks._names import ENV_SCHEMA
from genai_iac.delivery.sinks._program import Program, Ran, find_program, run_program
from genai_iac.delivery.sinks._redact import redact_text

# words, not a shell line; a NUL cannot be passed
_COMMAND = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"}}
_SHORT = 80  # characters
_TIMEOUT = "^[1-9][0-9]{0,3}[sm]$"


class ExecSink(Sink):
    """`exec: {command, check, timeout, env}`. The command gets the value in the role `current`, without a newline, and no other.

    With `check` the sink can be asked on any machine; without it, a rotation depends on the
    log of the machine that delivered.
    """

    word = "exec"
    readable = False
    roles: frozenset[Role] = frozenset({"current"})
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A program that takes the current value on its standard input.",
        "additionalProperties": False,
        "required": ["command"],
        "properties": {
            "command": {
                **_COMMAND,
                "description": "The program and its arguments, run without a shell in the manifests' directory.",
                "examples": [["gh", "secret", "set", "OPENAI_API_KEY", "--repo", "acme/chat"]],
            },
            "check": {
                **_COMMAND,
                "description": "A program that prints what the place holds: the JSON of GENAI_IAC_RECORD, or a text with the mask.",
            },
            "timeout": {
                "type": "string",
                "pattern": _TIMEOUT,
                "default": "30s",
                "description": "How long each may take: 30s, 2m.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._command = self._program("command", settings, context)
        self._check = self._program("check", settings, context) if "check" in settings else None
        self._context = context
        self._names = read_names("exec", settings)

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterable[Claim]:
        read_names("exec", settings)
        return ()

    @property
    def place(self) -> str:
        return self._command.place

    @property
    def commands(self) -> tuple[Sequence[str], ...]:
        return tuple(program.command for program in (self._command, self._check) if program)

    def prove(self) -> None:
        find_program(self._command)
        self.read()

    def announce(self, secrets: tuple[str, ...]) -> None:
        moments = dict.fromkeys(secrets, self._context.now()) if self._context.now else {}
        self._note(
            lambda note: replace(
                note, announced=tuple(sorted({*note.announced, *secrets})), moments={**note.moments, **moments}
            )
        )

    def withdraw(self, secrets: frozenset[str]) -> None:
        self._note(lambda note: replace(note, announced=_without(note, secrets)))

    def settle(self, record: Record) -> None:
        self._note(lambda note: replace(note, records=(record,), announced=_without(note, {record.secret})))

    def rename(self, delivery: Delivery) -> None:
        del delivery  # the place keeps what it was given; only this machine's note of it is moved
        if self._find(read_log(self._context.notes)) is not None:
            self._note(lambda note: note)

    def read(self) -> SinkContents | None:
        if self._check is None:
            return self._noted()
        text = self._look(self._check)
        shown = _read_shown(text)
        if shown is None:
            return self._noted(text) if text else None
        check_tenant(shown.owner, Address.parse(shown.address), shown.id, self._context, self.place)
        return SinkContents(self._context.address, shown.id, shown.records, shown.base_url)

    def take(self, secret: str, mask: str) -> Secret | None:
        del secret, mask
        return None

    def write(self, delivery: Delivery) -> None:
        item = delivery.item("current")
        known = self._bring(delivery, item) if item else False
        records = (item.record,) if item and known else ()
        self._note(lambda note: _delivered(note, delivery, records))

    @staticmethod
    def _program(name: str, settings: Mapping[str, Any], context: Context) -> Program:
        return Program(
            command=tuple(settings[name]),
            directory=context.root,
            seconds=_seconds(settings.get("timeout", "30s")),
            place=f"exec {_in_short(settings['command'])}",
        )

    def _bring(self, delivery: Delivery, item: Item) -> bool:
        """See that the place holds the item; whether that is known, and not only believed."""
        if item.value is not None:
            self._send(delivery, item)
            return True
        record, held = item.record, self.read()
        answer = held.holds(record.secret, record.mask) if held else False
        if answer is False:
            raise SinkError(
                f"{self.place} does not hold {record.secret} ({record.mask}), so it cannot be kept; nothing was written",
                hint="plan again: what is not held is delivered anew",
            )
        return answer is True

    def _send(self, delivery: Delivery, item: Item) -> None:
        """Run the command with the value, then the check.

        Raises SinkError when one of them fails or the mask is not shown.
        """
        ran = run_program(self._command, self._facts(delivery, item.record), item.value)
        if not ran:
            said = f": {ran.last_words}" if ran.last_words else " and printed nothing"
            raise SinkError(f"{self.place} {ran.how}{said}", hint="correct that, then apply again")
        if self._check and not _shows(self._look(self._check), item.record):
            raise SinkError(
                f"{self.place} ended well, but its check does not show {item.record.secret} ({item.record.mask})",
                hint="see that check prints what command stored",
            )

    def _facts(self, delivery: Delivery, record: Record) -> dict[str, str]:
        """The environment variables that the command gets: everything of the record, never the value."""
        data = {
            "address": str(delivery.address),
            "id": delivery.id,
            "owner": self._context.owner,
            "base_url": delivery.base_url,
            **({"project": delivery.project} if delivery.project else {}),
            **record_as_data(record),
        }
        return {
            **self._tenant,
            "GENAI_IAC_KEY_ID": delivery.id,
            "GENAI_IAC_BASE_URL": delivery.base_url,
            "GENAI_IAC_PROJECT": delivery.project or "",
            "GENAI_IAC_NAME_KEY": self._names.key,
            "GENAI_IAC_NAME_BASE_URL": self._names.base_url,
            "GENAI_IAC_NAME_PROJECT": self._names.project,
            "GENAI_IAC_SECRET": record.secret,
            "GENAI_IAC_MASK": record.mask,
            "GENAI_IAC_ROLE": record.role,
            "GENAI_IAC_EXPIRES": data["expires"] or "",
            "GENAI_IAC_RECORD": json.dumps(data),
        }

    @property
    def _tenant(self) -> dict[str, str]:
        return {"GENAI_IAC_ADDRESS": str(self._context.address), "GENAI_IAC_OWNER": self._context.owner}

    def _look(self, check: Program) -> str:
        """What the check prints. Never quoted: it may print more than it should."""
        ran: Ran = run_program(check, self._tenant)
        if not ran:
            raise SinkError(
                f"{self.place}: its check ({_in_short(check.command)}) {ran.how}",
                hint="run it manually to see why; a place that holds nothing yet is status 0 and no output",
            )
        return ran.printed.strip()

    def _noted(self, shown: str | None = None) -> SinkContents:
        """What the log says; with `shown`, only what a text of the check confirms."""
        notes = read_log(self._context.notes)
        found = self._find(notes)
        if found is None and shown is None:
            return self._passed_over(notes.values())
        return _noted_holding(notes[found] if found is not None else self._blank(), shown)

    def _find(self, notes: Mapping[str, LogEntry]) -> str | None:
        """Where its note lies: under its address, or under a previous one of the same key."""
        keys = [self._key_of(address) for address in (self._context.address, *self._context.previous)]
        found = [key for key in keys if key in notes]
        own = [key for key in found if notes[key].id == self._context.id]
        return next(iter(own or found), None)

    def _passed_over(self, notes: Iterable[LogEntry]) -> SinkContents:
        """A place that the notes do not mention, because its entry is new or its command was corrected, did not get what
        this machine brought to the key's other places, nor what was lost on the way to them."""
        blank = self._blank()
        addresses = {str(address) for address in (self._context.address, *self._context.previous)}
        others = [
            note
            for note in notes
            if note.owner == blank.owner and note.address in addresses and note.id in ("", blank.id)
        ]
        return SinkContents(
            self._context.address,
            blank.id,
            (),
            whole=False,
            lost=tuple(name for note in others for name in note.announced),
            announced={name: moment for note in others for name, moment in note.moments.items()},
            elsewhere=frozenset((record.secret, record.mask) for note in others for record in note.records),
        )

    def _note(self, change: Callable[[LogEntry], LogEntry]) -> None:
        """Change this sink's log entry."""
        address = self._context.address

        def changed(note: LogEntry | None) -> LogEntry:
            return change(replace(note, address=str(address)) if note else self._blank())

        update_log(self._context.notes, self._key_of(address), changed, self._find)

    def _blank(self) -> LogEntry:
        return LogEntry(self.place, str(self._context.address), self._context.owner, self._context.id or "")

    def _key_of(self, address: Address) -> str:
        """The key of this sink's log entry, from the owner, the address and the command.

        A corrected command is another sink, which got nothing yet
        (test_a_value_that_a_mistyped_program_lost_is_delivered_by_the_corrected_one).
        """
        parts = [self._context.owner, str(address), *self._command.command]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _in_short(command: Sequence[str]) -> str:
    """The command in one line; a long one ends in a digest that tells it from others that begin alike."""
    line = " ".join(redact_text(shlex.join(command), None).split())
    digest = hashlib.sha256(line.encode()).hexdigest()[:6]
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}… [{digest}]"


def _seconds(text: str) -> float:
    return int(text[:-1]) * (60 if text.endswith("m") else 1)


def _noted_holding(note: LogEntry, shown: str | None = None) -> SinkContents:
    """What this machine delivered, as far as a text that the check printed bears it out. What another machine did is not known here."""
    records = tuple(record for record in note.records if shown is None or record.mask in shown)
    return SinkContents(
        Address.parse(note.address),
        note.id,
        records,
        note.base_url,
        whole=False,
        lost=note.announced,
        announced=note.moments,
    )


def _delivered(note: LogEntry, delivery: Delivery, records: tuple[Record, ...]) -> LogEntry:
    waiting = _without(note, {record.secret for record in records})
    return replace(note, id=delivery.id, base_url=delivery.base_url, records=records, announced=waiting)


def _without(note: LogEntry, arrived: Set[str]) -> tuple[str, ...]:
    return tuple(secret for secret in note.announced if secret not in arrived)


def _read_shown(text: str) -> LogEntry | None:
    """The records that a check printed, each in the form of GENAI_IAC_RECORD; None when it printed something else."""
    try:
        data = json.loads(text)
        items = data if isinstance(data, list) else [data]
        address, owner, key, base_url = (str(items[0][name]) for name in ("address", "owner", "id", "base_url"))
        Address.parse(address)
        return LogEntry("", address, owner, key, base_url, tuple(map(record_from_data, items)))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def _shows(text: str, record: Record) -> bool:
    """Whether the check's output names this secret and mask, or a plain text contains the mask."""
    shown = _read_shown(text)
    if shown is None:
        return record.mask in text
    return any((one.secret, one.mask) == (record.secret, record.mask) for one in shown.records)

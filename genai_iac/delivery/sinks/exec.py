"""The exec sink: a program of the user's takes the current value on its standard input and puts it where it belongs.

The value cannot be read back. `check` says what the place holds; without it, this machine's journal says what was delivered from here,
and what it does not mention counts as delivered.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from genai_iac.core import Address, Delivery, Item, Record, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, read_names
from genai_iac.delivery.sinks._contents import check_tenant, record_as_data, record_from_data
from genai_iac.delivery.sinks._journal_entries import LogEntry
from genai_iac.delivery.sinks._program import Program, Ran, find_program, redact_text, run_program
from genai_iac.delivery.sinks._write_only import WriteOnlySink, delivered_entry

# words, not a shell line; a NUL cannot be passed
_COMMAND = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1, "pattern": r"^[^\x00]*$"}}
_SHORT = 80  # characters
_TIMEOUT = "^[1-9][0-9]{0,3}[sm]$"


class ExecSink(WriteOnlySink):
    """`exec: {command, check, timeout, env}`. The command gets the value in the role `current`, without a newline, and no other."""

    word = "exec"
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
        self._note(lambda note: delivered_entry(note, delivery, records))

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

    @property
    def identity(self) -> Sequence[str]:
        return self._command.command


def _in_short(command: Sequence[str]) -> str:
    """The command in one line; a long one ends in a digest that distinguishes it from others that begin alike."""
    line = " ".join(redact_text(shlex.join(command), None).split())
    digest = hashlib.sha256(line.encode()).hexdigest()[:6]
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}… [{digest}]"


def _seconds(text: str) -> float:
    return int(text[:-1]) * (60 if text.endswith("m") else 1)


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

"""The github sink: secrets of GitHub Actions or Dependabot, encrypted on this machine. GitHub never shows a value again.

The API: https://docs.github.com/en/rest/actions/secrets and https://docs.github.com/en/rest/dependabot/secrets
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from genai_iac.core import Address, Delivery, Item, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, read_names
from genai_iac.delivery.sinks._contents import check_tenant
from genai_iac.delivery.sinks._github_secrets import API, GitHubSecrets, SealedSecret, check_settings
from genai_iac.delivery.sinks._journal import read_log
from genai_iac.delivery.sinks._journal_entries import DeliveryNotes, LogEntry
from genai_iac.delivery.sinks._write_only import WriteOnlySink, delivered_entry, noted_holding

_OWNER = "[A-Za-z0-9]([A-Za-z0-9-]{0,38})"
_REPOSITORY = rf"^{_OWNER}/(?!\.{{1,2}}$)[A-Za-z0-9_.-]{{1,100}}$"


class GitHubSink(WriteOnlySink):
    """`github: {repository | organization, environment, store, visibility, repositoryIds, name, api, env}`.

    Three secrets: the current value, the endpoint and, where the key has one, the project. What this machine delivered is in its
    journal, with the time that GitHub gave the secrets then: a secret that was deleted or set by another hand since is noticed.
    """

    word = "github"
    forgets = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "Secrets of GitHub Actions or Dependabot. They cannot be read back.",
        "additionalProperties": False,
        "anyOf": [{"required": ["repository"]}, {"required": ["organization"]}],
        "properties": {
            "repository": {
                "type": "string",
                "pattern": _REPOSITORY,
                "description": "Whose secrets they are.",
                "examples": ["acme/chat"],
            },
            "organization": {
                "type": "string",
                "pattern": f"^{_OWNER}$",
                "description": "The same for an organisation.",
            },
            "environment": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "description": "An environment of the repository; its jobs alone get the secrets.",
            },
            "store": {
                "enum": ["actions", "dependabot"],
                "default": "actions",
                "description": "Which of the two products reads them.",
            },
            "visibility": {
                "enum": ["all", "private", "selected"],
                "description": "Which repositories of the organisation get them. Default: private.",
            },
            "repositoryIds": {
                "type": "array",
                "items": {"type": "integer", "minimum": 1},
                "description": "The repositories of visibility selected, by their numbers.",
            },
            "name": {
                "type": "string",
                "pattern": "^(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]{0,99}$",
                "description": "The name of the secret with the value. Default: env.key.",
            },
            "api": {
                "type": "string",
                "pattern": "^https?://[^?#@\\s]+$",
                "default": API,
                "description": "Of GitHub Enterprise: https://HOST/api/v3. Its host has to be allowed by --allow-sink-host.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        self._context = context
        self._names = read_names("github", settings)
        self._secrets = GitHubSecrets(settings, self.place, context.sink_hosts)
        check_settings(settings)

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        names = read_names("github", settings)
        check_settings(settings)
        where = _where(settings)
        for name in (settings.get("name", names.key), names.base_url, names.project):
            yield Claim(f"secret {name.upper()} of {where}")

    @property
    def place(self) -> str:
        return f"github {self._key} of {_where(self._settings)}"

    @property
    def identity(self) -> Sequence[str]:
        return ("github", self.place, self._settings.get("api", API))

    def prove(self) -> None:
        self._secrets.public_key()
        self.read()

    def read(self) -> SinkContents | None:
        found = self._secrets.look(self._key)
        notes = read_log(self._context.notes)
        if found is None:
            return None  # GitHub would have shown it: whatever was delivered there is gone
        note = self._note_of_place(notes)
        if note is None or not note.seen:
            return self._noted()
        seen = json.loads(note.seen)
        if seen.get(self._key) != found:
            # another hand set it, or another machine: of what was delivered from here nothing is left
            gone = frozenset((record.secret, record.mask) for record in note.records)
            return replace(noted_holding(note), records=(), elsewhere=gone)
        check_tenant(note.owner, Address.parse(note.address), note.id, self._context, self.place)
        changed = next((name for name, at in seen.items() if name != self._key and self._secrets.look(name) != at), "")
        damage = f"{changed} was changed" if changed else ""
        return replace(noted_holding(note), whole=True, lost=(), damage=damage)

    def take(self, secret: str, mask: str) -> Secret | None:
        del secret, mask
        return None

    def write(self, delivery: Delivery) -> None:
        held = self.read()
        if not delivery.items:
            self._empty(held)
            return
        item = delivery.item("current")
        seen = self._bring(delivery, item, held) if item else {}
        records = (item.record,) if item and seen else ()
        self._note(
            lambda note: replace(delivered_entry(note, delivery, records), seen=json.dumps(seen) if seen else "")
        )

    def _bring(self, delivery: Delivery, item: Item, held: SinkContents | None) -> dict[str, str | None]:
        """See that the place holds the item. When each secret was set last; empty where it is only believed to be held."""
        record = item.record
        answer = held.holds(record.secret, record.mask) if held else False
        if item.value is None and answer is False:
            raise SinkError(
                f"{self.place} does not hold {record.secret} ({record.mask}), so it cannot be kept; nothing was written",
                hint="plan again: what is not held is delivered anew",
            )
        if item.value is None and answer is None:
            return {}
        key, seen = self._secrets.public_key(), dict[str, str | None]()
        for name, value in self._beside(delivery).items():
            seen[name] = self._secrets.bring(SealedSecret.of(name, Secret.document(value), key))
        if item.value is None:
            seen[self._key] = self._secrets.look(self._key)
        else:
            seen[self._key] = self._secrets.bring(SealedSecret.of(self._key, item.value, key))
        return seen

    def _beside(self, delivery: Delivery) -> dict[str, str]:
        """What is no secret and goes with the value: GitHub has one kind of place for all four stores."""
        project = {self._names.project: delivery.project} if delivery.project else {}
        return {self._names.base_url: delivery.base_url, **project}

    def _empty(self, held: SinkContents | None) -> None:
        note = self._note_of_place(read_log(self._context.notes))
        if held is None or note is None or not held.records:
            return  # nothing of ours, as far as this machine knows
        for name in json.loads(note.seen) if note.seen else (self._key,):
            self._secrets.delete(name)
        self._note(lambda found: replace(found, records=(), announced=(), seen=""))

    def _note_of_place(self, notes: DeliveryNotes) -> LogEntry | None:
        """What this machine delivered there last, for whatever key."""
        own = self._find(notes)
        if own is not None and notes[own].seen:
            return notes[own]
        return next((note for note in notes.at(self.place) if note.seen), None)

    @property
    def _key(self) -> str:
        return str(self._settings.get("name", self._names.key))


def _where(settings: Mapping[str, Any]) -> str:
    whose = settings.get("repository") or f"organisation {settings.get('organization')}"
    store = f" ({settings['store']})" if settings.get("store", "actions") != "actions" else ""
    inside = f", environment {settings['environment']}" if "environment" in settings else ""
    host = f" at {settings['api']}" if settings.get("api", API) != API else ""
    return f"{whose}{inside}{store}{host}"

"""The vault sink: one OCI Vault secret a key, its content staged as PENDING, read back, and only then made CURRENT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import COMPARTMENT_SCHEMA, Delivery, Secret, SinkContents
from genai_iac.core.errors import ServiceFailure, SinkError
from genai_iac.delivery.sinks._base import ENV_SCHEMA, Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import Contents, check_contents, draft_contents, fill_delivery, same_value
from genai_iac.delivery.sinks._vault_client import RECORDS, Stage, VaultClient, VaultVersion
from genai_iac.delivery.sinks._vault_stages import (
    FORMS,
    MAX_VERSIONS,
    VaultPrediction,
    VaultStages,
    Versions,
    is_of,
    tag_of,
)


class _Found(Struct, frozen=True):
    """The Vault secret of that name: its OCID and key, and whether it waits to be deleted (then nothing in it can be read)."""

    id: str  # OCID of the Vault secret
    key: str  # OCID of the master key that encrypts it
    deleting: bool


class VaultSink(Sink):
    """`vault: {vault, key, compartment, name, format, env}`. The content is the JSON of the file sink's `format: json`, or the value alone.

    A deleted key's Vault secret is scheduled for deletion, and recovered when the key is made again. Versions that are neither CURRENT,
    PENDING nor PREVIOUS are scheduled for deletion before a new one is added: a secret has room for 30.
    """

    word = "vault"
    readable = True
    compartments = ("compartment",)
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A secret in OCI Vault.",
        "additionalProperties": False,
        "required": ["vault", "key", "compartment", "name"],
        "properties": {
            "vault": {"type": "string", "minLength": 1, "description": "The OCID of the vault."},
            "key": {
                "type": "string",
                "minLength": 1,
                "description": "The OCID of the vault's master key that encrypts the secret.",
            },
            "compartment": {**COMPARTMENT_SCHEMA, "title": "The compartment of the Vault secret"},
            "name": {
                "type": "string",
                "pattern": "^[A-Za-z0-9._-]{1,255}$",
                "description": "The name of the Vault secret, unique in the vault.",
                "examples": ["chat-app"],
            },
            "format": {
                "enum": sorted(FORMS),
                "default": "json",
                "description": "json: one object with the values and their records; raw: the current value alone.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._settings = settings
        self._context = context
        self._names = read_names("vault", settings)
        self._form = FORMS[settings.get("format", "json")]
        self.roles = self._form.roles

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        read_names("vault", settings)
        yield Claim(f"secret {settings['name']} in {settings['vault']}")

    @property
    def place(self) -> str:
        return f"vault {self._settings['name']} in …{self._settings['vault'][-6:]}"

    def prove(self) -> None:
        found = self._find()
        if found is None:
            self._prove_key()
            return
        if found.key != self._settings["key"]:
            raise SinkError(
                f"{self.place} is encrypted with {found.key}, and OCI cannot give it another key",
                hint="write that OCID, or deliver under another name",
            )
        if not found.deleting:
            self._stages(found)
        if self._versions(found).are_full:
            raise SinkError(
                f"{self.place} has {MAX_VERSIONS} versions in use and as many waiting to be deleted",
                hint="wait a day: old versions are deleted by then",
            )

    def read(self) -> SinkContents | None:
        found = self._find()
        if found is None or found.deleting:
            return None
        held = self._stages(found).held
        return held.holding_as(self._names) if held else None

    def take(self, secret: str, mask: str) -> Secret | None:
        found = self._find()
        if found is None or found.deleting:
            return None
        values = self._stages(found).values
        return values.value(secret, mask) if values else None

    def write(self, delivery: Delivery) -> None:
        found = self._find()
        if not delivery.items:
            self._empty(found)
        elif not self._kept(delivery).items:
            return  # nothing of it can be kept here, and what callers read is not taken away for that
        elif found is None:
            self._create(self._filled(delivery, None))
        else:
            if found.deleting:
                with self._asking("cancel its deletion"):
                    self._client.cancel_deletion(found.id)
            self._update(found, delivery)

    def calls(self, *deliveries: Delivery) -> tuple[str, ...]:
        drafts = (draft_contents(self._kept(delivery), self._context, self._names) for delivery in deliveries)
        return self._look().calls(drafts)

    def _filled(self, delivery: Delivery, held: Contents | None) -> Contents:
        return fill_delivery(self._kept(delivery), held, self._context, self.place, self._names)

    def _kept(self, delivery: Delivery) -> Delivery:
        return replace(delivery, items=tuple(item for item in delivery.items if item.record.role in self.roles))

    def _look(self) -> VaultPrediction:
        """The state that the prediction starts from."""
        found = self._find()
        if found is None:
            return VaultPrediction("absent")
        if found.deleting:
            return VaultPrediction("deleting", versions=self._versions(found))
        return VaultPrediction("active", self._stages(found), self._versions(found))

    def _find(self) -> _Found | None:
        """The Vault secret of that name; None when it does not exist or its compartment does not.

        Raises SinkError for one of others.
        """
        settings, compartment = self._settings, self._compartment
        if compartment is None:
            return None  # what is to be made in this very apply holds nothing yet
        with self._asking("look for it"):
            found = self._client.find_secret(settings["vault"], compartment, settings["name"])
        if found is None:
            return None
        state = found["lifecycleState"]
        if state not in ("ACTIVE", "PENDING_DELETION"):
            raise SinkError(f"{self.place} is {state}", hint="try again in a minute")
        deleting = state == "PENDING_DELETION"
        if deleting and not is_of(found, self._context):
            raise SinkError(
                f"{self.place} waits to be deleted and was not made by genai-iac", hint="deliver under another name"
            )
        return _Found(found["id"], found["keyId"], deleting)

    def _prove_key(self) -> None:
        """Check that the master key is enabled and of this vault.

        Done before any value exists: CreateSecret with a disabled key would fail with the value
        in memory.
        """
        vault, key = self._settings["vault"], self._settings["key"]
        with self._asking("look at its key"):
            found = self._client.read_key(vault, key)
        if found["vaultId"] != vault:
            raise SinkError(f"{self.place}: the key {key} is of another vault", hint=f"name a key of {vault}")
        if found["lifecycleState"] != "ENABLED":
            raise SinkError(
                f"{self.place}: the key {key} is {found['lifecycleState']}", hint="enable it, or name another"
            )

    def _stages(self, found: _Found) -> VaultStages:
        """What the CURRENT and the PENDING version hold. Raises SinkError when CURRENT cannot be read."""
        current = self._version(found.id, "CURRENT")
        if current is None:
            # every secret has one: taking it for an empty place would overwrite what may not be ours
            raise SinkError(f"{self.place} cannot be read", hint="let this identity read secret-bundles there")
        return VaultStages(self._contents(current), self._contents(self._version(found.id, "PENDING")))

    def _contents(self, version: VaultVersion | None) -> Contents | None:
        return check_contents(self._form.read(version) if version else None, self._context, self.place)

    def _version(self, secret: str, stage: Stage) -> VaultVersion | None:
        with self._asking(f"read its {stage} version"):
            return self._client.read_version(secret, stage)

    def _empty(self, found: _Found | None) -> None:
        if found and not found.deleting:
            self._stages(found)
            with self._asking("schedule its deletion"):
                self._client.schedule_deletion(found.id)

    def _create(self, contents: Contents) -> None:
        """Create the Vault secret with CURRENT content, and read it back."""
        settings, text, records = self._settings, self._form.content(contents), self._form.records(contents, None)
        if self._compartment is None:
            raise SinkError(f"{self.place}: its compartment {settings['compartment']} was not made", hint="apply again")
        details = {
            "compartmentId": self._compartment,
            "vaultId": settings["vault"],
            "keyId": settings["key"],
            "secretName": settings["name"],
            "description": f"Secrets of {self._context.address} of {self._context.owner}, kept by genai-iac",
            "freeformTags": tag_of(self._context),
            **({"metadata": {RECORDS: records}} if records else {}),
        }
        with self._asking("create it"):
            made = self._client.create_secret(details, text)
        self._read_back(made["id"], "CURRENT", text)

    def _update(self, found: _Found, delivery: Delivery) -> None:
        """Bring an existing Vault secret to the delivery.

        By the shortest way: no write, one stage, one promotion, or a stage and a promotion.
        """
        stages = self._stages(found)
        wanted = self._filled(delivery, stages.values)
        # a plan cannot read what one holds that is scheduled for deletion, so it is written anew whatever that is
        route = "replace" if found.deleting else stages.route(wanted)
        staged = None if found.deleting else stages.staged(wanted)
        if route in ("stage", "replace"):
            self._stage(found, staged or wanted, None if found.deleting else stages.current)
        if route in ("promote", "replace"):
            self._promote(found, self._form.content(wanted))

    def _stage(self, found: _Found, contents: Contents, current: Contents | None) -> None:
        """Schedule outdated versions for deletion, add the PENDING version, and read it back."""
        text, records = self._form.content(contents), self._form.records(contents, current)
        for number in self._versions(found).outdated:
            with self._asking(f"schedule the deletion of its version {number}"):
                self._client.schedule_version_deletion(found.id, number)
        with self._asking("add a version"):
            self._client.add_version(found.id, text, "PENDING", records)
        self._read_back(found.id, "PENDING", text)

    def _promote(self, found: _Found, text: Secret) -> None:
        """Make the PENDING version current, after its content was read once more."""
        version = self._read_back(found.id, "PENDING", text)
        with self._asking(f"make its version {version.number} current"):
            self._client.promote_version(found.id, version.number)
        self._read_back(found.id, "CURRENT", text)

    def _read_back(self, secret: str, stage: Stage, text: Secret) -> VaultVersion:
        """Raises SinkError unless that version has this content: somebody else writes the secret too."""
        version = self._version(secret, stage)
        if version is None or not same_value(version.content, text):
            raise SinkError(
                f"{self.place} does not read back as it was written", hint="see who else writes to it, then apply again"
            )
        return version

    def _versions(self, found: _Found) -> Versions:
        with self._asking("list its versions"):
            return Versions.of(self._client.list_versions(found.id))

    @property
    def _compartment(self) -> str | None:
        return self._context.compartment(self._settings["compartment"])

    @property
    def _client(self) -> VaultClient:
        if self._context.vault is None:
            raise SinkError(f"{self.place} can only be reached with a tenancy", hint="run this with credentials")
        return self._context.vault

    @contextmanager
    def _asking(self, step: str) -> Iterator[None]:
        """Turn a ServiceFailure into a SinkError that names the sink and the step."""
        try:
            yield
        except ServiceFailure as failure:
            failure.name_place(f"compartment {self._compartment}")
            raise SinkError(f"{self.place}: could not {step}: {failure.message}", hint=failure.hint) from failure

"""The reference model: what an apply must come to, told from the manifests and one snapshot in the plainest way.

It says which plans cannot be made, which a guard must refuse, which changes OCI will refuse, and the exact calls of all
others. Two things it only bounds: how a rotation goes on, and whether the text of a policy has to be written again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .keys import acts, former_sinks, holds_another, is_due, is_past, length, readable, sinks_of
from .manifest_edits import ManifestEdits
from .tenancy_snapshot import TenancySnapshot, Thing
from .yaml_edits import Traces, is_spoiled

_CREATE = {"Compartment": "CreateCompartment", "Policy": "CreatePolicy", "ApiKey": "CreateApiKey"}
_UPDATE = {"Compartment": "UpdateCompartment", "Policy": "UpdatePolicy", "ApiKey": "UpdateApiKey"}
_DELETE = {"Compartment": "DeleteCompartment", "Policy": "DeletePolicy", "ApiKey": "DeleteApiKey"}
_MOVE = {"Compartment": "MoveCompartment", "ApiKey": "ChangeApiKeyCompartment"}
_ROTATING = Counter({"RenewApiKey": 2, "SetApiKeyState": 2, "UpdateApiKey": 1})
_WORD = {"Compartment": "name", "Policy": "name", "ApiKey": "displayName"}


@dataclass
class Forecast:
    """Empty lists: the apply ends with 0 and makes the calls."""

    errors: list[str] = field(default_factory=list)  # exit 1 of plan and apply
    unusable: list[str] = field(default_factory=list)  # exit 1 of apply: a sink that is needed
    refusals: list[str] = field(default_factory=list)  # exit 3 of apply
    stuck: list[str] = field(default_factory=list)  # exit 4: OCI refuses that change
    crossing: list[str] = field(default_factory=list)  # compartments or names in each other's way: 0, 4, or a cycle
    calls: dict[str, Counter[str]] = field(default_factory=dict)  # at least, by address
    loose: dict[str, Counter[str]] = field(default_factory=dict)  # and beyond that at most

    def allows(self, address: str, calls: Counter[str]) -> bool:
        """Whether a plan may have these calls for that address."""
        least, most = self.calls.get(address, Counter()), self.loose.get(address, Counter())
        if not least and not most:
            return not calls
        return least <= calls and calls <= (least | most if address.startswith("Policy") else least + most)


class Model:
    """One forecast in the making."""

    def __init__(self, manifests: ManifestEdits, snapshot: TenancySnapshot, project: Path, traces: Traces) -> None:
        self.manifests, self.snapshot, self.project, self.traces = manifests, snapshot, project, traces
        self.found = Forecast()
        self._deletes = self._ends = 0

    def predict(self) -> Forecast:
        """What plan and apply must come to."""
        for address in self.manifests.documents:
            self._declared(address)
        marked = {one.address for one in self.snapshot.things.values() if one.address.startswith(one.kind)}
        for address in sorted(marked - set(self.manifests.documents)):
            self._undeclared(address)
        self._mass()
        return self.found

    def place(self, word: str) -> str | None:
        """The OCID of a compartment as manifests call it; None when it is still to be made."""
        return self.snapshot.place(word)

    def home(self, address: str) -> str | None:
        spec = self.manifests.spec(address)
        return self.place(str(spec.get("parent") or spec.get("compartment") or "tenancy"))

    def _declared(self, address: str) -> None:
        kind, group = address.partition("/")[0], self.snapshot.marked(address)
        if len(group) > 1:
            self.found.errors.append(f"two carry the mark of {address}")
            return
        live = group[0] if group else None
        if kind == "ApiKey":
            spoiled = [path for path in sinks_of(self.manifests, address) if is_spoiled(self.project / path)]
            (self.found.errors if live else self.found.unusable).extend(spoiled)
            accepted = {address, *(old for old, now in self.manifests.renames.items() if now == address)}
            id = live.id if live else ""
            others = [
                path for path in sinks_of(self.manifests, address) if holds_another(self.project / path, accepted, id)
            ]
            self.found.errors.extend(f"{path} holds another key's" for path in others)
        self._name(address, kind, live)
        if live is None:
            self._created_at(address, kind)
            return
        if live.region != self.manifests.region(address):
            self._leaves_region(address, live)
            return
        calls = Counter[str]()
        if kind == "Policy":
            calls = self._policy(address, live)
        else:
            calls.update([_UPDATE[kind]] if self._differs(address, live) else [])
            calls.update([_MOVE[kind]] if self.home(address) != live.place else [])
        if kind == "ApiKey":
            calls += self._secrets(address, live)
        self.found.calls[address] = calls

    def _created_at(self, address: str, kind: str) -> None:
        """It is made; secrets are born active, and one of two in rotation is put aside at once."""
        spec = self.manifests.spec(address)
        secrets = spec.get("secrets", ())
        if any(is_past(str(secret["expires"]), self.snapshot.now) for secret in secrets):
            self.found.errors.append(f"{address} would be made with an expiry in the past")
        inactive = sum(secret.get("state", "active") != "active" for secret in secrets)
        calls = [_CREATE[kind], *["SetApiKeyState"] * (1 if "rotation" in spec else inactive)]
        self.found.calls[address] = Counter(calls)

    def _leaves_region(self, address: str, live: Thing) -> None:
        """A key cannot leave its region: another is made there, and this one goes."""
        self._created_at(address, "ApiKey")
        self.found.calls[address]["DeleteApiKey"] += 1
        self._deletes += 1
        if "forbid" in (self.manifests.spec(address).get("deletion"), live.deletion):
            self.found.refusals.append(f"{address} would be replaced and is forbidden to go")
        working = [secret for secret in live.secrets if secret.state == "ACTIVE"]
        hours = length(self.manifests.spec(address).get("rotation", {}).get("idle", "24h")).total_seconds() / 3600
        self.found.refusals.extend(
            f"{address}: {one.name} is in use" for one in working if one.is_in_use(self.snapshot.now, hours)
        )
        still = any(one.get("state", "active") == "active" for one in self.manifests.spec(address)["secrets"])
        if working and not still:
            self.found.refusals.append(f"{address} would be left without an active secret")

    def _differs(self, address: str, live: Thing, *, with_name: bool = True) -> bool:
        spec = self.manifests.spec(address)
        described = spec.get("description", live.description if live.kind == "ApiKey" else "Made by genai-iac")
        tags = spec.get("tags", {})
        return (
            (with_name and live.name != spec[_WORD[live.kind]])
            or described != live.description
            or {**live.tags, **tags} != live.tags
            or spec.get("deletion", "delete") != live.deletion
            or live.tagged != address
        )

    def _policy(self, address: str, live: Thing) -> Counter[str]:
        spec = self.manifests.spec(address)
        if live.name != spec["name"] or live.place != self.home(address):
            self._deletes += 1
            if "forbid" in (spec.get("deletion"), live.deletion):
                self.found.refusals.append(f"{address} would be replaced and is forbidden to go")
            return Counter(["DeletePolicy", "CreatePolicy"])
        self.found.loose[address] = Counter(["UpdatePolicy"])
        must = self._differs(address, live, with_name=False) or address in self.traces.regrouped
        return Counter(["UpdatePolicy"] if must else [])

    # Names that are taken

    def _name(self, address: str, kind: str, live: Thing | None) -> None:
        name, home = self.manifests.spec(address)[_WORD[kind]], self.home(address)
        looked_up = live is None or live.name != name
        for other in self.snapshot.of(kind):
            if other is live or other.name != name:
                continue
            theirs = not other.fits(self.snapshot.tenancy)
            here = other.place == home and other.region == self.manifests.region(address)
            if theirs and looked_up and here:
                self.found.errors.append(f"{address}: the name {name} is taken by {other.id}")
            elif kind != "ApiKey" and (live is None or looked_up or live.place != home):
                self._in_the_way(address, other, home)
        if kind == "Compartment" and live is not None and live.place != home:
            self._pass(address, live, name, home)
            parent = f"Compartment/{self.manifests.spec(address)['parent']}"
            if parent in self.manifests.documents and self.manifests.spec(parent)["name"] == name:
                self.found.errors.append(f"{address} would be moved into one of the same name")

    def _in_the_way(self, address: str, other: Thing, home: str | None) -> None:
        if other.kind != "Policy" and other.place != home:
            return  # only names of policies are unique in the tenancy
        ours = other.fits(self.snapshot.tenancy)
        goes = ours and (other.address in self.manifests.documents or other.deletion != "retain")
        (self.found.crossing if other.address and goes else self.found.errors).append(f"{address}: {other.id}")

    def _pass(self, address: str, live: Thing, name: str, home: str | None) -> None:
        """A rename and a move are two calls, with a spot between them; and nothing moves into what is below it now."""
        if live.name != name and any(
            one.name == name for one in self.snapshot.inside(live.place) if one.kind == live.kind
        ):
            self.found.crossing.append(f"{address} passes through a name that is taken")
        place: str | None = home
        while place in self.snapshot.things:
            if place == live.id:
                self.found.crossing.append(f"{address} would move below itself")
            place = self.snapshot.things[str(place)].place

    # What nothing declares any more

    def _undeclared(self, address: str) -> None:
        group = self.snapshot.marked(address)
        fitting = [one for one in group if one.fits(self.snapshot.tenancy)]
        if len(fitting) > 1:
            self.found.errors.append(f"two fit the mark of {address}")
        if len(fitting) != 1:
            return
        live = fitting[0]
        if live.deletion == "retain":
            self.found.calls[address] = Counter([_UPDATE[live.kind]])
            return
        self.found.calls[address] = Counter([_DELETE[live.kind]])
        self._deletes += 1
        self._ends += 1
        if live.deletion == "forbid":
            self.found.refusals.append(f"{address} is forbidden to go")
        for secret in live.secrets:
            if secret.state == "ACTIVE" and secret.is_in_use(self.snapshot.now, 24):
                self.found.refusals.append(f"{address}: {secret.name} is in use and would be deleted")
        if live.kind == "Compartment" and any(not self._leaves(one, live) for one in self.snapshot.inside(live.id)):
            self.found.stuck.append(f"{address} is not empty")

    def _leaves(self, thing: Thing, holder: Thing) -> bool:
        """Whether the plan takes it out of the compartment that is to go."""
        if not thing.fits(self.snapshot.tenancy) or not thing.address.startswith(thing.kind):
            return False
        if thing.address in self.manifests.documents:
            return self.home(thing.address) != holder.id or thing.region != self.manifests.region(thing.address)
        return thing.deletion == "delete"

    def _mass(self) -> None:
        mine = [one for one in self.snapshot.things.values() if one.fits(self.snapshot.tenancy)]
        owned = sum(one.address.startswith(one.kind) for one in mine)
        if owned and self._ends == owned:
            self.found.refusals.append("everything would be deleted")
        if owned >= 10 and self._deletes > owned * 0.3:
            self.found.refusals.append(f"{self._deletes} of {owned} would be deleted")

    # Secrets

    def _secrets(self, address: str, live: Thing) -> Counter[str]:
        spec = self.manifests.spec(address)
        if sorted(one["name"] for one in spec["secrets"]) != sorted(one.name for one in live.secrets):
            self.found.errors.append(f"{address} has other secrets")
            return Counter()
        if "rotation" in spec:
            self.found.loose[address] = _ROTATING if self.rotates_next(address, live) is not False else Counter()
            return Counter(["RenewApiKey"] if self.rotates_next(address, live) else [])
        return self._as_declared(address, live)

    def rotates_next(self, address: str, live: Thing) -> bool | None:
        """Whether a rotation must begin now; None when it is under way, or something is amiss."""
        return is_due(self.manifests.spec(address), live, self.snapshot.now, self._held(address))

    def _held(self, address: str, *, former: bool = False) -> list[dict[str, str]]:
        """By sink: the secrets whose live values it has, and their parts; `former`: of files once declared as well."""
        (live,) = self.snapshot.marked(address)
        masks = {(secret.name, secret.mask) for secret in live.secrets}
        return [
            {
                one.secret: one.role
                for one in readable(self.project, path, self.traces)
                if (one.secret, one.mask) in masks
            }
            for path in [*sinks_of(self.manifests, address), *(former_sinks(self.manifests, address) if former else ())]
        ]

    def _as_declared(self, address: str, live: Thing) -> Counter[str]:
        calls, lost, active = Counter[str](), 0, False
        held = self._held(address, former=True)
        for declared in self.manifests.spec(address)["secrets"]:
            secret, wanted = live.secret(declared["name"]), declared.get("state", "active")
            if secret.state == "REVOKED" and wanted != "revoked":
                self.found.errors.append(f"{address}: {secret.name} was revoked")
                continue
            todo = list(acts(secret, wanted, str(declared["expires"]), held, self.snapshot.now, self.traces.by_hand))
            if "RenewApiKey" in todo and is_past(str(declared["expires"]), self.snapshot.now):
                self.found.errors.append(f"{address}: {secret.name} would be renewed to the past")
            calls.update(todo)
            kills = bool(todo) and (secret.state == "ACTIVE" or wanted == "revoked")
            lost += kills
            if kills and secret.is_in_use(self.snapshot.now, 24):
                self.found.refusals.append(f"{address}: {secret.name} is in use")
            active |= secret.state == "ACTIVE"
        still = any(one.get("state", "active") == "active" for one in self.manifests.spec(address)["secrets"])
        if active and lost and not still:
            self.found.refusals.append(f"{address} would be left without an active secret")
        return calls

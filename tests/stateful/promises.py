"""What holds after every step, whatever was done and however it ended; and what holds besides once an apply went well."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import oci
from crash.launching import Ended

from genai_iac.core import LEAK_TAG

from .keys import is_due, length, readable, sinks_of
from .manifest_set import base
from .tenancy_snapshot import Secret, TenancySnapshot, Thing, shown_value
from .yaml_edits import TYPED, is_spoiled

if TYPE_CHECKING:
    from .harness import Harness

_VALUE = re.compile(r"sk-[A-Za-z0-9]{20,}")


class Promises:
    """Keeps what must be remembered to judge: who made what, and which values died of something else than the tool."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self.foreign: set[str] = set(harness.snapshot.things)
        self.accepted = False  # a person has accepted outages for this run
        self.aborted = False  # this run aborts a rotation
        self.requested = ""  # the address of the key for which a person asks for a rotation in this run
        self._served: set[str] = set()  # paths of files that every good apply since has had to keep right
        self.leaked: set[str] = set()  # the value whose leak is answered by this run
        self._excused: set[str] = (
            set()
        )  # last characters of values that died by hand, of age, or in a run that did not end well

    def follow_console(self, after: TenancySnapshot) -> None:
        """What people did: new things are theirs, and what died by it is no fault of the tool."""
        before = self._harness.snapshot
        self.foreign |= set(after.things) - set(before.things)
        self._excused |= before.alive - after.alive

    def keep(self, after: TenancySnapshot, ran: Ended, *, settled: bool, whole: bool = True) -> None:
        """Judge a run of the tool by what was before and what is after; `whole`: it was not disturbed."""
        before = replace(self._harness.snapshot, now=after.now)
        self._no_leaks(ran, settled)
        self._strangers_untouched(before, after)
        self._ours_marked(before, after)
        self._nobody_killed(before, after)
        if not settled:
            died = _died(before, after)
            self._excused |= {last for key, _, last in died if not self._rotates(key) or self._leaves_region(key)}
        shown = dict(self._shown())
        self._served &= set(shown)
        for path, value in shown.items():
            if path not in self._served:
                continue  # declared again since the last good apply: nothing was brought there yet
            assert value[-4:] in after.alive | self._excused, f"{path} shows a value that does not work"
        if settled:
            self._settled(after)
            self._served = set(shown)

    def rolls_back(self) -> bool:
        """Whether what consumers had is refused while the other one works: they get that first, and its turn is the next apply's."""
        return any(
            secret.mask[-4:] in self._current(key) and secret.state != "ACTIVE"
            for key in self._harness.snapshot.of("ApiKey")
            if self._rotates(key) and any(one.state == "ACTIVE" for one in key.secrets)
            for secret in key.secrets
        )

    def readable_value(self, path: str) -> str | None:
        """What consumers read there, unless somebody typed over it or into it."""
        file = self._harness.project / path
        value = None if is_spoiled(file) else shown_value(file)
        return None if value is None or value.endswith(TYPED) else value

    def _shown(self) -> Iterator[tuple[str, str]]:
        manifests = self._harness.manifests
        for address in manifests.documents:
            for path in sinks_of(manifests, address):
                value = self.readable_value(path)
                if (
                    value and len(self._harness.snapshot.marked(address)) == 1
                ):  # a file of a key that is gone shows what it had
                    yield path, value

    # At any time

    def _no_leaks(self, ran: Ended, settled: bool) -> None:
        assert not _VALUE.search(ran.out) and not _VALUE.search(ran.err), "a value was printed"
        project: Path = self._harness.project
        sinks = {project / path for path in self._harness.manifests.sinks}
        files = [path for path in project.rglob("*") if path.is_file() and path not in sinks]
        leftovers = [path for path in files if path.name.startswith(".genai-iac-")]
        assert not settled or not leftovers, f"left over: {leftovers}"
        for path in set(files) - set(leftovers):
            assert not _VALUE.search(path.read_text("utf-8", "replace")), f"a value is in {path.name}"

    def _strangers_untouched(self, before: TenancySnapshot, after: TenancySnapshot) -> None:
        reshaped = _shape(before) != _shape(after)
        for id in self._theirs & set(before.things):
            was, now = before.things[id], after.things.get(id)
            assert now is not None, f"{was.kind} {was.name} was not ours and is gone"
            same = (replace(one.unused, statements=() if reshaped else one.statements) for one in (was, now))
            assert len(set(map(repr, same))) == 1, f"{was.kind} {was.name} was not ours and was changed: {was} {now}"

    @property
    def _theirs(self) -> set[str]:
        return self.foreign | {id for id, _ in self._harness.traces.stripped.values()}

    def _ours_marked(self, before: TenancySnapshot, after: TenancySnapshot) -> None:
        """Every resource that we made says so, and none is there twice."""
        for id in set(after.things) - set(before.things):
            made = after.things[id]
            assert made.address.startswith(made.kind) and made.fits(after.tenancy), (
                f"made without an ownership tag: {made}"
            )
        for id in set(after.things) & set(before.things) - self._theirs:
            was, now = before.things[id], after.things[id]
            if was.address and not now.address:
                assert was.deletion == "retain" and was.address not in self._harness.manifests.documents, (
                    f"forgotten: {was}"
                )
                self.foreign.add(id)
            else:
                assert now.address == was.address and not now.is_copy(after.tenancy), (
                    f"lost its ownership tag: {was} {now}"
                )
        ours = Counter(one.address for one in after.things.values() if one.address and one.id not in self._theirs)
        assert [address for address, count in ours.items() if count > 1] == [], "made twice"

    def _nobody_killed(self, before: TenancySnapshot, after: TenancySnapshot) -> None:
        """No value in use stops working unless a person said so, no secret in its turn is touched, none revoked on the side."""
        for key, secret, last in _died(before, after):
            asked = self.accepted or last in self.leaked or LEAK_TAG in key.tags
            gone = self._leaves_region(key)  # which replaces it, as the plan says
            assert asked or not secret.is_in_use(after.now, self._idle(key)), f"{key.address} {secret.name} was in use"
            if self._rotates(key) and not (asked or gone or self.aborted or self._is_elsewhere(key, secret)):
                assert last not in self._current(key), f"{key.address} {secret.name} was current and died"
        for key in after.of("ApiKey"):
            for secret in key.secrets if key.id in before.things else ():
                old = before.things[key.id].secret(secret.name)
                if secret.state == "REVOKED" != old.state:
                    assert self._may_revoke(before.things[key.id], old), f"{key.address} {secret.name} was revoked"

    def _may_revoke(self, key: Thing, secret: Secret) -> bool:
        if secret.mask[-4:] in self.leaked or LEAK_TAG in key.tags:
            return True
        spec = self._harness.manifests.spec(key.address)
        declared: dict[str, str] = next(one for one in spec["secrets"] if one["name"] == secret.name)
        retired: str = spec.get("rotation", {}).get("retire", "deactivate")
        return declared.get("state") == "revoked" or retired == "revoke"

    def _rotates(self, key: Thing) -> bool:
        documents = self._harness.manifests.documents
        return key.address in documents and "rotation" in documents[key.address]["spec"]

    def _leaves_region(self, key: Thing) -> bool:
        documents = self._harness.manifests.documents
        return key.address in documents and key.region != self._harness.manifests.region(key.address)

    def _is_elsewhere(self, key: Thing, secret: Secret) -> bool:
        """A person asks for a rotation although the other value is newer, works and is not here.

        A value renewed in the Console looks like one that another machine delivered. That machine keeps it
        (tests/plan_apply/test_sink_drift.py): the idle value of this machine's own files is replaced.
        """
        (other,) = [one for one in key.secrets if one.name != secret.name]
        return key.address == self.requested and other.mask in self._harness.traces.by_hand and other.state == "ACTIVE"

    def _idle(self, key: Thing) -> float:
        """Hours."""
        rotation = self._harness.manifests.spec(key.address)["rotation"] if self._rotates(key) else {}
        return length(rotation.get("idle", "24h")).total_seconds() / 3600

    def _current(self, key: Thing) -> set[str]:
        """The last characters of what every file showed as current before this run."""
        masks = [
            one.mask[-4:]
            for path in sinks_of(self._harness.manifests, key.address)
            for one in self._harness.kept_before.get(path, ())
            if one.role == "current"
        ]
        return set(masks)

    # Once an apply went well

    def _settled(self, after: TenancySnapshot) -> None:
        manifests = self._harness.manifests
        for address in manifests.documents:
            (live,) = after.marked(address)
            self._as_declared(address, live, after)
            if live.kind == "ApiKey":
                self._delivered(address, live, after)
            if live.kind == "Policy":
                self._admits(address, after)

    def _as_declared(self, address: str, live: Thing, after: TenancySnapshot) -> None:
        spec = self._harness.manifests.spec(address)
        home = str(spec.get("parent") or spec["compartment"])
        wanted_place = (
            spec.get("displayName") or spec["name"],
            after.place(home),
            self._harness.manifests.region(address),
        )
        assert (live.name, live.place, live.region) == wanted_place
        assert {**live.tags, **spec.get("tags", {})} == live.tags and live.deletion == spec.get("deletion", "delete")
        assert live.description == spec.get("description", live.description)
        for declared in spec.get("secrets", ()) if "rotation" not in spec else ():
            state = live.secret(declared["name"]).state
            wanted = declared.get("state", "active").upper()
            assert state == wanted or (state == "EXPIRED" and wanted != "ACTIVE"), f"{address} {declared} is {state}"

    def _delivered(self, address: str, live: Thing, after: TenancySnapshot) -> None:
        """What should be in a sink is in every sink, except what the plan says it cannot bring there."""
        spec, project, traces = self._harness.manifests.spec(address), self._harness.project, self._harness.traces
        sinks = {path: readable(project, path, traces) for path in sinks_of(self._harness.manifests, address)}
        said = " ".join(one["text"] for one in self._harness.notices if one.get("address") == address)
        if re.search(r"to renew \w+ anyway", said) or "no sink on this machine" in said or "cannot be renewed" in said:
            return
        if "rotation" in spec:
            for path in sinks:
                value = self.readable_value(path)
                assert value and value[-4:] in after.alive, f"{path} shows nothing that works; {said}"
                self._lasts(address, live, value, after)
            return
        for secret in live.secrets:
            for path, kept in sinks.items():
                held = any((one.secret, one.mask) == (secret.name, secret.mask) for one in kept)
                assert held or secret.state != "ACTIVE", f"{path} lacks {secret.name}"

    def _lasts(self, address: str, live: Thing, value: str, after: TenancySnapshot) -> None:
        """What consumers have does not expire before another turn can be taken."""
        current = next(one for one in live.secrets if one.mask[-4:] == value[-4:])
        (other,) = [one for one in live.secrets if one is not current]
        rotation = self._harness.manifests.spec(address)["rotation"]
        ahead = length(rotation.get("overlap", "7d")) + length(rotation.get("idle", "24h"))
        if other.state not in ("REVOKED", "ACTIVE"):
            assert current.expires - after.now > ahead, f"{address} {current.name} expires at {current.expires}"
            held = [{current.name: "current"}]
            assert is_due(self._harness.manifests.spec(address), live, after.now, held) is not True, f"{address} is due"

    def _admits(self, address: str, after: TenancySnapshot) -> None:
        """The members of its group may do what it says: its names mean what is there now."""
        name = base(address.partition("/")[2])
        text = str(self._harness.manifests.spec(address)["statements"])
        about = re.findall(r"Compartment/([\w-]+)\.", text)[0]
        place = after.marked(f"Compartment/{about}")[0].id
        try:
            self._readers[name].list_policies(place)
        except oci.exceptions.ServiceError as refused:
            raise AssertionError(f"{address} grants nothing in {about}: {refused.code}") from refused

    @cached_property
    def _readers(self) -> dict[str, Any]:
        """A client for each group that policies name."""
        tenancy = self._harness.tenancy
        configs = {
            name: oci.config.from_file(str(tenancy.config_file), f"reader-{name}") for name in ("p0", "p1", "p2")
        }
        kind: Any = oci.identity.IdentityClient
        none = oci.retry.NoneRetryStrategy()
        return {name: kind(one, service_endpoint=tenancy.url, retry_strategy=none) for name, one in configs.items()}


def _died(before: TenancySnapshot, after: TenancySnapshot) -> Iterator[tuple[Thing, Secret, str]]:
    gone = before.alive - after.alive
    for key in before.of("ApiKey"):
        for secret in key.secrets:
            if secret.mask[-4:] in gone and secret.state == "ACTIVE":
                yield key, secret, secret.mask[-4:]


def _shape(snapshot: TenancySnapshot) -> set[tuple[str, str, str]]:
    return {(one.id, one.name, one.place) for one in snapshot.of("Compartment")}

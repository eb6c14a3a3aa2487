"""What people do by hand in the Console, in a shell, in an editor. Each answers whether there was anything to do it to."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import oci
from plan_apply.sdk_helpers import REGION, client

from genai_iac.core import OWNERSHIP_TAG

from .manifest_set import base
from .tenancy_snapshot import FAR, Thing
from .yaml_edits import Editing

identity_models: Any = oci.identity.models
key_models: Any = oci.generative_ai.models


CONSOLE_ACTIONS = (
    "describe_by_hand", "tag_by_hand", "rename_by_hand", "move_by_hand", "delete_by_hand", "state_by_hand",
    "renew_by_hand", "strip_mark", "put_mark_back", "recase_policy", "edit_policy", "make_group_again", "make_foreign",
    "lose_sink", "garble_sink", "write_into_sink", "move_spoiled_away", "tidy", "move_far_by_hand", "copy_mark_to_theirs",
)  # fmt: skip


class ConsoleActions(Editing):
    """One person in front of one snapshot, at the Console and in an editor."""

    @property
    def identity(self) -> Any:
        return client(self.tenancy, "identity")

    def keys(self, region: str | None = REGION) -> Any:
        return client(self.tenancy, "generative_ai", region)

    def _ours(self, *kinds: str) -> Thing | None:
        """Something declared that exists, with its tag."""
        found = [
            one
            for one in self.snapshot.things.values()
            if one.kind in kinds and one.address in self.manifests.documents and not one.is_copy(self.snapshot.tenancy)
        ]
        return self.random.choice(sorted(found, key=lambda one: (one.address, one.created))) if found else None

    def _update(self, thing: Thing, **values: Any) -> None:
        if thing.kind == "Compartment":
            self.identity.update_compartment(thing.id, identity_models.UpdateCompartmentDetails(**values))
        elif thing.kind == "Policy":
            self.identity.update_policy(thing.id, identity_models.UpdatePolicyDetails(**values))
        else:
            self.keys(thing.region).update_api_key(thing.id, key_models.UpdateApiKeyDetails(**values))

    # The Console

    def describe_by_hand(self) -> bool:
        thing = self._ours("Compartment", "Policy", "ApiKey")
        if thing:
            self._update(thing, description="By hand")
        return thing is not None

    def tag_by_hand(self) -> bool:
        thing = self._ours("Compartment", "Policy", "ApiKey")
        if thing:
            self._update(thing, freeform_tags={**thing.tags, self.random.choice(["cost", "theirs"]): "hand"})
        return thing is not None

    def rename_by_hand(self) -> bool:
        thing = self._ours("Compartment", "ApiKey")
        if thing:
            name = self.random.choice(["h0", "h1", "n5"])
            self._update(thing, **{"display_name" if thing.kind == "ApiKey" else "name": name})
        return thing is not None

    def move_by_hand(self) -> bool:
        """To the tenancy or to another compartment of the stack."""
        thing, target = self._ours("Compartment", "ApiKey"), self._ours("Compartment")
        if not thing or not target or target.id == thing.id:
            return False
        self._move(thing, self.random.choice([target.id, self.snapshot.tenancy]))
        return True

    def move_far_by_hand(self) -> bool:
        """To a compartment that nobody names."""
        thing, far = self._ours("Compartment", "ApiKey"), self.snapshot.place(f"/{FAR}")
        if thing and far:
            self._move(thing, far)
        return thing is not None

    def _move(self, thing: Thing, place: str) -> None:
        if thing.kind == "ApiKey":
            details = key_models.ChangeApiKeyCompartmentDetails(compartment_id=place)
            self.keys(thing.region).change_api_key_compartment(thing.id, details)
        else:
            details = identity_models.MoveCompartmentDetails(target_compartment_id=place)
            self.identity.move_compartment(thing.id, details)

    def delete_by_hand(self) -> bool:
        thing = self._ours("Policy", "ApiKey")
        if thing:
            self._delete(thing)
        return thing is not None

    def _delete(self, thing: Thing) -> None:
        if thing.kind == "Policy":
            self.identity.delete_policy(thing.id)
        elif thing.kind == "ApiKey":
            self.keys(thing.region).delete_api_key(thing.id)
        else:
            self.identity.delete_compartment(thing.id)

    def state_by_hand(self) -> bool:
        thing = self._ours("ApiKey")
        if thing:
            state = self.random.choice(["INACTIVE", "INACTIVE", "ACTIVE", "REVOKED"])
            name = self.random.choice(thing.secrets).name
            self.keys(thing.region).set_api_key_state(
                thing.id, key_models.SetApiKeyStateDetails(key_name=name, state=state)
            )
        return thing is not None

    def renew_by_hand(self) -> bool:
        """A new value that no sink will ever have."""
        thing = self._ours("ApiKey")
        if thing:
            details = {"keyName": self.random.choice(thing.secrets).name, "timeExpiry": "2099-01-01T00:00:00Z"}
            made = self.keys(thing.region).renew_api_key(thing.id, key_models.RenewApiKeyDetails(details=details)).data
            self.traces.by_hand.update(one.key_mask for one in made.keys if one.key_name == details["keyName"])
        return thing is not None

    def strip_mark(self) -> bool:
        thing = self._ours("Compartment", "Policy", "ApiKey")
        if thing is None or len(self.snapshot.marked(thing.address)) > 1 or not self._is_where_declared(thing):
            return False
        self._update(thing, freeform_tags={name: text for name, text in thing.tags.items() if name != OWNERSHIP_TAG})
        self.traces.stripped[thing.address] = (thing.id, thing.tags[OWNERSHIP_TAG])
        return True

    def _is_where_declared(self, thing: Thing) -> bool:
        """Whether its name and compartment identify it: without a tag nothing else does."""
        spec = self.manifests.spec(thing.address)
        holder = self.snapshot.things.get(thing.place)
        place = holder.address.partition("/")[2] if holder else "tenancy"
        if holder is not None and not holder.address:
            place = f"/{holder.name}"
        return (thing.name, place, thing.region) == (
            spec.get("displayName") or spec["name"],
            spec.get("parent") or spec["compartment"],
            self.manifests.region(thing.address),
        )

    def put_mark_back(self) -> bool:
        if not self.traces.stripped:
            return False
        address = self.random.choice(sorted(self.traces.stripped))
        id, mark = self.traces.stripped.pop(address)
        if id in self.snapshot.things:
            self._update(self.snapshot.things[id], freeform_tags={**self.snapshot.things[id].tags, OWNERSHIP_TAG: mark})
        return True

    def recase_policy(self) -> bool:
        """The same statements in another spelling: no difference."""
        thing = self._ours("Policy")
        if thing:
            self._update(thing, statements=[_recased(text, self.random) for text in thing.statements])
        return thing is not None

    def edit_policy(self) -> bool:
        thing = self._ours("Policy")
        if thing:
            self._update(thing, statements=["allow group Administrators to read buckets in tenancy"])
        return thing is not None

    def make_group_again(self) -> bool:
        """The group that a policy names: the policy reads the same, and grants nothing any more."""
        thing = self._ours("Policy")
        if thing is None:
            return False
        name = base(thing.address.partition("/")[2])
        (old,) = self.identity.list_groups(self.snapshot.tenancy, name=f"readers-{name}").data
        members = self.identity.list_user_group_memberships(self.snapshot.tenancy, group_id=old.id).data
        for member in members:
            self.identity.remove_user_from_group(member.id)
        self.identity.delete_group(old.id)
        self.tenancy.control("POST", "principals", {"name": f"reader-{name}", "groups": [f"readers-{name}"]})
        self.traces.regrouped.add(thing.address)
        return True

    # Strangers

    def make_foreign(self) -> bool:
        """Something of another's, with names as ours, and with no tags, other tags, another's mark, or a copy of ours."""
        kind = self.random.choice(["Compartment", "Policy", "ApiKey", "ApiKey"])
        place = self.random.choice([self.snapshot.tenancy, *[one.id for one in self._homes()]])
        model = self._ours(kind)
        copied = {OWNERSHIP_TAG: model.tags[OWNERSHIP_TAG]} if model else {}
        tags = self.random.choice([{}, {}, {"cost": "9"}, {OWNERSHIP_TAG: "other/ApiKey/k0#0123456789abcdef"}, copied])
        if kind == "Compartment":
            name = self.random.choice(["n0", "n3", "n4", "f0", "f1"])
            values = {"compartment_id": place, "name": name, "description": "Theirs", "freeform_tags": tags}
            self.identity.create_compartment(identity_models.CreateCompartmentDetails(**values))
        elif kind == "Policy":
            text = "allow group Administrators to read buckets in tenancy"
            if place != self.snapshot.tenancy:
                text = f"allow group Administrators to read buckets in compartment id {place}"
            name = self.random.choice(["q1", "q3", "f0", "f1"])
            values = {"compartment_id": place, "name": name, "description": "Theirs", "freeform_tags": tags}
            self.identity.create_policy(identity_models.CreatePolicyDetails(statements=[text], **values))
        else:
            details = [{"keyName": "one", "timeExpiry": "2099-01-01T00:00:00Z"}]
            values = {"compartment_id": place, "display_name": self.random.choice("xyf"), "freeform_tags": tags}
            self.keys().create_api_key(key_models.CreateApiKeyDetails(key_details=details, **values))
        return True

    def copy_mark_to_theirs(self) -> bool:
        """Onto what others have made already, older or younger than the original."""
        kept = {id for id, _ in self.traces.stripped.values()}
        theirs = [self.snapshot.things[id] for id in sorted(self.foreign - kept) if id in self.snapshot.things]
        thing = self.random.choice(theirs) if theirs else None
        model = self._ours(thing.kind) if thing else None
        if thing is None or model is None:
            return False
        self._update(thing, freeform_tags={**thing.tags, OWNERSHIP_TAG: model.tags[OWNERSHIP_TAG]})
        return True

    def _homes(self) -> list[Thing]:
        found = [one for one in self.snapshot.of("Compartment") if one.address in self.manifests.documents]
        return sorted(found, key=lambda one: (one.address, one.created))

    def tidy(self) -> bool:
        """Strangers take their things away, but for what was ours and only lost its tag."""
        ours = {id for id, _ in self.traces.stripped.values()}
        theirs = [self.snapshot.things[id] for id in sorted(self.foreign - ours) if id in self.snapshot.things]
        for thing in sorted(theirs, key=lambda one: one.kind != "Policy"):
            if not self.snapshot.inside(thing.id):
                self._delete(thing)
        return bool(theirs)


def _recased(text: str, random: Random) -> str:
    words = ("allow", "group", "to", "in", "compartment", "inspect", "read", "policies")
    word = random.choice(words)
    return re.sub(rf"\b{word}\b", word.title(), text, count=1).replace(" to ", "  to ")

"""One compartment of a tenancy to try things in: counted calls, everything tagged and removed again, no value ever shown."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import oci

TAG = "genai-iac-live"  # on everything that is made here; its value is the run
_KEPT_FOR_REMOVAL = 60  # calls beyond the budget, which only removing may use
_TRIES, _PAUSE = 40, 3.0  # how often something is asked for until it is so, and seconds between


class NotTried(Exception):
    """Why an assumption was not put to the test."""


@dataclass(frozen=True)
class Place:
    """Where to try: the settings of the SDK, the compartment, a region that serves API keys, and a model that may be called."""

    config: Mapping[str, Any] = field(repr=False)
    compartment: str
    region: str
    model: str | None = None  # None: no inference call is made
    emulator: str | None = None  # the URL of a local emulator in place of OCI

    def client(self, kind: Any, region: str) -> Any:
        """A client of the SDK that never retries: what the service says is what counts."""
        config = {**self.config, "region": region}
        there = {"service_endpoint": f"{self.emulator}/r/{region}"} if self.emulator else {}
        client = kind(config, retry_strategy=oci.retry.NoneRetryStrategy(), **there)
        client.base_client.timeout = (10, 60)
        return client

    def inference_url(self, path: str) -> str:
        """The URL of a path below the inference endpoint of the region."""
        root = f"{self.emulator}/r/{self.region}" if self.emulator else _INFERENCE.format(self.region)
        return f"{root}{path}"


_INFERENCE = "https://inference.generativeai.{}.oci.oraclecloud.com"


@dataclass
class Lab:
    """What a probe works with. `budget`: calls that probes may make together; removing has some of its own."""

    place: Place
    budget: int
    rest: Callable[[float], object] = time.sleep
    calls: int = 0
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    _made: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = self.place.client(oci.generative_ai.GenerativeAiClient, self.place.region)
        self.identity = self.place.client(oci.identity.IdentityClient, self._home_region())
        self.limits = self.place.client(oci.limits.LimitsClient, self.place.region)

    def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One call of the SDK, counted. Raises NotTried when the budget is spent."""
        if self.calls >= self.budget:
            raise NotTried(f"the budget of {self.budget} calls is spent")
        self.calls += 1
        return function(*arguments, **options)

    def outcome(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
        """`done`, or status and code of the refusal. Never its message, which may quote the request."""
        try:
            self.call(function, *arguments, **options)
        except oci.exceptions.ServiceError as error:
            return f"{error.status} {error.code}"
        return "done"

    def key(self, names: tuple[str, ...] = ("one", "two"), **fields: Any) -> Any:
        """The answer to the creation of a key whose secrets live for two days; removed at the end."""
        expiry = fields.pop("expiry", (datetime.now(UTC) + timedelta(days=2)).isoformat())
        details = [{"keyName": name, "timeExpiry": expiry} for name in names]
        token = fields.pop("token", None)
        body = {
            "compartmentId": self.place.compartment,
            "displayName": f"genai_iac_live_{self.run}",
            "keyDetails": details,
            "freeformTags": {TAG: self.run, **fields.pop("tags", {})},
        }
        options = {"opc_retry_token": token} if token else {}
        answer = self.call(self.keys.create_api_key, body, **options)
        self._made.append(("key", answer.data.id))
        self.until(lambda: self.call(self.keys.get_api_key, answer.data.id).data.lifecycle_state == "ACTIVE")
        return answer

    def policy(self, *statements: str, name: str = "") -> Any:
        """The answer to the creation of a policy in the compartment; removed at the end."""
        body = {
            "compartmentId": self.place.compartment,
            "name": name or self.name(),
            "description": "made by the live tests of genai-iac; may be deleted",
            "statements": list(statements),
            "freeformTags": {TAG: self.run},
        }
        answer = self.call(self.identity.create_policy, body)
        self._made.append(("policy", answer.data.id))
        return answer

    def name(self) -> str:
        """A name that nothing else has."""
        return f"genai-iac-live-{self.run}-{secrets.token_hex(3)}"

    def renew(self, key: str, secret: str, **options: Any) -> Any:
        """The answer to the renewal of a secret, for two days."""
        expiry = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        details = {"details": {"keyName": secret, "timeExpiry": expiry}}
        return self.call(self.keys.renew_api_key, key, details, **options)

    def set_state(self, key: str, secret: str, state: str) -> str:
        """`done`, or the refusal."""
        return self.outcome(self.keys.set_api_key_state, key, {"keyName": secret, "state": state})

    def secret(self, key: str, name: str) -> Any:
        """The secret of that name as a reading shows it."""
        shown = self.call(self.keys.get_api_key, key).data
        return next(item for item in shown.keys if item.key_name == name)

    def infer(self, value: str, path: str = "/20231130/actions/v1/chat/completions") -> int:
        """The status of one inference call of a few tokens with that value. Raises NotTried without a model."""
        if self.place.model is None:
            raise NotTried("no model was named (GENAI_IAC_LIVE_MODEL)")
        body = {"model": self.place.model, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": f"Bearer {value}", "content-type": "application/json"}
        request = urllib.request.Request(self.place.inference_url(path), json.dumps(body).encode(), headers)
        return int(self.call(_status_of, request))

    def until(self, condition: Callable[[], bool]) -> bool:
        """Whether it became true in a while; OCI is eventually consistent."""
        for _ in range(_TRIES):
            if condition():
                return True
            self.rest(_PAUSE)
        return False

    def remove_all(self) -> list[str]:
        """Remove everything that this run made, and what earlier runs left; the OCIDs that are still there."""
        self.budget = max(self.budget, self.calls) + _KEPT_FOR_REMOVAL
        listed = self.call(self.keys.list_api_keys, self.place.compartment).data.items
        policies = self.call(self.identity.list_policies, self.place.compartment).data
        found = [("key", one.id) for one in listed if _is_ours(one)]
        found += [("policy", one.id) for one in policies if _is_ours(one)]
        return [id for kind, id in dict.fromkeys([*self._made, *found]) if not self._remove(kind, id)]

    def _remove(self, kind: str, id: str) -> bool:
        delete = {"key": self.keys.delete_api_key, "policy": self.identity.delete_policy}[kind]
        said = self.outcome(delete, id)
        return said == "done" or said.startswith("404 ")

    def _home_region(self) -> str:
        if self.place.emulator:
            return self.place.region if self.place.config.get("region") is None else str(self.place.config["region"])
        client = self.place.client(oci.identity.IdentityClient, str(self.place.config["region"]))
        regions = self.call(client.list_region_subscriptions, self.place.config["tenancy"]).data
        return str(next(one.region_name for one in regions if one.is_home_region))


def _is_ours(one: Any) -> bool:
    return TAG in (one.freeform_tags or {}) and one.lifecycle_state not in ("DELETED", "DELETING")


def _status_of(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code

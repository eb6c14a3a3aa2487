"""Real clients of a running local emulator: the OCI SDK's, OpenAI's, and plain JSON for the control API."""

import json
import os
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import oci
import pytest
from openai import OpenAI

from genai_iac.emulator import Running

CHICAGO = "us-chicago-1"
ASHBURN = "us-ashburn-1"
FRANKFURT = "eu-frankfurt-1"
MODEL = "xai.grok-4"

_to_close: list[Callable[[], None]] = []
_Test = TypeVar("_Test", bound=Callable[..., Any])


def holds(*rows: str) -> Callable[[_Test], _Test]:
    """Say which rows of the behaviour table a test holds; docs/local-tenancy.md shows the same."""

    def mark(test: _Test) -> _Test:
        test.rows = rows  # type: ignore[attr-defined]
        return test

    return mark


@dataclass(frozen=True)
class Clients:
    """Clients of one profile. They do not retry: what the tenancy says is what a test sees."""

    tenancy: Running
    profile: str = "DEFAULT"

    @property
    def root(self) -> str:
        return self.tenancy.tenancy

    def identity(self, region: str | None = None) -> Any:
        return self._make(oci.identity.IdentityClient, region)

    def ai(self, region: str = CHICAGO) -> Any:
        return self._make(oci.generative_ai.GenerativeAiClient, region)

    def vaults(self, region: str = CHICAGO) -> Any:
        return self._make(oci.vault.VaultsClient, region)

    def bundles(self, region: str = CHICAGO) -> Any:
        return self._make(oci.secrets.SecretsClient, region)

    def storage(self, region: str = CHICAGO) -> Any:
        return self._make(oci.object_storage.ObjectStorageClient, region)

    def search(self, region: str = CHICAGO) -> Any:
        return self._make(oci.resource_search.ResourceSearchClient, region)

    def inference(self, region: str = CHICAGO) -> Any:
        return self._make(oci.generative_ai_inference.GenerativeAiInferenceClient, region)

    def limits(self, region: str = CHICAGO) -> Any:
        return self._make(oci.limits.LimitsClient, region)

    def audit(self, region: str = CHICAGO) -> Any:
        return self._make(oci.audit.AuditClient, region)

    def kms(self, region: str = CHICAGO) -> Any:
        return self._make(oci.key_management.KmsVaultClient, region)

    def config(self) -> dict[str, Any]:
        return dict(oci.config.from_file(str(self.tenancy.config_file), self.profile))

    def openai(self, key: str, region: str = CHICAGO, prefix: str = "/20231130/actions/v1") -> OpenAI:
        client = OpenAI(api_key=key, base_url=f"{self.tenancy.url}/r/{region}{prefix}", max_retries=0)
        _to_close.append(client.close)
        return client

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return control(self.tenancy.url, method, path, body)

    def principal(self, name: str, *groups: str) -> "Clients":
        """A new principal of the control API, and its clients."""
        self.control("POST", "principals", {"name": name, "groups": list(groups)})
        return Clients(self.tenancy, name)

    def compartment(self, name: str, parent: str | None = None) -> str:
        """The OCID of a new, active compartment."""
        client = self.identity()
        made = client.create_compartment(
            {"compartmentId": parent or self.root, "name": name, "description": "made by a test"}
        )
        return str(made.data.id)

    def group(self, name: str) -> str:
        """The OCID of a new group."""
        return str(self.identity().create_group({"compartmentId": self.root, "name": name, "description": "-"}).data.id)

    def policy(self, name: str, *statements: str, compartment: str | None = None) -> Any:
        """A new policy, as the SDK shows it."""
        body = {
            "compartmentId": compartment or self.root,
            "name": name,
            "description": "-",
            "statements": list(statements),
        }
        return self.identity().create_policy(body).data

    def key(
        self, compartment: str, name: str = "key", names: Sequence[str] = ("one", "two"), region: str = CHICAGO
    ) -> Any:
        """A new API key with its plaintexts."""
        details = [{"keyName": item} for item in names]
        body = {"compartmentId": compartment, "displayName": name, "keyDetails": details}
        return self.ai(region).create_api_key(body).data

    def calls(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "calls")["calls"])

    def _make(self, kind: Any, region: str | None) -> Any:
        url = self.tenancy.url + (f"/r/{region}" if region else "")
        return _make_client(kind, str(self.tenancy.config_file), self.profile, url)


@lru_cache(maxsize=64)
def _make_client(kind: Any, config_file: str, profile: str, url: str) -> Any:
    client = kind(
        oci.config.from_file(config_file, profile),
        service_endpoint=url,
        retry_strategy=oci.retry.NoneRetryStrategy(),
        circuit_breaker_strategy=oci.circuit_breaker.NoCircuitBreakerStrategy(),
    )
    return to_close(client)


def to_close(client: Any) -> Any:
    """An SDK client whose connections `close_clients` will close."""
    _to_close.append(client.base_client.session.close)
    return client


def close_clients() -> None:
    """Close the connections of every client made so far."""
    _make_client.cache_clear()
    while _to_close:
        _to_close.pop()()


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    """One control call; the JSON of its answer."""
    data = None if body is None else json.dumps(body).encode("utf-8")
    headers = {"authorization": f"Bearer {os.environ['GENAI_IAC_CONTROL_TOKEN']}"}
    request = urllib.request.Request(f"{url}/_local/{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str, str]:
    """Status, code and message of the ServiceError that a call raises."""
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        call(*arguments, **named)
    error = caught.value
    return error.status, error.code, error.message


CHAT_ANY = "allow any-user to use generative-ai-chat in tenancy where ALL {request.principal.type='generativeaiapikey'}"


def chat(client: OpenAI, model: str = MODEL, text: str = "hello") -> str:
    """One chat call; what was said."""
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return answer.choices[0].message.content or ""

"""A running emulator with a key that may do everything, and the environment that a real client is given."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oci
import pytest
from emulator.clients import CHICAGO, Clients

from genai_iac.emulator import Running, running

MODEL = "openai.gpt-oss-120b"
KEYS = "request.principal.type='generativeaiapikey'"


@dataclass(frozen=True)
class Place:
    """What an application is given: base URL, key, compartment; and the emulator's own clients."""

    clients: Clients
    key: str
    compartment: str

    @property
    def root(self) -> str:
        return f"{self.clients.tenancy.url}/r/{CHICAGO}"

    @property
    def base_url(self) -> str:
        return f"{self.root}/openai/v1"

    @property
    def native_url(self) -> str:
        return f"{self.root}/20231130/actions"

    def config(self) -> dict[str, Any]:
        return self.clients.config()

    def signer(self) -> Any:
        config = self.config()
        return oci.signer.Signer(config["tenancy"], config["user"], config["fingerprint"], config["key_file"])

    def script(self, *rules: dict[str, Any]) -> None:
        """Replace the scripted answers."""
        self.clients.control("DELETE", "inference")
        self.clients.control("POST", "inference", list(rules))


@pytest.fixture(scope="session")
def running_tenancy() -> Iterator[Running]:
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def _place(running_tenancy: Running) -> Place:
    clients = Clients(running_tenancy)
    family = f"allow any-user to manage generative-ai-family in tenancy where {KEYS}"
    clients.policy("keys", family, family.replace("generative-ai-family", "generative-ai-response"))
    compartment = clients.compartment("application")
    return Place(clients, str(clients.key(compartment).keys[0].key), compartment)


@pytest.fixture
def place(_place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The place, without scripts, with the environment that genai-iac delivers."""
    _place.script()
    monkeypatch.setenv("OPENAI_API_KEY", _place.key)
    monkeypatch.setenv("OPENAI_BASE_URL", _place.base_url)
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it looks for a list on the Internet
    return _place

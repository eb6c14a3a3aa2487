"""The base models that the emulator knows: name, what they can do, and when their on-demand serving ends.

Source of the names: Oracle's pages of pretrained models and public lists, looked up 2026-11-28. Source of the dates:
xAI's migration page (grok-3 and grok-4 families, 2026-05-15); OCI's own date may differ, GetModel there says it."""

import hashlib
from base64 import b32encode
from dataclasses import dataclass

CHAT, EMBEDDINGS, RERANK = "CHAT", "TEXT_EMBEDDINGS", "TEXT_RERANK"


@dataclass(frozen=True)
class Model:
    """One base model. `retired` is an ISO day; `dimensions` is the length of an embedding."""

    name: str
    capability: str = CHAT
    version: str = "1.0"
    retired: str | None = None
    dimensions: int = 0

    @property
    def vendor(self) -> str:
        """The part before the first period."""
        return self.name.partition(".")[0]

    def ocid(self, region: str) -> str:
        """The model's OCID in a region: the same in every tenancy and at every time."""
        digest = hashlib.sha256(f"{region}/{self.name}".encode()).digest() + self.name.encode().ljust(8, b"-")[:8]
        return f"ocid1.generativeaimodel.oc1.{region}.amaaaaaa{b32encode(digest).decode().lower().rstrip('=')[:52]}"


_XAI_END = "2026-05-15"

CATALOG = (
    Model("xai.grok-3", retired=_XAI_END),
    Model("xai.grok-4", retired=_XAI_END),
    Model("xai.grok-4-fast-reasoning", retired=_XAI_END),
    Model("xai.grok-4-1-fast-reasoning", retired=_XAI_END),
    Model("xai.grok-4.3"),
    Model("openai.gpt-oss-20b"),
    Model("openai.gpt-oss-120b"),
    Model("openai.gpt-4.1"),
    Model("openai.gpt-5.5"),
    Model("meta.llama-3.3-70b-instruct"),
    Model("meta.llama-4-maverick-17b-128e-instruct-fp8"),
    Model("google.gemini-2.5-flash"),
    Model("cohere.command-a-03-2025"),
    Model("cohere.command-r-plus-08-2024"),
    Model("cohere.embed-v4.0", EMBEDDINGS, dimensions=1536),
    Model("cohere.embed-english-v3.0", EMBEDDINGS, dimensions=1024),
    Model("cohere.embed-multilingual-v3.0", EMBEDDINGS, dimensions=1024),
    Model("cohere.rerank.3-5", RERANK),
)


def find_model(name: str, region: str = "") -> Model | None:
    """The model of that name, or of that OCID in the region."""
    if region and name.startswith("ocid1."):
        return next((model for model in CATALOG if model.ocid(region) == name), None)
    return next((model for model in CATALOG if model.name == name), None)

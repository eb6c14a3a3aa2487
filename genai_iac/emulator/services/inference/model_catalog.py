"""The base models that the emulator knows: name and what they can do. When they retire is in `genai_iac.vocabulary`.

Source of the names: Oracle's pages of pretrained models and public lists, looked up 2026-11-28."""

import hashlib
from base64 import b32encode
from dataclasses import dataclass

from genai_iac.vocabulary import models as model_table

CHAT, EMBEDDINGS, RERANK = "CHAT", "TEXT_EMBEDDINGS", "TEXT_RERANK"


@dataclass(frozen=True)
class CatalogModel:
    """One base model; `dimensions` is the length of an embedding."""

    name: str
    capability: str = CHAT
    version: str = "1.0"
    dimensions: int = 0

    @property
    def retired(self) -> str | None:
        """The day, in ISO form, on which its on-demand serving ends; None as long as none is known."""
        known = model_table().get(self.name)
        return known.retired.isoformat() if known and known.retired else None

    @property
    def vendor(self) -> str:
        """The part before the first period."""
        return self.name.partition(".")[0]

    def ocid(self, region: str) -> str:
        """The model's OCID in a region: the same in every tenancy and at every time."""
        digest = hashlib.sha256(f"{region}/{self.name}".encode()).digest() + self.name.encode().ljust(8, b"-")[:8]
        return f"ocid1.generativeaimodel.oc1.{region}.amaaaaaa{b32encode(digest).decode().lower().rstrip('=')[:52]}"


CATALOG = (
    CatalogModel("xai.grok-3"),
    CatalogModel("xai.grok-4"),
    CatalogModel("xai.grok-4-fast-reasoning"),
    CatalogModel("xai.grok-4-1-fast-reasoning"),
    CatalogModel("xai.grok-4.3"),
    CatalogModel("openai.gpt-oss-20b"),
    CatalogModel("openai.gpt-oss-120b"),
    CatalogModel("openai.gpt-4.1"),
    CatalogModel("openai.gpt-5.5"),
    CatalogModel("meta.llama-3.3-70b-instruct"),
    CatalogModel("meta.llama-4-maverick-17b-128e-instruct-fp8"),
    CatalogModel("google.gemini-2.5-flash"),
    CatalogModel("cohere.command-a-03-2025"),
    CatalogModel("cohere.command-r-plus-08-2024"),
    CatalogModel("cohere.embed-v4.0", EMBEDDINGS, dimensions=1536),
    CatalogModel("cohere.embed-english-v3.0", EMBEDDINGS, dimensions=1024),
    CatalogModel("cohere.embed-multilingual-v3.0", EMBEDDINGS, dimensions=1024),
    CatalogModel("cohere.rerank.3-5", RERANK),
)


def find_model(name: str, region: str = "") -> CatalogModel | None:
    """The model of that name, or of that OCID in the region."""
    if region and name.startswith("ocid1."):
        return next((model for model in CATALOG if model.ocid(region) == name), None)
    return next((model for model in CATALOG if model.name == name), None)

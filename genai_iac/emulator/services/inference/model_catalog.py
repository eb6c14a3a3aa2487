"""The base models that the emulator serves: those of the table of `genai_iac.vocabulary`, under the OCIDs that it gives them."""

import hashlib
from base64 import b32encode

from genai_iac.vocabulary import Model, models


def catalog() -> tuple[Model, ...]:
    """Every base model, in the order of the table; also those that are retired."""
    return tuple(models().values())


def ocid_of(model: Model, region: str) -> str:
    """The model's OCID in a region: the same in every tenancy and at every time."""
    digest = hashlib.sha256(f"{region}/{model.name}".encode()).digest() + model.name.encode().ljust(8, b"-")[:8]
    return f"ocid1.generativeaimodel.oc1.{region}.amaaaaaa{b32encode(digest).decode().lower().rstrip('=')[:52]}"


def find_model(name: str, region: str = "") -> Model | None:
    """The model of that name, or of that OCID in the region."""
    if region and name.startswith("ocid1."):
        return next((model for model in catalog() if ocid_of(model, region) == name), None)
    return models().get(name)

"""Models that manifests name and that are retired, will be, or are not served where they are called. Warned of, never refused.

The table of models is dated and cannot be complete, so a finding is never an error:
`vocabulary/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from genai_iac import iam_policy as language
from genai_iac.core import Address, Source
from genai_iac.iam_policy.conditions import mentioned_texts
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.preflight.names import place_of
from genai_iac.vocabulary import model_warning

MAX_TOLD = 3  # of one resource; a policy can name hundreds


def find_model_warnings(address: Address, future: PlannedState, now: datetime) -> Iterator[tuple[Source, str]]:
    """Where a declared resource names such a model, and what is wrong with it; each model once.

    Args:
        address: of a declared key or policy.
        now: compared with the dates of retirement.

    Yields:
        The position in the manifest and the text of the warning.
    """
    told: set[str] = set()
    for source, model, region in _named_models(address, future):
        message = model_warning(model, region, now)
        if message and model not in told:
            told.add(model)
            yield source, message


def _named_models(address: Address, future: PlannedState) -> Iterator[tuple[Source, str, str | None]]:
    """Models of `rotation.verify` with the key's region, and of conditions in statements, which know no region."""
    resource = future.resources[address]
    verify = (resource.settings.get("rotation") or {}).get("verify") or {}
    if verify:
        place = resource.places.get("rotation.verify.model", resource.source)
        yield place, str(verify["model"]), resource.region
    if "statements" in resource.attributes and future.is_whole(address):
        for number, text in enumerate(future.statements(address)):
            tree = language.parse_once(text)
            if isinstance(tree, language.Grant):
                for model in sorted(set(mentioned_texts(tree.condition, "target.model.id"))):
                    yield place_of(future, address, number), model, None

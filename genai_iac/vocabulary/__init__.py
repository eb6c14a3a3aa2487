"""The words of OCI Generative AI: IAM resource types with their permissions, and models, from one dated table.

What comes in: `table.tsv` beside this file, a source in each row. What goes out: plain data. Knows no other package of ours,
so that the policy language and the emulator may read it. The table is never complete: what it does not have is unknown, not wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files

from msgspec import Struct

__all__ = [
    "CHAT",
    "EMBEDDINGS",
    "RERANK",
    "Model",
    "TypePermissions",
    "as_of",
    "is_routing_profile",
    "model_warning",
    "models",
    "type_permissions",
]

CHAT, EMBEDDINGS, RERANK = "CHAT", "TEXT_EMBEDDINGS", "TEXT_RERANK"
_ROUTING_PROFILE = "ocid1.generativeairoutingprofile."


class TypePermissions(Struct, frozen=True):
    """One IAM resource type: what each verb adds to the one below it, and whether it is in generative-ai-family."""

    name: str  # as policy statements write it
    family: bool  # in `generative-ai-family`
    by_verb: Mapping[str, tuple[str, ...]]  # what the verb adds to the verb before it
    source: str  # page and date


class Model(Struct, frozen=True):
    """One pretrained model. `retired`: the day from which calls of it on demand fail; None as long as none is known."""

    name: str  # as requests write it
    retired: date | None  # on-demand calls fail from that day on
    instead: str  # empty: the table names none
    regions: tuple[str, ...]  # where it is served; empty when the table does not say
    apis: tuple[str, ...]  # the APIs that serve it; empty when the table does not say
    source: str
    capability: str = CHAT  # as the SDK's enum of models has it
    dimensions: int = 0  # the length of an embedding; 0 for a model that makes none

    @property
    def vendor(self) -> str:
        """The part before the first period."""
        return self.name.partition(".")[0]


def as_of() -> date:
    """The day for which the table was made."""
    head = _text().split("\n", 1)[0]
    return date.fromisoformat(head.split("as of ")[1][:10])


@cache
def type_permissions() -> tuple[TypePermissions, ...]:
    """Every IAM resource type of the service, in the order of the table."""
    return tuple(
        TypePermissions(
            name,
            "family" in facts,
            {verb: tuple(facts.get(verb, "").split(",")) for verb in _VERBS if verb in facts},
            source,
        )
        for name, facts, source in _rows("type")
    )


@cache
def models() -> Mapping[str, Model]:
    """Every model of the table, by its name."""
    return {
        name: Model(
            name,
            date.fromisoformat(facts["retired"]) if "retired" in facts else None,
            facts.get("instead", ""),
            _listed(facts.get("regions", "")),
            _listed(facts.get("apis", "")),
            source,
            facts.get("capability", CHAT),
            int(facts.get("dimensions", 0)),
        )
        for name, facts, source in _rows("model")
    }


def is_routing_profile(model: str) -> bool:
    """Whether what stands for a model is a routing profile's OCID (regional-router.htm, 2026-09-23)."""
    return model.startswith(_ROUTING_PROFILE)


def model_warning(name: str, region: str | None = None, now: datetime | None = None) -> str:
    """What somebody who names that model should know, in a sentence without its full stop; empty when the table knows nothing bad.

    Args:
        name: as in a request or a policy.
        region: None: where it is served is not judged.
        now: None: the machine's clock.
    """
    known = models().get(name)
    if known is None:
        return ""
    today = (now or datetime.now(UTC)).date()
    instead = f"; {known.instead} is current" if known.instead else ""
    if known.retired is not None and known.retired <= today:
        return f"the model {name} was retired on {known.retired}{instead}"
    if known.retired is not None:
        return f"the model {name} will be retired on {known.retired}{instead}"
    if region and known.regions and region not in known.regions:
        return f"the model {name} is not known to be served in {region}, but in {', '.join(known.regions)}"
    return ""


# Of policy statements, from least to most; each includes those before it.
_VERBS = ("inspect", "read", "use", "manage")


def _rows(what: str) -> Iterator[tuple[str, Mapping[str, str], str]]:
    for line in _text().splitlines()[1:]:
        kind, name, facts, source = line.split("\t")
        if kind == what:
            yield name, dict(_fact(fact) for fact in facts.split("; ")), source


def _fact(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


@cache
def _text() -> str:
    return (files(__name__) / "table.tsv").read_text(encoding="utf-8")
